"""Run notebooks whole and store their outputs: python tests/store_outputs.py notebooks/02_*.ipynb

What changes from run to run without meaning anything (times of execution, widget state, the kernel's version) is
dropped; a widget stays as its still picture, a curve as a picture too. Nothing is written unless every cell ran.
"""

import os
import pathlib
import sys

import nbformat
from nbclient import NotebookClient

from helpers.exercises.solved import progress_file


def store(path):
    """Execute the notebook at `path` in its folder and write it back with its outputs."""
    path = pathlib.Path(path)
    os.environ.pop("CNN_COURSE_PROGRESS", None)  # what is stored names the place that a learner's file has
    if progress_file().exists():
        raise SystemExit(f"The map would show what you have solved: move {progress_file()} away, and back afterwards.")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=1800, resources={"metadata": {"path": str(path.parent)}}).execute()
    clean(notebook)
    nbformat.write(notebook, path)


def clean(notebook):
    """Drop what must not be stored."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop("application/vnd.jupyter.widget-view+json", None)
            if "image/png" in data and "<svg" in data.get("text/html", ""):
                del data["text/html"]  # a viewer that does not trust the notebook would show the SVG's words in a row


if __name__ == "__main__":
    for name in sys.argv[1:]:
        store(name)
        print(f"stored {name}")
