"""Serve the explorer, and make its opening while the browser is on its way: `python -m explorer.serve`.

Options are those of `streamlit run`.
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


if __name__ == "__main__":
    begin_once(make_opening)
    sweep.begin()
    sys.argv[:1] = ["streamlit", "run", str(Path(__file__).with_name("app.py"))]
    sys.exit(cli.main())
