"""Code for a view of trained models: a few plain calls of linviz that print its numbers, for a notebook or a script."""
from __future__ import annotations

from ..state import ALL_HEADS
from ..trained_panels import ModelAnswer, OpenTrained

HEAD = '''# linviz {linviz}, torch {torch}
# What trained models answer, how concentrated their layer {layer} is, and one patch's row.
import torch

from linviz import clips
from linviz.measure import MEASURES
from linviz.models import Recipe, pretrained
from linviz.models.checkpoints import find_checkpoint, read_card
{alter}from linviz.models.looking import row_measures, touched_tokens
from linviz.reading import ROW_MEASURES

seed, budget, layer = {seed}, {budget!r}, {layer}  # of the models; layers are counted from 1


@torch.no_grad()
def print_numbers(name, sha256{how}):
    told = read_card(find_checkpoint(name, seed, budget))
    assert told["sha256"] == sha256, f"{{name}} is not the model that the view has shown"
    model = pretrained(name, seed, budget)
{twin}    clip = clips.motion_task(1, {clip_seed}, "test", Recipe.read(told["recipe"]).setting, first={clip})
{order}    for direction, share in zip(clip.classes, model(clip.frames).softmax(-1)[0].tolist()):
        print(f"{{name:24}} answer {{direction:18}} {{share:10.6g}}")
    traced = model.trace(clip.frames)[layer - 1]
    found, recorded = row_measures(traced, touched_tokens(clip.masks, model)), told["layers"][layer - 1]
    for measure in ("entropy", "top", "object") if found else ():
        print(f"{{name:24}} layer  {{measure:18}} {{found[measure]:10.6g}} {{recorded[measure]:10.6g}}")
    query = torch.tensor([model.grid.number({place})])  # frame, row, column, from 0
    a = traced.map if traced.map.shared is None else traced.map.shared
    row = a.rows(query)[0, {head}
    for measure in ROW_MEASURES * a.stochastic:
        print(f"{{name:24}} patch  {{measure:18}} {{MEASURES[measure].function(row).item():10.6g}}")


'''
ALTERS = {"temperature": "with_temperature", "strength": "with_gate_strength"}  # what is altered: the function for it
ORDERS = {"normal": "", "reversed": "    clip = clips.reverse_clips(clip)\n",
          "shuffled": "    clip = clips.shuffle_frames(clip, seed={clip})\n"}


def trained_code(opened: OpenTrained) -> str:
    """The code of a view, as text that ends with a newline."""
    view, told = opened.view, opened.to_json()
    mean = view.head == ALL_HEADS
    head = ":, 0].mean(0)  # the mean of the maps of all heads" if mean else f"{int(view.head) - 1}, 0]"
    words = {name: getattr(view, name) for name in ("layer", "seed", "budget", "clip_seed", "clip")}
    text = HEAD.format(**told, **words, **_alterations(opened), head=head, place=", ".join(map(str, opened.place)),
                       order=ORDERS[view.order].format(clip=view.clip))
    return text + "".join(_model_code(opened, one) for one in opened.answers)


def _alterations(opened: OpenTrained) -> dict[str, str]:
    """What the code needs where models are not as they were trained."""
    used = [name for name in ALTERS if any(name in opened.view.altered(one.spec) for one in opened.answers)]
    names = ", ".join(sorted(ALTERS[name] for name in used))
    return {"alter": f"from linviz.models.interventions import {names}\n" * bool(used),
            "how": "".join(f", {name}=1.0" for name in used),
            "twin": "".join(f"    model = {ALTERS[name]}(model, {name}) if {name} != 1 else model\n" for name in used)}


def _model_code(opened: OpenTrained, one: ModelAnswer) -> str:
    how = "".join(f", {name}={value!r}" for name, value in opened.view.altered(one.spec).items())
    return f"print_numbers({one.spec!r}, {one.card['sha256']!r}{how})\n"
