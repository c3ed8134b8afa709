"""The lines on the page Concentrate save q, k and v of a vision transformer, and linviz shows its attention."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import linviz
from explorer.concentrate.tensor_format import FORMAT
from tests.clips.files import picture
from tests.conftest import ROOT

LINES = FORMAT.partition("```python\n")[2].partition("```")[0]
RANDOM = """
import torch
import transformers
torch.manual_seed(0)
sizes = dict(hidden_size=48, num_attention_heads=6, num_hidden_layers=8, intermediate_size=16)
config = transformers.ViTConfig(image_size=64, patch_size=8, attn_implementation="eager", **sizes)
transformers.ViTModel.from_pretrained = lambda name: transformers.ViTModel(config)
exec(compile(open("lines.py").read(), "lines.py", "exec"))
with torch.no_grad():
    np.save("attention.npy", model(pixels, output_attentions=True).attentions[block - 1].numpy())
"""


def test_the_lines_save_a_vision_transformer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an interpreter of its own, since importing transformers takes seconds; nothing is downloaded."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture()).save("cat.jpg")
    Path("lines.py").write_text(LINES)
    done = subprocess.run([sys.executable, "-c", RANDOM], capture_output=True, text=True, timeout=240,
                          env={"PATH": "", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr[-2000:]
    attention = np.load("attention.npy")[0]
    for head, want in ((0, attention.mean(0)), (5, attention[4])):
        shown = linviz.view("block7.npz", "softmax", head=head, query=(3, 5))
        assert shown.grid == linviz.Grid(1, 8, 8, 1) and shown.clip.frames.unique().numel() > 100
        np.testing.assert_allclose(shown.readings["softmax"].map.dense()[0, 0].numpy(), want, atol=1e-6)
