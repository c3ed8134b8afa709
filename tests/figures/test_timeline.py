"""The timeline: its data are what was given, no two dots or names of a lane meet, and it is told in words."""
from __future__ import annotations

from linviz import names
from linviz.figures.timeline import GAP, LETTER, Dot, ancestry, timeline_chart
from linviz.mechanisms import FAMILIES, REGISTRY

EVERY = [Dot(c.title, name, c.family, c.year, c.after) for name in names() if (c := REGISTRY[name]).year]


def places(chosen: str = "") -> dict[str, tuple[int, int]]:
    return {spec: (x, y) for trace in timeline_chart(EVERY, FAMILIES, chosen).data if trace.customdata
            for spec, x, y in zip(trace.customdata, trace.x, trace.y)}


def test_every_dot_stands_at_its_year_in_the_lane_of_its_family() -> None:
    found = places()
    assert {spec: x for spec, (x, _) in found.items()} == {d.spec: d.year for d in EVERY}
    rows = {family: {found[d.spec][1] for d in EVERY if d.family == family} for family in FAMILIES}
    assert sum(map(len, rows.values())) == len(set.union(*rows.values())), "lanes share no row"
    assert list(rows) == sorted(rows, key=lambda family: min(rows[family], default=99))


def test_names_do_not_run_into_the_next_dot() -> None:
    found = places()
    for one in EVERY:
        for other in EVERY:
            (x, y), (x2, y2) = found[one.spec], found[other.spec]
            assert one is other or y != y2 or x2 < x or x2 >= x + GAP + LETTER * len(one.title), (one, other)


def test_the_way_to_a_chosen_one_is_drawn() -> None:
    (way, *_), found = timeline_chart(EVERY, FAMILIES, "kda").data, places("kda")
    assert way.name == "what led to KDA" and way.mode == "lines"
    specs = [d.spec for d in ancestry(EVERY, "kda")]
    assert specs[:3] == ["kda", "gated_delta", "delta"] and specs[-1] == "additive"
    assert list(zip(way.x, way.y)) == [found[spec] for spec in specs]
    assert all(trace.customdata for trace in timeline_chart(EVERY, FAMILIES).data)


def test_it_is_told_in_words_and_axes_are_named() -> None:
    figure = timeline_chart(EVERY, FAMILIES, dark=True)
    assert all(f"{d.title} {d.year}" in figure.layout.meta["alt"] for d in EVERY)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("year of the paper", "family")
    assert not timeline_chart([], FAMILIES).data
