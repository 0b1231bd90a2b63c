"""The suite itself: a sound notebook passes it, and one that is broken in a known way does not."""

import copy
import pathlib
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from .store_outputs import clean

ROOT = pathlib.Path(__file__).parents[1]
WIDGET = """
from helpers.widgets import svg
from helpers.widgets.base import Explorer, slider

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


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A small notebook with a fact and a widget, executed and stored as ours are."""
    notebook = nbformat.v4.new_notebook(metadata={"cnn_course": {"widgets": 1}})
    notebook.cells = [nbformat.v4.new_code_cell(source.strip()) for source in (FACT, WIDGET)]
    NotebookClient(notebook, timeout=120).execute()
    clean(notebook)
    return notebook


def judged(notebook, folder):
    """Run pytest with the course's settings on one notebook; return (passed, what it printed)."""
    path = folder / "copy.ipynb"
    nbformat.write(notebook, path)
    command = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", f"--rootdir={ROOT}", str(path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    return run.returncode == 0, run.stdout


BREAKS = {
    "a callback that raises": ("12 // stride", "12 // (stride - 4)", "ZeroDivisionError"),
    "a callback that raises inside its range": ("12 // stride", "12 // (stride - 3)", "ZeroDivisionError"),
    "a slider that does nothing": ("12 // stride", "12", "Strides.stride changes nothing"),
    "a widget that is missing": ("\nStrides()", "\nprint(1)", "expected 1 widgets, found []"),
    "a picture without its numbers": ("label=self.describe(result)", 'label="x"', "does not carry its sentence"),
}


def test_a_sound_notebook_passes(stored, tmp_path):
    passed, said = judged(stored, tmp_path)
    assert passed and "3 passed" in said, said


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_widget_fails(stored, tmp_path, name):
    old, new, reason = BREAKS[name]
    notebook = copy.deepcopy(stored)
    assert old in notebook.cells[1].source
    notebook.cells[1].source = notebook.cells[1].source.replace(old, new)
    passed, said = judged(notebook, tmp_path)
    assert not passed and reason in said, said


def test_a_wrong_stored_fact_fails(stored, tmp_path):
    notebook = copy.deepcopy(stored)
    assert notebook.cells[0].outputs[0].data["text/plain"] == "tensor(36.)"
    notebook.cells[0].outputs[0].data["text/plain"] = "tensor(35.)"
    passed, said = judged(notebook, tmp_path)
    assert not passed and "tensor(35.)" in said, said
