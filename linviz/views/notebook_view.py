"""`linviz.view`: from a picture, a clip or q, k, v to a view, in one call, for a notebook or a script.

    view = linviz.view("cat.jpg", "softmax", "relu_floor+gate", patches=28)
    view                          in a notebook: the live view
    view.table()                  its numbers;  view.readings, view.figure("spectrum")
    view.save("cat.png")          or .svg .html .mp4 .csv .json .npz .py .linviz

It is the view that the explorer, `linviz read` and `linviz export` show: one state, the same numbers.
"""
from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ..atomic_write import write_atomically
from ..clips import Clip, Unreadable
from ..grid import Grid, as_grid
from ..reading import Reading
from .export.files import file_to_write, make_file
from .export.table import view_numbers
from .load import open_view, source_name
from .panel_steps import weaken_panel
from .state import STRENGTHS, Look, View
from .state_kinds import Source
from .view_choices import check_choices, check_cut
from .view_commands import progress_bar
from .view_figures import draw_figure
from .view_panels import OpenView
from .view_source import find_view

if TYPE_CHECKING:
    from ..patch_view import PatchView

HOST = "http://localhost:8501/"


def view(source: Any = "chelsea", *specs: str, grid: Grid | Sequence[int] | None = None,
         layer: int | str | None = None, **chosen: Any) -> NotebookView:
    """A view of a picture, a clip or q, k, v: as a live view in a notebook, as numbers, and as a file of any kind.

    source  a sample's name (`linviz.clips.names()`); the path of a picture, a video, tensors (.npz, .safetensors) or a
            saved view (.linviz); pixels as an array or a tensor, (Y, X), (Y, X, 3) or (T, Y, X, 3), colours also first
            as torch has them; a picture of Pillow; a list of pictures, which are the frames of a clip; a `Clip`;
            (q, k, v), each (N, D), (H, N, D) or (B, H, N, D), or with tokens before heads; or a dict of them with
            grid, key_grid (where keys lie elsewhere) and frames (the picture that the tokens were made of); a `Capture`
            or the path of one, of which layer= names the layer by its number, from 1, or a part of its name
    specs   one to eight mechanisms side by side, with their options: "softmax", "performer directions=64"
    grid    the grid of the patches or of the tokens: a `Grid`, (rows, columns) or (frames, rows, columns)
    chosen  every field of `linviz.views.View` and of its `Look`: patches, frames, temperature, causal, steps, seed,
            query (frame, row, column), mode, tone, strength... Of tensors also head (0: the mean of the maps of all
            heads) and layout ("BHND" or "BNHD", where both fit)

    ValueError, in one sentence, for what cannot be shown. A gate is fitted to softmax, which takes a few seconds.

    >>> found = view("coffee", "softmax", "uniform", patches=7)
    >>> round(found.readings["uniform"].summary()["effective_tokens"], 3), found.grid
    (49.0, Grid(T=1, Y=7, X=7, prefix=0))
    """
    chosen = check_choices(specs, chosen)
    cut = None if grid is None else as_grid(grid)
    if cut is not None and not isinstance(source, tuple | Mapping):
        chosen = {"patches": max(cut.Y, cut.X)} | ({"frames": cut.T} if cut.T > 1 else {}) | chosen
    try:
        state, media = find_view(source, grid, layer, **chosen)
        with progress_bar() as progress:
            opened = open_view(state, media, progress)
    except Unreadable as error:
        if isinstance(source, str | Path):
            raise
        why = str(error).partition("cannot be read: ")[2]  # what was in memory has no name that a person knows
        raise ValueError(f"this {type(source).__name__} cannot be shown: {why}") from error
    check_cut(grid, opened)
    return NotebookView(opened, media)


class Readings(dict[str, Reading]):
    """Readings by spec; KeyError, in one sentence, for a mechanism that is not there or cannot be measured."""

    left_out: Mapping[str, str] = {}

    def __missing__(self, key: str) -> Reading:
        if key in self.left_out:
            raise KeyError(f"{key} is not shown: {self.left_out[key]}")
        raise KeyError(f"this view has no {key!r:.80}; it has {', '.join(self)}")


