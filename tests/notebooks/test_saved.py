"""What is committed of an executed chapter: figures with words, no widget state, no path, no address, few bytes."""
from __future__ import annotations

import base64
import io
import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from PIL import Image

from explorer.atlas.atlas_state import STATE as ATLAS
from explorer.claims.claims_state import STATE as CLAIMS
from explorer.colours.colours_state import STATE as COLOURS
from explorer.concentrate.concentrate_state import STATE as CONCENTRATE
from explorer.evidence.evidence_texts import STATE as EVIDENCE
from explorer.heads.heads_state import STATE as HEADS
from explorer.reach.reach_state import STATE as REACH
from explorer.shared.guided_tours import TOURS, named_step
from explorer.shared.page_state import PageState
from explorer.survey.survey_state import STATE as SURVEY
from explorer.trained.trained_state import STATE as TRAINED
from linviz.figures import colourscale

from .books import NAMES, PLOTLY, ROOT, code, load, outputs, path_of

PAGES: dict[str, PageState] = {"/": CONCENTRATE, "/atlas": ATLAS, "/who_sees_whom": REACH, "/trained": TRAINED,
                               "/colours": COLOURS, "/evidence": EVIDENCE, "/many_samples": SURVEY, "/claims": CLAIMS,
                               "/heads": HEADS}
each = pytest.mark.parametrize("name", NAMES)
MAPS = {json.dumps(colourscale(name)) for name in ("viridis", "cividis", "gray", "diverging")}


def figures(name: str) -> list[dict]:
    return [o.data[PLOTLY] for _, o in outputs(load(name, "solution")) if PLOTLY in o.get("data", {})]


def pictures(name: str) -> list[str]:
    """The alt texts of pictures."""
    pages = (o.data.get("text/html", "") for _, o in outputs(load(name, "solution")) if "data" in o)
    return [alt for page in pages for alt in re.findall(r'<img alt="([^"]*)"', page)]


@each
def test_every_figure_has_alt_text_of_its_own(name: str) -> None:
    words = [f["layout"]["meta"]["alt"] for f in figures(name)] + pictures(name)
    assert len(words) >= 5 and min(map(len, words)) >= 20 and len(set(words)) == len(words)


@each
def test_a_figures_words_are_shown_with_it(name: str) -> None:
    for cell in code(load(name, "solution")):
        for n, o in enumerate(cell.outputs):
            if PLOTLY in o.get("data", {}):
                assert o.data["text/plain"] == o.data[PLOTLY]["layout"]["meta"]["alt"]
                live = o.output_type == "execute_result"  # a slider's words stand inside its widget
                assert live or "In words" in cell.outputs[n + 1].data["text/html"]


@each
def test_a_still_picture_is_stored_beside_every_figure(name: str) -> None:
    """For places that run no script: as large as the figure, and neither empty nor the same as another."""
    seen = set()
    for _, o in outputs(load(name, "solution")):
        if PLOTLY in o.get("data", {}):
            stored = base64.b64decode(o.data["image/png"])
            picture, layout = Image.open(io.BytesIO(stored)), o.data[PLOTLY]["layout"]
            assert picture.format == "PNG" and picture.size == (layout.get("width", 800), layout.get("height", 450))
            assert len(picture.getcolors()) > 8 and len(stored) < 150_000, "run `python notebooks/build.py`"
            seen.add(stored)
    assert len(seen) == len(figures(name))


@each
def test_colours_come_from_the_closed_list(name: str) -> None:
    for f in figures(name):
        scales = [axis["colorscale"] for key, axis in f["layout"].items() if key.startswith("coloraxis")]
        scales += [t["colorscale"] for t in f["data"] if "colorscale" in t]
        assert all(json.dumps(scale) in MAPS for scale in scales)
        heat = [t for t in f["data"] if t["type"] in ("heatmap", "image")]
        assert not heat or scales


@each
def test_axes_are_named(name: str) -> None:
    for f in figures(name):
        drawn = {t["type"] for t in f["data"]}
        axes = [f["layout"].get(key, {}).get("title", {}).get("text") for key in ("xaxis", "yaxis")]
        assert drawn == {"heatmap"} or axes[0] and (axes[1] or f["layout"]["yaxis"].get("categoryarray"))


@each
@pytest.mark.parametrize("kind", ["learner", "solution"])
def test_nothing_of_this_machine_or_of_another_is_stored(name: str, kind: str) -> None:
    text = path_of(name, kind).read_text(encoding="utf-8")
    for word in (str(ROOT), "/tmp/", "/root", "/home/", "site-packages", "ipykernel_", "widget-view", "widget-state"):
        assert word not in text, word
    assert set(re.findall(r"https?://[^/\"')\\ ]+", text)) <= {"http://localhost:8501"}
    assert len(text) < 1_000_000 and "widgets" not in load(name, kind).metadata


@each
def test_a_solution_is_executed_and_every_widget_leaves_something_to_see(name: str) -> None:
    for cell in code(load(name, "solution")):
        assert cell.execution_count
        for o in cell.outputs:
            if o.output_type == "execute_result":
                assert set(o.data) & {PLOTLY, "image/png", "image/jpeg", "text/html", "text/markdown"}, cell.source
    assert all(not cell.outputs and cell.execution_count is None for cell in code(load(name, "learner")))


@each
def test_links_open_a_view_that_the_explorer_has(name: str) -> None:
    text = "\n".join(c.source for c in load(name, "learner").cells)
    links = re.findall(r"\]\((http://localhost:8501/[^)]*)\)", text)
    assert links and len(links) == text.count("http://localhost:8501")
    for link in map(urlsplit, links):
        page = PAGES[link.path]
        if link.query:
            parameters = dict(parse_qsl(link.query, strict_parsing=True))
            if "tour" in parameters:
                tour, n = named_step(parameters)
                assert TOURS[tour].steps[n].page == page.page and parameters == {"tour": tour}
                parameters = TOURS[tour].steps[n].address
            state, problems = type(page.opening).from_parameters(parameters, page.base(parameters))
            assert problems + page.settle(state)[1] == []
