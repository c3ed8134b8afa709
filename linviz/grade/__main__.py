"""`python -m linviz.grade submissions/ -o grades.csv`."""
import sys

from .grade_command import main

sys.exit(main())
