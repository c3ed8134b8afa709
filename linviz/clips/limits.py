"""How much of a user's own file is read: every limit, in one place. What exceeds a limit is refused or not read."""

BYTES = 200_000_000         # of a file: half a minute of 4K from a telephone has about 170 million
SIDE = 16_384               # pixels across or down
PIXELS = 50_000_000         # of one picture, read from its header before anything is decoded
VIDEO_PIXELS = 4096 * 2304  # of a frame, where there are several: a decoder holds up to seventeen (4K has 8.3 million)
DURATION = 60.0             # seconds of a clip, from its start
FRAMES = 10_000             # frames of a clip, from its start
ASKED = 32                  # the most frames of a clip that are kept
WORKING = 1024              # pixels on the longer side of a kept frame; larger frames are scaled down while decoding
STRIP = 32                  # a picture more than so many times as long as high keeps WORKING / STRIP pixels of height
FRAME_NUMBERS = ASKED * WORKING * WORKING * 3  # of the frames of a clip that was saved as arrays
VIDEO_WORK = 4e9            # pixels of the frames of a video that are decoded: 1,900 frames of 1920 x 1080
PICTURE_WORK = 4e8          # pixels of the frames of a clip made of pictures: 1,300 frames of 640 x 480
KEPT_BYTES = 256_000_000    # of its frames while it is read, so that they need not be decoded again
AHEAD_BYTES = 64_000_000    # of further frames that a visitor may come to see, so that the file is not decoded again
SECONDS = 120.0             # on one file, whatever the machine: only a decoder that hangs takes so long
TENSOR_BYTES = 100_000_000  # of a file of tensors
NUMBERS = 10_000_000        # of one of its arrays, read from its header


def limits_sentence() -> str:
    """The limits as a sentence for users.

    >>> limits_sentence()
    'Up to 200 MB; pictures up to 50 megapixels; clips up to 4096 x 2304 pixels, of which the first 60 s are read; \
tensors up to 100 MB.'
    """
    return (f"Up to {BYTES / 1e6:.0f} MB; pictures up to {PIXELS / 1e6:.0f} megapixels; clips up to 4096 x 2304 "
            f"pixels, of which the first {DURATION:.0f} s are read; tensors up to {TENSOR_BYTES / 1e6:.0f} MB.")
