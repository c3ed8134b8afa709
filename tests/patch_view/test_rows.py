"""The law of the view: a row computed in the browser is the row of the map, for every kind of wire."""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from linviz import Grid, make, names, read
from linviz.maps import Map
from linviz.mechanisms import REGISTRY, Kernel
from linviz.models import fit_gate
from linviz.patch_view import Panel, gate_snapshots
from linviz.reading import Reading
from linviz.signed_rows import largest_weight, negative_share, negative_sum

from ..cases import hold_for
from .harness import blob, gated, js_row, logits, move, panel, show, uniform

GRID = Grid(2, 3, 4)
N = len(GRID)


@pytest.fixture(scope="module")
def page(chromium):
    """One page for all: only the view in it is made anew."""
    page = chromium.new_page()
    yield page
    page.close()


def near(js: np.ndarray, python: np.ndarray, tolerance: float = 1e-6) -> None:
    """Equal, relative to the largest weight of the row."""
    assert np.isfinite(js).all()
    assert np.abs(js - np.asarray(python)).max() <= tolerance * np.abs(python).max(), (js, python)


def rows_of(wire: dict) -> np.ndarray:
    """Every row of a hand-made wire by its formula, pair by pair, in float64."""
    w = {name: x.double().numpy() if isinstance(x, torch.Tensor) else x for name, x in wire.items()}
    if w["kind"] == "softmax":
        e = np.exp(w["scale"] * w["q"] @ w["k"].T + w.get("bias", 0))
        e = np.tril(e) if w.get("causal") else e
        return e / e.sum(1, keepdims=True)
    if w["kind"] == "factored":
        mix = w["mix"][w["query_block"].astype(int)][:, w["key_block"].astype(int)] if "mix" in w else 1
        return w["left"] @ w["right"].T * mix
    if w["kind"] == "walk":
        return memory_rows(w)
    g = [1 / (1 + np.exp(-w[z])) if z in w else 1 for z in ("z_q", "z_k")]
    if "s_q" in w:  # exponents, of which the largest of a row cancels
        logs = w["s_q"][:, None] + w["s_k"] + np.log(np.tril(np.ones((N, N))) + 1e-300)[..., None]
        logs = logs + np.log(g[0] + 0 * w["s_q"])[:, None] + np.log(g[1] + 0 * w["s_k"])
        powers = np.exp(logs - logs.max((1, 2), keepdims=True))
        a = np.tril(np.einsum("im,jm,ijm->ij", w["phi_q"], w["phi_k"], powers))
        return a / a.sum(1, keepdims=True)
    a = (w["phi_q"] * g[0]) @ (w["phi_k"] * g[1]).T
    a = np.tril(a) if w.get("causal") else a
    sums, eps = a.sum(1, keepdims=True), w["normaliser"]["eps"]
    return a / {"add": sums + eps, "clamp": np.maximum(sums, eps), "none": 1}[w["normaliser"]["kind"]]


def memory_rows(w: dict) -> np.ndarray:
    """The boxed formula P (I + e diag(b) R)^-1 diag(b), with what is left of every key at every later step."""
    step = np.arange(N) // w["each"]
    left = np.array([[w["decay"][j + 1:i + 1].prod(0) for j in step] for i in step])  # (N, N, 1 or D)
    P, R = (np.einsum("id,jd,ijd->ij", x, w["k"], left + 0 * w["k"]) for x in (w["q"], w["k"]))
    P, R = P * (step[:, None] >= step), R * (step[:, None] > step)
    return P @ np.linalg.inv(np.eye(N) + w["erase"] * w["beta"][:, None] * R) * w["beta"]


