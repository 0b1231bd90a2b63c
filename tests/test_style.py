"""The code passes the linter with the settings in pyproject.toml."""

import pathlib
import subprocess
import sys


def test_ruff_finds_nothing():
    root = pathlib.Path(__file__).parents[1]
    run = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
