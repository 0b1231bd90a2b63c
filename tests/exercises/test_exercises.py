"""Every exercise of every notebook: solutions pass, stubs count as not attempted, wrong answers draw their advice."""

import math
import pathlib
import re

import nbformat
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import helpers
from helpers import check, hint, solution
from helpers.exercises import find
from helpers.exercises.compare import compare
from helpers.exercises.core import Exercise, judge

ROOT = pathlib.Path(__file__).parents[2]
NOTEBOOKS = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))}


def stated(path):
    """Return [(exercise id, source of the cell that checks it)] of a notebook."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [(id, source) for source in cells for id in re.findall(r'check\("(\d\d\.p?\d+)"', source)]


def evaluate(source, name):
    """Return what `name` is after `source` ran with the names that a notebook has imported."""
    public = {name: getattr(helpers, name) for name in helpers.__all__}
    namespace = {"torch": torch, "nn": nn, "F": F, "np": np, "math": math, **public}
    exec(source, namespace)
    return namespace[name]


STATED = [(id, source) for path in NOTEBOOKS.values() for id, source in stated(path)]
IDS = sorted({id for id, _ in STATED})
WRONG = [(id, source) for id in IDS for source in find(id).wrong]


@pytest.mark.parametrize("number", NOTEBOOKS)
def test_each_notebook_states_its_exercises_and_no_others(number):
    module = __import__(f"helpers.exercises.notebook_{number}", fromlist=["EXERCISES"])
    ids = [exercise.id for exercise in module.EXERCISES]
    guesses = [exercise.id for exercise in getattr(module, "PREDICTIONS", ())]
    assert ids == [f"{number}.{i + 1}" for i in range(len(ids))] and len(ids) >= 4
    assert guesses == [f"{number}.p{i + 1}" for i in range(len(guesses))]
    assert list(dict.fromkeys(id for id, _ in stated(NOTEBOOKS[number]))) == guesses + ids


@pytest.mark.parametrize("id", IDS)
def test_the_solution_is_right(id):
    exercise = find(id)
    verdict = check(id, evaluate(exercise.solution, exercise.name))
    assert verdict.passed, verdict
    assert exercise.solution.strip() in solution(id).text


@pytest.mark.parametrize(("id", "source"), WRONG)
def test_a_typical_wrong_answer_draws_its_advice(id, source):
    exercise = find(id)
    verdict = check(id, evaluate(source, exercise.name))
    assert verdict.passed is False, f"{source} counts as right"
    assert exercise.wrong[source] in verdict.advice, verdict


@pytest.mark.parametrize("id", IDS)
def test_each_has_hints_and_at_least_two_wrong_answers(id):
    exercise = find(id)
    assert len(exercise.hints) >= 1 and len(exercise.wrong) >= 2
    assert exercise.hints[0] in hint(id).text
    with pytest.raises(ValueError, match="hints 1 to"):
        hint(id, len(exercise.hints) + 1)


@pytest.mark.parametrize("id", IDS)
def test_nonsense_is_never_right(id):
    for nonsense in (lambda *_, **__: "nonsense", "nonsense", -12345.678, torch.full((2, 2), -99.0), nn.Identity()):
        assert not check(id, nonsense).passed


def double(answer):
    return compare(answer(3), 6, "double(3)")


EXERCISE = Exercise("99.1", "double", double, ("Twice.",), "def double(x):\n    return 2 * x")


def test_verdicts():
    assert str(judge(EXERCISE, lambda x: 2 * x)) == "✓ 99.1: right."
    assert "double(3) is 9" in str(judge(EXERCISE, lambda x: x**2))
    assert "ZeroDivisionError" in judge(EXERCISE, lambda x: x / 0).advice


@pytest.mark.parametrize("stub", [None, ..., lambda x: None])
def test_a_stub_is_not_attempted(stub):
    assert judge(EXERCISE, stub).passed is None

    def later(x):
        raise NotImplementedError

    assert str(judge(EXERCISE, later)) == "– 99.1: not attempted yet."


def test_unknown_exercises_are_named():
    with pytest.raises(ValueError, match="no exercise '98.1'"):
        check("98.1", 1)
    with pytest.raises(ValueError, match=r"no exercise '02.99' among 02.1"):
        check("02.99", 1)
