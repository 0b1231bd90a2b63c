"""The workflows of GitHub: they run what start.py knows, publish what it builds, and name no repository."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def steps(path):
    """Return the steps of all jobs of a workflow."""
    return [step for job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values() for step in job["steps"]]


def start_words(path):
    """Return the words that a workflow hands to start.py."""
    runs = [step["run"].split() for step in steps(path) if "run" in step]
    return next(words[2:] for words in runs if words[:2] == ["python3", "helpers/start.py"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_a_command_of_start_py_and_no_step_names_a_repository(path):
    spec = importlib.util.spec_from_file_location("start_of_workflows", ROOT / "helpers/start.py")
    start = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start)
    assert start_words(path)[0] in start.EXTRAS
    assert not re.search(r"github\.com/|github\.io", path.read_text(encoding="utf-8"))
    for step in steps(path):
        assert "run" in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]), step


def test_what_is_published_is_what_was_built():
    path = ROOT / ".github/workflows/site.yml"
    uploaded = next(step for step in steps(path) if "upload-pages" in step.get("uses", ""))
    assert start_words(path)[:2] == ["site", uploaded["with"]["path"]]


def test_the_oldest_python_is_tested():
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    tests = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    assert oldest in tests["jobs"]["test"]["strategy"]["matrix"]["python"]
