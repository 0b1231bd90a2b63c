"""How an exercise is stated, checked and told: one source for its check, hints, solution and known wrong answers."""

import ast
import html
import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from helpers.drawing import svg

from .compare import ITERATORS, compare, equal, kind_of, number, numbers, shown, tensor_of
from .errors import is_stub, said_by
from .guard import NotAttempted, Refused, ReturnedNone, bounded, plain, watched

LONGEST = 700  # characters of advice


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

    @property
    def asks_for(self):
        """What the answer is to be: "function", "class" or "value"."""
        kinds = {ast.FunctionDef: "function", ast.ClassDef: "class"}
        return next((kinds[type(part)] for part in ast.parse(self.solution).body
                     if getattr(part, "name", None) == self.name), "value")  # fmt: skip


@dataclass(frozen=True)
class Prediction(Exercise):
    """An exercise that asks for a list of numbers: the right one, pairs (wrong list, advice), and how near is right."""

    right: tuple = ()
    known: tuple = ()
    atol: float = 1e-5


def prediction(id, right, known, hint, atol=1e-5):
    """Return the Prediction of a list of numbers, made before the cell that computes them.

    `right` is the list, `known` pairs (wrong list, advice). No advice tells a number. Numbers that are not whole are
    right within `atol`: a guess by pocket calculator may be rounded.
    """

    def check(answer):
        guess = tensor_of(answer)
        guess = None if guess is None else numbers(guess.flatten(), len(right))
        if guess is None:
            wanted = "one number" if len(right) == 1 else f"{len(right)} numbers"
            return f"guess {wanted}, as in {[0] * len(right)}; this is {shown(answer)}."
        if advice := next((advice for wrong, advice in known if equal(guess, wrong)), None):
            return advice
        hits = sum(equal(part, want, atol=atol) for part, want in zip(guess, right, strict=True))
        return None if hits == len(right) else f"{hits} of {len(right)} right. {hint}"

    wrong = {f"guess = {wrong}": advice for wrong, advice in known} | {f"guess = {[0.5] * len(right)}": "0 of"}
    return Prediction(id, "guess", check, (hint,), f"guess = {right}", wrong, tuple(right), tuple(known), atol)


@dataclass(frozen=True)
class Verdict:
    """What `check` says: passed is True, False, or None where nothing was attempted."""

    id: str
    passed: bool | None
    advice: str = ""

    def __str__(self):
        if self.passed:
            return f"✓ {self.id}: right. {self.advice}".strip()
        if self.passed is None:
            return f"– {self.id}: not attempted yet. {self.advice}".strip()
        return f"✗ {self.id}: {self.advice}"

    __repr__ = __str__

    def _repr_html_(self):
        color = {True: svg.GREEN, False: svg.ORANGE, None: svg.GREY}[self.passed]
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
    """Return the Verdict on an answer: a value, a function or a class.

    Whatever the answer does, it gets a verdict of bounded length: errors, SystemExit, endless loops and long prints
    become a sentence.
    """
    unanswered = isinstance(answer, (list, tuple)) and answer and all(part is Ellipsis for part in answer)
    if answer is None or answer is Ellipsis or unanswered:
        return Verdict(exercise.id, None)
    try:
        with bounded():
            advice = misplaced(exercise, answer) or exercise.check(watched(plain(answer), exercise.name))
    except ReturnedNone:
        advice = f"{exercise.name} returns None for some of what it may be given: let every way end in `return …`."
    except NotAttempted:
        return Verdict(exercise.id, None, f"{exercise.name} returns None: does it end in `return …`?")
    except Refused as refusal:
        advice = str(refusal)
    except BaseException as error:  # SystemExit too: no answer may end the notebook
        if is_stub(error):
            return Verdict(exercise.id, None)
        advice = said_by(error, exercise.name)
    if advice and len(advice) > LONGEST:
        advice = f"{advice[:LONGEST]} … ({len(advice):,} characters)"
    return Verdict(exercise.id, advice is None, advice or "")


