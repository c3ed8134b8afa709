"""The atlas: cards that say what the classes say, every control and its ends, and numbers that are linviz's."""
from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import torch
from streamlit.testing.v1 import AppTest

import linviz
from explorer.atlas.atlas_state import MOST, STATE, AtlasView, concentrate_link
from explorer.atlas.card_changes import ANSWERS, changed_facts, length_fact, map_kind
from explorer.atlas.card_content import card_content
from explorer.atlas.mechanism_cards import (
    SORTS,
    YES,
    Card,
    card_tags,
    example_text,
    mechanism_card,
    mechanism_cards,
    order_cards,
    select_cards,
)
from explorer.atlas.mechanism_maps import counted_operations, drawn_map
from explorer.atlas.view import card_row
from explorer.concentrate.concentrate_state import STATE as CONCENTRATE
from explorer.shared.scenes import sample_scene
from linviz import clips, cost, names
from linviz.contrast import PLACES, ContrastLine
from linviz.mechanisms import FAMILIES, REGISTRY, Mechanism
from linviz.patch_view import unpack
from linviz.views import View

from ..cases import every_case

PAGE = Path(__file__).parents[2] / "explorer" / "atlas" / "page.py"
SMALL = AtlasView(patches=8)


def opened(**address: str) -> AppTest:
    at = AppTest.from_file(str(PAGE), default_timeout=120)
    for name, text in ({"patches": "8"} | address).items():
        at.query_params[name] = text
    return well(at.run())


def well(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].message
    return at


def sent(at: AppTest) -> dict[str, Any]:
    element, *_ = at.get("bidi_component")
    return unpack(element.proto.bytes)


def shown(at: AppTest) -> list[str]:
    return sent(at)["set"]["order"]


# ---------------------------------------------------------------- what a card says


@every_case("name", names())
def test_a_card_says_what_its_class_says(name: str) -> None:
    c, cls = mechanism_card(name), REGISTRY[name]
    assert (c.title, c.family, c.paper, c.cost, c.rank) == (cls.title, cls.family, cls.paper, cls.cost, cls.rank)
    assert (c.signed, c.fixed, c.causal) == (cls.signed, cls.fixed, cls.takes_causal)
    assert c.power == cost.cost_exponent(cls.cost)
    assert c.idea.endswith(".") and "=" in c.formula
    assert c.year in (cls.year, *(int(word.strip(",")) for word in cls.paper.split() if word.strip(",").isdigit()))


def test_every_mechanism_has_a_card() -> None:
    assert sorted(c.name for c in mechanism_cards()) == names()
    families = [FAMILIES.index(c.family) for c in mechanism_cards()]
    assert families == sorted(families)


def test_softmax_to_the_letter() -> None:
    c = mechanism_card("softmax")
    assert (c.year, c.grows, c.rank, card_tags(c)) == (2017, "N²", "min(N, S)", ["causal form"])
    assert c.formula.splitlines()[0].startswith("S_ij = q_i.k_j / sqrt(D)")
    assert mechanism_card("uniform").year is None


@every_case("name", names())
def test_numbers_are_those_of_linviz(name: str) -> None:
    erased = name in ("delta", "gated_delta", "kda")  # with q = k, their patches would read little but themselves
    here, c = sample_scene(*SMALL.scene, keys="around" if erased else "own"), mechanism_card(name)
    spec, options = {"swin": ("swin@window:7", {}), "performer": ("performer", {"floor": 0.0}),
                     "fastmax": ("fastmax", {"normalise": "none"})}.get(name, (name, {}))
    m = linviz.make(spec, 1, here.q.shape[-1], here.grid, **options)
    assert ("Drawn as" in drawn_map(name, *SMALL.scene).note) == ((spec, options) != (name, {}))
    whole = m.map(here.q, here.k, here.v)
    reading = linviz.read(m, here.q, here.k, here.v, channel=0 if whole.shared is None else None)
    row = card_row(c, SMALL)
    assert row["rank bound here"] == reading.map.rank_bound
    assert row["operations"] == cost.flops(m, here.q, here.k, here.v)
    if reading.map.stochastic:
        assert row["entropy (bits)"] == pytest.approx(reading.entropy.nanmean().item(), abs=1e-5)
    else:
        assert row["entropy (bits)"] is None


