"""Serve the explorer, and make its opening while the browser is on its way: `python -m explorer.serve`.

Options are those of `streamlit run`.
"""
import sys
from pathlib import Path

from streamlit.web import cli

from . import sweep, warm

if __name__ == "__main__":
    warm.begin()
    sweep.begin()
    sys.argv[:1] = ["streamlit", "run", str(Path(__file__).with_name("app.py"))]
    sys.exit(cli.main())
