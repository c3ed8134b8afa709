"""PNG, SVG, MP4 and HTML are opened again by other libraries, and the light is where the weight is."""
from __future__ import annotations

import base64
import io
import json
import re
import xml.etree.ElementTree as ET

import av
import numpy as np
import pytest
import torch
from PIL import Image

from linviz import palette
from linviz.figures import theme
from linviz.patch_view import module_source, still, unpack
from linviz.views import View, open_view
from linviz.views.export import film, painting, panel_pictures, sheet
from linviz.views.export.web_page import view_page

SVG = "{http://www.w3.org/2000/svg}"


def grey(image):
    """An image as an array (Y, X) in 0..255."""
    return np.asarray(image.convert("L"), dtype=float)


# ------------------------------------------------------------------------------------------------ what is painted


def test_a_panel_is_lit_where_the_weight_is(moving, monkeypatch):
    """One patch of frame 2 holds everything: there frame 2 is lit, and no other frame is."""
    row = torch.zeros(3, 7, 7)
    row[2, 5, 1] = 1
    monkeypatch.setattr(painting, "panel_row", lambda opened, shown: row.flatten())
    monkeypatch.setattr(painting, "frame_image", lambda frame: Image.new("RGB", (70, 70), "white"))
    lit = [grey(painting.overlay_image(moving, moving.panels[0], t, 70)) for t in range(3)]
    assert np.unravel_index(lit[2].argmax(), (70, 70)) == pytest.approx((55, 15), abs=6) and lit[2].max() > 220
    assert max(lit[0].max(), lit[1].max()) < 90 and painting.frame_shares(moving, moving.panels[0]) == ["0", "0", "100"]


def test_weights_below_zero_are_told_apart_and_heat_is_not_light():
    paper, weights = Image.new("RGB", (40, 20), "grey"), torch.tensor([[-0.9, 0.9]])
    signed = np.asarray(still.attention_image(paper, weights, 4, signed=True)).astype(int)
    (red, _, blue), (red2, _, blue2) = signed[10, 5], signed[10, 35]
    assert blue - red > 60 and red2 - blue2 > 60
    assert grey(still.attention_image(paper, weights.abs(), 2, heat=True)).std() < 1
    hot = np.asarray(still.attention_image(paper, torch.tensor([[0.0, 1.0]]), 24, heat=True)).astype(int)
    assert hot[10, 5].max() < 70 and hot[10, 35, 0] > hot[10, 35, 2] + 60     # dimmed; viridis ends in yellow


def test_a_still_of_a_signed_map_is_not_dark(moving):
    shown = still.still_jpeg(moving.live_panels, moving.picture, moving.grid, moving.query)
    colours = np.asarray(Image.open(io.BytesIO(shown)).convert("HSV"))[40:, 360:]
    assert np.median(colours[..., 2]) > 120 and not still.is_signed(moving.panels[0].reading.map, 0)


@pytest.mark.parametrize("stops, where, drawn, alpha", [
    (theme.SEQUENTIAL["viridis"], 1, {"heat": True}, 235), (theme.DIVERGING, 1, {"signed": True}, 205),
    (theme.DIVERGING, -1, {"signed": True}, 205)])
def test_the_stills_colours_are_the_themes_and_the_live_views(stops, where, drawn, alpha):
    """As much as can be, on black: the last colour, and the first where the weight is below zero."""
    want = np.array([int(stops[max(0, -where) - 1][n:n + 2], 16) for n in (1, 3, 5)]) * alpha / 255
    paper = Image.new("RGB", (40, 20), "black")
    found = np.asarray(still.attention_image(paper, torch.full((1, 2), 1.0 * where), 24, **drawn))[10, 20]
    assert found == pytest.approx(want, abs=1.5)
    colours = palette.live_colours()
    assert list(stops) in (colours["sequential"], colours["diverging"]) and not {*stops} & hex_colours(module_source())


def hex_colours(text):
    """Every colour that is typed in a text."""
    return {*re.findall("#[0-9a-f]{6}", text)}


# ------------------------------------------------------------------------------------------------ PNG and SVG


@pytest.mark.parametrize("which", ["photo", "moving"])
def test_a_png_opens_twice_as_fine_with_its_state(which, request):
    opened = request.getfixturevalue(which)
    image = Image.open(io.BytesIO(panel_pictures.png_bytes(opened)))
    image.load()
    drawn = panel_pictures.draw_sheet(opened)
    assert image.format == "PNG" and image.size == (round(2 * drawn.wide), round(2 * drawn.high))
    assert View.from_json(json.loads(image.info["linviz"])) == opened.view


def test_every_item_lies_on_the_page(moving, photo):
    for opened in (moving, moving.only("softmax"), photo, photo.only("softmax")):
        page_ = panel_pictures.draw_sheet(opened)
        for item in page_.items:
            wide = (item.wide if isinstance(item, sheet.Picture) else sheet.text_length(item.text, item.size)
                    if isinstance(item, sheet.Words) else item.r)
            left = item.x - wide if getattr(item, "end", False) else item.x
            assert 0 < left < left + wide < page_.wide and 0 < item.y < page_.high, item


