"""Grey pictures that a widget offers by name, and pictures of the learner's own."""

import datetime
import functools
import io

import ipywidgets as W
import torch
import traitlets as T

from helpers.data import load_photo, open_picture

UPLOAD = "your own"
SIDE = 200
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
    return f"from helpers.data import open_picture\n\nX = open_picture({upload[0]['name']!r})"


def upload_button(**options):
    """Return a FileUpload whose value is a tuple of files, as in ipywidgets 8; in 7 it is a dict by name."""
    return (_UploadOf7 if isinstance(W.FileUpload.value, T.Dict) else W.FileUpload)(**options)


class _UploadOf7(W.FileUpload):
    """FileUpload of ipywidgets 7 with the value of 8: a tuple of dicts with name, type, size, content."""

    value = T.Tuple(())

    @T.observe("_counter")
    def on_incr_counter(self, change):
        """Take over what the browser has sent, in the place of the dict that version 7 makes of it."""
        self.value = files_of(self.metadata, self.data)


def files_of(metadata, contents):
    """Return the value of a FileUpload for what the front end of version 7 sends: [{"name": …}, …], [bytes, …]."""
    return tuple({**told, "content": memoryview(content)} for told, content in zip(metadata, contents, strict=True))


def as_upload(name, content):
    """Return the value of a FileUpload in which the file `name` with these bytes was chosen."""
    start = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    return ({"name": name, "type": "", "size": len(content), "last_modified": start, "content": memoryview(content)},)


@functools.lru_cache(maxsize=4)
def _uploaded(name, content):
    return open_picture(io.BytesIO(content), name)
