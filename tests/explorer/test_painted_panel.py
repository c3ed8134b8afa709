"""What the attention paints, on the page: computed by linviz, once it is unfolded."""
from __future__ import annotations

from linviz.views import View, open_view
from linviz.views.key_frames import MEANING
from linviz.views.repainted_output import repainted_outputs

from .harness import quiet, visit, well


def charts(app):
    """The alt texts of the charts on the page."""
    return [chart.proto.alt for chart in app.get("plotly_chart")]


def test_the_output_of_pixels_is_drawn_with_its_error_once_it_is_unfolded():
    app = quiet(visit(source="pan", frames="3", patches="7", specs="softmax,linear"))
    assert not any("pixels v" in alt for alt in charts(app)) and MEANING not in captions(app)
    app.session_state["painted"] = True
    well(app.run())
    [said] = [alt for alt in charts(app) if "the pixels v" in alt]
    (_, none), (_, error) = repainted_outputs(open_view(View.best("pan", frames=3, patches=7,
                                                                  specs=("softmax", "linear"))))
    assert none < 1e-6 and f"softmax 0 %, linear (elu + 1) {100 * error:.3g} %" in said, said
    assert any("attention received" in alt for alt in charts(app)) or len(charts(app)) >= 3
    assert MEANING in captions(app)


def captions(app):
    """Every caption of the page as text."""
    return " ".join(one.value for one in app.caption)
