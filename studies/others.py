"""The page's sections on the other sets: dose, breadth, the second task, the finer models, the sealed split."""
from __future__ import annotations

import math
import statistics as plain
from collections.abc import Sequence

from linviz.mechanisms import REGISTRY

from .dose import Run, answers
from .ledger import Ledger, Told, Value
from .mapped import interval
from .stats import bootstrap, of_mean, of_share, partial, spearman
from .words import called, number, percent, share, table

FULL = 0.25  # the floor of relu_floor with 16 channels a head
FRONT = """Two discs with digits cross; the answer is the side from which the one in front came. The task was made
harder once after first runs had been looked at (a third disc roams, and the discs meet at less of a fixed moment); the
recipe is that of the first task, unchanged. Seeds 1 to 4 were trained after seed 0 had been told here."""
CUT_OFF = {"2026-11-21": " A first attempt at opening it was cut off before it had kept or shown a number. It was then "
                         "repeated, once, and what stands here is that second attempt."}  # by the day of opening
NOT_RUN = "Not run yet ({there} of {wanted} runs are there): `python -m studies.sets {which}`, then this page anew."


def missing(book: Ledger, which: str) -> str:
    """A sentence while runs of a set are missing, else nothing."""
    there, wanted = len(book.told[which]), book.told["wanted"][which]
    return NOT_RUN.format(there=there, wanted=wanted, which=which) if there < wanted else ""


def of_layers(told: Told, measure: str) -> float | None:
    """A recorded measure, mean over layers; None where a layer has none."""
    found = [layer.get(measure) for layer in told["recorded_layers"]]
    return None if None in found else plain.fmean(found)


def doses(book: Ledger) -> list[Run]:
    """Every run of the dose: the middle ones, and both ends out of the short set; accuracies as recorded."""
    ends = [(floor, m) for name, floor in (("relu", 0.0), ("relu_floor", FULL)) if book.has("short", name)
            for m in book.models("short", name)]
    runs = [*ends, *((told["options"]["floor"], told) for told in book.told["dose"])]
    return sorted((Run(floor, told["seed"], told["recorded"], of_layers(told, "entropy") or math.nan)
                   for floor, told in runs), key=lambda run: (run.floor, run.seed))


def dose(book: Ledger) -> str:
    """A row for every dose, then what was predicted and whether it came true."""
    if missing(book, "dose"):
        return missing(book, "dose")
    runs, rows = doses(book), []
    for floor in sorted({run.floor for run in runs}):
        of = [run for run in runs if run.floor == floor]
        rows.append([f"{floor:g}", share(over_seeds([run.accuracy for run in of])),
                     ", ".join(f"{100 * run.accuracy:.1f}" for run in of), number(plain.fmean(r.entropy for r in of))])
    told = answers(runs)
    verdicts = [[f"{n}. {a.predicted}", "true" if a.true else "false", a.numbers] for n, a in enumerate(told, 1)]
    return "\n\n".join([table(("floor", "accuracy, 95 % interval over seeds", "each seed", "entropy / log2 N"), rows),
                        f"{sum(a.true for a in told)} of {len(told)} predictions came true.",
                        table(("predicted before the runs", "came", "numbers"), verdicts)])


def over_seeds(values: Sequence[float]) -> Value:
    """A mean with its interval over seeds."""
    return Value(plain.fmean(values), of_mean(values) if len(values) > 1 else of_share(values[0], 1024),
                 tuple(values), "seeds" if len(values) > 1 else "clips")


def by_name(results: list[Told]) -> dict[str, list[Told]]:
    """Results of one arm together."""
    out: dict[str, list[Told]] = {}
    for told in results:
        out.setdefault(told["name"], []).append(told)
    return out


def best_first(results: list[Told]) -> list[tuple[str, list[Told]]]:
    """Results arm by arm, the most accurate arm first."""
    return sorted(by_name(results).items(), key=lambda pair: -plain.fmean(told["recorded"] for told in pair[1]))


def breadth(book: Ledger) -> str:
    """Concentration, rank and accuracy of every mechanism, and how they go together."""
    if missing(book, "breadth"):
        return missing(book, "breadth")
    rows = [[called(name), REGISTRY[name].family, share(over_seeds([t["recorded"] for t in of])),
             *(number(_mean(of, key), digits) for key, digits in (("entropy", 2), ("effective_rank", 1)))]
            for name, of in best_first(book.told["breadth"])]
    head = ("mechanism", "family", "accuracy, 95 % interval over seeds", "entropy / log2 N", "effective rank")
    return "\n\n".join([table(head, rows), together(stories(book))])


def stories(book: Ledger) -> dict[str, tuple[float, float, float]]:
    """Concentration (1 - entropy share), effective rank and accuracy, for every mechanism that has all three."""
    out = {}
    for name, of in by_name(book.told["breadth"]).items():
        entropy, rank = _mean(of, "entropy"), _mean(of, "effective_rank")
        if entropy is not None and rank is not None:
            out[name] = (1 - entropy, rank, plain.fmean(t["recorded"] for t in of))
    return out


