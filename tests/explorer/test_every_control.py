"""Every control of Concentrate and Trained is moved by some test: whoever adds one, names here the test that moves it.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linviz.capture.capture_file import pack_capture

from .harness import quiet, tables, visit, well
from .test_fixation_panel import html
from .test_own_capture import tiny_capture
from .test_own_file import arrays, bring

HERE = Path(__file__).parent
PAGE, OWN, PANEL = "test_page.py", "test_own_file.py", "test_fixation_panel.py"
FILES, ALL_FILES = "test_exports_browser.py", "test_the_address_and_the_files_hold_what_a_hand_has_done"
PAIR = "test_divergence_panel.py", "test_two_panels_are_picked_and_the_same_one_twice_swaps_them"
GO = "test_divergence_panel.py", "test_the_button_and_a_click_move_the_query_of_all_panels"
TRAINED, ALL_TRAINED = "test_trained.py", "test_a_control_changes_page_and_address_and_the_address_brings_all_back"
HOST, ENDS = "test_page_host.py", "test_every_field_stands_at_its_extreme_by_url_and_by_its_widget_and_goes_no_further"
GATE = PAGE, "test_the_gate_reads_what_was_chosen"
FIT = PAGE, "test_steps_and_seed_decide_the_fit"
MINE = "test_every_control.py", "test_the_panel_follows_its_own_control"
FIELDS = {"source": (PAGE, "test_every_picture"), "patches": (PAGE, "test_sliders_at_both_ends"),
          "temperature": (PAGE, "test_sliders_at_both_ends"),
          "frames": (PAGE, "test_frames_at_both_ends_and_what_does_not_fit"),
          "specs": (PAGE, "test_an_empty_list_keeps_the_last_choice"),
          "causal": (PAGE, "test_causal_maps_look_back_only_and_have_full_rank"),
          "keys": (PAGE, "test_keys_may_describe_what_is_around_a_patch"),
          "gate_reads": GATE, "gate_shared": GATE, "gate_shift": GATE, "steps": FIT, "seed": FIT,
          "head": (OWN, "test_a_researcher_s_tensors_are_drawn_as_they_are"),
          "layer": ("test_own_capture.py", "test_a_capture_is_a_source_with_layers_and_heads"),
          "layout": (OWN, "test_an_ambiguous_layout_is_asked_for_and_a_link_brings_it_back"),
          "upload": (OWN, "test_a_clip_is_cut_in_its_own_form_and_its_numbers_are_linviz_s"),
          "option_": (HOST, "test_every_option_that_a_mechanism_declares_has_a_widget_with_its_limits")}

MOVED = {  # a control's key, or what stands on it where it has none: the test that moves it and looks at what changes
    **{f"concentrate_{name}": test for name, test in FIELDS.items()},
    "curve": (PAGE, "test_curves_and_the_mean_row_switch"), "centred": (PAGE, "test_curves_and_the_mean_row_switch"),
    "Fit again": (PAGE, "test_fit_again_fits_again"), "Reset": (PAGE, "test_reset_brings_the_opening_back"),
    "Cancel": (PAGE, "test_a_fit_can_be_cancelled_and_stays_as_far_as_it_came"),
    "apart": (PANEL, "test_a_gate_is_taken_apart"), "apart_of": MINE,
    "trained_gates_of": ("test_trained_gates.py", "test_of_two_gated_models_one_is_chosen_and_a_shift_is_explained"),
    **{name: ("test_trained_gates.py", "test_one_head_is_shown_larger_and_follows_the_sidebar") for name in (
        "trained_gate_head", "trained_gate_channel")},
    "Bring your own picture, clip, tensors or capture, or a saved view": (
        OWN, "test_before_a_file_comes_a_sample_stays_and_the_page_says_what_happens_to_files"),
    "Forget this file": (OWN, "test_a_file_lies_in_its_visit_alone_and_can_be_forgotten"),
    "Play again": (TRAINED, "test_the_film_is_a_film_and_can_be_seen_again"),
    "Another clip": (TRAINED, "test_another_clip_is_the_next_one_and_the_view_begins_anew"),
    **{f"trained_{name}": (TRAINED, ALL_TRAINED) for name in (
        "budget", "seed", "layer", "head", "clip", "clip_seed", "order", "specs", "temperature", "strength")},
    "compare": PAIR, "compare_first": PAIR, "compare_second": PAIR, "compare_largest": GO,
    "passed_border": ("test_passed_panel.py", "test_the_border_moves_the_spectrum_of_what_a_memory_passes_on"),
    "painted": ("test_painted_panel.py", "test_the_output_of_pixels_is_drawn_with_its_error_once_it_is_unfolded"),
    "exports": ("test_exports.py", "test_the_code_on_the_page_prints_the_tables_numbers"),
    **{f"export.{ending}": (FILES, ALL_FILES) for ending in (
        "linviz", "html", "py", "png", "svg", "mp4", "zip", "csv", "json", "npz")}}
SHOWN = {"plotly_chart", "bidi_component", "flex_container"}  # with keys: what is done to them stays in the browser
SPOKEN = {"option_": '"option_', "exports": "export_buttons.KEY", "upload": "bring("}  # how tests speak of some
NOT_YET = {"Cancel"}  # there only while a gate is fitted


def elements(block: Any) -> Iterator[Any]:
    """Everything on a page."""
    for child in getattr(block, "children", {}).values():
        yield child
        yield from elements(child)


def controls(app: Any) -> set[str]:
    """The keys of all controls on a page, the words of those that have none."""
    found = set()
    for element in elements(app._tree):
        name = getattr(getattr(element, "proto", None), "id", "")
        if isinstance(name, str) and name.startswith("$$ID-") and element.type not in SHOWN:
            key = name.split("-", 2)[2]  # $$ID, a hash, the key
            key = re.sub(r"option_\d+_\w+", "option_", key)
            found.add(element.proto.label if key == "None" else key)
    return found


@pytest.fixture(scope="module")
def sample() -> Any:
    """A clip with two shifted gates, taken apart, a mechanism with options, a memory, and the files unfolded."""
    app = visit(source="pan", frames="3", patches="7", steps="10",
                specs="softmax,relu_floor+gate+shift:space,linear+gate+shift:space,performer,delta")
    app.session_state.exports = app.session_state.compare = True
    return quiet(well(app.toggle(key="apart").set_value(True).run()))


def test_no_control_is_without_a_test(sample: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 26, 8)).astype(np.float32)
    tensors = bring(visit(source="own", specs="softmax,relu_floor"), arrays(q=x, k=x), "run.npz")
    capture = bring(visit(source="own", specs="softmax"), pack_capture(tiny_capture()), "tiny.linviz")
    trained = visit("trained", budget="short", specs="relu_floor+gate,relu_floor+gate+shift")
    there = [controls(app) for app in (sample, tensors, capture, trained)]
    assert set.union(*there) | NOT_YET == set(MOVED)


def test_every_test_that_is_named_is_there_and_speaks_of_the_control() -> None:
    for control, (file, name) in MOVED.items():
        text = (HERE / file).read_text("utf-8")
        word = re.sub(r"^(trained_|concentrate_|export(?=\.))", "", control)
        spoken = SPOKEN.get(word, f'"{word}"')
        assert f"def {name}(" in text, name
        assert spoken in text or " ".join(control.split()[:3]) in text, control


def table_of_parts(app: Any) -> dict[str, list[str]]:
    return next(table for table in tables(app) if "the gate as it is" in table)


def test_the_panel_follows_its_own_control(sample: Any) -> None:
    before = html(sample, "Fixation ratios of 18 channels"), table_of_parts(sample)
    app = well(sample.radio(key="apart_of").set_value(2).run())
    assert before[0] and html(app, "Fixation ratios of 18 channels") != before[0]
    assert table_of_parts(app) != before[1]