def test_a_memory_draws_its_scans_and_says_its_signs() -> None:
    content = {name: card_content(mechanism_card(name), SMALL.scene, "") for name in ("delta", "softmax")}
    assert [scan for scan, _ in content["delta"]["scans"]] == ["raster", "columns", "both", "frames"]
    assert content["softmax"]["scans"] == [] and content["softmax"]["facts"][2][0] == "entropy"
    found = drawn_map("delta", *SMALL.scene).reading.summary(spectrum=False)
    (name, share, _), (other, most, _) = content["delta"]["facts"][2:4]
    assert (name, other) == ("negative", "largest") and share.startswith(f"{100 * found['negative_share']:.1f} %, sum ")
    assert most == f"{found['largest_weight']:.2f} / N" and "describes the patches around" in content["delta"]["note"]


# ---------------------------------------------------------------- what one changes in another


@pytest.mark.parametrize("name", [name for name in names() if REGISTRY[name].after])
def test_a_mechanism_changes_one_that_is_there_and_not_newer(name: str) -> None:
    c, seen = mechanism_card(name), [name]
    assert (mechanism_card(c.after).year or 0) <= (c.year or 9999)
    while (after := REGISTRY[seen[-1]].after) and after not in seen:
        seen.append(after)
    assert seen[-1] == "additive", "every way goes back to the first attention, and none runs in a circle"


def test_only_the_first_attention_and_the_control_change_nothing() -> None:
    assert {name for name in names() if not REGISTRY[name].after} == {"additive", "uniform"}


def test_what_changed_is_what_both_say_of_themselves() -> None:
    scene = SMALL.scene

    def change(name: str) -> dict[str, Any]:
        c = mechanism_card(name)
        return changed_facts(c, drawn_map(name, *scene), drawn_map(c.after, *scene))
    mala, delta, relu = change("mala"), change("delta"), change("relu")
    rows = {fact: (old, new) for fact, old, new in mala["rows"]}
    assert mala["name"] == "linear" and mala["same"] == ["cost"]
    assert rows["rank"] == ("≤ D, here 16", "≤ D + 1; +conv: N, here 17")
    assert rows["map"] == ("features of q and k, divided by the row sum", "two thin factors")
    assert rows["rows"] == ("probability distributions", "signed, or not summing to one")
    assert rows["longer q"][0].startswith("a slight effect; ") and rows["longer q"][1].startswith("more contrast; ")
    assert change("nonlocal")["same"] == ["map", "rows", "rank", "cost", "longer q"]
    assert {fact for fact, *_ in relu["rows"]} == {"longer q"} and set(relu["same"]) == {"map", "rows", "rank", "cost"}
    assert ["map", "features of q and k, divided by the row sum", "a memory that is overwritten"] in delta["rows"]


@pytest.mark.parametrize("name", names())
def test_every_kind_of_map_has_words_and_every_answer_is_stored(name: str) -> None:
    reading = drawn_map(name, *SMALL.scene).reading
    assert " " in map_kind(reading.map), f"KINDS of card_changes.py has no words for {type(reading.map).__name__}"
    what, answer, numbers = length_fact(name)
    assert what == "longer q" and answer in ANSWERS.values() and numbers.count(",") == 3


# ---------------------------------------------------------------- filters and order


@pytest.mark.parametrize("field", ["signed", "fixed", "causal"])
def test_yes_and_no_part_the_cards(field: str) -> None:
    every = mechanism_cards()
    yes, no = (select_cards(every, **{field: word}) for word in ("yes", "no"))
    assert {c.name for c in yes} | {c.name for c in no} == set(names()) and len(yes) + len(no) == len(every)
    assert all(getattr(c, field) for c in yes) and not any(getattr(c, field) for c in no)