def random(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


PHI = {"phi_q": random(N, 5).abs(), "phi_k": random(N, 5, seed=2).abs()}
LOGS = {"s_q": 100 * random(N, 5, seed=5), "s_k": 100 * random(N, 5, seed=6)}
QK = {"q": random(N, 6), "k": random(N, 6, seed=2)}
WALK = {**{name: x / 3 for name, x in QK.items()}, "beta": random(N, seed=4).sigmoid()}
WIRES = {
    "softmax": {"kind": "softmax", **QK, "scale": 0.4},
    "softmax, bias": {"kind": "softmax", **QK, "scale": 0.4, "bias": random(N, N, seed=3)},
    "softmax, forbidden pairs": {"kind": "softmax", **QK, "scale": 0.4,
                                 "bias": random(N, N).masked_fill(random(N, N, seed=4) > 1, -torch.inf)},
    "softmax, causal": {"kind": "softmax", **QK, "scale": 0.4, "causal": True},
    "softmax, large logits": {"kind": "softmax", "q": 30 * QK["q"], "k": 2 * QK["k"], "scale": 1.0},
    "factored": {"kind": "factored", "left": random(N, 4), "right": random(N, 4, seed=2)},
    "factored, by blocks": {"kind": "factored", "left": random(N, 4), "right": random(N, 4, seed=2),
                            "mix": random(3, 2), "query_block": torch.arange(N) // 9,
                            "key_block": torch.arange(N) % 2},
    "kernel, add": {"kind": "kernel", **PHI, "normaliser": {"kind": "add", "eps": 0.5}},
    "kernel, clamp": {"kind": "kernel", **PHI, "normaliser": {"kind": "clamp", "eps": 60.0}},
    "kernel, none": {"kind": "kernel", **PHI, "normaliser": {"kind": "none", "eps": 0.0}},
    "kernel, causal": {"kind": "kernel", **PHI, "normaliser": {"kind": "add", "eps": 1e-6}, "causal": True},
    "kernel, exponents, causal": {"kind": "kernel", **PHI, **LOGS, "normaliser": {"kind": "add", "eps": 0.0},
                                  "causal": True},
    "kernel, gate, exponents, causal": gated(N, 5) | LOGS | {"normaliser": {"kind": "add", "eps": 0.0}, "causal": True},
    "walk, erases": {"kind": "walk", **WALK, "decay": random(N, 1, seed=3).sigmoid(), "erase": 1.0, "each": 1},
    "walk, half erased": {"kind": "walk", **WALK, "decay": random(N, 6, seed=3).sigmoid(), "erase": 0.5, "each": 1},
    "walk, by frames": {"kind": "walk", **WALK, "decay": random(2, 6, seed=3).sigmoid(), "erase": 1.0, "each": N // 2},
    "walk, only fades": {"kind": "walk", **WALK, "decay": random(N, 1, seed=3).sigmoid(), "erase": 0.0, "each": 1},
    "kernel, gate": gated(N, 5),
    "kernel, gate, causal": gated(N, 5) | {"causal": True},
}


@pytest.mark.parametrize("name", WIRES)
def test_a_row_is_its_formula(page, name):
    wire = WIRES[name]
    show(page, blob([panel(wire)], GRID))
    for i in (0, 1, 11, N - 1):
        near(js_row(page, i), rows_of(wire)[i])


def test_a_table_is_read_off(page):
    table = random(N, N).softmax(-1)
    show(page, blob([panel({"kind": "rows", "rows": table})], GRID))
    near(js_row(page, 7), table[7].numpy(), 0)


def test_a_key_named_twice_counts_twice(page):
    wire = {"kind": "sparse", "index": torch.tensor([[0, 2, 2], [1, 0, 3]]), "size": 4,
            "weights": torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])}
    show(page, blob([panel(wire, keys=Grid(1, 1, 4))], Grid(1, 1, 2)))
    near(js_row(page, 0), np.float32([0.2, 0, 0.8, 0]))
    near(js_row(page, 1), np.float32([0, 1, 0, 0]))


def test_two_ways_of_looking_add(page):
    parts = [WIRES["softmax"], gated(N, 5)]
    show(page, blob([panel({"kind": "sum", "parts": parts}, stochastic=False)], GRID))
    near(js_row(page, 4), rows_of(parts[0])[4] + rows_of(parts[1])[4])
    assert page.locator(".note").inner_text() == "this row sums to 2.00, not to one: no entropy"
    move(page, strength=0)
    bare = {name: x for name, x in parts[1].items() if not name.startswith("z_")}
    near(js_row(page, 4), rows_of(parts[0])[4] + rows_of(bare)[4], 1e-5)


def test_boxes_scatter_their_rows_and_a_query_in_two_boxes_has_the_mean(page):
    queries, inner = torch.tensor([[0, 1, 2], [0, 3, 4]]), random(2, 3, 3).softmax(-1)
    wire = {"kind": "blocks", "size": 5, "parts": [{"queries": queries, "keys": queries.flip(1),
                                                    "wire": {"kind": "rows", "rows": inner}}]}
    show(page, blob([panel(wire)], Grid(1, 1, 5)))
    want = torch.zeros(5, 5)
    for box in range(2):
        for place in range(3):
            want[queries[box, place], queries.flip(1)[box]] += inner[box, place] / (2 if place == 0 else 1)
    for i in range(5):
        near(js_row(page, i), want[i].numpy())


