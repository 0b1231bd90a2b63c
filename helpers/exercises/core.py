"""How an exercise is stated, checked and told: one source for its check, hints, solution and known wrong answers."""

import html
from collections.abc import Callable
from dataclasses import dataclass, field


class NotAttempted(Exception):
    """The learner has not written anything yet."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    check(answer) returns None where the answer is right, otherwise a sentence: what is wrong and why.
    `solution` is Python source that defines `name`, as a learner would write it; `wrong` maps the source of a
    typical wrong answer to words that its advice must hold. The tests hold every one of them to that.
    """

    id: str
    name: str
    check: Callable[[object], str | None]
    hints: tuple[str, ...]
    solution: str
    wrong: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What `check` says: passed is True, False, or None where nothing was attempted."""

    id: str
    passed: bool | None
    advice: str = ""

    def __str__(self):
        if self.passed:
            return f"✓ {self.id}: right."
        if self.passed is None:
            return f"– {self.id}: not attempted yet. {self.advice}".strip()
        return f"✗ {self.id}: {self.advice}"

    __repr__ = __str__

    def _repr_html_(self):
        color = {True: "#107a55", False: "#ad5800", None: "#757575"}[self.passed]
        style = f"border-left:4px solid {color};padding:2px 10px;white-space:pre-wrap"
        return f'<div role="status" style="{style}">{html.escape(str(self))}</div>'


@dataclass(frozen=True)
class Told:
    """A hint or solution, shown as Markdown."""

    text: str

    def __repr__(self):
        return self.text

    def _repr_markdown_(self):
        return self.text


def judge(exercise, answer):
    """Return the Verdict on an answer: a value, a function or a class."""
    if answer is None or answer is Ellipsis:
        return Verdict(exercise.id, None)
    try:
        advice = exercise.check(_watched(answer))
    except NotAttempted:
        return Verdict(exercise.id, None, f"{exercise.name} returns None: does it end in `return …`?")
    except NotImplementedError:
        return Verdict(exercise.id, None)
    except Exception as error:
        return Verdict(exercise.id, False, f"your answer stops with {type(error).__name__}: {error}")
    return Verdict(exercise.id, advice is None, advice or "")


def _watched(answer):
    """Return the answer; a plain function is wrapped so that a None it returns counts as not attempted."""
    if not hasattr(answer, "__code__"):
        return answer

    def call(*args, **kwargs):
        value = answer(*args, **kwargs)
        if value is None:
            raise NotAttempted
        return value

    return call


def torch_calls(function, *args):
    """Return the names of the torch functions that `function(*args)` calls, in their order."""
    from torch.overrides import TorchFunctionMode

    names = []

    class Listener(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            names.append(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    with Listener():
        function(*args)
    return names


def compare(got, want, what="the result", *, atol=1e-5):
    """Return None where two tensors (or numbers, tuples) agree, else a sentence on shape, type or first difference."""
    import torch

    try:
        got, want = torch.as_tensor(got), torch.as_tensor(want)
    except (TypeError, ValueError, RuntimeError):
        return f"{what} should be a tensor or numbers, but is {type(got).__name__}."
    if got.shape != want.shape:
        return f"{what} has shape {tuple(got.shape)}; expected {tuple(want.shape)}."
    wrong = ~torch.isclose(got.double(), want.double(), atol=atol, rtol=1e-4)
    if not wrong.any():
        return None
    if not want.dim():
        return f"{what} is {got.item():.6g}, which is not right."
    place = tuple(wrong.nonzero()[0].tolist())
    return f"{what} differs at {place}: yours is {got[place].item():.6g}, expected {want[place].item():.6g}."
