"""Exercises that check themselves: `check("03.1", answer)`, `hint("03.1")`, `solution("03.1")`."""

import importlib

from .core import Told, Verdict, judge


def find(id):
    """Return the Exercise "NN.i" or the prediction "NN.pi"; ValueError names those there are."""
    try:
        module = importlib.import_module(f"{__name__}.notebook_{str(id)[:2]}")
    except ModuleNotFoundError:
        raise ValueError(f"there is no exercise {id!r}: write the notebook's number first, as in '02.1'") from None
    exercises = [*module.EXERCISES, *getattr(module, "PREDICTIONS", ())]
    for exercise in exercises:
        if exercise.id == id:
            return exercise
    raise ValueError(f"there is no exercise {id!r} among {', '.join(e.id for e in exercises)}")


def check(id: str, answer) -> Verdict:
    """Say whether the answer to an exercise is right, and if not, what is wrong with it."""
    return judge(find(id), answer)


def hint(id: str, number: int = 1) -> Told:
    """Show the hint of that number, counted from 1, from gentle to plain."""
    hints = find(id).hints
    if not 1 <= number <= len(hints):
        raise ValueError(f"exercise {id} has hints 1 to {len(hints)}, not {number}")
    more = f" (`hint({id!r}, {number + 1})` says more)" if number < len(hints) else ""
    return Told(f"**Hint {number} of {len(hints)}.** {hints[number - 1]}{more}")


def solution(id: str) -> Told:
    """Show a solution, as code."""
    return Told(f"```python\n{find(id).solution.strip()}\n```")