def misplaced(exercise, answer):
    """Return what to do where a value was given for a function, a layer for its class and so on, or None."""
    name, asked = exercise.name, exercise.asks_for
    if asked == "value":
        if isinstance(answer, ITERATORS):
            return f"the answer is {kind_of(answer)}."
        return f"the answer should be a value, but is {kind_of(answer)}." if callable(answer) else None
    if asked == "class" and not isinstance(answer, (type, types.FunctionType)):
        return f"give the class itself, {name}, not {'a layer made from it' if callable(answer) else shown(answer)}."
    if asked == "class" and isinstance(answer, type) and not issubclass(answer, torch.nn.Module):
        return f"{name} should inherit from nn.Module: class {name}(nn.Module)."
    if asked == "function" and isinstance(answer, type):
        return f"{name} should be a function, but is a class."
    if asked == "function" and not callable(answer):
        return f"give the function itself, check({exercise.id!r}, {name}), not a value: this is {shown(answer)}."
    return None


def table(answer, cases, right, known=(), call=None, otherwise=lambda *case: "", **tolerance):
    """Return None where answer(*case) equals right(*case) in all cases, else a sentence.

    known: pairs (wrong function, advice). An advice is given only where its function explains the answer in every
    case, so that it fits. call(*case) names a case, by default by its numbers; otherwise(*case) is what is said
    behind the two numbers where nothing is known.
    """
    cases, call = list(cases), call or named(answer)
    given, stop = gather(answer, cases)
    wants = [right(*case) for case in cases[: len(given)]]
    bad = next((i for i, got in enumerate(given) if not equal(got, wants[i], **tolerance)), None)
    if bad is None:
        if stop:
            raise stop
        return None
    said, got, want = call(*cases[bad]), given[bad], wants[bad]
    for wrong, advice in known:
        if explains(wrong, given, cases, tolerance):
            is_short = number(got) is not None or numbers(got) and len(numbers(got)) <= 8
            return f"{said} is {shown(got)}: {advice}" if is_short else f"{said}: {advice}"
    if number(got) is not None and number(want) is not None:
        advice = f"{said} is {shown(got)}, but should be {shown(want)}."
    else:
        advice = compare(got, want, said, **tolerance)
    return f"{advice} {otherwise(*cases[bad])}".strip()


def explains(wrong, given, cases, tolerance):
    """Return whether a wrong function gives, case by case, what the answer has given."""
    try:
        return all(equal(got, wrong(*case), **tolerance) for got, case in zip(given, cases, strict=False))
    except Exception:  # a slip that stops in a case where the answer did not
        return False


def gather(answer, cases):
    """Return what the answer gives in the cases up to one where it stops, and the error that it stops with or None."""
    given = []
    for case in cases:
        try:
            given.append(answer(*map(copied, case)))
        except Exception as error:
            return given, error
    return given, None


def copied(value):
    """Return a copy of a tensor, array or list, anything else as it is."""
    if hasattr(value, "detach"):
        return value.clone()
    return value.copy() if hasattr(value, "copy") else value


def named(answer):
    """Return a function that writes down a call of the answer with numbers: f(3, (1, 2))."""
    return lambda *case: f"{getattr(answer, '__name__', 'it')}({', '.join(map(shown, case))})"


def names_in(function):
    """Return the names that a function's source uses, and those of the functions beside it that it calls."""
    function, found, left = inspect.unwrap(function), set(), []
    left.append(getattr(function, "__code__", None))
    while left:
        code = left.pop()
        new = set(getattr(code, "co_names", ())) - found
        found |= new
        left += [part for part in getattr(code, "co_consts", ()) if hasattr(part, "co_names")]
        beside = (function.__globals__.get(name) for name in new)
        left += [part.__code__ for part in beside if getattr(part, "__module__", "") == function.__module__
                 and hasattr(part, "__code__")]  # fmt: skip
    return found


def convolutions(names):
    """Return those of some names that stand for a convolution."""
    return sorted(name for name in names if re.search("conv(?!ert)|corr2d", name.lower()))


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
