"""Headline claims say no more than their intervals: in README.md, at the head of EVIDENCE.md, and in the explorer."""
from __future__ import annotations

import copy
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from linviz import evidence
from studies import breadth_tables, learning_rates, map_tables, more_seeds
from studies.evidence_store import EVIDENCE, read_results
from studies.ledger import FEWEST, Ledger, Value
from studies.number_formats import correlation_text, difference_text

ROOT = Path(__file__).parents[2]
WRITTEN: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))["claim"]
SIGNS = {"above 0": 1, "below 0": -1, "contains 0": 0}
VERDICTS = {  # how a claim says on which side of 0 its interval lies
    "above 0": r"is more accurate|improves|goes with accuracy|the difference was",
    "below 0": r"is less accurate|harms|goes against accuracy",
    "contains 0": r"cannot be told apart|does not clearly"}
CAUSE = r"because its map|is the cause|calls? .{0,40}the cause"
INTERVAL = re.compile(r"[-+]\d+\.\d+ \[[-+]\d+\.\d+, [-+]\d+\.\d+\]")


BOOK = Ledger(read_results(EVIDENCE))


@pytest.fixture(scope="module")
def book() -> Ledger:
    return BOOK


def value(book: Ledger, kind: str, *which: str) -> Value:
    """The difference or the correlation that a claim rests on."""
    if kind == "gap":
        return book.gap(*which)
    if kind == "late":
        return more_seeds.seed_difference(book, "late", *which)
    if kind == "rates":
        return learning_rates.rate_gap(book, *which)
    found = breadth_tables.breadth_correlations(breadth_tables.story_measures(book)) if kind == "breadth" else \
        map_tables.long_correlations(book, "long")
    return found[which[0]]


def printed(book: Ledger, claim: dict[str, Any]) -> str:
    """The words of a claim with its interval of today."""
    form = difference_text if claim["interval"][0] in ("gap", "late", "rates") else correlation_text
    return str(claim["words"].replace("{}", form(value(book, *claim["interval"]))))


def between(text: str, start: str, end: str) -> str:
    """A part of a page, on one line."""
    return " ".join(text.partition(start)[2].partition(end)[0].split())


def settled_claims(book: Ledger) -> list[dict[str, Any]]:
    """The claims of today. Those that grow with the runs are made if there are intervals, which give their verdict."""
    out = []
    for claim in WRITTEN:
        if "verdicts" not in claim:
            out.append(claim)
        elif claim["interval"][0] != "rates" or len(learning_rates.compared_seeds(book)) >= FEWEST:
            sign = next(word for word, n in SIGNS.items() if n == value(book, *claim["interval"]).sign)
            verdict = dict(zip(SIGNS, claim["verdicts"]))[sign]
            out.append(claim | {"sign": sign, "words": claim["words"].replace("{verdict}", verdict)})
    return out


CLAIMS = settled_claims(BOOK)
PAGES = {
    "README": between((ROOT / "README.md").read_text("utf-8"), "**What is claimed", "- **If you learn**"),
    "EVIDENCE": between((ROOT / "studies" / "EVIDENCE.md").read_text("utf-8"), "## The claims",
                        "- After 800 steps, the shift"),
    "explorer": " ".join(evidence.headline_claims())}


def broken_rules(claim: dict[str, Any], found: Value) -> list[str]:
    """How a claim says more, or something else, than its interval."""
    out = [] if found.sign == SIGNS[claim["sign"]] else [f"the interval {found.interval} is not {claim['sign']}"]
    spoken = [sign for sign, words in VERDICTS.items() if re.search(words, claim["words"])]
    return out + ([] if spoken == [claim["sign"]] else [f"the words say {spoken}"])


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["words"][:40])
def test_a_claim_stands_on_its_pages_and_says_what_its_interval_says(book: Ledger, claim: dict[str, Any]) -> None:
    assert not broken_rules(claim, value(book, *claim["interval"]))
    for page in claim["pages"]:
        assert printed(book, claim) in PAGES[page]


@pytest.mark.parametrize("page", PAGES)
def test_every_interval_of_a_headline_belongs_to_a_claim(book: Ledger, page: str) -> None:
    rest = PAGES[page]
    for claim in CLAIMS:
        if page in claim["pages"]:
            rest = rest.replace(printed(book, claim), "")
    assert not INTERVAL.findall(rest), rest
    left = [sign for sign, words in VERDICTS.items() if re.search(words, rest)]
    assert not left, f"these words claim something without an interval: {rest}"


@pytest.mark.parametrize("page", PAGES)
def test_low_rank_is_called_the_cause_by_papers_only(page: str) -> None:
    sentences = re.split(r"(?<=[.:]) ", PAGES[page])
    about_causes = [s for s in sentences if re.search(CAUSE, s)]
    assert any("Papers say" in s for s in about_causes)
    assert all(re.search(r"Papers say|do not show|neither", s) for s in about_causes)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["words"][:40])
def test_a_claim_that_says_more_than_its_interval_is_seen(book: Ledger, claim: dict[str, Any]) -> None:
    """The other words with the same numbers, and the same words with other numbers."""
    found = value(book, *claim["interval"])
    other = "contains 0" if claim["sign"] != "contains 0" else "above 0"
    assert broken_rules(claim | {"sign": other}, found)
    words = "is more accurate than" if claim["sign"] == "contains 0" else "cannot be told apart from"
    assert broken_rules(claim | {"words": words}, found)
    moved = (-0.1, 0.1) if claim["sign"] != "contains 0" else (0.1, 0.2)
    assert broken_rules(claim, Value(found.mean, moved, (), found.over))


def test_other_numbers_break_the_claims(book: Ledger) -> None:
    """Softmax and the baseline change places: what was above 0 lies below."""
    told = copy.deepcopy(book.records)
    motion = told["motion"]
    motion["short/softmax"], motion["short/relu_floor"] = motion["short/relu_floor"], motion["short/softmax"]
    other = Ledger(told)
    assert broken_rules(CLAIMS[0], value(other, *CLAIMS[0]["interval"]))
    assert printed(other, CLAIMS[0]) not in PAGES["explorer"]
