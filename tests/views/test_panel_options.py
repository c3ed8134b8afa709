"""Options of mechanisms: they reach the URL, a file, the command line and every export, and tell panels apart."""
from __future__ import annotations

import inspect
import io
import json

import numpy as np
import pandas as pd
import pytest

from linviz import Grid, cli, make, names
from linviz.mechanisms import REGISTRY
from linviz.settings import Refused
from linviz.views import View, open_view
from linviz.views.export import bundle, film, panel_pictures, table
from linviz.views.export.web_page import view_page
from linviz.views.panel_options import TypedOptions, declared_options, panel_text, read_options, read_panel
from linviz.views.view_commands import numbers_table
from linviz.views.view_options import chosen_values
from tests.cases import every_case
from tests.views.test_code import held
from tests.views.test_every_field import extremes

TWICE = View("coffee", 5, specs=("performer", "performer", "softmax"), options=({"directions": 8},
             {"directions": 64, "orthogonal": False}, {}))
KEYS = ["performer directions=8", "performer directions=64 orthogonal=0", "softmax"]
DECLARED = [(REGISTRY[name], option) for name in names() for option in REGISTRY[name].settings]


@pytest.fixture(scope="module")
def twice():
    """The same mechanism twice, with other options, beside one without."""
    return open_view(TWICE)


# ------------------------------------------------------------------------------------------------ hosts


def test_a_url_carries_options():
    parameters = TWICE.to_parameters(View("coffee", 5))
    assert parameters == {"specs": "performer,performer,softmax",
                          "options": "0:directions=8,1:directions=64,1:orthogonal=0"}
    assert View.from_parameters(parameters, View("coffee", 5)) == (TWICE, [])
    view, said = View.from_parameters({"specs": "softmax,performer", "options": "1:directions=64"}, View())
    assert view.options == ({}, {"directions": 64}) and not said


@pytest.mark.parametrize("base, view", [
    (View(), View(specs=("softmax",))), (TWICE, View("coffee", 5, specs=TWICE.specs[1:])), (TWICE, View()),
    (View(specs=("performer", "relu"), options=({"directions": 8}, {})),
     View(specs=("performer", "linear"), options=({"directions": 8}, {}))),
    (View(specs=("performer",), options=({"directions": 8},)), View(specs=("performer",)))])
def test_a_url_brings_options_back_whatever_it_starts_from(base, view):
    assert View.from_parameters(view.to_parameters(base), base) == (view, [])


def test_a_file_carries_options_and_an_old_one_has_none(tmp_path):
    assert bundle.load_view(bundle.save_view(tmp_path / "a.linviz", TWICE)) == (TWICE, None)
    old = View().to_json()
    del old["view"]["options"]
    assert View.from_json(old) == View()


def test_the_command_line_takes_options(tmp_path, capsys):
    words = ["--mechanism", "softmax", "performer", "--option", "1:directions=64", "1:kind=relu", "--option",
             "1:orthogonal=1"]
    given = cli.build_parser().parse_args(["read", "coffee", *words])
    assert View().with_values(**chosen_values(vars(given))).options == (
        {}, {"directions": 64, "kind": "relu", "orthogonal": True})
    out = tmp_path / "out.json"
    assert cli.main(["read", "coffee", "--patches", "4", *words, "--out", str(out)]) == 0
    assert json.loads(out.read_text())["view"]["options"][1]["directions"] == 64


def test_other_mechanisms_begin_without_options():
    assert TWICE.with_values(specs=("linear",)).options == ({},)
    assert TWICE.with_values(seed=3).options == TWICE.options


# ------------------------------------------------------------------------------------------------ texts


@pytest.mark.parametrize("spec, options", [
    *TWICE.panels, ("relu_floor+gate:qk@space", {}), ("focused", {"power": 2.5})])
def test_a_panels_text_names_it_and_is_read_back(spec, options):
    assert read_panel(panel_text(spec, options)) == (spec, options)


@pytest.mark.parametrize("text, said", [
    ("performer directions", "options are written NAME=VALUE"), ("sofmax directions=1", "did you mean 'softmax'"),
    ("softmax directions=8", "softmax has no option 'directions'; it has none"), ("", "not a spec"),
    ("performer directions=0", "performer: directions takes a whole number from 1 to 16,384 or none; got '0'")])
