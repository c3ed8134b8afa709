"""`python -m linviz ...` is `linviz ...`."""
import sys

from .cli import main

sys.exit(main())
