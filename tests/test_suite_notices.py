"""The suite itself: a sound notebook passes it, and one that is broken in a known way does not."""

import copy
import json
import pathlib
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from .store_outputs import clean

ROOT = pathlib.Path(__file__).parents[1]
WIDGET = """
from helpers.drawing import svg
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.parameters import slider

class Strides(Explorer):
    stride = slider(1, 1, 4, "stride")
    def compute(self, stride):
        return {"output": 12 // stride}
    def describe(self, result):
        return f"output {result['output']}"
    def draw(self, result):
        return svg.picture(100, 40, svg.text(50, 25, result["output"]), label=self.describe(result))

Strides()
"""
FACT = "import torch\ntorch.arange(9.0).reshape(3, 3).sum()"


BREAKS = {  # name: (cell, what is replaced by what, what pytest must say of it)
    "sound": (0, "", "", ""),
    "callback_raises": (1, "12 // stride", "12 // (stride - 3)", "ZeroDivisionError"),
    "slider_is_dead": (1, "12 // stride", "12", "Strides.stride changes nothing"),
    "widget_is_missing": (1, "Strides()", "None", "expected 1 widgets, found []"),
    "fact_is_wrong": (0, "tensor(36.)", "tensor(35.)", "tensor(35.)"),
}


def stored():
    """Return a small notebook with a fact and a widget, executed and stored as ours are."""
    notebook = nbformat.v4.new_notebook(metadata={"cnn_course": {"widgets": 1}})
    notebook.cells = [nbformat.v4.new_code_cell(source.strip()) for source in (FACT, WIDGET)]
    NotebookClient(notebook, timeout=120).execute()
    clean(notebook)
    return notebook


def broken(notebook, cell, old, new):
    """Return a copy with `old` replaced by `new` in the source and the stored outputs of one cell."""
    copied = copy.deepcopy(notebook)
    text = nbformat.writes(nbformat.v4.new_notebook(cells=[copied.cells[cell]]))
    changed = text.replace(*(json.dumps(part)[1:-1] for part in (old, new))) if old else text
    assert (changed != text) == bool(old)
    copied.cells[cell] = nbformat.reads(changed, as_version=4).cells[0]
    return copied


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What pytest says, with the course's settings, of the sound copy and the broken ones."""
    # Two halves side by side: most of the time goes into starting a kernel for each copy.
    folders, notebook = [tmp_path_factory.mktemp("copies") for _ in range(2)], stored()
    for i, (name, (cell, old, new, _)) in enumerate(BREAKS.items()):
        nbformat.write(broken(notebook, cell, old, new), folders[i % 2] / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", f"--rootdir={ROOT}"]
    runs = [
        subprocess.Popen([*command, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True) for folder in folders
    ]
    return [run.communicate(timeout=300)[0] for run in runs]


def summary(report):
    """The lines that name what failed."""
    return "".join(half.partition("short test summary")[2] for half in report)


def test_a_sound_notebook_passes(report):
    said = summary(report)
    assert "sound.ipynb" not in said and all("passed" in half for half in report), report


@pytest.mark.parametrize("name", [name for name in BREAKS if name != "sound"])
def test_a_broken_copy_fails_for_its_reason(report, name):
    assert f"{name}.ipynb" in summary(report) and any(BREAKS[name][3] in half for half in report), report
