"""Make the README's pictures from a real run in JupyterLab: python -m tests.make_pictures [00 02 …]

img/kernel_explorer.png: the kernel explorer of notebook 02 with its controls, on a photo. img/thumb_NN.png: for each
notebook one of its pictures. Needs Chromium; run from the repository's root.
"""

import io
import os
import pathlib
import sys
import tempfile

from PIL import Image

from .browser import ROOT, Page, chromium_context, jupyterlab

WIDTH = 360  # pixels of a thumbnail
WIDGET = ".cnn-course svg[aria-label]"
MAP = "table[aria-label='Map of the course']"
SHOWN = {"00": (MAP, 0), "02": (WIDGET, 2), "07": (WIDGET, 1)}  # otherwise the first widget


def thumbnail(png, path):
    """Write a picture, at most WIDTH pixels wide and two thirds as high, to path."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((WIDTH, WIDTH * 2 // 3), Image.Resampling.LANCZOS)
    image.save(path, optimize=True)


def make(numbers):
    """Make the pictures of the notebooks with these numbers."""
    os.environ.setdefault("CNN_COURSE_PROFILE", "cpu")
    with (
        tempfile.TemporaryDirectory() as state, tempfile.TemporaryDirectory() as profile,
        jupyterlab(state) as lab, chromium_context(profile, device_scale_factor=2) as context,
    ):  # fmt: skip
        for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
            if path.name[:2] not in numbers:
                continue
            opened = Page(context, lab, path.name)
            opened.run_all(1200)
            kind, position = SHOWN.get(path.name[:2], (WIDGET, 0))
            shown = opened.page.locator(kind).nth(position)
            shown.scroll_into_view_if_needed()
            opened.page.wait_for_timeout(1000)  # cells above it may still change their height
            thumbnail(shown.screenshot(), ROOT / f"img/thumb_{path.name[:2]}.png")
            if path.name.startswith("02"):
                opened.widgets().nth(position).screenshot(path=ROOT / "img/kernel_explorer.png")
            opened.close()
            print(f"made the pictures of {path.name}")


if __name__ == "__main__":
    make(sys.argv[1:] or [path.name[:2] for path in pathlib.Path(ROOT, "notebooks").glob("[0-9]*.ipynb")])
