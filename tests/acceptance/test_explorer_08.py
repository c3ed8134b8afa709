"""Point 8 of the explorer: the type of the numbers that arrive never changes the rank of a linear map."""
from __future__ import annotations

import numpy as np
import pytest

from tests.explorer.harness import quiet, tables, visit
from tests.explorer.test_own_file import arrays, bring

WIDTH, TOKENS = 6, 49


@pytest.mark.nightly
def test_the_rank_of_a_linear_map_is_the_same_in_every_type_and_never_the_number_of_tokens() -> None:
    q, k = np.random.default_rng(0).normal(size=(2, 1, TOKENS, WIDTH))
    ranks = []
    for kind in (np.float16, np.float32, np.float64):
        app = visit(source="own", specs="softmax,linear")
        app = quiet(bring(app, arrays(q=q.astype(kind), k=k.astype(kind)), "run.npz"))
        found = next(table for table in tables(app) if "rank bound" in table)
        ranks.append(found["numerical rank (s above the tolerance)"][1])
        assert found["rank bound"] == [str(TOKENS), str(WIDTH)]
    assert ranks == [str(WIDTH)] * 3
