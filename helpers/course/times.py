"""How long the lessons take, by their words, cells and exercises."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from helpers.drawing import Table

from .address import is_fetching
from .lessons import LESSONS
from .map import NOTEBOOKS
from .standing import exercises_in

WORDS_A_MINUTE, CELLS_A_MINUTE = 180, 2


class Time(NamedTuple):
    """A lesson: minutes to read it and run its cells, how long its training takes on a CPU, its exercises."""

    lesson: str
    to_train: str
    minutes_to_read: int
    exercises: int


def reading_time(path: str | Path) -> tuple[int, int, float]:
    """Return a notebook's words, its code cells and the minutes for both, exercises and training not counted."""
    cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    words = sum(len("".join(cell["source"]).split()) for cell in cells if cell["cell_type"] == "markdown")
    code = sum(cell["cell_type"] == "code" and not is_fetching(cell) for cell in cells)
    return words, code, words / WORDS_A_MINUTE + code / CELLS_A_MINUTE


def training_time(path: str | Path) -> str:
    """Return what a notebook's first cell says of the time that it runs, as measured: "three minutes"."""
    first = "".join(json.loads(Path(path).read_text(encoding="utf-8"))["cells"][0]["source"])
    found = re.search(r"and ([\w ]+) to run", " ".join(first.split()))
    return found[1] if found else "?"


def lesson_times(folder: str | Path = NOTEBOOKS) -> Table:
    """Return the table of the lessons in `folder`; the exercises come on top of the minutes."""
    paths = {lesson: Path(folder) / f"{lesson.stem}.ipynb" for lesson in LESSONS}
    return Table(
        Time(f"{lesson.number} {lesson.title}", training_time(path), round(reading_time(path)[2]),
             len(exercises_in(lesson.number)))
        for lesson, path in paths.items() if path.is_file()
    )  # fmt: skip
