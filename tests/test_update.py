"""helpers/update.py: the course changes, the learner's answers stay."""

import json
import os
import shutil
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
    assert update(clone)[-1] == "Answers without a place, in the copies alone: 02.2."
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


def detach(clone):
    git(clone, "checkout", "-q", "--detach")


def commit_its_own(clone):
    git(clone, "commit", "-qam", "mine")
    write(clone, DEMO, MINE, WRITTEN)


def begin_a_merge(clone):
    git(clone, "commit", "-qam", "mine")
    publish(clone, DEMO, MINE.replace("19", "21"), WRITE)
    git(clone, "fetch", "-q")
    with pytest.raises(subprocess.CalledProcessError):
        git(clone, "merge", "FETCH_HEAD")
    git(clone, "checkout", "--ours", "notebooks")


def lock_the_index(clone):
    (clone / ".git/index.lock").touch()


def lie_in_the_way(clone):
    write(clone.parent / "course", "new = 1", name="03_new.ipynb")
    git(clone.parent / "course", "add", ".")
    git(clone.parent / "course", "commit", "-qm", "three")
    write(clone, "mine = 1", name="03_new.ipynb")


@pytest.mark.parametrize("state, said", [
    (detach, "not currently on a branch"), (commit_its_own, "fast-forward"), (begin_a_merge, "unmerged files"),
    (lock_the_index, "index.lock"), (lie_in_the_way, "03_new.ipynb"),
])  # fmt: skip
def test_a_clone_in_an_odd_state_is_as_it_was_and_the_reader_knows_why(clone, state, said):
    mine = write(clone, DEMO, MINE, WRITE)
    publish(clone, "new = 1", DEMO, STUB, WRITE)
    state(clone)
    before = mine.read_text()
    with pytest.raises(UpdateError, match=said) as error:
        update(clone)
    assert mine.read_text() == before and f"update --from {clone}" in str(error.value)
    write(clone.parent / "anew", DEMO, STUB, WRITE)
    update(clone.parent / "anew", clone)
    assert MINE in sources(read(clone.parent / "anew/notebooks/02_lesson.ipynb")), "the other way works"


def test_an_interrupted_update_puts_the_answers_back(clone, monkeypatch):
    mine = write(clone, DEMO, MINE, WRITE)
    real = course_update.git

    def interrupted(root, word, *words, **options):
        if word == "pull":
            raise KeyboardInterrupt
        return real(root, word, *words, **options)

    monkeypatch.setattr(course_update, "git", interrupted)
    with pytest.raises(KeyboardInterrupt):
        update(clone)
    assert sources(read(mine)) == [DEMO, MINE, WRITE]


def test_answers_follow_a_notebook_to_its_new_name(clone):
    write(clone, DEMO, MINE, WRITE)
    git(clone.parent / "course", "mv", "notebooks/02_lesson.ipynb", "notebooks/02_better.ipynb")
    git(clone.parent / "course", "commit", "-qm", "two")
    assert update(clone)[-1] == "Answers put back: 02.1."
    assert sources(read(clone / "notebooks/02_better.ipynb")) == [DEMO, MINE, WRITE]
    assert not (clone / "notebooks/02_lesson.ipynb").exists()


def test_notebooks_of_ones_own_stay_whatever_they_are_called(clone):
    names = ("02_lesson-Copy1.ipynb", "my notes.ipynb", "笔记.ipynb")
    for name in names:
        write(clone, "mine = 1", name=name)
    (clone / "notebooks/list.txt").write_text("mine")
    git(clone, "add", ".")
    git(clone, "-c", "user.name=x", "commit", "-qm", "mine")
    git(clone.parent / "course", "pull", "-q", str(clone), "main")  # as if both had them
    for name in names:
        write(clone, "mine = 2", name=name)
    (clone / "notebooks/list.txt").write_text("mine still")
    publish(clone, "new = 1", STUB)
    said = update(clone)
    kept = {path.name for path in (clone / "work").glob("*/*")}
    assert kept == set(names) and len(said) == 4 and (clone / "notebooks/list.txt").read_text() == "mine still"


def test_a_copy_beside_the_notebook_does_not_take_the_place_of_its_answers(tmp_path):
    write(tmp_path / "old", DEMO, MINE.replace("19", "20"), WRITTEN, name="02_lesson-Copy1.ipynb")
    write(tmp_path / "old", DEMO, MINE, WRITE)
    new = write(tmp_path / "new", DEMO, STUB, WRITE)
    update(tmp_path / "new", tmp_path / "old")
    assert sources(read(new)) == [DEMO, MINE, WRITTEN]


def test_a_deleted_notebook_comes_back_new(clone):
    path = clone / "notebooks/02_lesson.ipynb"
    path.unlink()
    publish(clone, "new = 1", STUB)
    update(clone)
    assert sources(read(path)) == ["new = 1", STUB]


def test_a_notebook_that_cannot_be_written_leaves_its_answers_in_the_copy(clone, monkeypatch):
    write(clone, DEMO, MINE, WRITE)
    publish(clone, "new = 1", STUB)

    def closed(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(course_update, "put_back", closed)
    said = update(clone)
    assert said[-2].endswith("02_lesson.ipynb cannot be written (Permission denied).") and said[-1].endswith("02.1.")


def test_a_file_in_the_place_of_work_is_told_in_a_sentence(clone, monkeypatch, capsys):
    mine = write(clone, DEMO, MINE, WRITE)
    (clone / "work").write_text("mine")
    monkeypatch.setattr(course_update, "ROOT", clone)
    assert course_update.main([]) == 1
    assert "cannot be used" in capsys.readouterr().err and sources(read(mine)) == [DEMO, MINE, WRITE]


def test_a_name_that_the_console_has_no_letters_for_is_told_all_the_same(tmp_path):
    (tmp_path / "new/helpers").mkdir(parents=True)
    script = shutil.copy(course_update.__file__, tmp_path / "new/helpers")
    name = "笔记🙂.ipynb".encode(sys.getfilesystemencoding(), errors="ignore").decode(sys.getfilesystemencoding())
    write(tmp_path / "old", "mine = 1", name=name)
    write(tmp_path / "new", STUB)
    command = [sys.executable, "-I", "-S", script, "--from", tmp_path / "old"]
    for encoding in ("gbk", "ascii"):
        said = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding})
        assert said.returncode == 0 and b"Kept whole" in said.stdout, said.stderr.decode(errors="replace")


def test_from_the_folder_of_an_older_zip(tmp_path):
    write(tmp_path / "old", DEMO, MINE, WRITE)
    write(tmp_path / "old", "gone = 1", MINE.replace("02", "03"), name="03_gone.ipynb")
    new = write(tmp_path / "new", "new = 1", DEMO, STUB, WRITE)
    said = update(tmp_path / "new", tmp_path / "old")
    assert sources(read(new)) == ["new = 1", DEMO, MINE, WRITE]
    assert said[-2:] == ["Answers put back: 02.1.", "Answers without a place, in the copies alone: 03.1."]
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
