"""The two runs that the depth lab starts with, trained and stored: python -m helpers.benchmark depth --store"""

import json
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

from helpers.data import load_data_fashion_mnist
from helpers.widgets import DepthLab
from helpers.widgets.nets.depth_lab import STORED

from .measure import machine

PICTURES = {"resize": 14, "num_train": 4_000, "num_test": 1_000}  # lesson 13's in the profile cpu
DIGITS = 4  # of a loss and of an accuracy


def depth_runs(data=None, seed=0):
    """Train the lab's plain net and its residual one on `data` (train_iter, test_iter); return what is stored."""
    train_iter, test_iter = data or load_data_fashion_mnist(128, **PICTURES)
    lab = DepthLab(train_iter, test_iter, seed=seed)
    lab.clear()
    for skip in (False, True):
        lab.skip = skip
        lab.run()
        lab.wait()
    runs = [replace(run, points=[_short(point) for point in run.points], end="stored") for run in lab.runs]
    return {
        "machine": machine(), "date": date.today().isoformat(), "data": train_iter.source, "seed": seed,
        "num_train": train_iter.num_images, "runs": [asdict(run) for run in runs],
    }  # fmt: skip


def store(measured: dict, path: Path = STORED) -> None:
    """Write what `depth_runs` returns to where the lab reads it."""
    path.write_text(json.dumps(measured) + "\n", encoding="utf-8")


def _short(point):
    images, loss, accuracy = point
    return images, round(loss, DIGITS), round(accuracy, DIGITS)
