"""The page's sections on altered clips and models: time reversed or shuffled, softmax warmed, gates taken away."""
from __future__ import annotations

import statistics as plain
from operator import itemgetter

from .ledger import Ledger, Told, Value
from .measuring import TEMPERATURES, unpacked
from .stats import of_difference, of_mean
from .words import called, gap, percent, table, whole

GATES = ("both held", "k held", "q held", "over tokens", "over channels")
STEPS = {"short": "800", "long": "2,400"}
MOST = 2 / 3    # of what a gate brings, from which an alteration is said to keep most of it
RELIES = -0.05  # a model whose accuracy falls by less without its gate is not asked what in the gate it relies on


def time(book: Ledger, budget: str) -> str:
    """Backwards and shuffled: shares of the altered clips."""
    rows = [[called(name), percent(_first(book, budget, name).mean),
             *(percent(book.mean(budget, name, itemgetter(key))) for key in ("opposite", "unmoved", "shuffled"))]
            for name in book.names(budget)]
    return table(("attention", "in order", "backwards: opposite heading", "backwards: own heading", "shuffled"), rows)


def trained(book: Ledger, model: Told) -> float:
    """A model's accuracy as trained, on the clips on which it was altered."""
    n = book.told["settings"]["altered"]
    return sum(unpacked(model["right"])[:n]) / n


def _first(book: Ledger, budget: str, name: str) -> Value:
    found = book.each(budget, name, lambda m: trained(book, m))
    return Value(plain.fmean(found), (0, 0), found, "seeds")


def cost(book: Ledger, budget: str, name: str, what: str) -> Value:
    """By how much an intervention changes accuracy: seed by seed, or over clips where there is one seed."""
    pairs = [(m["altered"][what], trained(book, m)) for m in book.models(budget, name)]
    gaps = tuple(a - b for a, b in pairs)
    if len(gaps) > 2:
        return Value(plain.fmean(gaps), of_mean(gaps), gaps, "seeds")
    return Value(gaps[0], of_difference(*pairs[0], book.told["settings"]["altered"]), gaps[:1], "clips")


def gated(book: Ledger, budget: str) -> list[str]:
    """Arms with a gate, most accurate first."""
    return [name for name in book.names(budget) if "+gate" in name]


def gates(book: Ledger, budget: str) -> str:
    """Accuracy as trained, and by how much every alteration of the gate changes it."""
    rows = [[called(name), percent(_first(book, budget, name).mean),
             *(gap(cost(book, budget, name, what)) for what in GATES)] for name in gated(book, budget)]
    head = ("attention", "as trained", "both constant", "key gate constant", "query gate constant",
            "ratios averaged over tokens", "ratios averaged over channels")
    return table(head, rows)


def temperatures(book: Ledger) -> str:
    """Softmax with q divided by a temperature."""
    rows = []
    for budget in ("short", "long"):
        for name in (n for n in book.names(budget) if n.split("+")[0] == "softmax"):
            cells = [percent(book.mean(budget, name, lambda m: m["altered"][f"temperature {t:g}"]))  # noqa: B023
                     for t in TEMPERATURES]
            rows.append([called(name), "800" if budget == "short" else "2,400", *cells[:2],
                         percent(_first(book, budget, name).mean), *cells[2:]])
    return table(("attention", "steps", "1/4", "1/2", "1: as trained", "2", "4", "infinite: uniform"), rows)


def kept(book: Ledger, budget: str, name: str, what: str) -> float:
    """Which share of what the gate brings at test time is still there: 1 as trained, 0 with both sides constant."""
    left, none = (cost(book, budget, name, w).mean for w in (what, "both held"))
    return 1 - left / none


def core(book: Ledger, budget: str) -> list[str]:
    """The two arms of the paper that have a gate and rely on it."""
    return [n for n in ("relu_floor+gate", "relu_floor+gate+shift") if book.has(budget, n)
            and cost(book, budget, n, "both held").mean < RELIES]


def sentence_sides(book: Ledger, budget: str) -> str:
    """Which side of the gate the trained models rely on."""
    found = {n: (kept(book, budget, n, "q held"), kept(book, budget, n, "k held")) for n in core(book, budget)}
    if not found:
        return f"After {STEPS[budget]} steps no model relies on its gate."
    head = ("the key gate carries most of what the gate does" if all(key > 2 * max(query, 0) for key, query in
                                                                     found.values())
            else "neither side of the gate carries what it does alone")
    rest = "; ".join(f"in {called(n)} {whole(key)} is left with the key gate alone, {whole(query)} with the query "
                     "gate alone" for n, (key, query) in found.items())
    return f"After {STEPS[budget]} steps {head}: {rest}."


def sentence_tokens(book: Ledger, budget: str) -> str:
    """Whether the gate weighs tokens or channels: what one weight a token, or one profile of channels, keeps."""
    found = {n: (kept(book, budget, n, "over channels"), kept(book, budget, n, "over tokens"))
             for n in core(book, budget)}
    if not found:
        return ""
    rest = "; ".join(f"in {called(n)} {acts(a, b)} ({whole(a)} is left with one weight a token, {whole(b)} with one "
                     "profile of channels for all tokens)" for n, (a, b) in found.items())
    return f"After {STEPS[budget]} steps the gate acts {rest}."


def acts(tokens: float, channels: float) -> str:
    """How a gate acts, by what is left with one weight a token, and with one profile of channels.

    >>> acts(0.9, 0.1), acts(0.1, 0.1)
    ('mostly as one weight a token', 'on tokens and channels together')
    """
    if tokens > MOST:
        return "mostly as one weight a token"
    if channels > MOST:
        return "mostly as one profile of channels"
    if max(tokens, channels) < 1 - MOST:
        return "on tokens and channels together"
    return "partly as one weight a token" if tokens > channels else "partly as one profile of channels"
