"""A file's colours in sRGB: held to littleCMS, to BT.2100's formulas the other way round, and to FFmpeg's filters."""
from __future__ import annotations

import io
import struct
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pillow_heif
import pytest
from av.video.reformatter import Colorspace
from PIL import Image, ImageCms

from linviz import clips
from tests.clips import files
from tests.clips.made_files import encode_clip, icc_chunk, icc_profile, png_file
from tests.clips.test_decode import pixels

SEED = 14
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
FROM_2020 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])  # BT.2087


def patches(draw: np.random.Generator, count: int = 4) -> np.ndarray:
    """A picture of a few colours side by side, each 16 pixels wide: (16, X, 3) uint8."""
    return draw.integers(0, 256, (1, count, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)


def middles(picture: np.ndarray) -> np.ndarray:
    """The colour in the middle of each patch."""
    return picture[8, 8::16].astype(float)


def shown(data: bytes, **how: Any) -> np.ndarray:
    """The colours that linviz finds, a patch each."""
    return middles(pixels(clips.decode_clip(data, "x", **how))[0])


def code(light: np.ndarray) -> np.ndarray:
    """Light in 0..1 as numbers of sRGB in 0..255."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


# ---------------------------------------------------------------- profiles of pictures


def by_littlecms(picture: np.ndarray, profile: bytes, mode: str = "RGB") -> np.ndarray:
    """What littleCMS makes of it."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    found = ImageCms.profileToProfile(Image.fromarray(picture).convert(mode), source, ImageCms.createProfile("sRGB"),
                                      outputMode="RGB")
    return middles(np.asarray(found))


def test_display_p3_is_shown_in_srgb() -> None:
    """A P3 display's (60, 200, 60) is beyond sRGB's green; its curve is sRGB's, which 2.2 is near to."""
    green = np.full((16, 16, 3), (60, 200, 60), np.uint8)
    got = shown(png_file(green, {b"iCCP": icc_chunk(icc_profile(P3, 2.2))}))
    assert np.abs(got - (0, 205, 0)).max() <= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIC"])
def test_a_profile_is_obeyed_as_littlecms_does(kind: str) -> None:
    draw = np.random.default_rng([SEED, *kind.encode()])
    for n in range(3):
        primaries = [tuple(np.array(xy) + draw.uniform(-0.02, 0.02, 2)) for xy in P3]
        profile, picture = icc_profile(primaries, float(draw.uniform(1.4, 2.6))), patches(draw)
        file = io.BytesIO()
        if kind == "HEIC":
            pillow_heif.from_pillow(Image.fromarray(picture)).save(file, quality=-1, icc_profile=profile)
        else:
            exact = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True},
                     "AVIF": {"quality": 100, "subsampling": "4:4:4"}}.get(kind, {})
            Image.fromarray(picture).save(file, kind, icc_profile=profile, **exact)
        with Image.open(io.BytesIO(file.getvalue())) if kind != "HEIC" else pillow_heif.open_heif(
                io.BytesIO(file.getvalue())).to_pillow() as stored:
            wanted = by_littlecms(np.asarray(stored.convert("RGB")), profile)
        assert np.abs(shown(file.getvalue()) - wanted).max() <= 1, f"seed {SEED}, {kind}, picture {n}"


def test_a_profile_that_is_none_or_of_other_colours_is_named() -> None:
    picture = patches(np.random.default_rng(SEED))
    grey = bytearray(icc_profile(SRGB, 2.2))
    grey[16:20] = b"CMYK"
    for profile in (b"not a profile", bytes(grey), icc_profile(SRGB, 2.2)[:150], b"\0" * 128):
        found = clips.decode_clip(png_file(picture, {b"iCCP": icc_chunk(profile)}), "x")
        assert "its colour profile cannot be used" in found.said and not found.partial
        assert np.array_equal(pixels(found)[0], picture)


