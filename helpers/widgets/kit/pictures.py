"""Grey pictures that a widget offers by name, and pictures of the learner's own."""

import datetime
import functools
import io
import warnings

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from helpers.data import load_photo

UPLOAD = "your own"
SIDE = 200
MOST_PIXELS = 50_000_000
FEWEST = 8
SOURCES = {  # name: the code that makes it, as a learner would write it
    "flower": "from helpers.data import load_photo\n\nX = load_photo('flower')",
    "china": "from helpers.data import load_photo\n\nX = load_photo('china')",
    "digit": "from sklearn.datasets import load_digits\n\nX = torch.tensor(load_digits().images[4]).float()",
    "0…8": "\nX = torch.arange(9.0).reshape(3, 3)",
}


@functools.lru_cache
def named_picture(name):
    """Return the picture of that name in SOURCES: photos (200, 200) in 0..1, the digit (8, 8) in 0..16, 0…8 (3, 3)."""
    if name in ("flower", "china"):
        return load_photo(name, SIDE)
    if name == "digit":
        from sklearn.datasets import load_digits

        return torch.tensor(load_digits().images[4]).float()
    return torch.arange(9.0).reshape(3, 3)


def chosen_picture(name, upload):
    """Return the picture of that name, or of the file in `upload`, a FileUpload's value, where the name is UPLOAD.

    Raises ValueError with a sentence for the learner where there is no picture.
    """
    if name != UPLOAD:
        return named_picture(name)
    if not upload:
        raise ValueError("Choose a picture file with the button above: PNG, JPEG, GIF, BMP or WebP.")
    return _uploaded(upload[0]["name"], bytes(upload[0]["content"]))


def source_code(name, upload):
    """Return the lines of Python that make X, the picture that `chosen_picture` returns."""
    if name != UPLOAD:
        return SOURCES[name]
    return f"from helpers.widgets.kit.pictures import open_picture\n\nX = open_picture({upload[0]['name']!r})"


def as_upload(name, content):
    """Return the value of a FileUpload in which the file `name` with these bytes was chosen."""
    start = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return ({"name": name, "type": "", "size": len(content), "last_modified": start, "content": memoryview(content)},)


@functools.lru_cache(maxsize=4)
def _uploaded(name, content):
    return open_picture(io.BytesIO(content), name)


def open_picture(file, name=None, side=SIDE):
    """Return the middle square of a picture file, in grey: (side, side) in 0..1.

    Turned upright as its camera noted, transparent parts white. Raises ValueError, in one sentence that names the
    file, for a file that is empty, no picture, damaged, smaller than 8x8 or larger than 50 million pixels.
    """
    name = name or str(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(file)
        _check_size(name, *image.size)
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"{name} has more than 50 million pixels: make it smaller first.") from None
    except UnidentifiedImageError:
        raise ValueError(_no_picture(name, file)) from None
    except (OSError, SyntaxError, EOFError):
        raise ValueError(f"{name} is damaged or cut off: choose another file, or save it anew.") from None
    grey = ImageOps.fit(_grey(ImageOps.exif_transpose(image)), (side, side), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.asarray(grey).copy()).clamp(0, 1)


def _check_size(name, width, height):
    if width * height > MOST_PIXELS:
        raise ValueError(f"{name} has {width} × {height} pixels, more than 50 million: make it smaller first.")
    if min(width, height) < FEWEST:
        raise ValueError(f"{name} has only {width} × {height} pixels: choose a picture of at least 8 × 8.")


def _no_picture(name, file):
    if isinstance(file, io.BytesIO) and not file.getbuffer().nbytes:
        return f"{name} is empty: choose another file."
    return f"{name} is not a picture that can be read here: choose a PNG, JPEG, GIF, BMP or WebP file."


def _grey(image):
    """Return the image in mode F, 0 black and 1 white; 16 bits are kept, transparent parts become white."""
    if image.mode.startswith("I") or image.mode == "F":  # 16 and 32 bits a pixel, which convert("L") would cut off
        values = np.asarray(image, dtype=np.float32)
        top = 65535.0 if image.mode.startswith("I") and values.max() <= 65535 else max(float(values.max()), 1e-6)
        return Image.fromarray(values / top)
    if image.mode.endswith(("A", "a")) or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return Image.fromarray(np.asarray(image.convert("L"), dtype=np.float32) / 255)
