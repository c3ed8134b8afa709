"""Light and the numbers that stand for it: sRGB, PQ and HLG (ITU-R BT.2100), and the colours of other displays.

A number of sRGB stands for light from 0 to 1, where 1 is white. HDR video gives light in cd/m2 instead; its white paper
has 203 cd/m2 (BT.2408), which becomes 1 here. What is brighter is cut off.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

PQ, HLG = 16, 18  # their numbers in ITU-T H.273
PAPER = 203.0  # cd/m2 of white paper
PEAK = 1000.0  # cd/m2 of the display for which HLG is computed
GAMMA = 1.2  # of that display
TOP = 65535  # the largest number of sixteen bits
NAMES = {PQ: "PQ", HLG: "HLG"}
WHITE = (0.3127, 0.3290)  # D65: x, y
SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060))  # x, y of red, green, blue
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
WIDE = {9: BT2020, 11: P3, 12: P3}  # by their numbers in H.273: displays that show more colours than sRGB
Primaries = tuple[tuple[float, float], ...]


def srgb_light(code: np.ndarray) -> np.ndarray:
    """The light of sRGB numbers in 0..1 (IEC 61966-2-1).

    >>> srgb_light(np.array([0.0, 0.5, 1.0])).round(4)
    array([0.   , 0.214, 1.   ])
    """
    found: np.ndarray = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return found


def srgb_code(light: np.ndarray) -> np.ndarray:
    """The sRGB numbers of light, which is cut to 0..1."""
    light = np.clip(light, 0, 1)
    found: np.ndarray = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return found


def pq_light(code: np.ndarray) -> np.ndarray:
    """The light of PQ numbers in 0..1, in cd/m2 (BT.2100, table 4).

    >>> pq_light(np.array([0.0, 0.5081, 0.5807, 1.0])).round(0)
    array([    0.,   100.,   203., 10000.])
    """
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = code ** (1 / m2)
    found: np.ndarray = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return found


def hlg_light(code: np.ndarray) -> np.ndarray:
    """The light in front of the camera, in 0..1, of HLG numbers in 0..1 (BT.2100, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    found: np.ndarray = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return found


def hlg_display(scene: np.ndarray, primaries: Primaries = BT2020) -> np.ndarray:
    """The light of a display of 1,000 cd/m2 that shows a scene (..., 3) in 0..1, in cd/m2.

    >>> hlg_display(hlg_light(np.full(3, 0.75))).round(0)
    array([203., 203., 203.])
    """
    brightness = (scene @ xyz_matrix(primaries)[1])[..., None]
    found: np.ndarray = PEAK * np.maximum(brightness, 1e-9) ** (GAMMA - 1) * scene
    return found


def xyz_matrix(primaries: Primaries, white: tuple[float, float] = WHITE) -> np.ndarray:
    """The matrix from the light of a display's red, green and blue to CIE XYZ, where white has Y = 1.

    >>> xyz_matrix(SRGB)[1].round(4)
    array([0.2126, 0.7152, 0.0722])
    """
    def column(x: float, y: float) -> list[float]:
        return [x / y, 1.0, (1 - x - y) / y]
    columns = np.array([column(*one) for one in primaries]).T
    share = np.linalg.solve(columns, column(*white))
    found: np.ndarray = columns * share
    return found


def srgb_matrix(primaries: Primaries, white: tuple[float, float] = WHITE) -> np.ndarray:
    """The matrix from a display's light to the light of sRGB; white stays white."""
    found: np.ndarray = np.linalg.solve(xyz_matrix(SRGB), white_adaptation(white) @ xyz_matrix(primaries, white))
    return found


def white_adaptation(white: tuple[float, float]) -> np.ndarray:
    """Bradford's matrix, which takes XYZ under one white to XYZ under that of sRGB, as ICC profiles do."""
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    old, new = (cones @ np.array([x / y, 1, (1 - x - y) / y]) for x, y in (white, WHITE))
    found: np.ndarray = np.linalg.solve(cones, np.diag(new / old) @ cones)
    return found


@lru_cache(maxsize=8)
def light_table(transfer: int) -> np.ndarray:
    """The light that each number of sixteen bits stands for: PQ in cd/m2, HLG the scene, any other as in sRGB."""
    codes = np.arange(TOP + 1) / TOP
    curve = {PQ: pq_light, HLG: hlg_light}.get(transfer, srgb_light)
    return curve(codes).astype(np.float32)


@lru_cache(maxsize=1)
def code_table() -> np.ndarray:
    """The sRGB number, in eight bits, of light in steps of 1/65535."""
    return (srgb_code(np.arange(TOP + 1) / TOP) * 255).round().astype(np.uint8)


def light_pixels(light: np.ndarray) -> np.ndarray:
    """Light (..., 3) of sRGB's colours as sRGB numbers in eight bits; what is below 0 or above 1 is cut off."""
    steps = (np.clip(light, 0, 1) * TOP + 0.5).astype(np.uint16)
    found: np.ndarray = code_table()[steps]
    return found


def hdr_pixels(codes: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """Numbers (Y, X, 3) of PQ or HLG, or of a display with more colours, in 16 bits, as sRGB in eight bits.

    >>> hdr_pixels(np.full((1, 1, 3), round(0.5081 * 65535), np.uint16), PQ, 9)[0, 0]  # 100 cd/m2
    array([186, 186, 186], dtype=uint8)
    """
    own = WIDE.get(primaries, SRGB if primaries == 1 or transfer not in NAMES else BT2020)
    light = light_table(transfer)[codes]
    if transfer == HLG:
        light = hlg_display(light, own)
    light = light / PAPER if transfer in NAMES else light
    return light_pixels(light if own is SRGB else light @ srgb_matrix(own).T.astype(np.float32))


def hdr_remark(transfer: int) -> str:
    """What is said of a picture whose light was cut off.

    >>> hdr_remark(PQ)
    'HDR (PQ), where light above 203 cd/m2 is cut off'
    """
    return f"HDR ({NAMES[transfer]}), where light above {PAPER:.0f} cd/m2 is cut off"


def sixteen_bits(code: np.ndarray) -> np.ndarray:
    """Numbers of eight bits in sixteen.

    >>> sixteen_bits(np.array([0, 255], np.uint8))
    array([    0, 65535], dtype=uint16)
    """
    return code.astype(np.uint16) * np.uint16(257)