class NotebookView:
    """What `linviz.view` gives. What a person pins or switches in the live view holds for numbers and files as well."""

    def __init__(self, opened: OpenView, media: bytes | None = None) -> None:
        self._opened, self.media = opened, media

    def __repr__(self) -> str:
        grid, state = self.grid, self.state
        size = f"{grid.T} frame{'s' * (grid.T > 1)} of {grid.Y} x {grid.X} patches"
        layer = f"layer {state.layer} of " if self._opened.tokens.layer else ""
        return (f"<view of {layer}{source_name(state)!r}, {size}: {', '.join(self.readings)}; query "
                f"{self.opened.place}, temperature {state.temperature:.3g}{', causal' * state.causal}>"
                f"{self._opened.left_out_words}")

    # ------------------------------------------------------------------------------------------------ what it is

    @property
    def opened(self) -> OpenView:
        """Clip, tokens and panels, with the query and the look as the live view has them now."""
        if "widget" not in self.__dict__:
            return self._opened
        before, grid = self._opened.view, self.grid
        look = Look(**{name: getattr(self.widget, name) for name in Look.settings()})
        if before.look.frame is None and look.frame == self._opened.frame:
            look = replace(look, frame=None)  # the query's own
        at = self.widget.query
        state = replace(before, look=look, query=(at,) if at < grid.prefix else grid.place(at))
        panels = self._opened.panels
        if any(getattr(look, name) != getattr(before.look, name) for name in STRENGTHS):
            panels = tuple(weaken_panel(panel, look) for panel in self._opened.fitted_panels)
        self._opened = replace(self._opened, view=state, panels=panels)
        return self._opened

    @property
    def state(self) -> View:
        """The state: equal for this view, its file, its URL and its command line."""
        return self.opened.view

    @property
    def clip(self) -> Clip:
        """The clip, cut to the grid."""
        return self._opened.clip

    @property
    def grid(self) -> Grid:
        """The grid of the patches."""
        return self._opened.grid

    @property
    def readings(self) -> dict[str, Reading]:
        """The reading of every mechanism, by its spec (and options, where it has some)."""
        found = Readings({panel.key: panel.reading for panel in self.opened.panels})
        found.left_out = self.opened.left_out
        return found

    # ------------------------------------------------------------------------------------------------ what it shows

    @cached_property
    def widget(self) -> PatchView:
        """The live view. ImportError, in one sentence, where anywidget is missing."""
        try:
            from ..patch_view import PatchView
        except ImportError as error:
            raise ImportError("the live view needs anywidget: pip install 'linviz[lab]'; "
                              "view.save('view.html') needs nothing") from error
        one = self._opened
        look = one.look.as_words(one.grid.T) | {"frame": one.frame}
        return PatchView(one.live_panels, one.picture, one.grid, query=one.query, title=one.heading,
                         tracks=one.tracks, **look)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)

    def table(self) -> Any:
        """The numbers as a DataFrame: per mechanism and measure the pinned patch's row and the mean over all rows.

        The columns are those of `linviz read --out numbers.csv`: spec, title, family, measure, unit, patch, mean, note.
        ImportError, in one sentence, where pandas is missing.

        >>> view("coffee", "uniform", patches=7).table().set_index("measure").loc["entropy", "unit"]
        'bits'
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("a table is a DataFrame, which needs pandas: pip install 'linviz[explorer]'; "
                              "view.save('numbers.csv') needs nothing") from error
        return pandas.DataFrame([asdict(number) for number in view_numbers(self.opened)])

    def figure(self, name: str = "spectrum", *, dark: bool = False) -> Any:
        """A plotly figure of all mechanisms: spectrum, cumulative, energy, concentration, row or patches.

        "divergence": where those of `compare` differ. "passed": what memories carry over to the pinned patch's frame.
        "repainted": the picture as every map mixes its pixels. "received": how much attention each patch receives.

        >>> view("coffee", "uniform", patches=7).figure("concentration").layout.xaxis.title.text
        'mean entropy H (bits)'
        """
        return draw_figure(name, self.opened, dark=dark)

    def save(self, path: str | Path, *, whole: bool = False) -> Path:
        """Write a file of the kind that its ending names, and return its path.

        .png .svg .html (a page that needs no network) .mp4, .zip (clips: a film, and key frames) .csv .json .npz
        (weights; whole: the whole maps) .py (code for the numbers) .linviz (a saved view, which `linviz.view` and the
        explorer open again). An existing file is replaced, but never the one that is shown. ValueError, in one
        sentence, for that one, where this view makes no such file, or where it cannot be written.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     view(view("coffee", "uniform", patches=7).save(Path(folder) / "a.linviz")).grid.X
        7
        """
        path = file_to_write(path)
        if self.media is not None and path.is_file() and path.read_bytes() == self.media:
            raise ValueError(f"cannot write {path}: it is the file that this view shows; name another one")
        with progress_bar() as progress:
            data = make_file(path.suffix.lower(), self.opened, self.media, progress, whole=whole)
            return write_atomically(path, data)

    # ------------------------------------------------------------------------------------------------ elsewhere

    @property
    def url(self) -> str:
        """The address of this view in the explorer, which asks for a file of your own.

        >>> view("coffee", "uniform", patches=7, query=(2, 3)).url.partition("?")[2]
        'source=coffee&patches=7&specs=uniform&query=0%2C2%2C3'
        """
        return f"{HOST}?{urlencode({'source': Source().write(self.state.source)} | self._choices())}"

    @property
    def command(self) -> str:
        """The command that prints the same numbers. What was in memory has to be saved first, as a .linviz.

        >>> view("coffee", "uniform", patches=7, query=(2, 3)).command
        'linviz read coffee --patches 7 --mechanism uniform --query 0,2,3'
        """
        words = ["linviz", "read", source_name(self.state)]
        for name, text in self._choices().items():
            one = View.flat_settings()[name]
            if one.inside is None or name in STRENGTHS:  # the rest of the look changes no number
                words += _option_words(name, text, one.setting.kind.widget)
        return shlex.join(words)

    def _choices(self) -> dict[str, str]:
        """What differs, as text, from the view that opens where nothing is chosen; of your own file what matters."""
        state, source = replace(self.state, query=self.opened.place), self.state.source
        base = View.best(source) if isinstance(source, str) else View(source)
        always = () if isinstance(source, str) else ("patches", "frames", "temperature")
        settled = {name: View.settings()[name].kind.write(getattr(state, name)) for name in always}
        return settled | state.to_parameters(base)


def _option_words(name: str, text: str, widget: str) -> list[str]:
    if widget == "switch":
        return [f"--{name}" if text == "1" else f"--no-{name}"]
    flag = {"specs": "mechanism", "options": "option"}.get(name, name.replace("_", "-"))
    return [f"--{flag}", *(text.split(",") if widget in ("specs", "options") else [text])]