def test_profiles_keep_what_is_transparent_and_grey() -> None:
    draw = np.random.default_rng(SEED)
    profile, picture = icc_profile(P3, 1.8), patches(draw)
    clear = np.dstack([picture, np.full(picture.shape[:2], 51, np.uint8)])
    wanted = 255 + (by_littlecms(picture, profile) - 255) * 0.2
    assert np.abs(shown(png_file(clear, {b"iCCP": icc_chunk(profile)})) - wanted).max() <= 1
    grey = np.repeat(picture[..., :1], 3, 2)
    got = shown(png_file(picture[..., 0], {b"iCCP": icc_chunk(profile)}))
    assert np.abs(got - by_littlecms(grey, profile)).max() <= 1


def test_a_png_s_gamma_and_primaries_are_obeyed() -> None:
    draw = np.random.default_rng(SEED)
    for _ in range(4):
        gamma, picture = float(draw.uniform(0.3, 1.1)), patches(draw)
        chunk = {b"gAMA": struct.pack(">I", round(gamma * 100_000))}
        light = (middles(picture) / 255) ** (1 / gamma)
        assert np.abs(shown(png_file(picture, chunk)) - code(light)).max() <= 1, f"seed {SEED}: gamma {gamma}"
        assert np.array_equal(shown(png_file(picture, chunk | {b"sRGB": b"\0"})), middles(picture)), "sRGB comes first"
        corners = [v for xy in ((0.3127, 0.3290), *P3) for v in xy]
        chunk[b"cHRM"] = struct.pack(">8I", *(round(v * 100_000) for v in corners))
        wanted = by_littlecms(picture, icc_profile(P3, 1 / gamma))
        assert np.abs(shown(png_file(picture, chunk)) - wanted).max() <= 4, f"seed {SEED}: gamma {gamma} of P3"


# ---------------------------------------------------------------- HDR


def pq_code(nits: np.ndarray) -> np.ndarray:
    """BT.2100's inverse EOTF of PQ."""
    y = (np.asarray(nits) / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg_code(nits: np.ndarray) -> np.ndarray:
    """BT.2100's inverse OOTF for 1,000 cd/m2, and then the OETF of HLG. nits: (..., 3)."""
    light = np.asarray(nits) / 1000
    y = (light @ [0.2627, 0.6780, 0.0593])[..., None]
    scene = light * np.maximum(y, 1e-9) ** (1 / 1.2 - 1)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene),
                    0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073)


HDR = {"PQ": (16, pq_code), "HLG": (18, hlg_code)}


def hdr_clip(codes: np.ndarray, transfer: int) -> bytes:
    """An HEVC clip in ten bits, as telephones write it: codes (X, 3) in 0..1, a patch each, tagged as BT.2020."""
    wide = (codes * 65535).round().astype(np.uint16)[None].repeat(16, 0).repeat(16, 1)
    frame = av.VideoFrame.from_ndarray(wide, format="rgb48le").reformat(
        format="yuv444p10le", dst_colorspace=Colorspace.BT2020, dst_color_range="MPEG")
    return encode_clip("libx265", "mp4", stamps=(0, 1), size=(wide.shape[1], 16), pixels="yuv444p10le",
                       draw=lambda *_: frame, form="yuv444p10le", color_trc=transfer, color_primaries=9,
                       colorspace=9, color_range=1, options={"x265-params": "log-level=none:lossless=1:bframes=0"})


@pytest.mark.parametrize("name", HDR)
def test_hdr_video_shows_light_by_paper_white(name: str) -> None:
    """Light / 203 cd/m2, cut off at 1, in sRGB; the codes come from BT.2100's formulas in the other direction."""
    transfer, encode = HDR[name]
    draw = np.random.default_rng([SEED, transfer])
    grey = np.array([203, 100, 1000, *draw.uniform(0.5, 400, 5)])[:, None].repeat(3, 1)
    found = clips.decode_clip(hdr_clip(encode(grey), transfer), "x", 2)
    got = middles(pixels(found)[0])
    assert np.abs(got[:3] - np.array([255, 186, 255])[:, None]).max() <= 4
    assert np.abs(got - code(grey / 203)).max() <= 4, f"seed {SEED}: {grey[:, 0]}"
    assert f"HDR ({name}), where light above 203 cd/m2 is cut off" in found.said and not found.partial
    colours = draw.uniform(1, 180, (6, 3))
    wanted = code(colours @ FROM_2020.T / 203)
    assert np.abs(shown(hdr_clip(encode(colours), transfer)) - wanted).max() <= 5, f"seed {SEED}: {colours}"


