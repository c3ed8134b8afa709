"""Code for a view: a few plain calls of linviz that print the numbers of its table, for a notebook or a script."""
from __future__ import annotations

from ..clips import FRAMES
from .fields import File
from .numbers import of_row
from .opening import PATCH, Opened, Shown, softmax_like

HEAD = '''# linviz {linviz}, torch {torch}: every number of one view, the pinned patch's and the mean over all rows
{imports}
{clip}
grid = linviz.Grid(T={T}, Y={Y}, X={X})
clip = clips.fit(clip, grid)  # its middle, {patch} pixels a patch
q, k, v = clips.descriptors(clip, grid, temperature={temperature!r})
query = grid.number({place})  # frame, row, column, from 0
{more}


def make(spec, seed=0):
    return linviz.make(spec, heads=1, width=q.shape[-1], grid=grid, seed=seed{causal})


def tell(mechanism, channel=None):
    reading = linviz.read(mechanism, q, k, v, channel)
    mean = reading.summary(spectrum=False, **more)
    for name in (*OF_ROWS, *more):
        row = reading.rows(name, **more.get(name, {{}}))[0, 0, query]
        print(f"{{mechanism.spec:24}} {{name:18}} {{row.item():10.6g}} {{mean[name]:10.6g}}")
'''
FIT = '''gated = make({spec!r}, seed={seed})
fit_gate(gated, make({softmax!r}).map(q, k, v), q, k, v, steps={steps}, seed={seed})
tell(gated{channel})
'''
TELL = '''tell(make({spec!r}){channel})
'''
NONE = '''print({said!r})
'''


def code(opened: Opened) -> str:
    """The code of an opened view, as text that ends in a line. A file is read by its name, from where it runs.

    >>> from linviz.record import View
    >>> opened = View("coffee", patches=7, specs=("softmax",)).open()
    >>> code(opened).splitlines()[-1]
    "tell(make('softmax'))"
    >>> exec(code(opened), {})      # doctest: +ELLIPSIS
    softmax                  entropy ...
    """
    view, grid = opened.view, opened.grid
    head = HEAD.format(**view.told(), imports=_imports(opened), clip=_clip(opened), T=grid.T, Y=grid.Y, X=grid.X,
                       patch=PATCH, temperature=view.temperature, place=", ".join(map(str, opened.place)),
                       more=_more(opened), causal=", causal=True" * view.causal)
    return head + "\n\n" + "".join(_told(opened, shown) for shown in opened.shown)


def _imports(opened: Opened) -> str:
    own, gates = isinstance(opened.view.source, File), any(shown.gate for shown in opened.shown)
    lines = ["from pathlib import Path\n"] * own + ["import linviz", "from linviz import clips"]
    lines += ["from linviz.models import fit_gate"] * gates + ["from linviz.reading import OF_ROWS\n"]
    return "\n".join(lines)


def _clip(opened: Opened) -> str:
    source, frames = opened.view.source, opened.view.frames
    if isinstance(source, File):
        return (f"clip = clips.decode(Path({source.name!r}).read_bytes(), {source.name!r}, frames={frames}).clip"
                f"  # sha256 {source.sha256[:12]}...")
    return f"clip = clips.load({source!r}" + f", frames={max(frames, FRAMES[0])}" * (not opened.view.still) + ")"


def _more(opened: Opened) -> str:
    """The measures that are told where tokens lie, as source."""
    told = {"distance": f'{{"patch": {PATCH}}}', "frame_distance": "{}", "mass": '{"mask": mask}',
            "lift": '{"mask": mask}'}
    more = ", ".join(f'"{name}": {told[name]}' for name in opened.places)
    return "mask = clips.token_mask(clip, grid)  # the object\n" * ("mass" in opened.places) + f"more = {{{more}}}"


def _told(opened: Opened, shown: Shown) -> str:
    view, channel = opened.view, ", channel=0" * (shown.reading.channel == 0)
    if not shown.reading.map.stochastic:
        return NONE.format(said=f"{shown.spec}: {of_row(opened, shown)[1]}")
    if shown.gate is None:
        return TELL.format(spec=shown.spec, channel=channel)
    return FIT.format(spec=shown.spec, softmax=softmax_like(shown.spec), steps=view.steps, seed=view.seed,
                      channel=channel)
