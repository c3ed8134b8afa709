"""Serve the explorer, and make its opening while the browser is on its way: `python -m explorer.serve`.

Options are those of `streamlit run`, and `--plugin FILE.py` for a person's own mechanisms.
"""
import sys
from pathlib import Path

from streamlit.web import cli

from . import sweep
from .shared.warm_start import begin_once


def make_opening() -> None:
    """Import the first page in the background, and make what it shows."""
    from .concentrate.opening_work import make_opening as make
    make()


def take_plugins(arguments: list[str]) -> list[str]:
    """Register the mechanisms of every file after `--plugin`; the arguments that are left."""
    left = list(arguments)
    while "--plugin" in left:
        from linviz.mechanisms.plugin_files import load_plugin
        at = left.index("--plugin")
        load_plugin(left[at + 1])
        del left[at:at + 2]
    return left


if __name__ == "__main__":
    sys.argv = take_plugins(sys.argv)
    begin_once(make_opening)
    sweep.begin()
    sys.argv[:1] = ["streamlit", "run", str(Path(__file__).with_name("app.py"))]
    sys.exit(cli.main())