@pytest.mark.parametrize("name", HDR)
@pytest.mark.parametrize("kind", ["PNG", "16-bit PNG", "AVIF", "HEIC"])
def test_hdr_pictures_show_light_by_paper_white(name: str, kind: str) -> None:
    transfer, encode = HDR[name]
    draw = np.random.default_rng([SEED, transfer, *kind.encode()])
    grey = np.array([203, 100, 1000, *draw.uniform(20, 400, 3)])[:, None].repeat(3, 1)
    codes = encode(grey)[None].repeat(16, 0).repeat(16, 1)
    eight = (codes * 255).round().astype(np.uint8)
    file, chunk = io.BytesIO(), {b"cICP": bytes([9, transfer, 0, 1])}
    if kind == "AVIF":
        Image.fromarray(eight).save(file, "AVIF", quality=100, subsampling="4:4:4")
        data = bytearray(file.getvalue())
        at = data.index(b"colrnclx")
        data[at + 8:at + 12] = struct.pack(">HH", 9, transfer)
    elif kind == "HEIC":
        pillow_heif.from_pillow(Image.fromarray(eight)).save(
            file, quality=-1, color_primaries=9, transfer_characteristics=transfer, matrix_coefficients=9,
            full_range_flag=1)
        data = bytearray(file.getvalue())
    else:
        data = bytearray(png_file((codes * 65535).round().astype(np.uint16) if "16" in kind else eight, chunk))
    found = clips.decode_clip(bytes(data), "x")
    assert np.abs(middles(pixels(found)[0]) - code(grey / 203)).max() <= 5, f"seed {SEED}: {grey[:, 0]}"
    assert f"HDR ({name})" in found.said


# ---------------------------------------------------------------- videos


@pytest.mark.parametrize("size, matrix", [((1280, 16), "ITU709"), ((64, 592), "ITU709"), ((64, 576), "ITU601"),
                                          ((720, 16), "ITU601")])
