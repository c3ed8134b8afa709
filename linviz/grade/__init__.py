"""Grading a folder of learners' notebooks with the teacher's copy of the checks.

    python -m linviz.grade submissions/ -o grades.csv

`submissions` finds notebooks and says whose they are, `slices` takes out of each what its answers need, `runner` lets
every submission answer in a process of its own (`worker`), `marks` makes points of it, `sheet` writes the CSV.

What it is not: a sandbox. An answer runs with your rights. It is kept from harm by accident (endless loops, memory,
a deleted folder, an exit), not by intent: grade strangers' work on a machine, or as a user, that has nothing to lose.
"""
