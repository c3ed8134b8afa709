"""Who sees whom: every control and its extremes, an address that tells of them, and numbers that are linviz's."""
from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

import linviz
from explorer.reach.attention_notes import attention_note
from explorer.reach.reach_schemes import ATTENTIONS, SCHEMES, scheme_specs
from explorer.reach.reach_state import PLACES, STATE, TRAINED, ReachView, fitting_frames
from explorer.reach.reached_layers import (
    HEADS,
    WIDTH,
    attention_layer,
    percent_of,
    reach_alt,
    reach_heading,
    reached_layers,
)
from explorer.reach.rollout_layers import SHOWN, asked_clip, find_rollouts, rollout_heading, rule_note, undivided_note
from explorer.reach.rollout_view import file_bytes
from explorer.shared.number_tables import operation_count
from linviz import Grid, cost, flow
from linviz.patch_view import unpack
from linviz.views.panel_options import read_panel
from linviz.views.trained_maps import first_query

PAGE = Path(__file__).parents[2] / "explorer" / "reach" / "page.py"
QUICK = {"source": "pan", "patches": "7", "frames": "3", "row": "3", "column": "4"}
GRID = Grid(3, 7, 7)
QUERY = GRID.number(0, 2, 3)


def opened(**address: str) -> AppTest:
    at = AppTest.from_file(str(PAGE), default_timeout=120)
    for name, text in (QUICK | address).items():
        at.query_params[name] = text
    at.run()
    assert not at.exception
    return at


