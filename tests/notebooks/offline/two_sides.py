"""Runs in a kernel under test: one notebook, as a learner who solved nothing and as one who solved everything.

Both have the same names, but for those that solved cells bind: these are put aside while the learner's cells run.
"""
from IPython import get_ipython

SYSTEM = {"In", "Out", "get_ipython", "exit", "quit", "open", "two_sides"}
space, extra = get_ipython().user_ns, {}
before, start, last = {}, {}, {}
NOTHING = object()


def own():
    """The names that cells have bound, with their values."""
    return {name: x for name, x in space.items() if not name.startswith("_") and name not in SYSTEM}


def changed(old, new):
    """The names whose values are other ones than before."""
    return {name: x for name, x in new.items() if old.get(name, NOTHING) is not x}


def solved():
    """From here on the names are those of a learner who solved everything."""
    global before, start
    before = own()
    for name in changed(last, before):  # bound anew since, for both
        extra.pop(name, None)
    space.update(extra)
    start = own()


def unsolved():
    """From here on they are again those of a learner who solved nothing."""
    global last
    now = own()
    extra.update(changed(start, now))
    for name in now.keys() - before.keys():
        del space[name]
    space.update(before)
    last = own()
