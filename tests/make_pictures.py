"""Make the README's pictures from a real run in JupyterLab: python -m tests.make_pictures [00 02 …]

img/kernel_explorer.png: the kernel explorer with its controls, set to an edge detector. img/thumb_NN.png: for each
notebook its first widget's picture. Needs Chromium; run from the repository's root.
"""

import io
import os
import pathlib
import sys
import tempfile

from PIL import Image

from .browser import ROOT, Page, chromium_context, jupyterlab

WIDTH = 360  # pixels of a thumbnail, shown at half of it


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
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            if path.name[:2] not in numbers:
                continue
            opened = Page(context, lab, path.name)
            opened.run_all(1200)
            widget = opened.widgets().first
            thumbnail(widget.locator("svg[role=img]").first.screenshot(), ROOT / f"img/thumb_{path.name[:2]}.png")
            if path.name.startswith("02"):
                explorer = opened.page.locator(".cnn-course", has=opened.page.get_by_text("cross-correlation")).first
                (ROOT / "img/kernel_explorer.png").write_bytes(explorer.screenshot())
            opened.close()
            print(f"made the pictures of {path.name}")


if __name__ == "__main__":
    make(sys.argv[1:] or [path.name[:2] for path in pathlib.Path(ROOT, "notebooks").glob("*.ipynb")])
