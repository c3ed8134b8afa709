"""Code for a view: a few plain calls of linviz that print the numbers of its table, for a notebook or a script."""
from __future__ import annotations

from ...clips import FRAMES
from ..fields import File
from ..load import Opened, Shown
from ..row_stats import PATCH, of_row, softmax_like

HEAD = '''# linviz {linviz}, torch {torch}: every number of one view, the pinned patch's and the mean over all rows
{imports}
{tokens}
query = grid.number({place})  # frame, row, column, from 0
{more}


def make(spec, seed=0):
    return linviz.make(spec, heads=1, width=q.shape[-1], grid=grid, seed=seed{how})


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
CLIP = '''{clip}
grid = linviz.Grid(T={T}, Y={Y}, X={X})
clip = clips.fit(clip, grid)  # its middle, {patch} pixels a patch
q, k, v = clips.descriptors(clip, grid, temperature={temperature!r})'''
GIVEN = '''own = tensors(Path({name!r}).read_bytes(), {name!r})  # sha256 {sha}...
grid = own.grid
q, k, v = (x[:, {head}:{next}] for x in (own.q, own.k, own.v))'''
COOLER = '''
q, k = q * {temperature!r}**-0.5, k * {temperature!r}**-0.5'''
NONE = '''print({said!r})
'''


def code(opened: Opened) -> str:
    """The code of an opened view, as text that ends in a line. A file is read by its name, from where it runs.

    >>> from linviz.views import View
    >>> opened = View("coffee", patches=7, specs=("softmax",)).open()
    >>> code(opened).splitlines()[-1]
    "tell(make('softmax'))"
    >>> exec(code(opened), {})      # doctest: +ELLIPSIS
    softmax                  entropy ...
    """
    how = ", value_width=v.shape[-1]" * opened.given + ", causal=True" * opened.view.causal
    head = HEAD.format(**opened.view.told(), imports=_imports(opened), tokens=_tokens(opened), more=_more(opened),
                       place=", ".join(map(str, opened.place)), how=how)
    return head + "\n\n" + "".join(_told(opened, shown) for shown in opened.shown)


def _imports(opened: Opened) -> str:
    own, gates = isinstance(opened.view.source, File), any(shown.gate for shown in opened.shown)
    lines = ["from pathlib import Path\n"] * own + ["import linviz"]
    lines += ["from linviz.clips.tensors import tensors" if opened.given else "from linviz import clips"]
    lines += ["from linviz.models import fit_gate"] * gates + ["from linviz.reading import OF_ROWS\n"]
    return "\n".join(lines)


def _tokens(opened: Opened) -> str:
    """Where q, k, v and the grid come from, as source."""
    view, grid, source = opened.view, opened.grid, opened.view.source
    if opened.given and isinstance(source, File):
        text = GIVEN.format(name=source.name, sha=source.sha256[:12], head=view.head - 1, next=view.head)
        return text + (COOLER.format(temperature=view.temperature) if view.temperature != 1 else "")
    return CLIP.format(clip=_clip(opened), T=grid.T, Y=grid.Y, X=grid.X, patch=PATCH, temperature=view.temperature)


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
        return NONE.format(said=f"{shown.spec}: {of_row(shown.reading.map, opened.query, opened.grid)[1]}")
    if shown.gate is None:
        return TELL.format(spec=shown.spec, channel=channel)
    return FIT.format(spec=shown.spec, softmax=softmax_like(shown.spec), steps=view.steps, seed=view.seed,
                      channel=channel)
