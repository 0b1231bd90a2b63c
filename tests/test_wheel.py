"""A wheel of the course, installed into a fresh folder and not in a clone, holds all that the code reads."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = ("helpers", "pyproject.toml", "README.md", "LICENSE")  # what a wheel is made of
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel's path, built without a network from a copy: setuptools leaves its traces there."""
    copy, folder = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*PIP, "wheel", str(copy), *options], check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_it_holds_every_file_of_the_package_and_nothing_else(wheel):
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "helpers").rglob("*")
             if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert packed == there
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_notebook_00_runs_on_it_apart_from_the_clone(wheel, tmp_path, monkeypatch):
    site, course = tmp_path / "site", tmp_path / "course"
    subprocess.run([*PIP, "install", "--no-deps", "--no-index", "--target", str(site), str(wheel)], check=True)
    shutil.copytree(ROOT / "notebooks", course / "notebooks", ignore=shutil.ignore_patterns(".*"))
    monkeypatch.setenv("PYTHONPATH", str(site))  # before an editable installation of the clone
    monkeypatch.chdir(tmp_path)
    notebook = nbformat.read(course / "notebooks/00_start_here.ipynb", as_version=4)
    asked = "import helpers\nfrom helpers.benchmark.nets import load_results\n"
    asked += "print(helpers.__file__)\nload_results().rows[0].net"
    notebook.cells.append(nbformat.v4.new_code_cell(asked))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(course / "notebooks")}}).execute()
    where, net = notebook.cells[-1].outputs
    assert os.path.samefile(where.text.strip(), site / "helpers/__init__.py") and net.data["text/plain"] == "'lenet'"
