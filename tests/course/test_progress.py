"""How far one has come, on the map and in a table, and a lecturer's table of many."""

import json
import subprocess
import sys

import pytest

from helpers import progress
from helpers.course import LESSONS, course_map
from helpers.course.progress import compare_learners
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


def test_the_command_prints_it(tmp_path):
    command = [sys.executable, "-m", "helpers.course.progress"]
    said = subprocess.run([*command, write(tmp_path / "ada.json", "02.1")], capture_output=True, text=True)
    assert said.returncode == 0 and "ada" in said.stdout and not said.stderr
    (tmp_path / "bad.json").write_text("{}")
    said = subprocess.run([*command, tmp_path / "bad.json"], capture_output=True, text=True)
    assert said.returncode == 1 and "no progress file" in said.stderr and "Traceback" not in said.stderr
