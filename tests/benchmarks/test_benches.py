"""The benchmarks run, compare equal results only, and their page says what their numbers say; no time is asserted."""
from __future__ import annotations

import doctest
import importlib
import json
import sys
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement

from benchmarks import __main__ as command
from benchmarks import bench_races, gpu_speed, method_forms, peer_packages, results_page, single_bench, thread_counts
from benchmarks.bench_inputs import draw_qkv, einsum_attention
from benchmarks.bench_list import BENCHES
from benchmarks.bench_races import Effort, Race, Ratio, largest_difference, run_race
from benchmarks.bench_results import Goal, Result, Table, result_as_json, result_from_json, result_lines
from benchmarks.growth_curves import growth_figures
from benchmarks.peak_memory import REFERENCES, peak_mebibytes
from benchmarks.single_bench import run_bench
from tests.cases import every_case
from tools import plots

ROOT = Path(__file__).parents[2]
TINY = Effort("tiny", rounds=1, memory=False, peers=False)
GOALS = {"spectrum": {"G1", "G2"}, "topk": {"G3"}, "rowstats": {"G4"}, "linrow": {"G5"}, "linear": {"G6"},
         "train": {"G8"}, "crossover": {"G8"}, "causal": {"G9"}, "methods": {"G10"}, "rank": {"G11"},
         "explorer": {"G12"}}


@pytest.fixture(autouse=True, scope="module")
def no_repetition():
    """Times are of no interest here: every run is called once a round, on one thread."""
    patch = pytest.MonkeyPatch()
    patch.setattr(bench_races, "LEAST", 0.0)
    patch.setattr(thread_counts, "MANY", 1)
    patch.setattr(method_forms, "SAME", 1e-4)       # of few tokens
    yield
    patch.undo()


LATE = ("step", "read", "threads")      # they draw clips and train


