"""Exercise 9.4: explain the picture. Captions for the rows of four methods."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import is_finite, returns_tensors

LETTERS, CAPTIONS = "ABCD", 5
RIGHT = (5, 1, 2, 4)
WHY_NOT = {
    "A": {1: "a window has a sharp border, and the rows of A reach the whole picture",
          2: "the two rows of A do not have the same shape, and they follow the content",
          3: "the rows of A differ strongly from patch to patch; almost uniform rows do not",
          4: "the two rows of A differ, so the query plays a part"},
    "B": {2: "a Gaussian has no border, and inside its square B follows the content",
          3: "most patches of B are black: their weight is zero, and a logit never gives zero",
          4: "the two rows of B differ, so the query plays a part",
          5: "a ruler fades slowly, and B ends at a sharp border"},
    "C": {1: "the shape of C has no straight border, and it is the same for both queries",
          3: "away from the query C is nearly zero, and a Gaussian as logits is almost uniform",
          4: "the bright place of C moves with the query",
          5: "the shape of C is the same for both queries, so the content plays no part"},
    "D": {1: "the rows of D have no border, and both are equal",
          2: "the rows of D do not move with the query",
          3: "the rows of D are equal for both queries, and nothing is brighter at the query",
          5: "a ruler depends on the place of the query, and the rows of D are equal"},
}


def right() -> Tensor:
    """The numbers of the captions of A, B, C and D."""
    return torch.tensor(RIGHT, dtype=torch.float32)


def _with(letter: str, number: int) -> Any:
    def answer() -> Tensor:
        out = right()
        out[LETTERS.index(letter)] = number
        return out
    return answer


WRONG = {f"when {letter} gets caption {number}": _with(letter, number)
         for letter, answers in WHY_NOT.items() for number in answers}


def four_numbers(a: Attempt) -> Finding | None:
    """One whole number from 1 to 5 for each picture, and no caption twice."""
    if a.got.shape != (4,):
        return Finding(f"expected four numbers, one for each picture; got the shape {tuple(a.got.shape)}",
                       "Return torch.tensor([...]) with four numbers, for A, B, C and D.", True)
    for letter, x in zip(LETTERS, a.got.tolist(), strict=True):
        if x not in range(1, CAPTIONS + 1):
            return Finding(f"{letter} gets caption {x:g}, and there is none of this number",
                           f"Captions have the numbers 1 to {CAPTIONS}.", True)
    return None


def fits(a: Attempt) -> Finding | None:
    """The first caption that does not fit, and why."""
    for letter, x, wanted in zip(LETTERS, a.got.tolist(), RIGHT, strict=True):
        if x != wanted:
            return Finding(f"{letter}, caption {x:.0f}: {WHY_NOT[letter][int(x)]}",
                           "Compare the rows of both queries once more.", True)
    return None


captions_of_rows = Exercise(
    "captions_of_rows", "9.4", right, lambda seed: (), (returns_tensors, is_finite, four_numbers, fits), WRONG,
    "Two rows tell more than one: what moves, what stays, and where a row ends.")
