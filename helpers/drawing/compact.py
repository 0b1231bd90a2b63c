"""Photos and maps make large PNGs, and a notebook stores them all: the large ones are kept in 256 colours."""

import io

from PIL import Image

LARGEST = 150_000  # bytes that a picture may have as it is


def compact(png: bytes) -> bytes:
    """Return a PNG as it is, or a large one in 256 colours, transparent ones among them: a quarter of its size."""
    if len(png) <= LARGEST:
        return png
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGBA").quantize(256, method=Image.Quantize.FASTOCTREE).save(small, "PNG", optimize=True)
    return min(png, small.getvalue(), key=len)
