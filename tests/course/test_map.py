"""The map follows the folder, and each of its boxes is a link."""

import re
from xml.etree import ElementTree

import pytest

from helpers.course.lessons import LESSONS
from helpers.course.map import COLUMNS, NOTEBOOKS, ROWS, course_map


def shown(course):
    """Return (the words of each box, the targets of the links in them)."""
    boxes = re.findall(r'<td style="width.*?</td>', course._repr_html_())
    return [re.sub(r"<[^>]+>", " ", box) for box in boxes], [re.findall(r'<a href="([^"]+)"', box) for box in boxes]


def test_the_map_knows_every_lesson_that_is_here():
    stems = {path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb")}
    assert stems and stems <= {lesson.stem for lesson in LESSONS}
    words, links = shown(course_map())
    assert [link for found in links for link in found] == sorted(f"{stem}.ipynb" for stem in stems)
    assert sum("to come" in box for box in words) == len(LESSONS) - len(stems)


@pytest.mark.parametrize("here", [(), (0, 2), range(len(LESSONS))])
def test_the_map_follows_the_folder(tmp_path, here):
    for number in here:
        (tmp_path / f"{LESSONS[number].stem}.ipynb").touch()
    course = course_map(tmp_path)
    words, links = shown(course)
    assert links == [[f"{lesson.stem}.ipynb"] if number in here else [] for number, lesson in enumerate(LESSONS)]
    for number, (lesson, box) in enumerate(zip(LESSONS, words, strict=True)):
        assert f"{lesson.number} {lesson.title}" in box and ("to come" in box) == (number not in here)
        before, _, after = course.describe().partition("To come:")
        assert lesson.title in (before if lesson in course.here else after)


def test_the_map_has_each_lesson_once_in_rows_that_fit():
    assert [number for numbers, _, _ in ROWS for number in numbers] == list(range(len(LESSONS)))
    assert max(len(numbers) for numbers, _, _ in ROWS) == COLUMNS


def test_the_map_reads_on_any_ground_and_to_any_reader():
    course = course_map()
    ElementTree.fromstring(course._repr_html_().replace("<br>", " "))  # well formed
    assert "<svg" not in course._repr_html_() and repr(course) == course.describe()
