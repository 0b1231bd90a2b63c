"""helpers/hosted.py: a Python of others gets what it lacks, and nothing in it changes."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import hosted

ROOT = Path(__file__).parents[1]
LISTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")


@pytest.fixture
def here(monkeypatch):
    """The packages that are here, as a dictionary {name: version} that a test fills."""
    packages = {}
    monkeypatch.setattr(hosted, "installed", lambda package: packages.get(package, ""))
    monkeypatch.setattr(hosted.metadata, "distributions", lambda: [
        SimpleNamespace(metadata={"Name": name}, version=version) for name, version in packages.items()])  # fmt: skip
    return packages


@pytest.fixture
def pip(monkeypatch):
    """What pip was asked in place of a real call: its words, the constraints' text; its answer is `pip.done`."""
    asked = SimpleNamespace(words=[], constraints="", done=SimpleNamespace(returncode=0, stdout="", stderr=""))

    def run(command, **_):
        asked.words = command[command.index("install") + 1 :]
        asked.constraints = Path(command[command.index("--constraint") + 1]).read_text(encoding="utf-8")
        return asked.done

    monkeypatch.setattr(hosted.subprocess, "run", run)
    return asked


def test_what_lessons_need_is_looked_for_and_the_host_may_lack_the_rest(here):
    lacking = [hosted.name(line) for line in hosted.missing(LISTS)]
    assert {"torch", "torchvision", "anywidget", "resvg_py", "scikit-learn", "pillow"} <= set(lacking)
    assert not {"jupyterlab", "nbval", "d2l", "-e", "."} & set(lacking)


def test_an_old_package_that_is_here_is_not_asked_for(here):
    here.update(torch="1.0", ipywidgets="7.7.1")
    lacking = hosted.missing(LISTS)
    assert not any(line.startswith(("torch>", "ipywidgets")) for line in lacking) and "resvg_py>=0.3" in lacking


def test_each_package_is_found_by_its_name_in_the_list():
    for line in LISTS.splitlines():
        if line[:1].isalpha():
            assert hosted.installed(hosted.name(line)) == metadata.version(hosted.name(line)) or line.startswith("d2l")
    assert hosted.installed("a-package-that-nobody-wrote") == ""


def test_pip_is_held_to_every_version_that_is_here(here, pip):
    here.update({"torch": "2.5.1+cu121", "numpy": "1.26.4", "odd": "2.4-unsupported", "pytz": "2024a", None: "1"})
    hosted.install(["anywidget>=0.9", "resvg_py>=0.3"])
    assert pip.words[-2:] == ["anywidget>=0.9", "resvg_py>=0.3"] and "--upgrade" not in pip.words
    assert pip.constraints.splitlines() == ["numpy==1.26.4", "torch==2.5.1+cu121"]


def test_where_pip_fails_its_last_line_is_the_reason(here, pip):
    pip.done = SimpleNamespace(returncode=1, stdout="", stderr="WARNING: slow\nERROR: No matching distribution\n")
    with pytest.raises(SystemExit, match="anywidget could not be installed: ERROR: No matching distribution"):
        hosted.install(["anywidget>=0.9"])
    pip.done = SimpleNamespace(returncode=1, stdout="", stderr="")
    with pytest.raises(SystemExit, match="pip said nothing"):
        hosted.install(["anywidget>=0.9"])


def test_afterwards_this_process_and_those_it_starts_know_the_course(here, pip, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    monkeypatch.setattr(sys, "modules", {})
    monkeypatch.setenv("PYTHONPATH", "mine")
    here.update({hosted.name(line): "9" for line in hosted.missing(LISTS) if "resvg" not in line})
    hosted.prepare()
    assert sys.path == [str(ROOT), "elsewhere"] and os.environ["PYTHONPATH"] == f"{ROOT}{os.pathsep}mine"
    assert pip.words[-1] == "resvg_py>=0.3"
    assert capsys.readouterr().out == f"The course is in {ROOT.name}; installed: resvg_py.\n"


def test_what_was_imported_of_that_name_before_makes_room(monkeypatch):
    monkeypatch.setattr(hosted, "missing", lambda lists: [])
    monkeypatch.setattr(sys, "path", ["elsewhere"])
    monkeypatch.setenv("PYTHONPATH", "mine")
    others = {name: SimpleNamespace() for name in ("helpers", "helpers.widgets", "helpers_of_mine", "os")}
    monkeypatch.setattr(sys, "modules", others)
    hosted.prepare()
    assert set(others) == {"helpers_of_mine", "os"}


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(hosted, "sys", SimpleNamespace(version_info=(3, 9, 0)))
    with pytest.raises(SystemExit, match=r"needs Python 3.10 or newer; this is 3.9\."):
        hosted.prepare()


def test_it_loads_with_the_standard_library_alone():
    question = f"import runpy; print(runpy.run_path({hosted.__file__!r})['missing']('torch>=2\\n-e .'))"
    said = subprocess.run([sys.executable, "-I", "-S", "-c", question], capture_output=True, text=True)
    assert said.stdout == "['torch>=2']\n", said.stderr
