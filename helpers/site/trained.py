"""What the pages show of training: nets and short runs of the lessons, kept in `trained/`, so that no build trains.

`helpers/site/train.py` puts them there.
"""

import dataclasses
import json
from pathlib import Path

import torch
from torch import nn

from helpers.widgets.kit.short_run import Run

FOLDER = Path(__file__).parent / "trained"
LAYERS = [nn.Sequential, nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.Sigmoid, nn.ReLU, nn.AvgPool2d, nn.MaxPool2d,
          nn.AdaptiveAvgPool2d, nn.Flatten, nn.Dropout]  # fmt: skip
SHOWN = 2  # runs that the lessons' labs show from the start


def net(number: str, folder: Path = FOLDER) -> nn.Module | None:
    """Return the net that the lesson with this number trains, as it was when its pictures were stored, or None."""
    path = folder / f"{number}.pt"
    if not path.exists():
        return None
    with torch.serialization.safe_globals(LAYERS):  # no other code than theirs is run from the file
        return torch.load(path, weights_only=True)


def give_runs(lab, number: str, folder: Path = FOLDER):
    """Give a LearningRateLab that has just been made the runs and settings with which its lesson shows it.

    `lab.kept` holds these runs and one for each setting that was trained in advance; it stays without any where there
    are none. Returns the lab.
    """
    path = folder / f"{number}.json"
    told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"shown": [], "others": [], "next": {}}
    shown, others = ([Run(**run) for run in told[kind]] for kind in ("shown", "others"))
    lab.kept, lab.runs = [*shown, *others], shown
    return lab.update(**told["next"])


def show_its_run(lab):
    """Let a LearningRateLab of `give_runs` show the run with its present settings, behind those of the lesson."""
    shown = [run for run in lab.runs if run.slot < SHOWN]
    own = next(run for run in lab.kept if run.settings == lab.settings())
    lab.runs = shown if own in shown else [*shown, dataclasses.replace(own, slot=SHOWN)]
    lab.refresh()
