"""Paintings as files: one sheet with all of them, the hints as a table, and code that paints the same again."""
from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ...clips import ColourTask
from ...clips.colour_paint import join_colour
from ...clips.colour_spots import read_spots
from ...clips.colour_windows import COLOUR_PATCH
from ...patch_view.blob import frame_image
from .sheet import INK, Picture, Sheet, Words, sheet_image

SIDE, GAP, HEAD, FOOT = 280, 16, 64, 34  # CSS pixels: a picture, between pictures, above and below them
ABREAST = 3

CODE = '''import torch
from linviz.clips.colour_samples import colour_photograph
from linviz.clips.colour_spots import read_spots, spotted_task
from linviz.models.checkpoints import pretrained
from linviz.models.colour_painting import paint_task

spots = read_spots("{spots}")
task = spotted_task(colour_photograph("{name}"), spots, tokens=28)
for name in {arms}:
    painting = paint_task(pretrained(name, 0, "painters"), task)
    print(f"{{name}}: R2 {{painting.r2:.2f}}")
'''


@dataclass(frozen=True, eq=False)
class ShownPainting:
    """A picture (3, Ypx, Xpx) in 0..1 with its title and its score in words."""

    title: str
    picture: Tensor
    score: str = ""


def paintings_png(shown: Sequence[ShownPainting], title: str, credit: str) -> bytes:
    """All pictures on one sheet, three abreast, as PNG.

    >>> import torch
    >>> paintings_png([ShownPainting("softmax", torch.rand(3, 8, 8), "R2 0.76")], "A title", "Nobody")[1:4]
    b'PNG'
    """
    rows = -(-len(shown) // ABREAST)
    step = SIDE + GAP
    sheet = Sheet(GAP + ABREAST * step, HEAD + rows * (SIDE + 32) + FOOT, title, credit)
    sheet.items.append(Words(GAP, 30, title, 15, INK, bold=True))
    for n, one in enumerate(shown):
        x, y = GAP + n % ABREAST * step, HEAD + n // ABREAST * (SIDE + 32)
        sheet.items += [Words(x, y - 8, one.title, 13, INK), Words(x + SIDE, y - 8, one.score.replace("²", "2"), 13,
                                                                   INK, end=True),
                        Picture(x, y, SIDE, SIDE, frame_image(one.picture))]
    sheet.items.append(Words(GAP, sheet.high - 14, credit, 11))
    out = io.BytesIO()
    sheet_image(sheet).save(out, "PNG")
    return out.getvalue()


def hints_csv(task: ColourTask, spots: str) -> str:
    """The hints of a task as a table: row and column from 1, mean colour in RGB 0..255, and whose colour it is.

    >>> import torch
    >>> from linviz.clips.colour_spots import spotted_task
    >>> print(hints_csv(spotted_task(torch.zeros(3, 64, 64), {5: ""}, tokens=4), "05"), end="")
    row,column,red,green,blue,colour
    2,2,0,0,0,own
    """
    rgb = F.avg_pool2d(join_colour(task.luma, task.differences), COLOUR_PATCH)[0]
    across, lines = rgb.shape[-1], ["row,column,red,green,blue,colour"]
    for n, colour in sorted(read_spots(spots, rgb[0].numel()).items()):
        numbers = (255 * rgb[:, n // across, n % across]).round().int().tolist()
        lines.append(",".join(map(str, (n // across + 1, n % across + 1, *numbers, "chosen" if colour else "own"))))
    return "\n".join(lines) + "\n"


def painting_code(name: str, spots: str, arms: Sequence[str]) -> str:
    """Calls of linviz that paint a sample again and print every R2.

    >>> painting_code("flower", "0a", ["softmax"]).count("pretrained")
    2
    """
    return CODE.format(name=name, spots=spots, arms=list(arms))
