"""Predictions in a notebook: a box to type into before a cell is run, and the same words again beside what came.

    predict("4.2")                          shows the box of the second prediction of chapter 4
    predict("4.2", "about fifty patches")   writes the words in the cell instead, where boxes do not work
    show_prediction("4.2")                  shows the words again

Every letter is kept in `predictions.json` beside the notebook as it is typed. Nobody marks predictions.
"""
from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import DisplayHandle

from .prediction_file import Prediction, check_number, predictions_path, read_predictions, store_prediction

SHOWN: dict[str, list[DisplayHandle]] = {}      # what `show_prediction` has put on the page, to follow the box


class PredictionBox(widgets.VBox):
    """A labelled box of text that keeps what is typed. Put it in the last line of a cell to show it.

    `note`, below the box, says where the words are kept, or why they are not.
    """

    def __init__(self, number: str, words: str | None = None) -> None:
        self.number, self.path = number, predictions_path()
        self.note = widgets.HTML()
        kept, trouble = known_prediction(self.path, number)
        self.text = widgets.Textarea(
            value=words or kept.words, description=f"Prediction {number}", rows=2,
            placeholder="Type what you expect, then run the next cell.",
            style={"description_width": "initial"}, layout={"width": "min(44rem, 95%)"})
        self._tell(trouble)
        if words:
            self.keep(words, replaces=True)
        self.text.observe(lambda change: self.keep(change["new"]), "value")
        super().__init__([self.text, self.note])

    def keep(self, words: str, replaces: bool = False) -> None:
        """Store the words, say so below the box, and show them where the prediction is shown again.

        replaces: words that were stored before stay in the file.
        """
        try:
            self._tell(store_prediction(self.path, self.number, words, keep=replaces))
        except (ValueError, OSError) as error:
            self._tell(f"These words are not stored: {error}.")
        for handle in SHOWN.get(self.number, ()):
            handle.update(PredictionWords(self.number, words))

    def _tell(self, trouble: str) -> None:
        text = trouble or f"Kept in {self.path.name} as you type; nobody marks it."
        colour = "color:#a34000" if trouble else "opacity:.7"
        self.note.value = f'<span style="font-size:.9em;{colour}">{escape(text)}</span>'

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The box, and for viewers without a kernel how to do without it."""
        return {**(super()._repr_mimebundle_(**kwargs) or {}), "text/html": self.still(), "text/plain": self.plain()}

    def plain(self) -> str:
        """The prediction in plain text, or how to write it without the box."""
        words = self.text.value
        return f"Prediction {self.number}: " + (words or f'without a box, predict("{self.number}", "your words")')

    def still(self) -> str:
        """The same as HTML."""
        words, code = escape(self.text.value), f'predict("{self.number}", "your words")'
        return f"<p>Prediction {self.number}: " + (_lines(words) if words else f"without a box, <code>{code}</code>"
                                                   ) + "</p>"


def predict(number: Any, words: Any = None) -> PredictionBox:
    """The box of a prediction, with what was typed before; `words` are written into it.

    number: chapter and count, such as "4.2". Running a cell again loses nothing: words that others replace stay in the
    file. Raises ValueError, in one sentence, for another number and for words that are no text.

    >>> predict("4.2").text.description
    'Prediction 4.2'
    """
    if words is not None and not isinstance(words, str):
        raise ValueError(f'write a prediction in quotes, as in predict("4.2", "about fifty"); got {words!r}')
    return PredictionBox(check_number(number), words)


def show_prediction(number: Any) -> None:
    """Show what was predicted. What is typed later replaces it on the page.

    >>> show_prediction("4.2")
    You have not written prediction 4.2.
    """
    prediction, trouble = known_prediction(predictions_path(), check_number(number))
    handle = DisplayHandle()
    SHOWN.setdefault(number, []).append(handle)
    handle.display(PredictionWords(number, prediction.words, trouble))


def known_prediction(path: Path, number: str) -> tuple[Prediction, str]:
    """What the file says of a prediction, and in one sentence why it cannot be read.

    >>> known_prediction(Path("no such file"), "4.2")
    (Prediction(words='', earlier=()), '')
    """
    try:
        return read_predictions(path).get(number, Prediction("")), ""
    except ValueError as error:
        return Prediction(""), f"{error}."


@dataclass(frozen=True)
class PredictionWords:
    """A prediction as it is shown again, in HTML or in plain text. `trouble`: why the file cannot be read.

    >>> PredictionWords("4.2", "1 < 2")
    You predicted (4.2): 1 < 2
    """

    number: str
    words: str
    trouble: str = ""

    def __repr__(self) -> str:
        if self.words.strip():
            return f"You predicted ({self.number}): {self.words}"
        return self.trouble or f"You have not written prediction {self.number}."

    def _repr_html_(self) -> str:
        if not self.words.strip():
            return f'<p style="opacity:.7">{escape(repr(self))}</p>'
        return ('<blockquote style="border-left:.25em solid #0072b2;padding-left:.7em">'
                f"<b>You predicted</b> ({self.number}): {_lines(escape(self.words))}</blockquote>")


def _lines(words: str) -> str:
    return words.replace("\n", "<br>")