def table(at: AppTest) -> list[list[str]]:
    """The cells of the numbers, without the heads."""
    body = next(html.proto.body for html in at.get("html"))
    rows = re.findall(r"<tr>(.*?)</tr>", body.split("<tbody>")[1])
    return [[re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


# ---------------------------------------------------------------- numbers


DRAWN = {"reformer", "sla"}  # which keys they see depends on q and k


@pytest.mark.parametrize("attention, scheme", [
    *((one, scheme) for one in ("softmax", "relu_floor") for scheme in SCHEMES),
    *((one, scheme) for one in ATTENTIONS[2:] if one not in DRAWN for scheme in ("joint", "shift_space"))])
def test_what_is_reached_is_what_flow_says_of_other_queries_and_keys(scheme: str, attention: str) -> None:
    """Another draw of q and k reaches the same: it follows from the scheme."""
    found = reached_layers(scheme, attention, 3, GRID, QUERY)
    x = torch.randn(1, 1, len(GRID), 32)
    layers = []
    for spec in found.specs:
        spec, options = read_panel(spec)
        m = linviz.make(spec, 1, 32, GRID, seed=5, **options)
        a = m.map(x, x.flip(-1), x)
        layers.append(lambda v, a=a, m=m: a.apply(m.values(v)))
    masks = flow.reach(layers, QUERY, len(GRID), width=32)
    assert found.tokens == tuple(int(mask.sum()) for mask in masks)
    for n, mask in enumerate(masks):
        assert torch.equal((found.levels > 0) & (found.levels <= n + 1), mask)


@pytest.mark.parametrize(("scheme", "tokens"), [
    ("joint", (147, 147, 147)), ("space", (49, 49, 49)), ("time", (3, 3, 3)), ("divided", (49, 147, 147)),
    ("axial", (3, 21, 147)), ("window", (9, 9, 9)), ("shifted", (9, 36, 49)), ("kronecker", (147, 147, 147)),
    ("shift_time", (98, 147, 147)), ("shift_space", (27, 75, 126)),
    ("hybrid", (49, 49, 49))])
def test_counts_written_out(scheme: str, tokens: tuple[int, ...]) -> None:
    """3 frames of 7 x 7 patches, row 3, column 4, windows of 3: counted on squared paper."""
    assert reached_layers(scheme, "softmax", 3, GRID, QUERY).tokens == tokens


@pytest.mark.parametrize(("attention", "tokens"), [
    ("local", (48, 64, 80)), ("graph", (10, 35, 76)), ("retention", (18, 18, 18)), ("delta", (18, 18, 18))])
def test_counts_of_what_attends(attention: str, tokens: tuple[int, ...]) -> None:
    """A memory: its own patch and the 17 before it. Blocks of 16. Along edges: 9 + 1, 25 + 9 + 1, 42 + 25 + 9."""
    assert reached_layers("joint", attention, 3, GRID, QUERY).tokens == tokens


def test_every_other_mechanism_reaches_its_whole_box() -> None:
    far = "gaussian"  # float32 has no number as small as its smallest weights
    others = [name for name in linviz.names() if name not in (*ATTENTIONS, far)]
    assert [name for name in others if flow.reach([attention_layer(name, GRID)[0]], QUERY, len(GRID), HEADS,
                                                  WIDTH)[0].sum() < len(GRID)] == []


def test_notes_say_what_the_marks_cannot() -> None:
    grid = Grid(6, 14, 14)
    assert not attention_note("softmax", grid) and all(attention_note(name, grid) for name in ATTENTIONS[2:])
    assert "left after 21.8 to 44.0 patches, which is 0.111 to 0.225 frames" in attention_note("retention", grid)
    both = attention_note("retention", grid, ("joint", "hybrid"))
    assert "raster order" in both and "Under *hybrid* it takes one step per frame" in both
    frames = attention_note("retention", grid, ("hybrid", "hybrid"))
    assert "raster" not in frames and "Half is left after 21.8 to 44.0 frames (its two heads)" in frames
    assert "all frames, with gates" in attention_note("kda", grid, ("hybrid",))
    assert "similar keys" in attention_note("delta", grid, ("hybrid",))
    assert "Nothing fades" in attention_note("delta", grid) and "4 rounds" in attention_note("reformer", grid)
    at = opened(attention="gla", left="joint")
    assert any("**GLA.** It takes the patches in raster order" in text.value for text in at.markdown)
    assert table(at)[1][1:3] == ["gla", "18 of 147"]


@pytest.mark.parametrize("attention", ["softmax", "delta", "retention", "mamba2"])
def test_a_hybrid_reaches_its_own_frame_and_earlier_ones(attention: str) -> None:
    """Of three frames the middle one: never the last. Signed weights hide no patch."""
    found = reached_layers("hybrid", attention, 3, GRID, 49 + 20)
    assert found.tokens == (98, 98, 98) and not found.levels[98:].any()


def test_local_and_global_together_reach_all() -> None:
    found = reached_layers("local_global", "softmax", 3, GRID, QUERY)
    assert found.tokens[0] < found.tokens[1] and found.whole in (2, 3)


@pytest.mark.parametrize("spec", ["softmax", "softmax@space", "relu_floor+shift:time@space", "kronecker_kv"])
def test_operations_are_what_cost_counts(spec: str) -> None:
    x = torch.rand(1, HEADS, len(GRID), WIDTH)
    assert attention_layer(spec, GRID)[1] == cost.flops(linviz.make(spec, HEADS, WIDTH, GRID), x, x, x)


def test_softmax_over_all_pairs_costs_four_n_n_d_a_head() -> None:
    assert attention_layer("softmax", GRID)[1] == 4 * len(GRID)**2 * WIDTH * HEADS


def test_schemes_end_with_the_end_of_their_cycle() -> None:
    assert scheme_specs("axial", "linear") == ("linear@columns", "linear@rows", "linear@time")
    assert all(attention_layer(spec, GRID) for name in SCHEMES for spec in scheme_specs(name))


def test_words() -> None:
    divided, space = (reached_layers(s, "softmax", 3, GRID, QUERY) for s in ("divided", "space"))
    assert reach_heading(divided, space).endswith("reaches every patch in two layers, "
                                                  "attention in space 33.3\xa0% in three")
    assert reach_heading(space, space) == "Attention in space reaches 33.3\xa0% in three layers"
    assert "divided: time, space: 49 of 147 patches in one layer" in reach_alt([divided], "")
    assert percent_of(146, 147) != percent_of(147, 147) == "100\xa0%" and operation_count(999_999) == "1 million"


# ---------------------------------------------------------------- rollout


@pytest.mark.parametrize("scheme", ["joint", "divided", "shifted", "shift_time"])
def test_rollouts_of_a_scheme_stay_where_it_reaches_and_the_published_one_has_mass_one(scheme: str) -> None:
    choice = ReachView(source="pan", patches=7, frames=3, row=3, column=4, left=scheme, rollout="left", side=3)
    found, met = find_rollouts(choice), reached_layers(scheme, "softmax", 3, GRID, QUERY).levels > 0
    assert abs(found.rows["published"].sum().item() - 1) < 1e-5 and found.query == QUERY
    assert all(not row[~met].any() and row.min() >= 0 for row in found.rows.values())
    apart = [flow.total_variation(found.rows[name], found.rows["published"]) for name in SHOWN[1:]]
    assert min(apart) > 0.02 and all(f"{100 * part:.3g}" in rollout_heading(found) for part in apart)
    lines = file_bytes("csv", choice, found).decode().splitlines()
    assert lines[1] == "frame,row,column,published,columns,product" and len(lines) == 2 + len(GRID)
    total = [sum(float(line.split(",")[3 + n]) for line in lines[2:]) for n in range(3)]
    assert total == pytest.approx([found.rows[name].sum().item() for name in SHOWN], rel=1e-5)
    assert f'"left": "{scheme}"' in lines[0] or scheme == ReachView().left
    picture = Image.open(io.BytesIO(file_bytes("png", choice, found)))
    assert picture.text["linviz"] in lines[0] and len(picture.convert("RGB").resize((60, 60)).getcolors(3600)) > 100


def test_rollouts_of_every_trained_model_are_of_its_own_maps() -> None:
    """Rolled out again through the model's values, without a table."""
    for name in TRAINED:
        found = find_rollouts(ReachView(rollout=name))
        model, task = asked_clip(name)
        assert len(model.shape.grid) == PLACES and found.query == first_query(task.clip(0), model.shape)
        layers = [layer.mix_values for layer in model.trace(task.frames)]
        again = flow.rollout(layers, found.query, PLACES, heads=3)
        assert torch.allclose(found.rows["published"], again, atol=1e-5), name
        assert "with total mass 8." in undivided_note(found) or "shift" in name
        assert all(flow.RULES[rule].source in rule_note(found, rule) for rule in SHOWN)


def test_rollouts_are_shown_beside_the_reach_and_a_signed_layer_is_refused_in_words() -> None:
    at = opened(rollout="right", right="joint")
    (shown,) = (unpack(one.proto.bytes) for one in at.get("bidi_component") if b"columns divided" in one.proto.bytes)
    assert [panel["title"] for panel in shown["panels"]] == [flow.RULES[name].title for name in SHOWN]
    assert shown["set"]["query"] == QUERY and all(abs(p["row"].sum() - 1) < 1e-5 for p in shown["panels"])
    assert "Mass by frame. as published: " in shown["alt"] and len(shown["panels"][0]["captions"]) == 3
    assert "negative weights" in opened(rollout="left", left="joint", attention="delta").info[0].value


# ---------------------------------------------------------------- the page


def test_the_view_is_sent_what_was_reached() -> None:
    (element,) = opened().get("bidi_component")
    sent = unpack(element.proto.bytes)
    assert sent["grid"] == [3, 7, 7] and sent["set"]["query"] == QUERY and len(sent["frames"]) == 3
    for panel, scheme in zip(sent["panels"], ("divided", "shift_time"), strict=True):
        found = reached_layers(scheme, "softmax", 4, GRID, QUERY)
        assert panel["levels"].tolist() == found.levels.tolist()
        assert [row["tokens"] for row in panel["rows"]] == [str(n) for n in found.tokens]


def test_it_opens_on_real_numbers() -> None:
    at = opened()
    found = [reached_layers(scheme, "softmax", 4, GRID, QUERY) for scheme in ("divided", "shift_time")]
    assert at.title[0].value == reach_heading(*found)
    rows = table(at)
    assert rows[1][:4] == ["one layer", "softmax@space", "49 of 147", "33.3\xa0%"]
    assert rows[3][1:3] == ["softmax@space", "147 of 147"] and len(rows) == 8
    assert rows[3][5] == operation_count(sum(reached_layers("divided", "softmax", 4, GRID, QUERY).flops))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_can_be_compared(scheme: str) -> None:
    at = opened()
    at.selectbox(key="reach_left").set_value(scheme).run()
    at.selectbox(key="reach_right").set_value(scheme).run()
    assert not at.exception
    assert table(at)[0] == [SCHEMES[scheme].title] and at.title[0].value.count(" reaches ") == 1


@pytest.mark.parametrize(("kind", "name", "value"), [
    ("selectbox", "attention", "kda"), ("slider", "frames", 8), ("slider", "patches", 7), ("slider", "patches", 28),
    ("slider", "frames", 2), ("selectbox", "source", "digit"), ("number_input", "frame", 3), ("number_input", "row", 7),
    ("number_input", "column", 1)])
def test_a_control_changes_the_address_and_the_address_brings_it_back(kind: str, name: str, value: Any) -> None:
    at = opened(left="window")
    getattr(at, kind)(key=f"reach_{name}").set_value(value).run()
    assert not at.exception
    address = {key: text[0] if isinstance(text, list) else text for key, text in at.query_params.items()}
    assert address.get(name, str(getattr(ReachView(), name))) == str(value)
    again = AppTest.from_file(str(PAGE), default_timeout=120)
    for key, text in address.items():
        again.query_params[key] = text
    again.run()
    assert not again.exception and not again.warning
    assert again.title[0].value == at.title[0].value and table(again) == table(at)


@pytest.mark.parametrize("side", [2, 14])
def test_the_side_of_a_window_matters_to_windows_only(side: int) -> None:
    at = opened(left="window", patches="14")
    at.slider(key="reach_side").set_value(side).run()
    assert table(at)[1][2] == f"{side * side} of 588"
    assert "reach_side" not in {slider.key for slider in opened().slider}


def test_linear_attention_costs_the_same_in_every_scope() -> None:
    at = opened(attention="relu_floor", left="joint", right="space")
    assert table(at)[1][4] == table(at)[5][4]


def test_more_patches_leave_room_for_fewer_frames_and_move_the_query_inside() -> None:
    at = opened(patches="14", frames="8", frame="8")
    at.slider(key="reach_patches").set_value(28).run()
    assert not at.exception and fitting_frames(8, 28) == 2
    assert at.number_input(key="reach_frame").value == 2 and "of 1,568" in table(at)[1][2]


def test_an_address_that_cannot_be_used_is_answered_in_words() -> None:
    at = opened(left="<b>", frames="99", row="99", evil="1")
    said = at.warning[0].value
    assert all(word in said for word in ("left", "frames", "row", "evil")) and "<b>" not in said
    at.button[0].click().run()
    assert not at.warning and not at.exception
    assert at.query_params == {} and at.selectbox(key="reach_left").value == "divided"


def read(**parameters: str) -> tuple[ReachView, list[str]]:
    """What a URL stands for on this page, and what could not be shown."""
    found, problems = ReachView.from_parameters(parameters, STATE.opening)
    found, more = STATE.settle(found)
    return found, problems + more


def test_fields_that_do_not_go_together_are_settled_and_told() -> None:
    view, said = read(patches="28", frames="8", frame="7")
    assert (view.frames, view.frame) == (2, 2) and len(said) == 2


def test_the_opening_query_moves_without_a_word() -> None:
    view, said = read(patches="7")
    assert (view.row, view.column) == (7, 7) and not said
    assert read(patches="7", column="12")[1] == ["The query was moved into the clip: frame 1, row 7, column 7."]


def test_an_old_parameter_gets_one_sentence_that_names_the_new_one() -> None:
    view, (sentence,) = read(clip="digit")
    assert view == STATE.opening and "is called source now" in sentence
