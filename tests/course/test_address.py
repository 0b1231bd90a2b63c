"""One place for the repository's address, what is written from it, and the cell that fetches the course from there."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from helpers.course import address

ROOT = Path(__file__).parents[2]
ADDRESS = "https://github.com/someone/cnn"
STEMS = ("00_start_here", "02_convolution_layer")


@pytest.fixture
def course(tmp_path):
    """The files of the course that hold its address, two of its notebooks and the glossary, copied."""
    (tmp_path / "notebooks").mkdir()
    for name in ("pyproject.toml", "README.md", *(f"notebooks/{stem}.ipynb" for stem in (*STEMS, "glossary"))):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def cell_of(path):
    """Return the fetching cell of a notebook and what comes before it."""
    cells = nbformat.read(path, as_version=4).cells
    place = next(i for i, cell in enumerate(cells) if address.is_fetching(cell))
    return cells[place], cells[:place]


def test_the_readme_has_the_badges_of_the_stated_address():
    found = address.BADGES.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found[0] == found[1] + address.badges(address.stated(ROOT), address.version(ROOT)) + found[2]


def test_one_command_writes_it_everywhere_and_a_second_changes_nothing(course):
    address.write(course, ADDRESS)
    assert address.stated(course) == ADDRESS
    for stem in STEMS:
        cell, before = cell_of(course / f"notebooks/{stem}.ipynb")
        assert f'address, version = "{ADDRESS}", "{address.version(course)}"' in cell.source
        assert cell.metadata.jupyter.source_hidden and not any(other.cell_type == "code" for other in before)
    assert (course / "README.md").read_text(encoding="utf-8").count("/someone/cnn/") >= 3
    first = contents(course)
    assert first["glossary.ipynb"] == (ROOT / "notebooks/glossary.ipynb").read_bytes(), "no code, no cell"
    address.write(course)
    address.write(course, ADDRESS)
    assert contents(course) == first


def test_taken_back_it_leaves_no_trace(course):
    address.write(course, "")
    before = contents(course)
    address.write(course, ADDRESS)
    address.write(course, "")
    assert contents(course) == before and address.stated(course) == ""


@pytest.mark.parametrize("number, fetched", [("0.2.0.dev0", "HEAD"), ("0.2.0", "v0.2.0")])
def test_a_released_notebook_fetches_its_own_version(course, number, fetched):
    project = course / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace(text.partition('\nversion = "')[2].partition('"')[0], number), encoding="utf-8")
    address.write(course, ADDRESS)
    assert f'"{fetched}"' in cell_of(course / f"notebooks/{STEMS[0]}.ipynb")[0].source


def test_a_fork_that_github_builds_names_itself_and_its_commit(course, monkeypatch):
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"):
        monkeypatch.delenv(name, raising=False)
    address.write(course, ADDRESS)
    assert address.here(course) == (ADDRESS, address.version(course))
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "fork/er")
    monkeypatch.setenv("GITHUB_SHA", "c0ffee")
    assert address.here(course) == ("https://github.com/fork/er", "c0ffee")


def test_hosts_open_a_notebook_from_github_alone():
    places = address.hosts(ADDRESS, "v1", "05_pooling")
    assert places["Colab"] == (
        "https://colab.research.google.com/github/someone/cnn/blob/v1/notebooks/05_pooling.ipynb")
    assert set(places) == set(address.IMAGES) and address.hosts("https://example.org/cnn", "v1", "05_pooling") == {}
    assert address.badges("", "HEAD") == ""


@pytest.mark.parametrize("words, stated", [(["https://github.com/a/b.git"], "https://github.com/a/b"), ([], ADDRESS)])
def test_the_command_line(course, monkeypatch, capsys, words, stated):
    address.write(course, ADDRESS)
    monkeypatch.setattr(address, "course_folder", lambda: course)
    assert address.main(words) == 0 and address.stated(course) == stated and stated in capsys.readouterr().out
    with pytest.raises(SystemExit):
        address.main(["git@github.com:a/b"])
    assert address.stated(course) == stated


def run_cell(folder, place, version, *options):
    """Run the fetching cell with this address and version in the folder, where nothing but Python is; return its words.

    Of the folder itself nothing is imported unless `options`, for Python, say so.
    """
    source = address.CELL.replace("ADDRESS", place).replace("VERSION", version)
    command = [sys.executable, *(options or ("-I", "-S")), "-c", source]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_without_an_address_or_a_network_it_says_what_to_do_in_one_sentence(tmp_path):
    assert run_cell(tmp_path, "", "HEAD") == (
        "The rest of the course is missing here: get its whole folder, as its README says.\n")
    said = run_cell(tmp_path, "http://127.0.0.1:9/a/b", "HEAD")
    assert said.startswith("http://127.0.0.1:9/a/b was not reached (") and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_inside_the_course_it_takes_the_course_that_is_there(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers/hosted.py").write_text("def prepare():\n    print('taken from', __file__)\n", encoding="utf-8")
    assert run_cell(tmp_path / "notebooks", "", "HEAD").startswith("taken from ")


@pytest.mark.parametrize("other", ["helpers.py", "helpers/__init__.py", "helpers/notes.txt"])
def test_another_module_of_the_same_name_is_not_taken_for_the_course(tmp_path, other):
    (tmp_path / other).parent.mkdir(exist_ok=True)
    (tmp_path / other).write_text("", encoding="utf-8")
    assert run_cell(tmp_path, "", "HEAD", "-S", "-E").startswith("The rest of the course is missing")
    (tmp_path / "helpers").mkdir(exist_ok=True)
    (tmp_path / "helpers/__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "helpers/hosted.py").write_text("", encoding="utf-8")
    assert not run_cell(tmp_path, "", "HEAD", "-S", "-E"), "and the course is"


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A kernel named `alone` to which the course cannot be imported, and an archive of the course, as GitHub gives it.

    Without the module `site`, Python reads no .pth file, by which the course is installed where it is worked on.
    """
    places = [Path(place) for place in sys.path if place.endswith("-packages")]
    if any((place / "helpers").exists() for place in places):
        pytest.skip("the course is installed among the packages")
    kernel = tmp_path / "jupyter/kernels/alone"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-S", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "alone", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, places)))
    monkeypatch.setenv("CNN_COURSE_DATA", str(tmp_path / "no data"))
    packed = tmp_path / "packed/cnn-HEAD"
    for name in ("helpers", "notebooks"):
        shutil.copytree(ROOT / name, packed / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    shutil.copy(ROOT / "requirements.txt", packed)
    shutil.make_archive(str(tmp_path / "archive/HEAD"), "zip", packed.parent)
    return tmp_path


def test_a_notebook_alone_in_an_empty_folder_fetches_the_course_once_and_runs_to_its_end(alone):
    folder = alone / "downloads"
    folder.mkdir()
    for stem in STEMS:
        notebook = nbformat.read(ROOT / f"notebooks/{stem}.ipynb", as_version=4)
        address.put_cell(notebook, alone.as_uri(), "HEAD")
        notebook.cells.append(nbformat.v4.new_code_cell("print(__import__('helpers').__file__)"))
        options = {"kernel_name": "alone", "resources": {"metadata": {"path": str(folder)}}}
        NotebookClient(notebook, timeout=180, **options).execute()
        fetching = next(cell for cell in notebook.cells if address.is_fetching(cell))
        assert fetching.outputs[0].text == "The course is in cnn-HEAD.\n"
        assert notebook.cells[-1].outputs[0].text.startswith(str(folder / "cnn_course_HEAD/cnn-HEAD"))
        (alone / "archive/HEAD.zip").unlink(missing_ok=True)  # the second notebook fetches nothing
    assert [path.name for path in folder.iterdir()] == ["cnn_course_HEAD"]
