"""A picture's pixels in sRGB: whatever Pillow's mode, colour profile, gamma or transfer function; white shows below.

In the order of PNG's specification: PQ or HLG, then an ICC profile (by littleCMS), then sRGB, then gamma and primaries.
What cannot be honoured is said in half a sentence.
"""
from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from .colour_curves import (
    HLG,
    PQ,
    SRGB,
    WHITE,
    hdr_pixels,
    hdr_remark,
    light_pixels,
    sixteen_bits,
    srgb_matrix,
)

MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}  # of ICC's colour spaces
PROFILE = "its colour profile cannot be used, so its colours are taken as sRGB"
FLOATS = "its brightest and darkest numbers are shown as white and black"
SPAN = 0.005  # within which a gamma or a primary is the same


def plain_mode(image: Image.Image) -> tuple[Image.Image, list[str]]:
    """A picture in RGB, RGBA, L, LAB or CMYK, and what is to be said of it. Transparent where its file says so."""
    key = image.info.get("transparency")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return grey_numbers(image, key)
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.replace("a", "A"))
    if image.mode in ("RGBA", "LA", "PA") or key is not None:
        return image.convert("RGBA"), []
    return image if image.mode in ("L", "RGB", "LAB", "CMYK") else image.convert("RGB"), []


def grey_numbers(image: Image.Image, key: Any) -> tuple[Image.Image, list[str]]:
    """Grey of sixteen bits or more, or floating point, in eight bits; `key` is the grey that is transparent."""
    numbers = np.asarray(image)
    remarks: list[str] = []
    if numbers.dtype.kind == "f":
        seen = np.nan_to_num(numbers.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(seen.min()), float(seen.max())
        if not 0 <= low <= high <= 1:
            seen, remarks = (seen - low) / max(high - low, 1e-30), [FLOATS]
        eight = (seen * 255).round().astype(np.uint8)
    else:
        eight = eight_bits(numbers.clip(0, 65535))
    if not isinstance(key, int):
        return Image.fromarray(eight), remarks
    clear = Image.fromarray(np.where(numbers == key, 0, 255).astype(np.uint8))
    return Image.merge("LA", (Image.fromarray(eight), clear)).convert("RGBA"), remarks


def eight_bits(numbers: np.ndarray) -> np.ndarray:
    """Numbers of sixteen bits in eight, rounded.

    >>> eight_bits(np.array([0, 257, 65535]))
    array([  0,   1, 255], dtype=uint8)
    """
    return ((numbers.astype(np.uint32) + 128) // 257).astype(np.uint8)


def srgb_picture(image: Image.Image, info: dict[str, Any]) -> tuple[Image.Image, list[str]]:
    """A picture of `plain_mode` in sRGB, on white: RGB. `info` is Pillow's, with "transfer" for PQ and HLG."""
    opacity = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if opacity else image
    colours, remarks = _srgb_colours(colours, info)
    if opacity is not None:
        white = Image.new("RGB", colours.size, "white")
        white.paste(colours, mask=opacity)
        colours = white
    return colours, remarks


def _srgb_colours(image: Image.Image, info: dict[str, Any]) -> tuple[Image.Image, list[str]]:
    transfer, primaries = info.get("transfer", (0, 0))
    if transfer in (PQ, HLG):
        codes = sixteen_bits(np.asarray(image.convert("RGB")))
        return Image.fromarray(hdr_pixels(codes, transfer, primaries)), [hdr_remark(transfer)]
    if info.get("icc_profile"):
        return profile_colours(image, info["icc_profile"])
    if "srgb" not in info and info.get("gamma"):
        return gamma_colours(image.convert("RGB"), info["gamma"], info.get("chromaticity")), []
    return plain_colours(image), []


def plain_colours(image: Image.Image) -> Image.Image:
    """A picture without a profile as RGB."""
    if image.mode == "LAB":
        from PIL import ImageCms
        found = ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"),
                                          outputMode="RGB")
        assert found is not None
        return found
    return image.convert("RGB")


def profile_colours(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """A picture whose numbers an ICC profile explains, by littleCMS; as it is, with a sentence, where it does not."""
    from PIL import ImageCms  # here and not above: few pictures need it
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[source.profile.xcolor_space]
        if image.mode == "L" and mode == "RGB":
            image = image.convert("RGB")
        if image.mode != mode:
            return plain_colours(image), [PROFILE]
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError, TypeError):
        return plain_colours(image), [PROFILE]
    assert found is not None
    return found, []


def gamma_colours(image: Image.Image, gamma: float, primaries: tuple[float, ...] | None) -> Image.Image:
    """A picture with PNG's gAMA, the exponent of its numbers, and perhaps cHRM: white, red, green and blue.

    >>> gamma_colours(Image.new("RGB", (1, 1), (128, 128, 128)), 1.0, None).getpixel((0, 0))  # light of 1/2
    (188, 188, 188)
    """
    if gamma <= 0:
        return image
    named = None if primaries is None else tuple(zip(primaries[::2], primaries[1::2]))
    usual = named is None or np.allclose(named, (WHITE, *SRGB), atol=SPAN)
    if named and usual and abs(gamma - 1 / 2.2) < SPAN:
        return image  # what a file in sRGB says, as PNG's specification has it
    codes = np.arange(256) / 255
    light = codes ** (1 / gamma)
    if named is None or usual or min(y for _, y in named) <= 0:
        table = light_pixels(light)
        return image.point([int(one) for one in table] * 3)
    matrix = srgb_matrix(named[1:], named[0]).T
    return Image.fromarray(light_pixels(light[np.asarray(image)] @ matrix))



# ---------------------------------------------------------------- what Pillow does not read


def coded_transfer(image: Image.Image, data: bytes) -> tuple[int, int]:
    """The transfer function and the primaries in PNG's cICP, or in the colour box of AVIF and HEIC; else (0, 0)."""
    if image.format == "PNG":
        at = data.find(b"cICP", 0, max(data.find(b"IDAT"), 0))
        return (data[at + 5], data[at + 4]) if at > 0 else (0, 0)
    if nclx := image.info.get("nclx_profile"):  # of HEIC
        return int(nclx["transfer_characteristics"]), int(nclx["color_primaries"])
    at = data.find(b"colrnclx") if image.format == "AVIF" else -1
    if not 0 < at < len(data) - 12:
        return 0, 0
    return int.from_bytes(data[at + 10:at + 12], "big"), int.from_bytes(data[at + 8:at + 10], "big")


def deep_png(data: bytes) -> Image.Image:
    """A PNG of 16-bit colour in which one colour is transparent, by FFmpeg; Pillow compares eight of the bits."""
    import av
    with av.open(io.BytesIO(data), "r", format="png_pipe", options={"codec_whitelist": "png"}) as container:
        frame = next(container.decode(video=0))
    return Image.fromarray(eight_bits(frame.to_ndarray(format="rgba64le")))
