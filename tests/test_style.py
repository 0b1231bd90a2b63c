"""The code passes the linter with the settings in pyproject.toml, and its commands print on any console."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
COMMANDS = ("helpers/start.py --help", "helpers/update.py --help", "tests/newcomer.py --help",
            "tests/promises.py --help", "-m helpers.course.progress", "-m helpers.course.slides --help",
            "-m helpers.course.address --help")  # fmt: skip


def test_ruff_finds_nothing():
    run = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_no_text_is_read_by_the_letters_of_the_machine_alone():
    """Ruff sees `open`; a path's own methods and what a program says would be GBK here and UTF-8 there."""
    found = []
    for path in [*sorted((ROOT / "helpers").rglob("*.py")), ROOT / "tests/newcomer.py", ROOT / "tests/promises.py"]:
        for call in filter(lambda node: isinstance(node, ast.Call), ast.walk(ast.parse(path.read_text("utf-8")))):
            name, options = getattr(call.func, "attr", ""), {keyword.arg for keyword in call.keywords}
            by_path = name in ("read_text", "write_text") and "encoding" not in options
            by_pipe = options & {"text", "universal_newlines"} and not options & {"encoding", "errors"}
            found += [f"{path.relative_to(ROOT)}:{call.lineno}"] * bool(by_path or by_pipe)
    assert not found


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_prints_in_a_console_that_knows_ascii_alone(command, monkeypatch):
    """As on a Windows whose code page is not Unicode: GBK, cp1252."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    monkeypatch.setenv("PYTHONUTF8", "0")
    run = subprocess.run([sys.executable, *command.split()], cwd=ROOT, capture_output=True)
    assert run.returncode == 0, run.stderr.decode(errors="replace")
    assert run.stdout.strip()