def test_families_and_words_filter_together() -> None:
    assert {c.family for c in select_cards(mechanism_cards(), families=("kernel", "local"))} == {"kernel", "local"}
    assert "softmax" not in {c.name for c in select_cards(mechanism_cards(), text="Shen 1812.01243")}
    assert {c.name for c in select_cards(mechanism_cards(), text="SHEN 1812.01243")} >= {"efficient", "factorized"}
    assert select_cards(mechanism_cards(), text="no such word anywhere") == []


@pytest.mark.parametrize("by", SORTS)
def test_every_order_holds_every_card(by: str) -> None:
    number = {"cost": lambda name: counted_operations(name, *SMALL.scene),
              "entropy": lambda name: drawn_map(name, *SMALL.scene).entropy}.get(by, lambda name: None)
    sorted_ = order_cards(mechanism_cards(), by, number)
    assert sorted(c.name for c in sorted_) == names()
    value = {"family": lambda c: FAMILIES.index(c.family), "year": lambda c: c.year or 9999,
             "title": lambda c: c.title.lower(), "cost": lambda c: c.power,
             "entropy": lambda c: 99 if number(c.name) is None else number(c.name)}[by]
    assert [value(c) for c in sorted_] == sorted(value(c) for c in sorted_)


# ---------------------------------------------------------------- the page


def test_it_opens_with_every_card_and_its_map() -> None:
    content = sent(opened())
    assert sorted(c["name"] for c in content["cards"]) == names() == sorted(content["set"]["order"])
    assert all(c["wire"] for c in content["cards"]) and all(c["link"].startswith("./?") for c in content["cards"])
    assert content["grid"] == [1, 8, 8] and len(content["frames"]) == 1


def test_the_title_names_the_sharpest_and_the_flattest() -> None:
    title = opened().title[0].value
    bits = {name: drawn_map(name, *SMALL.scene).entropy for name in names()}
    known = {name: x for name, x in bits.items() if x is not None}
    sharp, flat = min(known, key=known.get), max(known, key=known.get)
    assert title.startswith(f"{len(names())} kinds of attention") and f"({REGISTRY[sharp].title})" in title
    assert f"({REGISTRY[flat].title})" in title or known[flat] - known["uniform"] < 1e-3


@pytest.mark.parametrize("clip", clips.names())
def test_every_picture_can_be_chosen(clip: str) -> None:
    at = opened(source=clip)
    frames, content = 1 if clip in clips.PHOTOGRAPHS else 6, sent(at)
    assert content["grid"][0] == len(content["frames"]) == frames
    assert clips.load(clip).author.split(";")[0][:12] in at.caption[-1].value


@pytest.mark.parametrize("address", [{"patches": "20"}, {"patches": "14", "source": "pan"}])
def test_the_largest_grids(address: dict[str, str]) -> None:
    content = sent(opened(**address))
    assert all(c["wire"] for c in content["cards"])
    assert content["grid"][0] * content["grid"][1] * content["grid"][2] <= MOST


def test_a_clip_takes_fewer_patches_and_says_so() -> None:
    at = opened(patches="20", source="pan")
    assert "at most 14 patches" in at.warning[0].value and at.slider(key="atlas_patches").value == 14


def test_controls_change_what_is_shown_and_the_address() -> None:
    at = opened()
    well(at.selectbox(key="atlas_sort").set_value("entropy").run())
    bits = [drawn_map(name, *SMALL.scene).entropy for name in shown(at)]
    known = [x for x in bits if x is not None]
    assert known == sorted(known) and bits[:len(known)] == known
    well(at.text_input(key="atlas_text").set_value("cosine").run())
    assert "cosformer" in shown(at) and len(shown(at)) < len(names())
    well(next(b for b in at.get("button_group") if b.key == "atlas_family").set_value(["kernel"]).run())
    assert {mechanism_card(name).family for name in shown(at)} == {"kernel"}
    assert {k: v[0] if isinstance(v, list) else v for k, v in at.query_params.items()} == {
        "patches": "8", "sort": "entropy", "text": "cosine", "family": "kernel"}