def test_the_ring_lies_on_the_pinned_patch(photo):
    rings = [item for item in panel_pictures.draw_sheet(photo).items if isinstance(item, sheet.Ring)]
    under = [item for item in panel_pictures.draw_sheet(photo).items if isinstance(item, sheet.Picture)]
    assert under.pop(0).high == painting.BAR[1], "the scale"
    assert len(rings) == len(under) == 3
    for ring, picture in zip(rings, under):
        assert (ring.x - picture.x) / picture.wide == pytest.approx(5.5 / 8)
        assert (ring.y - picture.y) / picture.high == pytest.approx(3.5 / 8)


def test_an_svg_is_xml_with_words_pictures_and_state(moving):
    root = ET.fromstring(panel_pictures.svg_document(moving))
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert root.tag == f"{SVG}svg" and {"softmax", "factorized", "signed: orange adds, blue subtracts"} <= {*words}
    inside = [image.get("{http://www.w3.org/1999/xlink}href") for image in root.iter(f"{SVG}image")]
    assert len(inside) == 1 + 2 * (1 + 3)
    for data in inside:
        Image.open(io.BytesIO(base64.b64decode(data.removeprefix("data:image/jpeg;base64,")))).load()
    assert View.from_json(json.loads(root.find(f"{SVG}metadata").text)) == moving.view


def test_a_strange_name_is_only_text(own):
    opened = open_view(View(own[0].source.of('<script>"&\x1f.mp4', own[1]), 4, 2, specs=("uniform",)), own[1])
    root = ET.fromstring(panel_pictures.svg_document(opened))
    assert not list(root.iter("script")) and any("<script>" in (text.text or "") for text in root.iter(f"{SVG}text"))


# ------------------------------------------------------------------------------------------------ MP4


def bt709(*rgb):
    """Y, Cb, Cr of a colour, 16 to 235 and 16 to 240, by ITU-R BT.709."""
    r, g, b = (x / 255 for x in rgb)
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return 16 + 219 * y, 128 + 224 * (b - y) / 1.8556, 128 + 224 * (r - y) / 1.5748


@pytest.fixture(scope="module")
def mp4(moving):
    """The film of the clip, and its pictures before they are packed."""
    return film.film_bytes(moving), list(film.film_frames(moving))


def test_the_film_is_what_browsers_play(mp4):
    data, drawn = mp4
    with av.open(io.BytesIO(data)) as found:
        stream = found.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", film.PACE)
        seen = [frame.to_ndarray(format="rgb24") for frame in found.decode(stream)]
    assert len(seen) == film.TURNS * len(drawn) == 6 and data.index(b"moov") < data.index(b"mdat")
    for there, made in zip(seen, drawn * film.TURNS):
        assert there.shape[:2][::-1] == made.size and all(side % 2 == 0 for side in made.size)
        assert np.abs(there.astype(float) - np.asarray(made, dtype=float)).mean() < 3


def test_its_colours_are_told_and_kept():
    red = [Image.new("RGB", (64, 32), (200, 40, 30))]
    with av.open(io.BytesIO(film.encode_mp4(iter(red)))) as found:
        stream = found.streams.video[0]
        frame = next(found.decode(stream))
        told = (stream.codec_context.colorspace, stream.codec_context.color_primaries, stream.codec_context.color_range)
        y, u, v = (int(plane.mean()) for plane in (frame.to_ndarray()[:32], frame.to_ndarray()[32:40],
                                                   frame.to_ndarray()[40:]))
    assert told == (1, 1, 1)
    assert (y, u, v) == pytest.approx(bt709(200, 40, 30), abs=2)


def test_one_panel_may_be_chosen(moving):
    [first, *_] = film.film_frames(moving, only="softmax")
    assert first.size[0] < next(film.film_frames(moving)).size[0]
    with pytest.raises(ValueError, match="does not show 'linear'; it shows softmax, factorized"):
        film.film_bytes(moving, only="linear")


def test_a_photograph_makes_no_film(photo):
    with pytest.raises(ValueError, match=r"a photograph has one frame .* write \.png or \.svg"):
        film.film_bytes(photo)


# ------------------------------------------------------------------------------------------------ HTML


def test_the_page_holds_the_view(own):
    view, data = own
    opened = open_view(view, data)
    text = view_page(opened)
    blob = text.split('id="blob">')[1].split("</script>")[0]
    content = unpack(base64.b64decode(blob))
    assert content["set"]["query"] == opened.query and content["set"]["frame"] == 2
    assert [panel["title"] for panel in content["panels"]] == opened.titles and len(content["frames"]) == 3
    assert "(Jain and Wallace 2019). film.mp4.</p>" in text and "http" not in text.split("</style>")[1][:3000]