@pytest.mark.parametrize("sees", ["self", "qk", "qkv"])
def test_a_snapshot_is_the_gate_as_it_was(page, sees):
    wire = gated(N, 4, shots=4, sees=sees)
    show(page, blob([panel(wire)], GRID))
    near(js_row(page, 5), rows_of(wire)[5])
    for n in range(4):
        z_q, z_k = logits(wire, wire["gate"], n)
        row = page.evaluate("""([i, n]) => { const road = roadOf(view.model.panels[0].wire);
                            road.turn({strength: 1}, n);
                            return [...road.row(i, new Float64Array(road.S))]; }""", [5, n])
        near(np.array(row), rows_of(wire | {"z_q": z_q, "z_k": z_k})[5], 2e-6)


def test_snapshots_reach_the_boxes_of_a_scope(page):
    inner = [gated(3, 4, seed, shots=2) for seed in (1, 2)]
    gate, keys = inner[0]["gate"], torch.tensor([[0, 2, 4], [1, 3, 5]])
    v = torch.empty(6, 3)
    v[keys[0]], v[keys[1]] = inner[0]["gate"]["v"], inner[1]["gate"]["v"]
    boxes = {name: torch.stack([w[name] for w in inner]) for name in ("phi_q", "phi_k", "z_q", "z_k")}
    parts = [{"queries": keys, "keys": keys, "wire": {"kind": "kernel", "normaliser": inner[0]["normaliser"], **boxes}}]
    show(page, blob([panel({"kind": "blocks", "size": 6, "parts": parts}, gate=gate | {"v": v})], Grid(1, 2, 3)))
    row = page.evaluate("""() => { const road = roadOf(view.model.panels[0].wire); road.turn({strength: 1}, 0);
                        return [...road.row(3, new Float64Array(6))]; }""")
    z_q, z_k = logits(inner[1], gate | {"v": inner[1]["gate"]["v"]}, 0)
    want = np.zeros(6)
    want[[1, 3, 5]] = rows_of(inner[1] | {"z_q": z_q, "z_k": z_k})[1]
    near(np.array(row), want, 2e-6)


def test_strength_zero_is_no_gate_and_one_half_lies_between(page):
    wire = gated(N, 5)
    bare = {name: x for name, x in wire.items() if not name.startswith("z_")}
    show(page, blob([panel(wire), panel(bare)], GRID, strength=0.0))
    near(js_row(page, 3), js_row(page, 3, panel=1), 1e-5)        # the eps alone is not scaled
    move(page, strength=0.5)
    near(js_row(page, 3), rows_of(wire | {"z_q": wire["z_q"] / 2, "z_k": wire["z_k"] / 2})[3])
    move(page, strength=1)
    near(js_row(page, 3), rows_of(wire)[3])


def test_half_the_bits_keep_the_row(page):
    wire = gated(N, 5)
    small = {name: x * 1e-7 if name.startswith("phi") else x for name, x in wire.items()}
    small["normaliser"] = {"kind": "add", "eps": 0.0}
    show(page, blob([panel(small), panel(WIRES["walk, erases"], stochastic=False)], GRID, half=True))
    near(js_row(page, 3), rows_of(small)[3], 5e-3)
    near(js_row(page, 3, panel=1), rows_of(WIRES["walk, erases"])[3], 5e-3)


# ------------------------------------------------------------------------------------------------ every mechanism

def specs(name: str) -> list[str]:
    """A mechanism with what changes the wire."""
    gates = ("+gate", "+gate:self:shared", "+gate:qk", "+gate+shift@space")
    gates = gates if issubclass(REGISTRY[name], Kernel) else ()
    return [name + s for s in ("", "+shift", "@space", "@time", "@window:2", "@shifted:2", *gates)]


def tensors(D: int = 16) -> list[torch.Tensor]:
    """q, k, v that float32 holds exactly, in float64: what the page is sent is what the library computes with."""
    return [random(1, 2, len(LAW), D, seed=seed).double() for seed in (5, 6, 7)]


LAW = Grid(2, 4, 4)


def readings(specs: list[str]) -> list[Reading]:
    """What the library reads; where every channel has a map of its own, of one of them."""
    mechanisms = [make(spec, 2, 16, LAW).double() for spec in specs]
    return [read(m, *tensors(), channel=3 if m.map(*tensors()).shared is None else None) for m in mechanisms]


