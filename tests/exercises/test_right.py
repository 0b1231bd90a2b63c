"""Right answers of people who think in another way, in right/*.txt: other calls, other types, loops, no loops."""

import pathlib

import pytest

from helpers import check
from helpers.exercises import find

from .test_exercises import IDS, evaluate

ANSWERS = [(part[:4], part[4:]) for path in sorted((pathlib.Path(__file__).parent / "right").glob("*.txt"))
           for part in path.read_text(encoding="utf-8").split("### ")[1:]]  # fmt: skip


@pytest.mark.parametrize(("id", "source"), ANSWERS, ids=[id for id, _ in ANSWERS])
def test_a_right_answer_passes_however_it_is_written(id, source):
    verdict = check(id, evaluate(source, find(id).name))
    assert verdict.passed, f"{verdict}\n{source}"


def test_each_exercise_has_one():
    assert {id for id in IDS if ".p" not in id} == {id for id, _ in ANSWERS}
