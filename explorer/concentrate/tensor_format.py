"""What a file of tensors holds, and lines to copy that save q, k and v of a trained vision transformer."""
import streamlit as st

TITLE = "Tensors: what the file holds, and lines that save it"
FORMAT = """
One **.npz** or **.safetensors** file holds these arrays by name.

- **q**, **k**: floating point. Heads before tokens, (N, D), (H, N, D) or (B, H, N, D), or tokens before heads,
  (N, H, D) or (B, N, H, D). Of a batch, the first is shown.
- **v**: as k, of any width. Without v, k is used as v.
- **grid**: [rows, columns] or [frames, rows, columns] of the patches. It may be missing if they form a square. Up to 16
  tokens without a position, such as CLS, may come before the patches.
- **key_grid**: the grid of k and v, where they have other tokens than q.
- **frames**: the picture, (rows, columns, 3), or a clip, (frames, rows, columns, 3), as uint8 or from 0 to 1.

These lines save one block of a vision transformer. They need `pip install transformers`.

```python
import numpy as np
import torch
from PIL import Image
from transformers import ViTModel

model = ViTModel.from_pretrained("google/vit-base-patch16-224").eval()
block, side = 7, model.config.image_size                 # block 7, counted from 1
frames = np.array(Image.open("cat.jpg").convert("RGB").resize((side, side)))
pixels = torch.from_numpy(frames).permute(2, 0, 1)[None] / 127.5 - 1
found, attention = {}, model.layers[block - 1].attention
for name in "qkv":
    getattr(attention, f"{name}_proj").register_forward_hook(
        lambda layer, x, y, name=name: found.update({name: y}))
with torch.no_grad():
    model(pixels)
heads, rows = model.config.num_attention_heads, side // model.config.patch_size
arrays = {name: x.unflatten(-1, (heads, -1)).numpy() for name, x in found.items()}   # (B, N, H, D)
np.savez(f"block{block}.npz", **arrays, grid=[rows, rows], frames=frames)
```
"""


def show_format() -> None:
    """The format and the lines, folded."""
    with st.expander(TITLE):
        st.markdown(FORMAT)
