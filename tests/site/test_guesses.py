"""Predictions on the web edition's pages: the form of each, and verdicts that are those of the notebook's check."""

import html
import json
import math
import re

import pytest

from helpers.course.lessons import LESSONS
from helpers.exercises import exercises_of, find
from helpers.exercises.core import Prediction
from helpers.place import course_folder
from helpers.site import guesses
from helpers.site.build import STATIC

PREDICTIONS = [e for lesson in LESSONS for e in exercises_of(lesson.number) if isinstance(e, Prediction)]


@pytest.fixture(scope="module")
def page(chromium):
    """An empty page with the script."""
    page = chromium.new_page()
    page.add_script_tag(path=STATIC / "guess.js")
    yield page
    page.close()


def cell(source):
    return {"source": source}


def attempts(exercise):
    """Guesses of every kind: right, known to be wrong, partly right, near, far."""
    right = list(exercise.right)
    yield from (right, *(wrong for wrong, _ in exercise.known if len(wrong) == len(right)))
    yield from ([*right[:-1], right[-1] + 1], [right[0] + 0.5, *right[1:]], [0.5] * len(right))
    for part in (0.5, 2):
        yield [one if isinstance(one, int) else one + part * exercise.atol for one in right]


def test_the_pages_verdicts_are_those_of_the_check(page):
    for exercise in PREDICTIONS:
        (told,) = re.findall(r'data-guess="(.*?)"', guesses.form(cell(
            f'guess = [{", ".join(["..."] * len(exercise.right))}]\ncheck("{exercise.id}", guess)')))  # fmt: skip
        tried = list(attempts(exercise))
        said = page.evaluate("([told, tried]) => tried.map(guess => window.cnnGuess.verdict(told, guess))",
                             [json.loads(html.unescape(told)), tried])  # fmt: skip
        assert said == [exercise.check(guess) or "" for guess in tried], exercise.id


@pytest.mark.parametrize("text, value", [
    ("2 * 3 * 4", 24), ("−1", -1), ("1e9", 1e9), ("1/8", 0.125), ("2**3", 8), ("(1 + 2) × 3", 9), ("1_000", 1000),
    ("１．５", 1.5), ("－４", -4), ("2·3", 6), ("-math.log(1/10)", math.log(10)), ("1e999", math.inf), ("-0", 0),
    ("", None), ("alert(1)", None), ("2 +", None), ("0,5", None), ("三", None), ("10²", None), ("7//2", None),
    ("log", None), ("e", None), ("9" * 10_000 + "x", None)])  # fmt: skip
def test_a_field_takes_numbers_as_python_writes_them_and_nothing_else(page, text, value):
    found = page.evaluate("text => window.cnnGuess.value(text)", text)
    assert found == pytest.approx(value) if value is not None else found != found


def test_every_prediction_of_the_lessons_gets_its_form():
    asked, forms = [], []
    for path in sorted((course_folder() / "notebooks").glob("[0-9]*.ipynb")):
        for one in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(one["source"])
            if one["cell_type"] == "code":
                asked += re.findall(r'check\("(\d\d\.p\d+)"', source)
                forms += [source] * bool(guesses.form(one))
    assert len(forms) == len(asked) == len(PREDICTIONS)


def test_fields_are_named_by_the_comments():
    assert guesses.names("[..., ..., ...]  # row, column, score") == [["row", "column", "score"]]
    assert guesses.names("[..., ...,  # weight\n   ..., ...]  # output") == [["weight", ""], ["output", ""]]
    assert guesses.names("[..., ...]") == [["", ""]]
    told = guesses.form(cell(f'guess = [{"..., " * 4} # weight\n {"..., " * 4}] # output\ncheck("04.p3", guess)'))
    assert re.findall('aria-label="(.*?)"', told)[3:5] == ["weight, 4 of 8", "output, 5 of 8"]


def test_a_phone_shows_a_keypad_where_one_is_enough():
    """Digits and a point where no number is below 0 or long, also of the mistakes: else a keyboard with signs."""
    kinds = {}
    for id, count in (("05.p1", 6), ("01.p3", 2), ("10.p1", 3)):
        form = guesses.form(cell(f'guess = [{"..., " * count}]\ncheck("{id}", guess)'))
        kinds[id] = re.findall(r'inputmode="(\w+)"', form)
    assert kinds == {"05.p1": ["decimal"] * 6, "01.p3": ["text"] * 2, "10.p1": ["text"] * 3}


def test_other_cells_stay_and_a_wrong_count_is_an_error():
    assert guesses.form(cell('check("02.1", corr2d)')) == ""
    assert find("02.p1").right == (-4, -4, -4, -4)
    with pytest.raises(ValueError, match="02.p1: 2 fields for 4 numbers"):
        guesses.form(cell('guess = [..., ...]\ncheck("02.p1", guess)'))
