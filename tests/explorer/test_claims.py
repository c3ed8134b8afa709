"""The page Claims: verdicts are the library's, on a sample and on a person's own picture; odd files get a sentence."""
from __future__ import annotations

import io
from typing import Any

from PIL import Image

from explorer.claims.claim_trials import sample_verdicts
from explorer.claims.claims_state import OWN
from linviz import Grid, clips
from linviz.published_claims import CLAIMS, VERDICTS, try_claims

from .harness import said, visit, well
from .test_colours import BROKEN, bring, chelsea_file
from .test_own_file import address


def words(app: Any) -> str:
    return "\n".join(one.value for kind in (app.title, app.markdown, app.caption, app.info, app.subheader)
                     for one in kind)


def test_verdicts_and_numbers_are_those_of_the_library():
    app, grid = visit("claims", source="coffee", patches="7", temperature="0.5"), Grid(Y=7, X=7)
    clip = clips.fit(clips.load("coffee"), grid)
    trials = try_claims(*clips.descriptors(clip, grid, 0.5), grid)
    for name, claim in CLAIMS.items():
        assert claim.sentence in words(app) and claim.source in words(app)
        assert f"{VERDICTS[trials[name].verdict]}] {trials[name].words}" in words(app), name
    holds = sum(trial.verdict == "holds" for trial in trials.values())
    assert app.title[0].value.endswith(f"{holds} of 6 published statements hold{'s' * (holds == 1)}")
    counts = sample_verdicts(7, 0.5)
    assert all(count.total() == len(clips.PHOTOGRAPHS) for count in counts.values())
    assert counts["unconcentrated"][trials["unconcentrated"].verdict] >= 1


def test_an_own_picture_is_tried_stays_in_its_visit_and_a_link_asks_for_it():
    app = visit("claims", patches="7")
    app = well(app.selectbox(key="claims_source").set_value(OWN).run())
    assert "Chelsea the cat" in words(app) and "stays in the memory of this visit" in words(app)
    for name, data in BROKEN.items():
        app = bring(app, data, name)
        assert len(app.warning) == 1 and "cannot be read" in said(app), name
        assert "Chelsea the cat" in words(app), "what was shown stays"
    app = bring(app, chelsea_file(), "my cat.png")
    assert app.title[0].value.startswith("my cat.png") and address(app)["source"].startswith("my cat.png@")
    link = visit("claims", **address(app))
    assert "This link shows the picture" in words(link) and "published statements" not in words(link)
    assert bring(link, chelsea_file(), "my cat.png").title[0].value == app.title[0].value


def test_a_strip_of_few_patches_gets_one_sentence():
    out = io.BytesIO()
    Image.new("RGB", (700, 100), "orange").save(out, "PNG")
    app = well(visit("claims", patches="7").selectbox(key="claims_source").set_value(OWN).run())
    app = bring(app, out.getvalue(), "strip.png")
    assert len(app.warning) == 1 and "16 to 1,024 tokens" in said(app).replace("\\", "")
    assert visit("claims", source="pan", patches="7").warning[0].value.startswith("source")
