"""Picture files of the reader's own: what can be read is read, anything else is answered by one sentence."""

import contextlib
import io
import os
import warnings

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from .batches import positive

SIDE = 200
MOST_PIXELS = 50_000_000
FEWEST = 8
# What Pillow may try; others start programs (EPS: Ghostscript) or read what no camera and no screen writes.
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "TIFF", "AVIF", "PPM")
HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1")  # how such a file begins, behind four bytes
COLOURS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV")


def open_picture(file, name: str | None = None, side: int = SIDE, *, color: bool = False) -> Tensor:
    """Return the middle square of a picture file, in grey: (side, side), with `color` (3, side, side), in 0..1.

    `file` is a path, "~" being the reader's own folder, or an open binary file that can seek, `name` what messages call
    it. Turned upright as its camera noted, transparent parts white. Raises ValueError, in one sentence that names the
    file, for a file that is missing, empty, no picture, damaged, smaller than 8x8 or larger than 50 million pixels, and
    for numbers that are no brightness; TypeError for what is no file.
    """
    side = positive(side, "side")
    if isinstance(file, (str, bytes, os.PathLike)):
        file = os.fsdecode(file)
        name, file = name or file, os.path.expanduser(file)
        check_file(file, in_one_line(name))
    elif not hasattr(file, "seek") or isinstance(file, io.TextIOBase):
        raise TypeError(f"file is {repr(file)[:60]}, must be a path or a file that is open in binary mode ('rb')")
    elif getattr(file, "closed", False):
        raise ValueError(f"{repr(file)[:60]} is closed: open it anew.")
    name = in_one_line(name or str(file))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow passes over in a file
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=known_formats()) as image:
                check_size(name, *image.size)
                image.load()
                check_values(name, image)
                image = ImageOps.exif_transpose(shrunk(image, side))
                check_colours(name, image.mode)
                return coloured(image, side) if color else square(grey(image), side)
    except Refused as refusal:
        raise ValueError(str(refusal)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{name} has more than 50 million pixels: make it smaller first.") from None
    except UnidentifiedImageError:
        raise ValueError(no_picture(name, file)) from None
    except MemoryError:
        raise ValueError(f"{name} needs more memory than there is: make it smaller first.") from None
    except Exception:  # Pillow's readers each have their own way to give up
        raise ValueError(f"{name} is damaged or cut off: choose another file, or save it anew.") from None


def in_one_line(name: str) -> str:
    """Return a name for a sentence: what no printer knows, as a line's end, becomes a question mark."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


class Refused(Exception):
    """Why a picture is not taken, in one sentence that names its file."""


def known_formats() -> list[str]:
    """Return those of FORMATS that this Pillow can read."""
    Image.init()
    return [kind for kind in FORMATS if kind in Image.OPEN]


def check_file(path, name: str) -> None:
    """Raise ValueError unless there is a file of this path that can be read and has an end."""
    try:
        if os.path.isdir(path):
            raise ValueError(f"{name} is a folder: name a picture file in it.")
        if not os.path.lexists(path):
            raise ValueError(f"{name} does not exist{'' if os.path.isabs(path) else ' in ' + os.getcwd()}: look at its "
                             "spelling and its folder.")
        if not os.path.isfile(path):
            raise ValueError(f"{name} is no file with an end, or a link to nothing: name a picture file.")
        with open(path, "rb"):
            return
    except OSError as error:
        reason = error.strerror
        raise ValueError(f"{name} cannot be read ({reason}): choose another file, or change its rights.") from None


def check_size(name: str, width: int, height: int) -> None:
    """Raise Refused for a picture with too many pixels or too few."""
    if width * height > MOST_PIXELS:
        raise Refused(f"{name} has {width} × {height} pixels, more than 50 million: make it smaller first.")
    if min(width, height) < FEWEST:
        raise Refused(f"{name} has only {width} × {height} pixels: choose a picture of at least 8 × 8.")


def check_colours(name: str, mode: str) -> None:
    """Raise Refused for colours that have no grey here, as LAB."""
    if mode not in COLOURS and not mode.startswith("I") and mode != "F":
        raise Refused(f"{name} has its colours as {mode}, which is not read here: save it as RGB or as grey.")


def check_values(name: str, image: Image.Image) -> None:
    """Raise Refused for numbers of 16 or 32 bits that are no brightness: not finite, or negative."""
    if not wide(image):
        return
    values = np.asarray(image, dtype=np.float32)
    if not np.isfinite(values).all():
        raise Refused(f"{name} holds nan or infinite numbers, which are no brightness: give numbers from 0 on.")
    if values.min() < 0:
        raise Refused(f"{name} holds numbers from {values.min():g} to {values.max():g}, and brightness begins at 0: "
                      f"add {-values.min():g} to all of them first.")


def wide(image: Image.Image) -> bool:
    """Whether a pixel is a number of 16 or 32 bits, which convert("L") would cut off."""
    return image.mode.startswith("I") or image.mode == "F"


def no_picture(name: str, file) -> str:
    """Return the sentence for a file that is none of FORMATS."""
    with open(file, "rb") if isinstance(file, (str, os.PathLike)) else contextlib.nullcontext(file) as content:
        content.seek(0)
        start = content.read(12)
    if not start:
        return f"{name} is empty: choose another file."
    if start[4:] in HEIC:
        return f"{name} is a HEIC photo, as iPhones take them, which is not read here: save it as JPEG."
    return f"{name} is not a picture that can be read here: choose a PNG, JPEG, GIF, BMP or WebP file."


def shrunk(image: Image.Image, side: int) -> Image.Image:
    """Return the picture, or a large one by means over blocks, still at least four times `side` on its shorter side."""
    factor = min(image.size) // (4 * side)
    whole = image.mode in ("L", "RGB", "RGBA", "CMYK", "F")  # modes of which a mean of blocks makes sense
    if factor < 2 or not whole:
        return image
    small = image.reduce(factor)
    small.info = image.info
    return small


def grey(image: Image.Image) -> Image.Image:
    """Return the picture in mode F, 0 black and 1 white; 16 bits are kept, transparent parts become white."""
    if wide(image):
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if image.mode.startswith("I") and values.max() <= 65535 else max(float(values.max()), 1e-6)
        return Image.fromarray(values / top)
    return Image.fromarray(np.asarray(opaque(image).convert("L"), dtype=np.float32) / 255)


def opaque(image: Image.Image) -> Image.Image:
    """Return the picture, transparent parts white."""
    if not image.mode.endswith(("A", "a")) and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def coloured(image: Image.Image, side: int) -> Tensor:
    """Return the middle square in red, green and blue: (3, side, side) in 0..1; a grey picture three times the same."""
    if wide(image):
        return square(grey(image), side).expand(3, -1, -1).clone()
    scaled = ImageOps.fit(opaque(image).convert("RGB"), (side, side), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(scaled).copy()).permute(2, 0, 1).float() / 255


def square(values: Image.Image, side: int) -> Tensor:
    """Return the middle square, scaled: (side, side) in 0..1."""
    scaled = ImageOps.fit(values, (side, side), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(scaled).copy()).clamp(0, 1)