@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_the_browser_draws_the_rows_of_the_maps(page, name):
    """Of a mechanism and all that changes its wire, side by side in one view."""
    at, found = (0, 1), readings(specs(name))
    show(page, blob([Panel(r.mechanism.spec, r.mechanism.family, r.map, at) for r in found], LAW))
    for i in (0, 9, len(LAW) - 1):
        move(page, query=i)
        rows, measured, ends = page.evaluate(f"""[view.model.panels.map((_, n) => [...view.row(n, {i})]), view.measures,
          view.model.panels.map((_, n) => [...Array({len(LAW)}).keys()].map(j => view.steps(n, {i}, j).at(-1)[1]))]""")
        assert len(rows) == len(measured) == len(found)
        drawn = zip(found, rows, measured, ends, strict=True)
        hold_for(drawn, partial(same_row, at=at, i=i), lambda one: one[0].mechanism.spec)


def same_row(drawn, at, i):
    """A row as the browser draws it, the weights to which its steps lead, and what it measures on it, are the map's."""
    reading, row, got, ends = drawn
    near(np.array(row), reading.map.rows(torch.tensor([i]))[at][0].numpy())
    near(np.array(ends), np.array(row))
    if not reading.map.stochastic or reading.dead[at][i]:
        assert got["trouble"] in ("dead", "signed", "unequal") and "bits" not in got
        row = reading.map.rows([i])[at][0]
        assert got["under"] == pytest.approx(negative_sum(row).item(), rel=1e-4, abs=1e-5 * row.abs().sum().item())
        assert got["peak"] == pytest.approx(largest_weight(row).item(), rel=1e-5)
        return
    want = {"bits": reading.entropy, "effective": reading.effective_tokens, "top": reading.top_share(10)}
    for name, values in want.items():
        assert got[name] == pytest.approx(values[at][i].item(), rel=1e-5, abs=1e-9)


def draws_the_rows(page, maps: dict[str, Map], at: tuple[int, int]) -> None:
    """All these maps, side by side in one view, are drawn as they are."""
    show(page, blob([Panel(title, "kernel", a, at) for title, a in maps.items()], LAW))
    for i in (0, 9, len(LAW) - 1):
        for n, title in enumerate(maps):
            near(js_row(page, i, panel=n), maps[title].rows(torch.tensor([i]))[at][0].numpy())


@torch.no_grad()
def test_the_browser_knows_causal_maps(page):
    maps = {name: make(name, 2, 16, LAW, causal=True).double().map(*tensors())
            for name in names() if REGISTRY[name].takes_causal}
    draws_the_rows(page, {name: a.channel(3) if a.shared is None else a.shared for name, a in maps.items()}, (0, 0))


@torch.no_grad()
def test_the_browser_knows_maps_causal_by_chunks(page):
    draws_the_rows(page, {spec: make(spec, 2, 16, LAW, **options).double().map(*tensors()) for spec, options in (
        ("sana", {"chunk": 1}), ("sana@window:2", {"chunk": 1, "rotate": False}))}, (0, 1))


@torch.no_grad()
def test_the_browser_knows_every_order_of_a_memory(page):
    draws_the_rows(page, {f"{spec} {scan}": make(spec, 2, 16, LAW, scan=scan).double().map(*tensors())
                          for spec in ("kda", "mamba2", "delta@window:2", "gla@time")
                          for scan in ("columns", "both", "frames")}, (0, 1))


STRENGTHS = [(0.0, 0.3), (2.0, 1.0), (0.5, 0.0)]                # of fading, of erasing


@pytest.mark.parametrize("spec, options, fades, erases", [
    ("kda", {}, True, True), ("delta", {"scan": "both"}, False, True), ("gated_delta", {"scan": "frames"}, True, True),
    ("mamba2@window:2", {"scan": "columns"}, True, False), ("retention", {}, True, False),
    ("gla@time", {}, True, False)])
@torch.no_grad()
def test_sliders_fade_and_erase_as_the_library_does(page, spec, options, fades, erases):
    q, k, v = tensors()
    m = make(spec, 2, 16, LAW, **options).double()
    show(page, blob([Panel(spec, "recurrent", m.map(q, k, v), (0, 1)), panel(uniform(len(LAW)))], LAW))
    assert page.get_by_role("slider", name="fading").count() == fades
    assert page.get_by_role("slider", name="erasing").count() == erases
    rows = {}
    for fading, erasing in [*STRENGTHS, (1.0, 1.0)]:
        m.memory.set_strengths(fading, erasing)
        rows[fading, erasing] = m.map(q, k, v).rows([9, len(LAW) - 1])[0, 1].numpy()
        move(page, fading=fading, erasing=erasing)
        for i, row in zip((9, len(LAW) - 1), rows[fading, erasing], strict=True):
            near(js_row(page, i), row, 3e-6)
    assert not any(np.allclose(rows[pair], rows[1.0, 1.0], rtol=1e-3) for pair in STRENGTHS[::2]), "each is seen"


