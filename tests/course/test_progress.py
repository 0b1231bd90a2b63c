"""How far one has come, on the map and in a table, and a lecturer's table of many."""

import json
import pathlib
import subprocess
import sys

import pytest

from helpers import progress
from helpers.course import LESSONS, course_map
from helpers.course.progress import compare_learners, main
from helpers.exercises import exercise_ids
from helpers.exercises.solved import FORMAT, HEAD


def write(path, *ids):
    path.write_text(json.dumps({HEAD: FORMAT, "solved": dict.fromkeys(ids, "2026-11-29T10:00:00+00:00")}))
    return path


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("CNN_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def test_each_lesson_has_its_line(own):
    write(own, "02.1", "02.3", "02.p1", "05.2")
    table = progress()
    assert len(table) == len(LESSONS)
    exercises = [id for id in exercise_ids("02") if ".p" not in id]
    guesses = len(exercise_ids("02")) - len(exercises)
    assert tuple(table[2]) == ("02 Convolution layer", f"2 of {len(exercises)}", f"1 of {guesses}")
    assert table[1].exercises.startswith("0 of") and str(own) in repr(table) and "4 solved" in table._repr_html_()


def test_it_says_where_without_the_name_of_the_user(tmp_path, monkeypatch):
    monkeypatch.setattr(pathlib.Path, "home", lambda: tmp_path)
    (tmp_path / "R & D").mkdir()
    told = progress(write(tmp_path / "R & D" / "mine.json", "02.1"))
    place = pathlib.Path("~/R & D/mine.json")
    assert repr(told).endswith(f"1 solved. What you solve is noted in {place}, and nowhere else.")
    assert "R &amp; D" in told._repr_html_()


def test_the_map_shows_it(own):
    before = course_map()
    assert "✓" not in before._repr_html_() and "Solved" not in before.describe()
    write(own, "02.1", "02.3", "02.p1")
    total = len([id for id in exercise_ids("02") if ".p" not in id])
    assert f"2 of {total} ✓" in course_map()._repr_html_() and course_map()._repr_html_().count("✓") == 1
    assert f"Solved: 02 2 of {total}." in course_map().describe()
    write(own, "02.p1", "99.1", "02.99")
    assert "✓" not in course_map()._repr_html_(), "predictions, and what the course does not know, are no exercises"
    own.write_text("not JSON")
    assert "✓" not in course_map()._repr_html_(), "a damaged file spoils no map"


def test_a_table_of_many(tmp_path, capsys):
    files = [write(tmp_path / "ada.json", "02.1", "02.2", "13.1"), write(tmp_path / "kurt.json")]
    head, ada, kurt = compare_learners(files).lines()
    assert ada[:2] == ["ada", "3"] and kurt[:2] == ["kurt", "0"]
    assert ada[head.index(next(word for word in head if word.startswith("02")))] == "2"
    with pytest.raises(ValueError, match="no file"):
        compare_learners([tmp_path / "none.json"])


def test_files_of_one_name_are_told_by_their_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = [write(tmp_path / "kim.json")]
    for name in ("ada", "kurt"):
        (tmp_path / name).mkdir()
        files.append(write(tmp_path / name / "progress.json", "02.1"))
    names = [line[0] for line in compare_learners([file.relative_to(tmp_path) for file in files]).lines()[1:]]
    assert names == ["kim", "ada/progress", "kurt/progress"]


@pytest.mark.parametrize("content", ["", "null", "7", '"text"', "[1, 2]", '{"cells": []}', '{"solved": "02.1"}',
                                     '{"cnn-course progress": 1, "solved": {"02.1": {"at": 1}}}', "\0" * 9, "NaN",
                                     "{" * 9999])  # fmt: skip
def test_another_file_is_named_in_a_sentence(tmp_path, content, capsys):
    (tmp_path / "odd.json").write_text(content, encoding="utf-8")
    assert main([str(write(tmp_path / "ada.json")), str(tmp_path / "odd.json")]) == 1
    told = capsys.readouterr()
    assert "odd.json is no progress file" in told.err and told.err.count("\n") == 1 and not told.out


def test_a_pattern_that_the_shell_left_as_it_is(tmp_path, capsys):
    for name in ("ada", "kurt", "[odd]"):
        write(tmp_path / f"{name}.json")
    assert main([str(tmp_path / "*.json")]) == 0 and main([str(tmp_path / "[odd].json")]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["name", "[odd]", "ada", "kurt",
                                                                                  "name", "[odd]"]  # fmt: skip
    assert main([str(tmp_path / "*.txt")]) == 1 and "there is no file" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 1 and "cannot be read" in capsys.readouterr().err


@pytest.mark.skipif(sys.getfilesystemencoding() != "utf-8", reason="no file here has such a name")
def test_the_command_prints_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "gbk")  # a Chinese Windows; the second name has no letter there
    command = [sys.executable, "-m", "helpers.course.progress"]
    named = [write(tmp_path / f"{name}.json", "02.1") for name in ("小明", "🙂")]
    said = subprocess.run([*command, *named], capture_output=True, text=True, encoding="gbk")
    assert said.returncode == 0 and "小明" in said.stdout and r"\U0001f642" in said.stdout, said.stderr
    assert not said.stderr