@pytest.mark.parametrize("field", ["signed", "fixed", "causal"])
def test_the_three_ways(field: str) -> None:
    for word in ("yes", "no"):
        at = opened(**{field: word})
        assert shown(at) and all(YES[getattr(mechanism_card(name), field)] == word for name in shown(at))


def test_nothing_fits_and_the_page_stays() -> None:
    at = opened(text="zebra")
    assert shown(at) == [] and at.title[0].value == "No kind of attention fits"


def test_side_by_side() -> None:
    picked = ("softmax", "linformer", "aft_full", "uniform")
    at = opened(view="side", picked=",".join(picked))
    assert [panel["title"] for panel in sent(at)["panels"]] == [mechanism_card(name).title for name in picked]
    assert "AFT-full: Every channel of v has its own map; this is channel 1 of 16." in at.info[0].value
    table = json.loads(at.get("bidi_component")[1].proto.json)
    assert table.count("<math") > 10 and "_ij" not in table
    assert all(word in table for word in ("no distribution", "O(N K D + S K D)", "2017", "Wang et al., 2020"))


def test_side_by_side_with_too_few_says_what_to_do() -> None:
    at = opened(view="side", picked="softmax")
    assert "Pick two to four" in at.info[0].value and len(shown(at)) == len(names())


def test_the_timeline_opens_a_card_beside_the_one_that_it_changes() -> None:
    at = opened(view="timeline")
    assert at.title[0].value == f"{len(names())} kinds of attention, 2014 to 2026"
    assert "Click a dot" in at.info[0].value and not at.get("bidi_component")
    chart = json.loads(at.get("plotly_chart")[0].proto.spec)
    dots = {spec for trace in chart["data"] for spec in trace.get("customdata", [])}
    assert dots == {c.name for c in mechanism_cards() if c.year} and len(dots) > 40
    assert any("uniform" in said.value for said in at.caption)
    well(at.selectbox(key="atlas_card").set_value("mala").run())
    assert shown(at) == ["mala", "linear"] and at.query_params["card"] in ("mala", ["mala"])
    (one,) = sent(at)["set"]["sections"]
    assert one["title"] == "MALA, and what it changes: linear (elu + 1)" and one["size"] == 2
    assert shown(opened(view="timeline", card="uniform", family="local")) == ["uniform"]
    assert sent(opened(card="mala"))["set"]["card"] == "mala"


def test_the_line_of_contrast_is_sent_with_the_places_of_every_patch() -> None:
    at = opened(view="line")
    here, line = sample_scene(*SMALL.scene), sent(at)["line"]
    wanted = ContrastLine.of(here.q, here.k)
    assert [name for name, _ in sent(at)["titles"]] == list(PLACES)
    for name in PLACES:
        assert line["places"][name] == pytest.approx(wanted.contrast(name)[0, 0, :, 0].numpy(), rel=2e-3)
    assert "differ only in contrast" in at.title[0].value and "1 + z" in at.markdown[1].value


def test_the_table_holds_every_card_in_order() -> None:
    at = opened(view="table", sort="year", family="kernel")
    table = at.dataframe[0].value
    kernels = select_cards(mechanism_cards(), ("kernel",))
    assert list(table["spec"]) == [c.name for c in order_cards(kernels, "year", lambda name: None)]
    assert list(table["cost"]) == [f"O({REGISTRY[name].cost})" for name in table["spec"]]
    rows = list(csv.DictReader(io.StringIO(table.to_csv(index=False))))
    assert rows[0]["mechanism"] == mechanism_card(table["spec"][0]).title and len(rows) == len(table)
    assert at.get("download_button")


def test_an_address_that_cannot_be_used_is_answered_in_words() -> None:
    at = opened(view="<b>", picked="softmax,nobody", sort="colour", text="x" * 99, evil="1")
    assert all(f"{word}=" in at.warning[0].value for word in ("view", "picked", "sort", "text", "evil"))
    assert len(shown(at)) == len(names())
    well(at.button[0].click().run())
    assert not at.warning and at.query_params == {}


