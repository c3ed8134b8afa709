"""A file's format by its first bytes: what is read, and what is refused by its name with what to save instead."""
from __future__ import annotations

from . import limits
from .found import Unreadable

READS = "PNG, JPEG, WebP, GIF, HEIC, AVIF, TIFF, BMP, MP4, MOV and WebM"
SPOKEN = {"PNG": "PNG", "JPEG": "JPEG", "GIF": "GIF", "WEBP": "WebP", "HEIF": "HEIC", "AVIF": "AVIF", "TIFF": "TIFF",
          "BMP": "BMP", "mov": "MP4 or MOV", "matroska": "WebM"}
STARTS = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"II*\0": "TIFF",
          b"MM\0*": "TIFF", b"II+\0": "TIFF", b"MM\0+": "TIFF", b"\x1aE\xdf\xa3": "matroska"}
BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # the boxes that an MP4 or MOV file may begin with
AVIF = (b"avif", b"avis")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AS_VIDEO, AS_PICTURE = "export it as MP4 with H.264", "save it as PNG or JPEG"
REFUSED = {  # first bytes -> the format's name, and what to save instead
    b"FLV\x01": ("an FLV video", AS_VIDEO), b"OggS": ("an Ogg file", AS_VIDEO),
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": ("a Windows Media file", AS_VIDEO),
    b"\0\0\x01\xba": ("an MPEG programme stream", AS_VIDEO), b"\0\0\x01\xb3": ("an MPEG video stream", AS_VIDEO),
    b"\0\0\0\x01": ("a video stream without a container", AS_VIDEO), b".RMF": ("a RealMedia file", AS_VIDEO),
    b"\xff\x0a": ("a JPEG XL picture", AS_PICTURE), b"\0\0\0\x0cJXL ": ("a JPEG XL picture", AS_PICTURE),
    b"\0\0\0\x0cjP  ": ("a JPEG 2000 picture", AS_PICTURE), b"\xff\x4f\xff\x51": ("a JPEG 2000 picture", AS_PICTURE),
    b"%PDF": ("a PDF document", "save its page as PNG"), b"8BPS": ("a Photoshop file", AS_PICTURE),
    b"\x76\x2f\x31\x01": ("an OpenEXR picture", AS_PICTURE), b"\0\0\x01\0": ("an icon", AS_PICTURE),
    b"%!PS": ("a PostScript file", "save its page as PNG"), b"#?RADIANCE": ("a Radiance HDR picture", AS_PICTURE),
    b"FUJIFILMCCD-RAW": ("a camera's raw picture", AS_PICTURE), b"qoif": ("a QOI picture", AS_PICTURE),
    b"ZISRAWFILE": ("a CZI file of a microscope", "save it as TIFF or PNG"), b"DDS ": ("a DDS picture", AS_PICTURE),
    b"Rar!": ("a RAR archive", "unpack it first"), b"7z\xbc\xaf": ("a 7z archive", "unpack it first"),
    b"\x1f\x8b": ("a gzip archive", "unpack it first"), b"ID3": ("music", "choose a picture or a video")}
RIFF = {b"AVI ": ("an AVI video", AS_VIDEO), b"WAVE": ("a sound", "choose a picture or a video")}


def sniff_format(data: bytes) -> str:
    """A file's format by its first bytes: Pillow's name for a picture format, or FFmpeg's for a video format.

    Raises Unreadable, with the format's name where it is known, for what is not read.

    >>> sniff_format(b"GIF89a..."), sniff_format(b"....ftypqt  ")
    ('GIF', 'mov')
    """
    if not data:
        raise Unreadable("it is empty; choose another file")
    if len(data) > limits.BYTES:
        raise Unreadable(f"it has {len(data) / 1e6:,.0f} MB, and the limit is {limits.BYTES / 1e6:.0f} MB; "
                         "cut it, or save it at a smaller size")
    for start, kind in STARTS.items():
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] in BOXES:
        return box_format(data)
    if data[:2] == b"BM" and data[6:10] == bytes(4):
        return "BMP"
    raise Unreadable(refusal_reason(data))


def box_format(data: bytes) -> str:
    """The format of a file made of boxes, by the brands in the first one.

    >>> box_format(b"\\0\\0\\0\\x14ftypmif1\\0\\0\\0\\0avif"), box_format(b"\\0\\0\\0\\x10ftypheic\\0\\0\\0\\0")
    ('AVIF', 'HEIF')
    """
    if data[4:8] != b"ftyp":
        return "mov"
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at:at + 4] for at in range(16, end, 4))]
    if brands[0] == b"crx ":
        raise Unreadable(f"it is a camera's raw picture, which is not read: {AS_PICTURE}")
    if brands[0] in AVIF or brands[0] in (b"mif1", b"msf1") and set(AVIF) & set(brands):
        return "AVIF"
    return "HEIF" if brands[0] in HEIC else "mov"


def refusal_reason(data: bytes) -> str:
    """Why a file is not read: by the name of its format, where it is known, with what to do instead.

    >>> refusal_reason(b"%PDF-1.7"), refusal_reason(b"RIFF....AVI LIST")
    ('it is a PDF document, which is not read: save its page as PNG', \
'it is an AVI video, which is not read: export it as MP4 with H.264')
    """
    known = next((named for start, named in REFUSED.items() if data.startswith(start)), None)
    if data[:4] == b"RIFF":
        known = RIFF.get(data[8:12])
    elif is_transport_stream(data):
        known = "an MPEG transport stream (TS)", AS_VIDEO
    elif data[:1] == b"P" and data[1:2] in b"1234567fF" and data[2:3].isspace():
        known = "a PPM or PGM picture", AS_PICTURE
    elif is_svg(data):
        known = "an SVG drawing", "save it as PNG"
    if known is not None:
        return f"it is {known[0]}, which is not read: {known[1]}"
    return f"{'it is text' if is_text(data) else 'its format is unknown'}; choose one of {READS}"


def is_transport_stream(data: bytes) -> bool:
    """Whether a file is made of packets of 188 bytes that begin with G, or of 192 with four bytes before it.

    >>> is_transport_stream((b"G" + bytes(187)) * 3), is_transport_stream(b"G" + bytes(600))
    (True, False)
    """
    return any(data[at::side][:3] == b"GGG" for at, side in ((0, 188), (4, 192)))


def is_svg(data: bytes) -> bool:
    """Whether a file begins as a drawing in XML.

    >>> is_svg(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), is_svg(b"<p>")
    (True, False)
    """
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] == b"<" and b"<svg" in start


def is_text(data: bytes) -> bool:
    """Whether a file begins with plain text.

    >>> is_text(b"To be, or not to be"), is_text(b"\\0\\0\\0")
    (True, False)
    """
    return all(c.isprintable() or c.isspace() for c in data[:200].decode("utf-8", "ignore")) and b"\0" not in data[:200]
