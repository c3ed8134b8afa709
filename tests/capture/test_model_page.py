"""docs/from_your_model.md keeps its word: its code runs, and the numbers in it are those of VideoMAE-base."""
from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2]
PAGE = (HOME / "docs/from_your_model.md").read_text("utf-8")
pytestmark = pytest.mark.xdist_group("transformers")    # it is imported once for all

BASE = """
import ctypes, json, psutil, torch
from transformers import VideoMAEConfig, VideoMAEModel
from linviz.capture import capture

def grown():
    ctypes.CDLL("libc.so.6").malloc_trim(0)     # what the model's own activations left behind is given back
    return psutil.Process().memory_info().rss

x = torch.randn(1, 16, 3, 224, 224)
capture(VideoMAEModel(VideoMAEConfig(hidden_size=48, num_hidden_layers=1, num_attention_heads=3)), x)   # imports
model = VideoMAEModel(VideoMAEConfig()).eval()
with torch.no_grad():
    model(x)
before = grown()
found = capture(model, x)
print(json.dumps({"rss": grown() - before, "kept": found.size[0], "said": repr(found),
                  "row": float(found.map(12)[5].sum())}))
"""


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        exec(compile(code, "from_your_model.md", "exec"), space)
    said = capsys.readouterr().out
    assert "14 x 14 patches, 1 token before them" in said and "tensor([[8, 8]])" in said
    assert "tensor(1." in said or "tensor(1.0000" in said or "tensor(0.99" in said
    assert f"an exact map of 3,136 tokens takes {4 * 3136**2 / 1e6:.0f} MB per head" in PAGE
    assert Path("layer1.png").stat().st_size > 5_000 and "fitted in 50 steps" in said


def test_versions_are_those_of_the_constraints() -> None:
    pinned = (HOME / "constraints.txt").read_text("utf-8")
    for name, version in re.findall(r"(transformers|diffusers|torch) (\d+\.\d+)", PAGE):
        assert f"\n{name}=={version}." in pinned, f"the page says {name} {version}"


@pytest.mark.nightly
def test_a_video_model_of_full_size_keeps_less_than_150_mb() -> None:
    done = subprocess.run([sys.executable, "-c", BASE], capture_output=True, text=True, check=True, cwd=HOME)
    found = json.loads(done.stdout)
    assert found["kept"] * 0.9 < found["rss"] < 150e6, found
    assert "12 layers, 86.7 MB kept; all maps would be 1.42 GB" in found["said"]
    assert f"{found['kept'] / 1e6:.0f} MB" in PAGE and "1.42 GB" in PAGE and abs(found["row"] - 12) < 1e-3