def test_families_are_sections_that_follow_the_filter() -> None:
    at = opened(text="relu")
    few, every = shown(at), mechanism_cards()
    assert 2 < len(few) < len(names())
    sections = sent(at)["set"]["sections"]
    whose = [mechanism_card(name).family for name in few]
    assert [(s["family"], s["size"]) for s in sections] == [(f, whose.count(f)) for f in dict.fromkeys(whose)]
    for s in sections:
        most = sum(c.family == s["family"] for c in every)
        assert s["count"] == (f"{s['size']} of {most} mechanisms" if s["size"] < most else
                              f"{most} mechanism{'s' * (most > 1)}")
    (one,) = sent(opened(sort="entropy"))["set"]["sections"]
    assert (one["title"], one["size"]) == ("By entropy on this picture", len(names()))


# ---------------------------------------------------------------- links


def linked(picks: tuple[str, ...], source: str) -> tuple[View, list[str]]:
    """The view that Concentrate shows by a link of the atlas, and what it could not use."""
    parameters = dict(parse_qsl(concentrate_link(picks, source).partition("?")[2]))
    return View.from_parameters(parameters, CONCENTRATE.base(parameters))


@every_case("name", names())
@every_case("clip", ["coffee", "pan"])
def test_a_link_is_an_address_that_concentrate_reads(name: str, clip: str) -> None:
    there, problems = linked((name,), clip)
    assert not problems and there.source == clip and there.patches == View.best(clip).patches
    assert example_text(name).split()[0] in there.specs and len(there.specs) == 2


def test_two_to_four_go_together() -> None:
    picks = ("linear", "uniform", "softmax", "relu")
    assert linked(picks, "coffee")[0].specs == picks


# ---------------------------------------------------------------- a method that does not like pictures


@pytest.fixture
def stubborn() -> Iterator[str]:
    """A mechanism that refuses every picture."""
    class Stubborn(Mechanism):
        """Stubborn attention: it asks for edges."""

        name, title, family, paper, cost, rank = "stubborn", "stubborn", "graph", "no paper", "N", "1"

        def map(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> Any:
            raise RuntimeError("stubborn needs edges=")

    yield Stubborn.name
    del REGISTRY[Stubborn.name]


def test_what_cannot_be_drawn_says_why_and_the_others_are_drawn(stubborn: str) -> None:
    at = opened()
    by_name = {c["name"]: c for c in sent(at)["cards"]}
    assert by_name[stubborn]["note"] == "Cannot be drawn here: stubborn needs edges=" and not by_name[stubborn]["wire"]
    assert by_name["softmax"]["wire"] and not at.exception
    well(opened(view="table"))
    at = well(opened(view="side", picked="softmax,uniform"))
    assert isinstance(mechanism_card(stubborn), Card)


def test_a_url_brings_back_what_is_shown() -> None:
    chosen = AtlasView(text="a b", picked=("relu", "linear"), view="table", family=("kernel", "local"), causal="yes")
    assert AtlasView.from_parameters(chosen.to_parameters(STATE.opening), STATE.opening) == (chosen, [])


def test_an_old_parameter_gets_one_sentence_that_names_the_new_one() -> None:
    found, (sentence,) = AtlasView.from_parameters({"clip": "pan"}, STATE.opening)
    assert found == STATE.opening and "is called source now" in sentence


@pytest.mark.parametrize("filters", [{"family": "kernel"}, {"text": "softmax"}, {"signed": "yes"}])
def test_the_title_follows_the_filter(filters: dict[str, str]) -> None:
    at = opened(**filters)
    said, every = at.title[0].value, [mechanism_card(name) for name in shown(at)]
    assert said.startswith(f"{len(every)} kinds of attention") or said == every[0].title
    if " bits (" in said:
        low, high = re.findall(r"\((.+?)\)(?= to|$)", said)
        assert {low, high} <= {card.title for card in every}
