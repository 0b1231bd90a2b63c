"""Exercises that check themselves: `check("03.1", answer)`, `hint("03.1")`, `solution("03.1")`."""

import dataclasses
import importlib
import os

from .core import Told, Verdict, judge
from .solved import note_solved

KEPT_BACK = "This course's solutions are kept back here (CNN_COURSE_SOLUTIONS=0): ask for a hint, or ask your lecturer."


def exercises_of(number):
    """Return the exercises and predictions of a notebook, given its number, "02"; ValueError if there are none."""
    try:
        module = importlib.import_module(f"{__name__}.notebook_{number}")
    except ModuleNotFoundError:
        raise ValueError(f"there is no notebook {number!r} with exercises: write its two digits, as '02'") from None
    return [*module.EXERCISES, *getattr(module, "PREDICTIONS", ())]


def exercise_ids(number: str) -> list[str]:
    """Return the ids of a notebook's exercises, "02.1" and so on, and of its predictions, "02.p1"."""
    return [exercise.id for exercise in exercises_of(number)]


def find(id):
    """Return the Exercise "NN.i" or the prediction "NN.pi"; ValueError names those there are."""
    try:
        exercises = exercises_of(str(id)[:2])
    except ValueError:
        raise ValueError(f"there is no exercise {id!r}: write the notebook's number first, as in '02.1'") from None
    for exercise in exercises:
        if exercise.id == id:
            return exercise
    raise ValueError(f"there is no exercise {id!r} among {', '.join(e.id for e in exercises)}")


def check(id: str, answer) -> Verdict:
    """Say whether the answer to an exercise is right, and if not, what is wrong with it; note what is solved."""
    verdict = judge(find(id), answer)
    return dataclasses.replace(verdict, advice=note_solved(id)) if verdict.passed else verdict


def hint(id: str, number: int = 1) -> Told:
    """Show the hint of that number, counted from 1, from gentle to plain."""
    hints = find(id).hints
    if not 1 <= number <= len(hints):
        raise ValueError(f"exercise {id} has hints 1 to {len(hints)}, not {number}")
    more = f" (`hint({id!r}, {number + 1})` says more)" if number < len(hints) else ""
    return Told(f"**Hint {number} of {len(hints)}.** {hints[number - 1]}{more}")


def solution(id: str) -> Told:
    """Show a solution, as code; where CNN_COURSE_SOLUTIONS is 0, say that solutions are kept back."""
    if os.environ.get("CNN_COURSE_SOLUTIONS") == "0":
        return Told(KEPT_BACK)
    return Told(f"```python\n{find(id).solution.strip()}\n```")