def test_a_wrong_text_is_one_sentence(text, said):
    with pytest.raises(ValueError, match=said) as error:
        read_panel(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("options, said", [
    (({"bogus": 1},), "performer has no option 'bogus'; it has directions"),
    (({"directions": 0},), "performer: directions takes a whole number from 1 to 16,384 or none; got 0"),
    (({}, {}), "there are 1 panels and 2 dictionaries"),
    (TypedOptions([(1, "directions", "8")]), "there is no panel 1 for the option directions"),
    (TypedOptions([(0, "directions", "x")]), "performer: directions takes a whole number"),
    (TypedOptions([(0, "bogus", "8")]), "performer has no option 'bogus'")])
def test_a_wrong_option_value_or_panel_is_one_sentence(options, said, capsys):
    with pytest.raises(ValueError, match=said) as error:
        read_options(("performer",), options)
    assert "\n" not in str(error.value)
    if isinstance(options, TypedOptions):
        [(panel, name, text)] = options
        assert cli.main(["read", "coffee", "--mechanism", "performer", "--option", f"{panel}:{name}={text}"]) == 1
        [line] = capsys.readouterr().err.splitlines()
        assert said in line


# ------------------------------------------------------------------------------------------------ panels and exports


def test_panels_with_other_options_are_other_maps_with_other_names(twice):
    first, second, _ = twice.panels
    assert first.reading.mechanism.mechanism.features_wide < second.reading.mechanism.mechanism.features_wide
    assert [panel.key for panel in twice.panels] == KEYS and len(set(twice.titles)) == 3
    assert "directions 8" in twice.titles[0] and "directions 64" in twice.titles[1]
    assert [panel.title for panel in twice.live_panels] == twice.titles
    assert [panel.key for panel in twice.only(KEYS[1]).panels] == KEYS[1:2]


def test_every_export_tells_them_apart(twice):
    every = pd.read_csv(io.StringIO(table.numbers_csv(twice)))
    assert list(every.spec.unique()) == KEYS and not every.duplicated(["spec", "measure"]).any()
    entropy = every[every.measure == "entropy"].patch
    assert entropy.nunique() == 3
    assert [one["spec"] for one in json.loads(table.numbers_json(twice))["mechanisms"]] == KEYS
    arrays = np.load(io.BytesIO(table.weights_npz(twice)))
    assert {*KEYS} <= {*arrays} and not np.allclose(arrays[KEYS[0]], arrays[KEYS[1]])
    assert all(title in panel_pictures.svg_document(twice) for title in twice.titles)
    assert view_page(twice).startswith("<!doctype html>")


def test_the_printed_table_shows_the_whole_of_a_long_name(twice, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    heads = numbers_table(twice, table.view_numbers(twice)).splitlines()[3:6]
    columns = ["".join(head[33 + 18 * n:51 + 18 * n].strip() + "|" for head in heads) for n in range(3)]
    assert [column.replace("|", "").replace(" ", "") for column in columns] == [key.replace(" ", "") for key in KEYS]


def test_the_code_prints_the_same_numbers_under_the_same_names(twice):
    assert held(twice) == []
    gated = View("coffee", 5, specs=("focused+gate", "focused+gate", "factorized"), steps=2,
                 options=({"power": 2.0}, {}, {"version": "dot"}))
    assert held(open_view(gated)) == [], "a signed map has measures of its own"


def test_a_film_of_one_of_two_equal_specs_shows_that_one():
    opened = open_view(View("pan", 4, 2, specs=("performer", "performer"), options=({"directions": 8}, {})))
    [first, *_] = film.film_frames(opened, only="performer directions=8")
    assert first.size[0] < next(film.film_frames(opened)).size[0]


# ------------------------------------------------------------------------------------------------ declarations


@every_case("cls, name", DECLARED)
def test_a_declared_option_is_a_keyword_of_its_mechanism_and_its_default_is_allowed(cls, name):
    keyword, kind = inspect.signature(cls.build).parameters[name], cls.settings[name].kind
    assert keyword.kind in (keyword.KEYWORD_ONLY, keyword.POSITIONAL_OR_KEYWORD)
    assert kind.check(keyword.default) == keyword.default, "the default is allowed"
    assert cls.settings[name].label and declared_options(cls.name)[name] is cls.settings[name]


@every_case("cls, name", DECLARED)
def test_every_extreme_of_an_option_makes_a_mechanism_or_is_one_sentence(cls, name):
    allowed, beyond, texts = extremes(cls.settings[name].kind)
    made = 0
    for value in allowed:
        assert read_panel(panel_text(cls.name, {name: value} if value is not None else {}))[0] == cls.name
        try:
            made += make(cls.name, 1, 16, Grid(1, 4, 4), **{name: value}) is not None
        except ValueError as error:
            assert "\n" not in str(error) and len(str(error)) < 300
    assert made
    for value in beyond:
        with pytest.raises(ValueError, match=f"{cls.name}: {name} takes"):
            read_options((cls.name,), ({name: value},))
    for text in texts:
        with pytest.raises(Refused):
            read_options((cls.name,), TypedOptions([(0, name, text)]))
