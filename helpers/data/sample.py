"""A folder of pictures for those who have none at hand: tiles of the photos that come with two packages."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from helpers.place import package_file

from .batches import PHOTOS

MORE = {"astronaut": "astronaut.png", "brick": "brick.png", "cat": "chelsea.png", "coffee": "coffee.png",
        "galaxies": "hubble_deep_field.jpg", "grass": "grass.png", "gravel": "gravel.png",
        "rocket": "rocket.jpg"}  # fmt: skip
SIDE, AREA, TILE, STEP = 384, 96, 64, 32  # pixels: of a photo, of its areas, of a tile, from tile to tile
WAY = "pip install scikit-image"


def sample_folder(folder: str | os.PathLike) -> Path:
    """Write tiles of two photos, or ten where scikit-image is installed, into `folder` and return it.

    Each photo is a class. Its middle square, 384 pixels a side, is cut into 16 areas of 96, and each of them, a folder,
    holds four tiles of 64 that overlap: no two areas share a pixel. Photos of scikit-learn (CC BY 2.0) and of
    scikit-image (public domain or CC0, as it states). Says in a line where scikit-image is missing.
    """
    from sklearn.datasets import load_sample_image

    squares = {name: squared(Image.fromarray(load_sample_image(f"{name}.jpg"))) for name in PHOTOS}
    found = {name: package_file("skimage", f"data/{file}") for name, file in MORE.items()}
    for name, path in found.items():
        if path is not None:
            with Image.open(path) as photo:
                squares[name] = squared(photo)
    if not any(found.values()):
        print(f"Two photos only: scikit-image is not installed ({WAY}).")
    for name, photo in squares.items():
        write_tiles(photo, Path(folder, name))
    return Path(folder)


def squared(photo: Image.Image) -> np.ndarray:
    """Return the middle square of a photo in colour, uint8 (384, 384, 3)."""
    return np.asarray(ImageOps.fit(photo.convert("RGB"), (SIDE, SIDE), Image.Resampling.BILINEAR))


def write_tiles(photo: np.ndarray, folder: Path) -> None:
    """Write the tiles of a photo (384, 384, 3) as PNG files, a folder for each area."""
    for area in range((SIDE // AREA) ** 2):
        where = folder / f"area_{area:02}"
        where.mkdir(parents=True, exist_ok=True)
        corner = np.array(divmod(area, SIDE // AREA)) * AREA
        for shift in np.ndindex(2, 2):
            top, left = corner + STEP * np.array(shift)
            Image.fromarray(photo[top : top + TILE, left : left + TILE]).save(where / f"tile_{top:03}_{left:03}.png")