@every_case("name", [name for name in BENCHES if name not in LATE])
def test_every_benchmark_runs_and_fills_its_tables(name):
    check_benchmark(name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", LATE)
def test_benchmarks_that_draw_clips_fill_their_tables(name):
    check_benchmark(name)


def check_benchmark(name):
    result = run_bench(name, TINY)
    assert result.name == name and result.title and {"processor", "load", "rounds"} <= result.facts.keys()
    assert result.tables and all(table.rows for table in result.tables)
    assert all(len(row) == len(table.columns) for table in result.tables for row in table.rows)
    assert GOALS.get(name, set()) == {goal.name for goal in result.goals}
    assert "NaN" not in json.dumps(result_as_json(result), allow_nan=False)
    assert results_page.results_page([result]).count("\n## ") == 3


def test_the_page_is_made_of_the_stored_results():
    assert results_page.PAGE.read_text("utf-8") == results_page.page_of_stored_results(BENCHES)
    assert {path.stem for path in results_page.RESULTS.glob("*.json")} <= set(BENCHES)


def test_the_plots_have_the_curves_of_the_stored_results():
    growth = run_bench("growth", TINY)
    figures = growth_figures(growth.curves)
    assert list(figures) == ["growth_softmax", "growth_kernel"]
    measured, fitted, stated = figures["growth_softmax"].data
    assert list(measured.y) == growth.curves["softmax"]["milliseconds"] and measured.mode == "markers"
    assert stated.y[-1] == pytest.approx(measured.y[-1]) and stated.y[0] == pytest.approx(stated.y[-1] * (9 / 16) ** 2)
    assert list(fitted.y) == pytest.approx(list(measured.y))     # of two points
    drawn = {path.stem for path in plots.SPEED.glob("*.svg")}
    assert drawn == {name for name, _ in plots.growth_plots()}


# ---------------------------------------------------------------- the frame


def test_runs_take_turns_and_slow_ones_have_fewer(monkeypatch):
    monkeypatch.setattr(bench_races, "SLOW", 5.0)
    calls, now = [], [0.0]

    def run(name, seconds):
        calls.append(name)
        now[0] += seconds
    race = run_race({"slow": lambda: run("slow", 9.0), "fast": lambda: run("fast", 2.0)}, 7, lambda: now[0])
    assert calls[:3] == ["slow", "fast", "fast"]            # the warm-up
    assert "".join(name[0] for name in calls[3:]) == "sffffsffsf"
    assert race.seconds["slow"] == [9.0, None, None, 9.0, None, None, 9.0] and race.ratio("slow", "fast").middle == 4.5
    assert race.milliseconds("fast") == 2000


def test_a_ratio_is_taken_round_by_round():
    race = Race({"a": [10.0, 2.0, 3.0], "b": [10.0, 1.0, 1.0]})
    assert race.ratio("a", "b") == Ratio(2.0, 1.5, 2.5)
    assert race.median("a") / race.median("b") == 3.0       # of medians it would be another one


def test_speeds_of_different_results_are_not_compared():
    with pytest.raises(ValueError, match="sums: the results differ by 1.0e-02 of the largest, and 1e-03 is allowed"):
        largest_difference("sums", torch.tensor([1.0, 2.02]), torch.tensor([1.0, 2.0]), rtol=1e-3)
    with pytest.raises(ValueError, match="differ"):
        largest_difference("sums", torch.tensor([torch.nan]), torch.tensor([1.0]), rtol=1.0)


def test_the_form_of_the_libraries_is_linear_attention():
    q, k, v = (x.double() for x in draw_qkv(5, 3, 2))
    phi = (torch.nn.functional.elu(q) + 1) @ (torch.nn.functional.elu(k) + 1).mT
    largest_difference("einsum", einsum_attention(q, k, v), phi / phi.sum(-1, keepdim=True) @ v, rtol=1e-6)


def test_a_peak_is_that_of_the_call_alone():
    assert REFERENCES.exists(), "peaks are measured on Linux"
    peak = peak_mebibytes("tests.benchmarks.peak_case:array_call", size=8)
    assert peak is not None and 7.9 < peak < 9
    with pytest.raises(ValueError, match="could not be measured.*no attribute"):
        peak_mebibytes("tests.benchmarks.peak_case:nothing")


@pytest.mark.parametrize("measured, limit, least, verdict", [
    (2.0, 1.0, True, "met"), (0.5, 1.0, True, "not met"), (1.0, 1.0, False, "met"), (1.1, 1.0, False, "not met"),
    (Ratio(0.9, 0.5, 3.0), 1.0, True, "not met"), (None, 1.0, True, "not measured")])
def test_a_goal_is_judged_as_measured(measured, limit, least, verdict):
    assert Goal("G1", "what", measured, limit, least).verdict == verdict
    assert Goal("G1", "what", None, limit, least, missed=True).verdict == "not met"


def test_results_survive_their_file():
    result = Result("a", "A", [Table("t", ["x", "y"], [["b", Ratio(1.23456, 1.0, 2.0)], [None, 3]])],
                    [Goal("G1", "w", 1.23456, 1.0)], ["note"], {"load": 1.0})
    again = result_from_json(json.loads(json.dumps(result_as_json(result))))
    assert again.tables[0].rows == [["b", Ratio(1.235, 1.0, 2.0)], [None, 3]] and again.goals[0].measured == 1.235
    assert "| b | x1.24 (1 to 2) |" in result_lines(again)


# ---------------------------------------------------------------- the command


def test_the_list_names_every_benchmark(capsys):
    assert command.main(["--list"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in BENCHES)
    assert command.main(["sped"]) == 2 and "no benchmark called 'sped'" in capsys.readouterr().err


def test_each_runs_in_a_process_of_its_own_with_its_threads(monkeypatch, capsys):
    calls = []

    class Done:
        returncode = 1

    def run(words, cwd, env):
        calls.append((words[1:], env["OMP_NUM_THREADS"]))
        return Done
    monkeypatch.setattr(command.subprocess, "run", run)
    assert command.main(["rank", "topk", "--quick", "--threads", "2"]) == 1
    assert calls == [(["-m", "benchmarks.single_bench", name, "quick", "3", "2"], "2") for name in ("rank", "topk")]
    assert "bench topk failed" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        command.main(["--rounds", "0"])


@pytest.mark.parametrize("effort, threads, stored", [("quick", "1", 0), ("full", "2", 0), ("full", "1", 1)])
def test_a_run_prints_its_goals_and_stores_only_what_is_for_the_page(monkeypatch, capsys, effort, threads, stored):
    written = []
    monkeypatch.setattr(single_bench, "write_result", written.append)
    monkeypatch.setattr(single_bench, "run_bench", lambda name, effort: run_bench(name, TINY))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    single_bench.main("rank", effort, "3", threads)
    said = capsys.readouterr().out
    assert "| a product of rank 20 " in said and "| G11 " in said and len(written) == stored


# ---------------------------------------------------------------- other libraries and the GPU


def test_other_libraries_have_fixed_versions():
    lines = [line for line in peer_packages.LIST.read_text("utf-8").splitlines() if line[0] != "#"]
    wanted = [Requirement(line) for line in [*lines, peer_packages.COMPILED]]
    assert all([s.operator for s in one.specifier] == ["=="] for one in wanted)
    assert {"performer-pytorch", "linformer", "reformer-pytorch"} <= {one.name for one in wanted}


def test_without_other_libraries_a_benchmark_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(peer_packages, "FOLDER", tmp_path / "peers")
    assert peer_packages.peer_module("json") is None
    assert peer_packages.MISSING in run_bench("train", TINY).notes


def test_a_peer_comes_from_its_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(peer_packages, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "only_a_peer.py").write_text("linear_attention = 3")
    assert peer_packages.peer_module("only_a_peer", wanted=False) is None
    found = peer_packages.peer_module("only_a_peer")
    assert found is not None and found.linear_attention == 3 and sys.path[-1] == str(tmp_path)
    assert peer_packages.peer_module("fast_transformers_of_nobody") is None
    del sys.modules["only_a_peer"]


def test_peers_are_installed_beside_the_environment(monkeypatch, tmp_path):
    calls = []

    class Done:
        def __init__(self, code):
            self.returncode, self.check_returncode = code, lambda: None

    def run(words, env):
        calls.append(words)
        return Done(len(calls) - 1)
    monkeypatch.setattr(peer_packages.subprocess, "run", run)
    monkeypatch.setattr(peer_packages, "FOLDER", tmp_path / "peers")
    monkeypatch.setattr(peer_packages, "ROOT", tmp_path)
    assert peer_packages.install_peers() == ["The other libraries are in peers.", peer_packages.NO_COMPILED]
    assert all(words[words.index("--target") + 1] == str(tmp_path / "peers") and "--no-deps" in words
               for words in calls)


def test_without_a_gpu_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    result = run_bench("gpu", Effort())
    assert result.notes == [gpu_speed.NO_GPU] and not result.tables and "needs one" in gpu_speed.NO_GPU


def test_an_operator_that_fails_on_a_device_is_a_finding():
    def fail(*qkv):
        raise RuntimeError("too little memory")
    row = gpu_speed._measure_operator("x", fail, 4, torch.float32, "cpu", (1.0, 1.0))
    assert row[:4] == ["x", 4, "float32", "RuntimeError"] and len(row) == len(gpu_speed.COLUMNS)


@every_case("name", sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__main__"))
def test_examples_are_right(name):
    module = importlib.import_module(f"benchmarks.{name}")
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0
