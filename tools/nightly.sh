#!/usr/bin/env bash
# The tests that are long by nature and left out of `python3 start.py test`: those marked `nightly`.
# They need no more than the others do; arguments go to pytest: tools/nightly.sh -k softmax
set -euo pipefail
cd "$(dirname "$0")/.."
# axe-core, which looks for what hinders people at the five pages of the explorer, comes from npm into a folder that goes.
axe="$(mktemp -d)"
school="$(mktemp -d)"
trap 'rm -rf "$axe" "$school"' EXIT
npm install --silent --no-save --prefix "$axe" axe-core@4
export LINVIZ_AXE="$axe/node_modules/axe-core/axe.min.js"
# nbgrader, to which the course is exported, needs 333 MB and other versions than linviz: a place of its own, which goes.
python3 -m venv "$school" && "$school/bin/pip" install --quiet "nbgrader>=0.9.5,<1"
export LINVIZ_NBGRADER="$school/bin/nbgrader"
# ffprobe, which says of videos what another build of FFmpeg than PyAV's finds in them.
if ! command -v ffprobe >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends ffmpeg >/dev/null ||
        { echo "ffprobe is missing, and apt-get could not install ffmpeg: install it and run again."; exit 1; }
fi
echo "The tests marked nightly: $(grep -rlE 'mark\.nightly' tests --include='test_*.py' | sort | tr '\n' ' ')"
python3 start.py test -m nightly "$@"
