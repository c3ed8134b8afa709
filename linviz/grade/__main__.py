"""`python -m linviz.grade submissions/ -o grades.csv`."""
import sys

from .command import main

sys.exit(main())
