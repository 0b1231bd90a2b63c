"""No wrong answer of the generator passes: each that does must be the same as the solution on every legal input.

One in four of the wrong functions is tried in every run, all 10,000 with CNN_COURSE_ATTACK=1 (three minutes).
"""

import functools

import pytest

from helpers import check
from helpers.exercises import find

from ..attack import some
from .inputs import LEGAL, seen
from .mutants import alike, arguments, results, sources, values
from .test_exercises import IDS, evaluate

SEEDS = range(50)  # inputs drawn anew, most of which no check looks at
ANSWERS = {id: find(id) for id in IDS}
VALUES = [id for id in IDS if ANSWERS[id].asks_for == "value"]
FUNCTIONS = [id for id in IDS if id in LEGAL]


def solution_of(id):
    return evaluate(ANSWERS[id].solution, ANSWERS[id].name)


def changed_functions(id):
    """Yield (how, answer, the same answer made anew) for each wrong answer made of a solution that is a function."""
    exercise = ANSWERS[id]
    for how, source in sources(exercise.solution):
        try:
            yield f"{how}: {source}", *(evaluate(source, exercise.name) for _ in "ab")
        except Exception:  # it does not even compile or define the name: no answer
            continue
    if exercise.asks_for == "function":
        function = solution_of(id)
        made = [[*results(function), *arguments(function, function.__code__.co_argcount)] for _ in "ab"]
        yield from ((how, one, two) for (how, one), (_, two) in zip(*made, strict=True))


def differs(id, answer):
    """Return whether an answer differs from the solution on a legal input."""
    return any(not alike(seen(id, answer, seed), right_at(id, seed)) for seed in SEEDS)


@functools.cache
def right_at(id, seed):
    return seen(id, solution_of(id), seed)


@pytest.mark.parametrize("id", FUNCTIONS)
def test_no_wrong_function_passes(id):
    tried = some(id, changed_functions(id), 4)
    passed = [how for how, one, two in tried if check(id, one).passed is True and differs(id, two)]
    assert len(tried) > 5
    assert not passed, "\n\n".join(passed)


@pytest.mark.parametrize("id", VALUES)
def test_no_wrong_value_passes(id):
    right = solution_of(id)
    passed = [(how, value) for how, value in values(right)
              if check(id, value).passed is True and not alike(value, right, 0.02)]  # fmt: skip
    assert not passed, passed


@pytest.mark.parametrize("id", FUNCTIONS)
def test_the_solution_runs_on_what_is_called_legal(id):
    function = solution_of(id)
    assert not [result for seed in range(30) if isinstance(result := seen(id, function, seed), str)]


def test_every_exercise_has_its_wrong_answers():
    assert set(IDS) - set(VALUES) - set(FUNCTIONS) == set()
