"""What is solved is noted once, in one file of the learner's own, and a fault there disturbs no answer."""

import os
import pathlib

import pytest

from helpers.course import course_map
from helpers.exercises import check, solution
from helpers.exercises.solved import note_solved, progress_file, read_solved


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "own" / "progress.json"
    monkeypatch.setenv("CNN_COURSE_PROGRESS", str(path))
    return path


def test_a_right_answer_is_noted_once(file):
    assert check("00.1", 24).passed is False and check("00.1", ...).passed is None and not file.exists()
    assert str(check("00.1", 43)) == "✓ 00.1: right."
    first = read_solved()
    assert list(first) == ["00.1"]
    check("00.1", 43)
    check("00.1", 24)
    assert read_solved() == first, "the first time counts, and a later slip takes nothing away"
    note_solved("02.p1")
    assert list(read_solved()) == ["00.1", "02.p1"] and [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"solved": {}}', '{"cnn-course progress": 1, "solved": [1]}',
                                     '{"cnn-course progress": 1, "solved": {"02.1": null}}', "[" * 100_000,
                                     "{\ud800"])  # fmt: skip
def test_a_foreign_file_is_left_alone_and_the_answer_stands(file, content):
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8", errors="surrogatepass")
    verdict = check("00.1", 43)
    assert verdict.passed and "not noted" in str(verdict) and "no progress file" in str(verdict)
    assert file.read_bytes() == content.encode(errors="surrogatepass")
    with pytest.raises(ValueError, match="move it away"):
        read_solved()


def test_a_file_of_a_later_version_is_left_alone_and_asks_for_an_update(file):
    file.parent.mkdir()
    file.write_text('{"cnn-course progress": 2, "solved": {}, "more": 1}')
    before = file.read_text()
    assert "bring this one up to date" in str(check("00.1", 43)) and file.read_text() == before


def test_a_file_with_an_editors_mark_is_read(file):
    note_solved("00.1")
    file.write_text(file.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert list(read_solved()) == ["00.1"]
    note_solved("00.2")
    assert list(read_solved()) == ["00.1", "00.2"]


def test_a_link_to_the_file_stays_a_link(file):
    note_solved("00.1")
    real = file.rename(file.with_name("elsewhere.json"))
    file.symlink_to(real)
    note_solved("00.2")
    assert file.is_symlink() and list(read_solved(real)) == ["00.1", "00.2"]


@pytest.mark.parametrize("place, said", [
    ("", "Is a directory"), ("~nobody-of-that-name/p.json", "no such user"), ("/proc/self/p.json", "cannot be written"),
])  # fmt: skip
def test_a_place_that_can_be_none_disturbs_no_answer(tmp_path, monkeypatch, place, said):
    monkeypatch.setenv("CNN_COURSE_PROGRESS", place or str(tmp_path))
    verdict = check("00.1", 43)
    assert verdict.passed and said in str(verdict)
    course_map()


def test_a_folder_that_cannot_be_written_disturbs_no_answer(file):
    file.parent.write_text("a file where the folder should be")
    verdict = check("00.1", 43)
    assert verdict.passed and "cannot be written" in str(verdict)


def test_nothing_is_half_written(file, monkeypatch):
    note_solved("00.1")
    before = file.read_text()

    def full(path, text, **_):
        path.write_bytes(text[:9].encode())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_text", full)
    assert "No space left" in note_solved("00.2")
    assert file.read_text() == before and [path.name for path in file.parent.iterdir()] == [file.name]


def test_where_the_file_is(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_PROGRESS")
    assert progress_file().name == "progress.json" and progress_file().is_relative_to(pathlib.Path.home())
    monkeypatch.setenv("CNN_COURSE_PROGRESS", "")
    assert progress_file() is None and note_solved("00.1") == "" and read_solved() == {}


def test_a_lecturer_can_keep_solutions_back(monkeypatch):
    assert "```python" in str(solution("00.1"))
    monkeypatch.setenv("CNN_COURSE_SOLUTIONS", "0")
    assert "kept back" in str(solution("00.1")) and "```" not in str(solution("00.1"))
    assert os.environ["CNN_COURSE_SOLUTIONS"] == "0"
