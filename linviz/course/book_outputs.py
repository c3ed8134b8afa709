"""What a page without Python needs of views, sliders and quizzes: stored as further forms of a cell's output.

A kernel that has called `record_for_book` adds them to what it stores anyway. Maps are in half precision. Of a slider's
figures one is stored whole, of the others what has changed.
"""
from __future__ import annotations

import base64
import json
from typing import Any

from ..figures.mime import PLOTLY, mime_bundle
from ..patch_view import PatchView
from ..patch_view.half_blob import BITS, half_blob
from ..views.notebook_view import NotebookView
from .json_changes import json_changes
from .live import Live
from .quiz import Quiz

VIEW, LIVE, QUIZ = (f"application/vnd.linviz.{name}+json" for name in ("view", "live", "quiz"))
MOST = 1_200_000  # characters of one slider's figures; of a heavier one every second or third setting is stored


def record_for_book(shell: Any) -> None:
    """Let an IPython shell store what a page without Python needs.

    >>> from IPython.core.interactiveshell import InteractiveShell
    >>> shell = InteractiveShell()
    >>> record_for_book(shell)
    >>> quiz = Quiz("none", ())
    >>> shell.display_formatter.format(quiz)[0][QUIZ]
    {'title': 'none', 'questions': []}
    """
    formatter = shell.display_formatter.mimebundle_formatter
    for kind, name, stored in ((PatchView, VIEW, stored_view), (Live, LIVE, stored_live), (Quiz, QUIZ, stored_quiz),
                               (NotebookView, VIEW, lambda shown: stored_view(shown.widget))):
        formatter.for_type(kind, _with_form(name, stored))


def _with_form(name: str, stored: Any) -> Any:
    """What a shell calls for an object: its own forms, and one more."""
    def forms(shown: Any) -> Any:
        own = shown._repr_mimebundle_()
        data, about = own if isinstance(own, tuple) else (own, {})
        return {**data, name: stored(shown)}, about
    return forms


def stored_view(view: Any) -> dict[str, Any]:
    """A view as it stands now: its blob in half precision, in base64."""
    look = {name: getattr(view, name) for name in ("query", *view.fields.settings())}
    return {"blob": base64.b64encode(half_blob(view.blob, **look)).decode(), "bits": BITS}


def coarser_view(stored: dict[str, Any], bits: int) -> dict[str, Any]:
    """A stored view whose maps, where they are sent as whole rows, have mantissas of so many bits."""
    blob = half_blob(base64.b64decode(stored["blob"]), bits)
    return {"blob": base64.b64encode(blob).decode(), "bits": bits}


def stored_quiz(quiz: Quiz) -> dict[str, Any]:
    """A quiz's questions, with the explanation of every choice.

    >>> stored_quiz(Quiz("none", ()))["questions"]
    []
    """
    return {"title": quiz.title, "questions": [
        {"ask": q.say(q.ask), "choices": [{"text": q.say(c.text), "why": q.say(c.why), "right": c.right}
                                          for c in q.choices]} for q in quiz.questions]}


def stored_live(live: Live) -> dict[str, Any]:
    """A slider's figures: that of its setting now, and the changes to all others.

    values  the settings as the slider writes them;  of  how many settings the slider has in a notebook.
    """
    options = dict(live.slider.options)
    step = 1
    while True:
        kept = stored_settings(live.values, live.slider.value, step)
        names = [name for name, value in options.items() if value in kept]
        made = _figures_of(live, kept) | {"values": names, "of": len(live.values), "label": live.slider.description}
        if len(json.dumps(made)) <= MOST or len(kept) < 4:
            return made
        step += 1


def stored_settings(values: tuple[float, ...], start: float, step: int) -> list[float]:
    """Every `step`-th setting, counted from the start, and both ends.

    >>> stored_settings((0, 1, 2, 3, 4, 5), 3, 2)
    [0, 1, 3, 5]
    """
    first = values.index(start) % step
    numbers = {0, len(values) - 1, *range(first, len(values), step)}
    return [values[n] for n in sorted(numbers)]


def _figures_of(live: Live, values: list[float]) -> dict[str, Any]:
    """The figure of the setting now, and for every setting the changes that lead to its figure."""
    drawn = [mime_bundle(live.draw(value)) for value in values]
    start = values.index(live.slider.value)
    first = drawn[start][PLOTLY]
    return {"start": start, "figure": first, "changes": [json_changes(first, x[PLOTLY]) for x in drawn],
            "words": [x["text/plain"] for x in drawn]}
