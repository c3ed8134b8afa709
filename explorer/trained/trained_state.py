"""What a visitor has chosen on the page Concentrate where q, k and v come from trained models."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from linviz.models.checkpoints import FOLDER, canonical, shipped

from ..shared import hand
from ..shared.address import Address, one_of, within
from .trained_source import SOURCES

BUDGETS = {"long": "long: 2,400 steps", "short": "short: 800 steps", "fine": "fine: 1,024 patches"}
ORDERS = ("normal", "reversed", "shuffled")
ARMS = (2, 4)  # side by side
LAYERS, HEADS, ALL = 3, 3, "all"
SEEDS, CLIPS = (0, 9999), (0, 9999)
TEMPERATURES, STRENGTHS = (0.25, 4.0), (0.0, 1.0)
HAND = tuple(name for name in hand.READERS if name != "strength")  # parameters that the view reads


@dataclass(frozen=True)
class Choice:
    """Models, what of them is drawn, a clip of the motion task, and what is done to the clip and to the models.

    seed: of the models. head: a number from 1, or "all" for the mean of the maps of all heads. clip: its number among
    those of clip_seed, from 0. Temperature is of the softmax models, strength of the gates: 1 is as trained.
    """

    source: str = "descriptors"
    budget: str = "long"
    seed: int = 0
    arms: tuple[str, ...] = ("softmax", "relu_floor", "relu_floor+gate", "relu")
    layer: int = 2
    head: str = ALL
    clip_seed: int = 0
    clip: int = 0
    order: str = "normal"
    temperature: float = 1.0
    strength: float = 1.0

    @property
    def film(self) -> tuple[str, int, int, str]:
        """What decides which frames are played."""
        return self.budget, self.clip_seed, self.clip, self.order


def there() -> dict[tuple[str, int], list[str]]:
    """Names of the models that are shipped for every budget and seed; the opening's first."""
    return _there(tuple((path.name, path.stat().st_mtime_ns) for path in sorted(FOLDER.glob("*/"))))


@lru_cache(maxsize=2)
def _there(folders: tuple[tuple[str, int], ...]) -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    for budget, name, seed in shipped():
        found.setdefault((budget, seed), []).append(name)
    return {key: [n for n in Choice.arms if n in names] + [n for n in names if n not in Choice.arms]
            for key, names in found.items()}


def arms(text: str) -> tuple[str, ...]:
    """Reads names of models; a name that no spec is, or that nobody shipped, is refused.

    >>> arms("softmax,relu_floor gate:qkv")
    ('softmax', 'relu_floor+gate')
    """
    names = [_short(name) for name in text.replace(" ", "+").split(",")]  # typed by hand, pluses are lost
    known = sorted({name for names in there().values() for name in names})
    if set(names) - set(known) or len(names) > ARMS[1]:
        raise ValueError(f"it takes {ARMS[0]} to {ARMS[1]} of {', '.join(known)}, with commas between")
    return tuple(dict.fromkeys(names))


def _short(name: str) -> str:
    """A model's name in its shortest form; what no spec is stays, to be told of as no model."""
    try:
        return canonical(name)
    except ValueError:
        return name


def settle(choice: Choice, models: Mapping[tuple[str, int], list[str]] | None = None) -> tuple[Choice, list[str]]:
    """The nearest choice that can be shown, and what was changed: not every model was trained with every seed.

    >>> settle(Choice(budget="long", seed=3))[1]
    ['There are no long models with the seed 3: shown is 0.']
    """
    models = there() if models is None else models
    fields, said = choice, []
    if not any(budget == choice.budget for budget, _ in models) and models:
        fields = replace(fields, budget=next(iter(models))[0])
        said.append(f"There are no {choice.budget} models here: shown are the {fields.budget} ones.")
    seeds = [seed for budget, seed in models if budget == fields.budget]
    if seeds and fields.seed not in seeds:
        fields = replace(fields, seed=seeds[0])
        said.append(f"There are no {fields.budget} models with the seed {choice.seed}: shown is {seeds[0]}.")
    names = models.get((fields.budget, fields.seed), [])
    kept = tuple(name for name in fields.arms if name in names)
    if kept != fields.arms and fields.arms != Choice.arms:
        gone = ", ".join(name for name in fields.arms if name not in names)
        said.append(f"Not among the {fields.budget} models with the seed {fields.seed}: {gone}.")
    more = tuple(name for name in names if name not in kept)[:max(0, ARMS[0] - len(kept))]
    if more and kept == fields.arms:
        said.append(f"Two models or more stand side by side: {', '.join(more)} is added.")
    return replace(fields, arms=kept + more), said


ADDRESS = Address("trained", Choice(), {
    "source": one_of(*SOURCES), "budget": one_of(*BUDGETS), "seed": within(*SEEDS), "arms": arms,
    "layer": within(1, LAYERS), "head": one_of(ALL, *map(str, range(1, HEADS + 1))), "clip_seed": within(*SEEDS),
    "clip": within(*CLIPS), "order": one_of(*ORDERS), "temperature": within(*TEMPERATURES, float),
    "strength": within(*STRENGTHS, float)}, settle, beside=HAND, first=("source",))
