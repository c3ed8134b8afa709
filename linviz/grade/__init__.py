"""Grading a folder of learners' notebooks with the teacher's copy of the checks.

    python -m linviz.grade submissions/ -o grades.csv

`submissions` finds notebooks and their authors, `slices` extracts what each answer needs, `runner` runs every
submission in its own process (`worker`), `marks` computes points, and `sheet` writes the CSV.

This is not a sandbox. An answer runs with your rights. It is protected against accidents (endless loops, memory, a
deleted folder, an exit), not against intent: grade strangers' work on a machine, or as a user, without valuable data.
"""
