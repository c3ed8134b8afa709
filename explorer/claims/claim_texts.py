"""What the page Claims says of each trial: its verdict, its numbers, and the count over the sample photographs."""
from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape

from linviz.published_claims import VERDICTS, Trial

from ..shared.number_tables import SCROLLED, three_digits, title_html

COLOURS = {"holds": "green", "partly": "orange", "fails": "red"}
ICONS = {"holds": ":material/check_circle:", "partly": ":material/contrast:", "fails": ":material/cancel:"}
GUIDE = ("Each heading says in one sentence what papers claim, in our words: theirs may carry conditions. The claim is "
         "tried on the queries and keys of this picture. Choose another picture, or your own: which verdicts stay?")
HONEST = ("A verdict belongs to descriptors of patches at this temperature, not to a trained model. "
          "Attention shows where a model looks; it does not explain what the model decides.")


def claims_heading(trials: Mapping[str, Trial], title: str) -> str:
    """What is to be seen on this picture, from its verdicts.

    >>> claims_heading({"a": Trial("holds", "", ()), "b": Trial("fails", "", ())}, "Coffee")
    'Coffee: 1 of 2 published statements holds'
    """
    count = sum(trial.verdict == "holds" for trial in trials.values())
    return f"{title}: {count} of {len(trials)} published statements hold{'s' * (count == 1)}"


def verdict_badge(verdict: str) -> str:
    """The verdict in its colour, with a sign for people who do not see colours."""
    return f":{COLOURS[verdict]}-badge[{ICONS[verdict]} {VERDICTS[verdict]}]"


def sample_sentence(verdicts: Counter[str]) -> str:
    """The verdicts over the sample photographs.

    >>> sample_sentence(Counter(holds=4, fails=2))
    'Over the six sample photographs: holds on 4, does not hold on 2.'
    """
    words = {"holds": "holds", "partly": "holds in part", "fails": "does not hold"}
    number = {6: "six"}.get(verdicts.total(), str(verdicts.total()))
    counts = ", ".join(f"{word} on {verdicts[name]}" for name, word in words.items() if verdicts[name])
    return f"Over the {number} sample photographs: {counts}."


def trial_table(trial: Trial) -> str:
    """The numbers of a trial as a table."""
    rows = "".join(f"<tr><th scope=row>{title_html(what, unit)}</th><td>{escape(three_digits(value))}</td></tr>"
                   for what, value, unit in trial.numbers)
    return f'<div class="linviz-numbers" {SCROLLED} style="--columns:1"><table><tbody>{rows}</tbody></table></div>'
