"""The map of the course follows the folder and reads on any ground."""

import re
from xml.etree import ElementTree

import pytest

from helpers.course.lessons import LESSONS
from helpers.course.map import NOTEBOOKS, ROWS, course_map


def shown(course):
    """Return (the map's texts, the targets of its links)."""
    texts = [node.text for node in ElementTree.fromstring(course.svg).iter() if node.tag.endswith("text")]
    return texts, re.findall(r'<a href="([^"]+)"', course._repr_html_())


def test_the_map_knows_every_notebook_that_is_here():
    stems = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    assert stems and stems <= {lesson.stem for lesson in LESSONS}
    texts, links = shown(course_map())
    assert links == sorted(f"{stem}.ipynb" for stem in stems)
    assert texts.count("to come") == len(LESSONS) - len(stems)


@pytest.mark.parametrize("here", [(), (0, 2), range(16)])
def test_the_map_follows_the_folder(tmp_path, here):
    for number in here:
        (tmp_path / f"{LESSONS[number].stem}.ipynb").touch()
    course = course_map(tmp_path)
    texts, links = shown(course)
    assert links == [f"{LESSONS[number].stem}.ipynb" for number in here]
    assert texts.count("to come") == 16 - len(here)
    for lesson in LESSONS:
        assert f"{lesson.number} {lesson.title}" in texts
        before, _, after = course.describe().partition("To come:")
        assert lesson.title in (before if lesson in course.here else after)


def test_the_map_draws_each_lesson_once_inside_the_picture():
    assert [number for numbers, _, _ in ROWS for number in numbers] == list(range(16))
    root = ElementTree.fromstring(course_map().svg)
    width, height = float(root.get("width")), float(root.get("height"))
    boxes = [node for node in root.iter() if node.tag.endswith("rect")]
    assert len(boxes) == 16
    for box in boxes:
        assert float(box.get("x")) + float(box.get("width")) <= width
        assert float(box.get("y")) + float(box.get("height")) <= height


def test_the_map_reads_on_any_ground_and_to_any_reader():
    course = course_map()
    assert "currentColor" not in course.svg
    assert f'alt="{course.describe()}"' in course._repr_html_()
    assert repr(course) == course.describe()
