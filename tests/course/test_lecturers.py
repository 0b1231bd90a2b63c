"""What notebooks/for_lecturers.ipynb promises: its plan, the times, the slides."""

import re

import nbformat
import pytest

from helpers.course import LESSONS, NOTEBOOKS
from helpers.course.slides import OUTSIDE, main, mark, slides
from helpers.course.times import lesson_times, reading_time, training_time
from helpers.exercises import exercise_ids

POOLING = NOTEBOOKS / "05_pooling.ipynb"


def plan():
    """Return the rows of the plan: (week, lessons, exercises in class, exercises at home)."""
    cells = nbformat.read(NOTEBOOKS / "for_lecturers.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| (\d+) \| (.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    return [(int(week), re.findall(r"\[(\d\d)\]", lessons), *(re.findall(r"\d\d\.\d", part) for part in rest))
            for week, lessons, *rest in rows]  # fmt: skip


def test_the_plan_has_every_lesson_in_order_and_exercises_that_exist():
    rows = plan()
    assert [week for week, *_ in rows] == list(range(1, 13))
    assert [number for _, lessons, *_ in rows for number in lessons] == [lesson.number for lesson in LESSONS]
    for _, lessons, in_class, at_home in rows:
        known = {id for number in lessons for id in exercise_ids(number)}
        assert in_class and at_home and set(in_class) | set(at_home) <= known and not set(in_class) & set(at_home)


def test_times_are_counted_on_the_notebooks(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("It takes a while to read,\nand three\nminutes to run. " + "word " * 347),
        nbformat.v4.new_code_cell("1 + 1"), nbformat.v4.new_code_cell("2"),
    ]), tmp_path / f"{LESSONS[5].stem}.ipynb")  # fmt: skip
    path = tmp_path / f"{LESSONS[5].stem}.ipynb"
    assert reading_time(path) == (358, 2, pytest.approx(358 / 180 + 1)) and training_time(path) == "three minutes"
    [row] = lesson_times(tmp_path)
    assert row == ("05 Pooling", "three minutes", 3, 5)
    assert len(lesson_times()) == len(LESSONS)


def test_the_stored_table_of_times_is_that_of_the_lessons():
    """nbval does not compare it: a sentence more in a lesson may change its minutes by one."""
    cells = nbformat.read(NOTEBOOKS / "for_lecturers.ipynb", as_version=4).cells
    [said] = [output.data["text/plain"] for cell in cells for output in cell.get("outputs", [])]
    for line, time in zip(said.splitlines()[1:], lesson_times(), strict=True):
        lesson, to_train, minutes, exercises = re.split(r"  +", line)
        assert (lesson, to_train, int(exercises)) == (time.lesson, time.to_train, time.exercises)
        assert abs(int(minutes) - time.minutes_to_read) <= 3


def kinds(notebook):
    return [cell.metadata["slideshow"]["slide_type"] for cell in notebook.cells]


def test_slides_show_headings_and_pictures_and_leave_exercises_out():
    original = nbformat.read(POOLING, as_version=4)
    marked = mark(original)
    heads = re.findall(r"^##? (.+)$", "\n".join(c.source for c in original.cells if c.cell_type == "markdown"), re.M)
    titles = [cell.source for cell, kind in zip(marked.cells, kinds(marked), strict=True) if kind == "slide"]
    assert [title.splitlines()[0].lstrip("# ") for title in titles] == [head for head in heads if head not in OUTSIDE]
    pictures = sum(any("image/png" in output.get("data", {}) for output in cell.outputs)
                   for cell in original.cells if cell.cell_type == "code")  # fmt: skip
    assert kinds(marked).count("subslide") >= pictures - 3 > 5 and "notes" in kinds(marked)
    guess = next(i for i, cell in enumerate(marked.cells) if 'check("05.p1"' in cell.source)
    assert kinds(marked)[guess - 1 : guess + 1] == ["subslide", "-"], "a guess stands under its question"
    assert not any("<details>" in cell.source for cell in marked.cells)
    assert "slideshow" not in original.cells[0].metadata, "the notebook itself is not changed"


def test_every_lesson_gives_a_page_of_slides(tmp_path, capsys):
    page = slides(POOLING, "https://example.org/reveal")
    assert page.count("<section") > 20 and "https://example.org/reveal/dist/reveal.js" in page
    assert main(["05", str(tmp_path / "page.html")]) == 0 and "05 Pooling" in capsys.readouterr().out
    assert (tmp_path / "page.html").stat().st_size > 100_000
    for lesson in LESSONS:
        assert "slide" in kinds(mark(nbformat.read(NOTEBOOKS / f"{lesson.stem}.ipynb", as_version=4)))