def _mean(of: list[Told], measure: str) -> float | None:
    values = [of_layers(told, measure) for told in of]
    return None if None in values else plain.fmean(x for x in values if x is not None)


def together(found: dict[str, tuple[float, float, float]]) -> str:
    """Which of the two stories goes with accuracy: alone, and with the other taken out; with and without uniform."""
    rows = []
    for which in (set[str](), {"uniform"}):
        own = [x for name, x in found.items() if name not in which]
        conc, rank, right = ([x[n] for x in own] for n in range(3))
        cells = []
        for columns, of in (([conc, right], spearman), ([rank, right], spearman), ([conc, right, rank], partial),
                            ([rank, right, conc], partial)):
            cells.append((of(*columns), bootstrap(columns, of)))
        rows.append([f"{len(own)} mechanisms" + ", without uniform" * bool(which), *(interval(*c) for c in cells)])
    head = ("over", "concentration", "rank", "concentration, rank taken out", "rank, concentration taken out")
    return table(head, rows) + f"\n\n{stories_told(found)}. Intervals are bootstraps over mechanisms."


def stories_told(found: dict[str, tuple[float, float, float]]) -> str:
    """The verdict over all mechanisms, and over all but uniform where that is another."""
    said = []
    for which in (set[str](), {"uniform"}):
        conc, rank, right = ([x[n] for name, x in found.items() if name not in which] for n in range(3))
        said.append(verdict(bootstrap([conc, right, rank], partial), bootstrap([rank, right, conc], partial)))
    all_of_them, without = (text.rstrip(".") for text in said)
    return all_of_them + (" (with and without uniform)" if all_of_them == without else f"; without uniform: {without}")


def verdict(concentration: tuple[float, float], rank: tuple[float, float]) -> str:
    """What the two partial correlations say.

    >>> verdict((0.2, 0.6), (-0.1, 0.3))
    'Concentration goes with accuracy beyond what rank tells; rank, beyond concentration, is not told to.'
    """
    conc, by_rank = concentration[0] > 0, rank[0] > 0
    if conc and by_rank:
        return "Each goes with accuracy beyond what the other tells."
    if conc:
        return "Concentration goes with accuracy beyond what rank tells; rank, beyond concentration, is not told to."
    if by_rank:
        return "Rank goes with accuracy beyond what concentration tells; concentration, beyond rank, is not told to."
    return "Neither goes with accuracy for sure once the other is taken out: these runs do not decide between them."


def front(book: Ledger) -> str:
    """The second task, where a guess is right in half."""
    if missing(book, "front"):
        return missing(book, "front")
    rows = [[called(name), share(over_seeds([t["recorded"] for t in of])),
             ", ".join(f"{100 * t['recorded']:.1f}" for t in of), f"{learned(of)} of {len(of)}"]
            for name, of in best_first(book.told["front"])]
    head = ("attention", "accuracy, 95 % interval over seeds", "each seed", "seeds above a guess")
    return FRONT + "\n\n" + table(head, rows)


def learned(of: list[Told]) -> int:
    """How many seeds of an arm learned anything: the interval over clips lies above one half."""
    return sum(of_share(told["recorded"], told["tests"])[0] > 0.5 for told in of)


def fine(book: Ledger) -> str:
    """The finer models: accuracy as recorded, and their maps."""
    if missing(book, "fine"):
        return missing(book, "fine")
    rows = [[called(t["name"]), share(Value(t["recorded"], of_share(t["recorded"], t["tests"]), (), "clips")),
             *(number(of_layers(t, key)) for key in ("entropy", "object", "effective_rank")),
             f"{t['seconds'] / 60:.0f}"] for t in sorted(book.told["fine"], key=lambda told: -told["recorded"])]
    head = ("attention", "accuracy, 95 % interval over clips", "entropy / log2 N", "weight on the digit, x fair",
            "effective rank", "minutes of training")
    return table(head, rows)


def sealed(book: Ledger) -> str:
    """The final table, once the sealed split has been opened."""
    if not book.sealed:
        return ("The sealed photographs and digits have not been opened: nothing here was chosen, or could have been, "
                "by looking at them. `python -m studies.evidence --open-sealed` opens them once, when all else is "
                "done.")
    rows = []
    for budget in ("short", "long"):
        for name in book.names(budget):
            found = [book.sealed["accuracy"][f"{budget}/{name}/{seed}"] for seed in range(book.seeds(budget, name))
                     if f"{budget}/{name}/{seed}" in book.sealed["accuracy"]]
            if found:
                rows.append([called(name), "800" if budget == "short" else "2,400", share(over_seeds(found)),
                             percent(book.accuracy(budget, name).mean)])
    again = f" It had been opened before, on {', '.join(book.sealed['earlier'])}, for other models." \
        if book.sealed["earlier"] else ""
    cut_off = CUT_OFF.get(book.sealed["date"], "")
    return (f"Opened on {book.sealed['date']}, {book.sealed['clips']:,} clips.{again}{cut_off}\n\n"
            + table(("attention", "steps", "sealed, 95 % interval", "test"), rows))
