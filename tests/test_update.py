"""helpers/update.py: the course changes, the learner's answers stay."""

import json
import subprocess
import sys

import pytest

from helpers import update as course_update
from helpers.update import UpdateError, answers, read, sources, update

from .browser import ROOT

DEMO, STUB = 'check("02.1", 24)', 'answer = ...\ncheck("02.1", answer)'
WRITE = 'def f(X):\n    ...\n\n\ncheck("02.2", f)'
MINE, WRITTEN = STUB.replace("...", "19"), WRITE.replace("...", "return X[..., 0]")


def write(folder, *cells, name="02_lesson.ipynb"):
    """Write a notebook of code cells, run once, into the folder's notebooks/."""
    path = folder / "notebooks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [{"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": ["old"], "execution_count": 1}
            for source in cells]  # fmt: skip
    path.write_text(json.dumps({"cells": made}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def git(folder, *words):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path):
    """A clone of a course with one notebook; `tmp_path/course` is where its next version comes from."""
    course = tmp_path / "course"
    write(course, DEMO, STUB, WRITE)
    git(course, "init", "-q", "-b", "main")
    git(course, "add", ".")
    git(course, "commit", "-qm", "one")
    git(tmp_path, "clone", "-q", str(course), "clone")
    return tmp_path / "clone"


def publish(clone, *cells):
    write(clone.parent / "course", *cells)
    git(clone.parent / "course", "commit", "-qam", "two")


def test_answers_go_into_the_new_version_and_all_else_into_a_copy(clone):
    mine = write(clone, DEMO, MINE, "my_note = 1", WRITTEN)
    publish(clone, "new = 1", DEMO, STUB, WRITE)
    said = update(clone)
    assert sources(read(mine)) == ["new = 1", DEMO, MINE, WRITTEN]
    assert [cell["outputs"] for cell in read(mine)["cells"]] == [["old"], ["old"], [], []]
    [copy] = (clone / "work").glob("*/02_lesson.ipynb")
    assert "my_note = 1" in sources(read(copy)) and copy.relative_to(clone).as_posix() in said[1]
    assert said[-1] == "Answers put back: 02.1, 02.2."
    publish(clone, "newer = 1", STUB, WRITE)
    update(clone)
    assert sources(read(mine)) == ["newer = 1", MINE, WRITTEN], "and again"


def test_what_is_no_longer_asked_is_named_and_a_demonstration_is_no_answer(clone):
    mine = write(clone, DEMO, STUB, WRITTEN)
    publish(clone, DEMO, STUB)
    assert update(clone)[-1] == "No longer asked, so in the copies alone: 02.2."
    assert sources(read(mine)) == [DEMO, STUB]


def test_a_notebook_that_only_ran_is_brought_up_to_date(clone):
    path = clone / "notebooks/02_lesson.ipynb"
    path.write_text(path.read_text().replace('"execution_count": 1', '"execution_count": 7'))
    publish(clone, "new = 1", STUB)
    assert update(clone) == ["The course is up to date."] and sources(read(path)) == ["new = 1", STUB]


def test_where_git_cannot_everything_is_as_it_was(clone):
    mine = write(clone, DEMO, MINE, WRITE)
    git(clone, "remote", "set-url", "origin", str(clone.parent / "nowhere"))
    with pytest.raises(UpdateError, match="git pull failed"):
        update(clone)
    assert sources(read(mine)) == [DEMO, MINE, WRITE]


def test_from_the_folder_of_an_older_zip(tmp_path):
    write(tmp_path / "old", DEMO, MINE, WRITE)
    write(tmp_path / "old", "gone = 1", MINE.replace("02", "03"), name="03_gone.ipynb")
    new = write(tmp_path / "new", "new = 1", DEMO, STUB, WRITE)
    said = update(tmp_path / "new", tmp_path / "old")
    assert sources(read(new)) == ["new = 1", DEMO, MINE, WRITE]
    assert said[-2:] == ["Answers put back: 02.1.", "No longer asked, so in the copies alone: 03.1."]
    with pytest.raises(UpdateError, match="update --from"):
        update(tmp_path / "new")
    with pytest.raises(UpdateError, match="no older version"):
        update(tmp_path / "new", tmp_path / "new")


def test_a_damaged_notebook_stops_it_before_anything_changes(clone):
    mine = clone / "notebooks/02_lesson.ipynb"
    mine.write_text("{")
    with pytest.raises(UpdateError, match="no notebook"):
        update(clone)
    assert mine.read_text() == "{"


def test_the_stubs_of_every_exercise_are_told_from_answers():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = read(path)
        assert not answers(notebook, sources(notebook))
        stubs = [text for text in sources(notebook) if course_update.CHECKED.search(text)]
        kept = answers(notebook, [])
        assert len(stubs) - len(kept) >= len({course_update.CHECKED.search(text)[1] for text in stubs}), path.name


def test_it_runs_with_the_standard_library_alone(clone):
    command = [sys.executable, "-I", "-S", course_update.__file__, "--help"]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0 and "--from FOLDER" in said.stdout
