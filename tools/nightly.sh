#!/usr/bin/env bash
# The tests that are long by nature and left out of `python3 start.py test`: those marked `nightly`.
# They need no more than the others do; arguments go to pytest: tools/nightly.sh -k softmax
set -euo pipefail
cd "$(dirname "$0")/.."
echo "The tests marked nightly: $(grep -rlE 'mark\.nightly' tests --include='test_*.py' | sort | tr '\n' ' ')"
exec python3 start.py test -m nightly "$@"
