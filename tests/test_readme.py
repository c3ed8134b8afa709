"""The README keeps its word: its code runs, its files are there, its commands come first."""
from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects
import pytest
import torch
from PIL import Image

import linviz
from linviz.patch_view.source import module_source
from tests.clips.files import picture, video

HOME = Path(__file__).parents[1]
README = (HOME / "README.md").read_text()


def test_the_commands_stand_first() -> None:
    lines = [line for line in README.splitlines() if line.strip()]
    assert [line.split("#")[0].strip() for line in lines[1:5]] == [
        "```", "python3 start.py explore", "python3 start.py test", "```"]


BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize("code", BLOCKS, ids=["photograph", "clip", "tensors", "parts"])
def test_its_code_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a folder with a photograph and a film, where q, k and v are already there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plotly.graph_objects.Figure, "show", lambda figure: figure)
    Image.fromarray(picture()).resize((240, 160)).save("cat.jpg")
    Path("holiday.mp4").write_bytes(video())
    q, k, v = (torch.randn(196, 16) for _ in range(3))
    exec(compile(code, "README.md", "exec"), {"linviz": linviz, "q": q, "k": k, "v": v})
    for name in re.findall(r'save\("(.*?)"\)', code):
        assert Path(name).stat().st_size > 500


def test_a_photograph_a_clip_and_tensors_take_three_lines_each() -> None:
    assert [len(block.strip().splitlines()) for block in BLOCKS[:3]] == [3, 3, 3]


def test_what_it_shows_is_there_and_small() -> None:
    named = re.findall(r"\]\(([^)#]+)\)", README)
    assert {"docs/opening.webp", "docs/view.html", "CONTRIBUTING.md"} <= set(named)
    for name in named:
        assert (HOME / name).exists(), f"README names {name}, which is not there"
    assert (HOME / "docs/opening.webp").stat().st_size < 2_000_000
    assert (HOME / "docs/view.html").stat().st_size < 3_000_000


def test_the_file_to_save_is_the_view_of_today() -> None:
    today = module_source("host_page.js") in (HOME / "docs/view.html").read_text(encoding="utf-8")
    assert today, "docs/view.html holds an older view; run .venv/bin/python tools/record.py"


def test_mechanisms_it_names_can_be_made() -> None:
    from linviz.mechanisms import parse
    for spec in ("relu_floor+gate:qkv", "linear+shift:time@space", "softmax@window:7"):
        assert f"`{spec}`" in README
        parse(spec)
