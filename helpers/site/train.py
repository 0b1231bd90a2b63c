"""Train anew what the pages show of training, by the lessons' own cells, and keep it in `trained/`:

    python -m helpers.site.train 07 10

It is kept where the widget then says what the notebook stores; where it says something else, nothing is written.
"""

import ast
import copy
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from helpers.course.lessons import LESSONS
from helpers.place import course_folder

from .grids import grid_for
from .trained import FOLDER


class Training(NamedTuple):
    """The ids of the cells that a widget's cell needs, a line to run after them, and the id of that cell."""

    cells: tuple[str, ...]
    widget: str
    line: str = ""


NETS = {
    "07": Training(("c001", "c022", "c048"), "c083"),
    "08": Training(("c001", "c043", "c045"), "c051"),
    "10": Training(("c001", "c052", "c053", "c055"), "c057"),
    "16": Training(("c16-001", "c16-002", "c16-004", "c16-010", "c16-013", "c16-015"), "c16-035",
                   "small, test_iter = small_nets[0], divided(seeds[0])[1]"),
}  # fmt: skip
RUNS = {"07": Training(("c001", "c022"), "c071"), "11": Training(("c001",), "c11-034")}


def notebook_of(number: str) -> Path:
    """Return the path of the notebook with this number."""
    return course_folder() / "notebooks" / f"{LESSONS[int(number)].stem}.ipynb"


def widget_of(path: Path, training: Training):
    """Return (the widget after the cells of a Training have run, what the notebook at `path` stores of it in words)."""
    cells = {cell["id"]: cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]}
    names = {"__name__": "lesson"}
    for number in training.cells:
        run("".join(cells[number]["source"]), names)
    run(training.line, names)
    cell = cells[training.widget]
    stored = "".join(cell["outputs"][-1]["data"]["text/plain"]).partition(": ")[2]
    return run("".join(cell["source"]), names), stored


def run(source: str, names: dict):
    """Run Python code among these names; return the value of its last line, or None where that is no expression."""
    code = ast.parse(source)
    last = code.body.pop() if code.body and isinstance(code.body[-1], ast.Expr) else None
    exec(compile(code, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def keep_net(widget, path: Path):
    """Write the net of a widget."""
    torch.save(copy.deepcopy(widget.net).cpu(), path)


def keep_runs(lab, path: Path):
    """Train a run for each setting that the table of a LearningRateLab has, and write all."""
    told = {"next": lab.values, "shown": lab.runs, "others": []}
    for values in grid_for(lab).settings(lab.values):
        settings = told["next"] | values
        if settings not in [run.settings for run in told["shown"] + told["others"]]:
            lab.update(**settings)
            lab.run()
            lab.wait()
            told["others"].append(lab.runs[-1])
    path.write_text(json.dumps(told, default=dataclasses.asdict) + "\n", encoding="utf-8")


def main(numbers: list[str]) -> int:
    """Train what these lessons show, keep what is as they store it; return how many are not."""
    os.environ.setdefault("CNN_COURSE_PROFILE", "cpu")  # the one in which the notebooks are stored
    os.environ.setdefault("MPLBACKEND", "agg")
    FOLDER.mkdir(exist_ok=True)
    others = 0
    for number in numbers:
        for trainings, keep, kind in ((NETS, keep_net, "pt"), (RUNS, keep_runs, "json")):
            if number not in trainings:
                continue
            widget, stored = widget_of(notebook_of(number), trainings[number])
            if widget.describe(widget.result) == stored:
                keep(widget, FOLDER / f"{number}.{kind}")
                print(f"kept {number}.{kind}")
            else:
                others += 1
                print(f"{number}: the notebook stores\n  {stored}\nand now it is\n  {widget.describe(widget.result)}")
    return others


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