def test_a_video_that_does_not_say_is_bt_709_where_it_is_hd(size: tuple[int, int], matrix: str) -> None:
    draw = np.random.default_rng([SEED, *size])
    for _ in range(2):
        colour = draw.integers(20, 236, 3, dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(np.broadcast_to(colour, (size[1], size[0], 3)).copy(), format="rgb24")
        yuv = frame.reformat(format="yuv420p", dst_colorspace=Colorspace[matrix])
        data = encode_clip("libx264", size=size, stamps=(0,), draw=lambda *_, yuv=yuv: yuv, form="yuv420p",
                           options={"qp": "1"})
        found = pixels(clips.decode_clip(data, "x"))[0]
        assert np.abs(found[8, found.shape[1] // 2] - colour.astype(float)).max() <= 5, f"seed {SEED}: {colour}"


@pytest.mark.parametrize("space, size", [(1, (64, 16)), (5, (1280, 16)), (9, (64, 16)), (6, (1280, 16))])
def test_a_video_that_says_is_believed(space: int, size: tuple[int, int]) -> None:
    matrix = {1: Colorspace.ITU709, 9: Colorspace.BT2020}.get(space, Colorspace.ITU601)
    colour = np.random.default_rng([SEED, space]).integers(20, 236, 3, dtype=np.uint8)
    frame = av.VideoFrame.from_ndarray(np.broadcast_to(colour, (size[1], size[0], 3)).copy(), format="rgb24")
    yuv = frame.reformat(format="yuv420p", dst_colorspace=matrix)
    data = encode_clip("libx264", size=size, stamps=(0,), draw=lambda *_: yuv, form="yuv420p",
                       options={"qp": "1"}, colorspace=space)
    found = pixels(clips.decode_clip(data, "x"))[0]
    assert np.abs(found[8, 32] - colour.astype(float)).max() <= 5


def test_a_wide_gamut_without_hdr_is_shown_in_srgb() -> None:
    picture = patches(np.random.default_rng(SEED))
    data = encode_clip("libx264", size=(64, 16), stamps=(0,), pixels="yuv444p", draw=lambda *_: picture,
                       options={"qp": "1"}, color_primaries=12, color_trc=13, colorspace=1)
    light = np.where(picture / 255 <= 0.04045, picture / 255 / 12.92, ((picture / 255 + 0.055) / 1.055) ** 2.4)
    from_p3 = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
    assert np.abs(shown(data) - middles(code(light @ from_p3.T))).max() <= 6


def test_a_transfer_function_that_is_not_known_is_named() -> None:
    data = encode_clip("libx264", stamps=(0, 1), color_trc=9)
    assert "its transfer function (number 9 of H.273) cannot be honoured" in clips.decode_clip(data, "x").said
    assert "honoured" not in clips.decode_clip(files.video(), "x").said


# ---------------------------------------------------------------- two fields in a frame


def two_moments(i: int, wide: int, high: int) -> np.ndarray:
    """A frame whose odd rows show a later moment than its even rows, as cameras for television record it."""
    out = np.full((high, wide, 3), 30, np.uint8)
    for field in (0, 1):
        at = (3 * (2 * i + field)) % (wide - 8)
        out[field::2, at:at + 8] = (230, 60, 60 + 8 * (i % 24))
    return out


def by_bwdif(data: bytes) -> list[np.ndarray]:
    """Every frame of a clip through FFmpeg's bwdif."""
    out = []
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        graph = av.filter.Graph()
        graph.link_nodes(graph.add_buffer(template=stream), graph.add("bwdif", "mode=send_frame:deint=interlaced"),
                         graph.add("buffersink")).configure()
        for frame in [*container.decode(stream), None]:
            graph.push(frame)
            while True:
                try:
                    out.append(graph.pull().to_ndarray(format="rgb24"))
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
    return out


@pytest.mark.parametrize("codec, options", [
    ("libx264", {"x264-params": "tff=1"}), ("libx264", {"x264-params": "bff=1"}),
    ("mpeg4", {"flags": "+ildct+ilme"}), ("prores_ks", {"flags": "+ildct"})], ids=["tff", "bff", "mpeg4", "prores"])
def test_interlaced_clips_go_through_bwdif(codec: str, options: dict[str, str]) -> None:
    draw = np.random.default_rng([SEED, *str(options).encode()])
    for _ in range(2):
        count, every = int(draw.integers(9, 25)), int(draw.choice([3, 5, 250]))
        data = encode_clip(codec, "mov", stamps=tuple(range(count)), every=every, size=(64, 48), options=options,
                           draw=two_moments, pixels="yuv422p10le" if "prores" in codec else "yuv420p")
        wanted = by_bwdif(data)
        for asked in (32, 4):
            found = clips.decode_clip(data, "x", asked)
            at = [round(10 * t) for t in found.times]
            same = [np.array_equal(mine, wanted[i]) for mine, i in zip(pixels(found), at, strict=True)]
            assert all(same), f"seed {SEED}: {count} frames, a key every {every}, {asked} asked: {same}"
            assert "its interlaced fields were made into frames" in found.said and found.total == count


def test_a_clip_of_whole_frames_is_left_alone() -> None:
    assert "interlaced" not in clips.decode_clip(files.video(), "x").said
    assert Fraction(1, 10) == Fraction(clips.decode_clip(files.video(), "x", 32).times[1]).limit_denominator(99)