@pytest.mark.parametrize("spec, options", [
    *((name, {}) for name in names() if issubclass(REGISTRY[name], Kernel)), ("mhla", {"rotate": True}),
    ("nala@window:2", {}), ("sana", {"version": 2}), ("sana", {"version": 2, "rotate": False})])
@torch.no_grad()
def test_the_slider_turns_the_gate_of_every_kernel(page, spec, options):
    q, k, v = tensors()
    name, _, scope = spec.partition("@")
    m = make(f"{name}+gate" + f"@{scope}" * bool(scope), 2, 16, LAW, **options).double()
    show(page, blob([Panel(spec, "kernel", m.map(q, k, v), (0, 1))], LAW))
    assert page.get_by_role("slider", name="gate strength").count() == 1
    m.gate.scale(0.4)
    move(page, strength=0.4)
    for i in (0, 9, len(LAW) - 1):
        near(js_row(page, i), m.map(q, k, v).rows([i])[0, 1, 0].numpy(), 3e-6)


def test_a_rotated_kernel_replays_the_fit_of_its_gate(page):
    q, k, v = (x[:, :1].float() for x in tensors())
    m, soft = (make(spec, 1, 16, LAW) for spec in ("nala+gate", "softmax"))
    fit = fit_gate(m, soft.map(q, k, v), q, k, v, steps=4, snapshots=3)
    gate = gate_snapshots(fit, q, k, v)
    show(page, blob([Panel("nala", "kernel", fit.mechanism.map(q, k, v), gate=gate)], LAW))
    row = page.evaluate("""() => { const road = roadOf(view.model.panels[0].wire); road.turn({strength: 1}, 1);
                        return [...road.row(9, new Float64Array(road.S))]; }""")
    fit.mechanism.gate.load_state_dict(fit.snapshots[1].gate)
    near(np.array(row), fit.mechanism.map(q, k, v).rows([9])[0, 0, 0].detach().numpy(), 1e-5)


@torch.no_grad()
def test_a_gate_that_the_slider_cannot_turn_says_so(page):
    q, k, v = tensors()
    m = make("sana+gate", 2, 16, LAW, chunk=1).double()
    gate = gated(len(LAW), 16, shots=2)["gate"]
    show(page, blob([Panel("SANA, by chunks", "kernel", m.map(q, k, v), gate=gate)], LAW))
    assert page.locator(".fixed").inner_text().startswith("SANA, by chunks: always at full strength here")
    assert page.get_by_role("slider").count() == 0 and page.get_by_role("button", name="replay").count() == 0


def test_a_signed_row_has_its_own_numbers_in_place_of_entropy(page):
    row = torch.tensor([[0.5, -0.25, 0.0, -0.5, 0.125]])
    show(page, blob([panel({"kind": "rows", "rows": row.expand(5, 5)}, stochastic=False)], Grid(1, 1, 5)))
    facts = page.locator(".facts").inner_text().split("\n")
    assert facts == ["negative weights", "50.0 %", "their sum", "−0.75", "largest × N", "2.50"]
    got = page.evaluate("view.measures")[0]
    assert [got["negative"], got["under"], got["peak"]] == [
        f(row[0]).item() for f in (negative_share, negative_sum, largest_weight)]
    page.wait_for_function("document.getElementById('view').shadowRoot.querySelector('[role=status]')"
                           ".textContent.includes('their sum −0.75')")
    show(page, blob([panel(uniform(5))], Grid(1, 1, 5)))
    assert page.locator(".facts").inner_text().split("\n")[:2] == ["bits of entropy", "2.32"]


def test_prefix_tokens_come_first_and_lie_nowhere(page):
    grid = Grid(1, 2, 3, prefix=2)
    table = random(8, 8).softmax(-1)
    show(page, blob([panel({"kind": "rows", "rows": table})], grid, query=0))
    assert page.locator(".where").inner_text() == "query: token 1 of the 2 before the picture"
    assert page.locator(".ring").is_hidden()
    move(page, query=4)
    assert page.locator(".where").inner_text() == "query: row 1, column 3"


def test_keys_may_lie_on_a_coarser_grid(page):
    wire = {"kind": "factored", "left": torch.ones(8, 1), "right": torch.tensor([[0.0], [1.0]])}
    show(page, blob([panel(wire, keys=Grid(1, 1, 2))], Grid(2, 2, 2)))
    assert page.evaluate("view.measures")[0]["bits"] == 0
    assert page.locator(".strip button").all_inner_texts() == ["100 %", "100 %"]
