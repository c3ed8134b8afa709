"""Code for a view: a few plain calls of linviz that print the numbers of its table, for a notebook or a script."""
from __future__ import annotations

from ...clips import FRAMES
from ...clips.fitting import PATCH
from ..row_stats import row_statistics, softmax_target
from ..state_kinds import SourceFile
from ..view_panels import OpenView, ViewPanel

HEAD = '''# linviz {linviz}, torch {torch}: every number of one view, of the query's row and the mean over all rows
{imports}
{tokens}
query = grid.number({place})  # frame, row, column, from 0
{more}


def make(spec, seed=0, **options):
    return linviz.make(spec, heads=1, width=q.shape[-1], grid=grid, seed=seed{how}, **options)


def print_numbers(mechanism, channel=None, name=None):
    reading = linviz.read(mechanism, q, k, v, channel)
    mean = reading.summary(spectrum=False, **more)
    for measure in (*ROW_MEASURES, *more):
        row = reading.rows(measure, **more.get(measure, {{}}))[0, 0, query]
        print(f"{{name or mechanism.spec:24}} {{measure:18}} {{row.item():10.6g}} {{mean[measure]:10.6g}}")
'''
FIT = '''gated = make({spec!r}, seed={seed}{options})
fit_gate(gated, make({softmax!r}).map(q, k, v), q, k, v, steps={steps}, seed={seed})
{strength}print_numbers(gated{channel})
'''
TELL = '''print_numbers(make({spec!r}{options}){channel})
'''
CLIP = '''{clip}
grid = linviz.Grid(T={T}, Y={Y}, X={X})
clip = clips.fit(clip, grid)  # its middle, {patch} pixels a patch
q, k, v = clips.descriptors(clip, grid, temperature={temperature!r})'''
GIVEN = '''own = decode_tensors(Path({name!r}).read_bytes(), {name!r})  # sha256 {sha}...
grid = own.grid
q, k, v = (x[:, {head}:{next}] for x in (own.q, own.k, own.v))'''
COOLER = '''
q, k = q * {temperature!r}**-0.5, k * {temperature!r}**-0.5'''
NONE = '''print({said!r})
'''


def view_code(opened: OpenView) -> str:
    """The code of a view, as text that ends with a newline. A person's own file is read from the working folder.

    >>> from linviz.views import View, open_view
    >>> opened = open_view(View("coffee", patches=7, specs=("softmax",)))
    >>> view_code(opened).splitlines()[-1]
    "print_numbers(make('softmax'))"
    >>> exec(view_code(opened), {})      # doctest: +ELLIPSIS
    softmax                  entropy ...
    """
    how = ", value_width=v.shape[-1]" * opened.from_tensors + ", causal=True" * opened.view.causal
    head = HEAD.format(**opened.view.to_json(), imports=_imports(opened), tokens=_tokens(opened), more=_more(opened),
                       place=", ".join(map(str, opened.place)), how=how)
    return head + "\n\n" + "".join(_panel_code(opened, panel) for panel in opened.panels)


def _imports(opened: OpenView) -> str:
    own, gates = isinstance(opened.view.source, SourceFile), any(panel.gate for panel in opened.panels)
    lines = ["from pathlib import Path\n"] * own + ["import linviz"]
    lines += ["from linviz.clips.tensors import decode_tensors" if opened.from_tensors else "from linviz import clips"]
    lines += ["from linviz.models import fit_gate"] * gates + ["from linviz.reading import ROW_MEASURES\n"]
    return "\n".join(lines)


def _tokens(opened: OpenView) -> str:
    """Where q, k, v and the grid come from, as source."""
    view, grid, source = opened.view, opened.grid, opened.view.source
    if opened.from_tensors and isinstance(source, SourceFile):
        text = GIVEN.format(name=source.name, sha=source.sha256[:12], head=view.head - 1, next=view.head)
        return text + (COOLER.format(temperature=view.temperature) if view.temperature != 1 else "")
    return CLIP.format(clip=_clip(opened), T=grid.T, Y=grid.Y, X=grid.X, patch=PATCH, temperature=view.temperature)


def _clip(opened: OpenView) -> str:
    source, frames = opened.view.source, opened.view.frames
    if isinstance(source, SourceFile):
        return (f"clip = clips.decode_clip(Path({source.name!r}).read_bytes(), {source.name!r}, frames={frames}).clip"
                f"  # sha256 {source.sha256[:12]}...")
    return f"clip = clips.load({source!r}" + f", frames={max(frames, FRAMES[0])}" * (not opened.view.still) + ")"


def _more(opened: OpenView) -> str:
    """The measures that need to know where tokens lie, as source."""
    told = {"distance": f'{{"patch": {PATCH}}}', "frame_distance": "{}", "mass": '{"mask": mask}',
            "lift": '{"mask": mask}'}
    more = ", ".join(f'"{name}": {told[name]}' for name in opened.tokens.measure_options)
    mask = "mask = clips.token_mask(clip, grid)  # the object\n" * ("mass" in opened.tokens.measure_options)
    return f"{mask}more = {{{more}}}"


def _panel_code(opened: OpenView, panel: ViewPanel) -> str:
    view, channel = opened.view, ", channel=0" * (panel.reading.channel == 0)
    channel += f", name={panel.key!r}" * bool(panel.options)
    options = "".join(f", {name}={value!r}" for name, value in panel.options.items())
    if not panel.reading.map.stochastic:
        return NONE.format(said=f"{panel.key}: {row_statistics(panel.reading.map, opened.query, opened.grid)[1]}")
    if panel.gate is None:
        return TELL.format(spec=panel.spec, channel=channel, options=options)
    strength = "" if view.look.strength == 1 else f"gated.gate.scale({view.look.strength!r})\n"
    return FIT.format(spec=panel.spec, softmax=softmax_target(panel.spec), steps=view.steps, seed=view.seed,
                      channel=channel, options=options, strength=strength)
