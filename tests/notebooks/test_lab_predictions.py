"""A prediction in a real JupyterLab: type it, run the cell, read it again beside what came, find it after a restart."""
from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from .test_lab import WAIT, bring, run_all

BOOK = "14_neighbours"
WORDS = "abdz the output moves by 3 <px>"       # a, b, d and z are commands of JupyterLab outside a box


def stored_text(lab_url: str) -> str:
    """The file of predictions beside the notebook, as JupyterLab serves it; "" where there is none yet."""
    try:
        with urllib.request.urlopen(f"{lab_url}/api/contents/predictions.json?content=1&format=text") as answer:
            return str(json.loads(answer.read())["content"])
    except urllib.error.HTTPError:
        return ""


def wait_until_stored(page: Any, lab_url: str, words: str) -> None:
    """Wait until the file holds these words; the browser goes on meanwhile."""
    for _ in range(WAIT // 500):
        if words in stored_text(lab_url):
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"the file never held {words!r}")


@pytest.mark.nightly
def test_a_prediction_is_typed_kept_and_shown_again(chromium: Any, lab_url: str) -> None:
    for turn in range(2):
        with run_all(chromium, lab_url, BOOK) as page:
            cell = bring(page, 'predict("14.1")')
            box = cell.get_by_label("Prediction 14.1")
            box.wait_for(timeout=WAIT)
            if turn == 0:
                box.focus()
                page.keyboard.type(WORDS)
                wait_until_stored(page, lab_url, WORDS)
            assert box.input_value() == WORDS
            again = bring(page, 'show_prediction("14.1")')
            again.get_by_text(f"You predicted (14.1): {WORDS}").wait_for(timeout=WAIT)
    assert json.loads(stored_text(lab_url)) == {"14.1": {"words": WORDS, "earlier": []}}
