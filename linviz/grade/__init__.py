"""Grading a folder of learners' notebooks with the teacher's copy of the checks.

    python -m linviz.grade submissions/ -o grades.csv

`submissions` finds notebooks and their authors, `slices` extracts what each answer needs, `runner` runs the checks, and
`marks` computes points. The answers run elsewhere: in `worker`, a process of their own for every submission, which
`confinement` cuts off from network, files and other processes where the system can. To a check, an `answer_process`
looks like a function: inputs go out, and arrays come back.

Where the system offers no namespaces, an answer runs with your rights: then grade strangers' work on a machine, or as a
user, without valuable data. The checks, right answers and verdicts are out of its reach everywhere.
"""
