"""Whatever an answer does, it gets a verdict: a short sentence of its own, in bounded time and with bounded print."""

import asyncio
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from torch import nn

from helpers import check
from helpers.exercises import find, guard
from helpers.exercises.core import Exercise, judge, names_in, table

from .test_exercises import evaluate


def check_double(answer):
    X = torch.tensor([1.0, -2.0, 4.0])
    return table(answer, [(X,), (3 * X,), ([1.0, 2.0],)], lambda X: 2 * torch.as_tensor(X), call=lambda X: "double(X)")


EXERCISE = Exercise("99.1", "double", check_double, ("Twice.",), "def double(X):\n    return 2 * torch.as_tensor(X)")


def right(X):
    return 2 * torch.as_tensor(X)


def answer(body):
    """Return the function double(X) with this body."""
    return evaluate(f"import sys, time, asyncio, numpy as np\ndef double(X):\n    {body}\n", "double")


CLOSED = "return 2 * torch.as_tensor(X)"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise SystemExit", "ends Python itself"),
        ("sys.exit('bye')", "ends Python itself"),
        ("raise KeyboardInterrupt", "was interrupted"),
        ("raise GeneratorExit", "stops with GeneratorExit"),
        ("raise asyncio.CancelledError", "stops with CancelledError"),
        ("raise ValueError('x' * 5_000_000)", "stops with ValueError: xxx"),
        ("return X / 0 if isinstance(X, int) else 1 / 0", "stops with ZeroDivisionError"),
        ("return double(X)", "RecursionError"),
        ("yield 2 * X", "returns a generator, which has computed nothing yet"),
        ("return map(abs, X)", "returns a generator"),
        ("return (2 * x for x in X)", "returns a generator"),
        ("X *= 2\n    return X", "changes X itself, which it was only given"),
        ("X.requires_grad_()\n    return 2 * X", "switches on the gradient of X itself"),
        ("return 2 * torch.as_tensor(X) + 1j", "complex numbers"),
        ("return [complex(2 * x, 1) for x in X]", "complex numbers"),
        ("return 'x' * 5_000_000", "but is text"),
        ("return {'a': 2}", "but is a dict"),
        ("return lambda: 2", "but is a function"),
        ("return list(range(10**6))", "has shape (1000000,)"),
        ("return torch.zeros((1,) * 60)", "60 axes"),
        ("return torch.eye(3).to_sparse()", "has shape (3, 3)"),
        ("return 2 * X if len(X) == 3 and X[0] > 2 else None if X[0] == 3 else X", "differs at"),
        ("return 2 * X if len(X) == 3 and X[0] == 1 else None", "returns None for some"),
        ("return torch.nn.functional.conv2d(torch.eye(3).to_sparse(), torch.eye(3))", "stops with"),
    ],
)
def test_whatever_a_function_does_has_its_sentence(body, words):
    verdict = judge(EXERCISE, answer(body))
    assert verdict.passed is False and words in verdict.advice, verdict
    assert len(str(verdict)) < 900 and len(verdict._repr_html_()) < 9_000


def test_right_answers_in_other_forms_pass():
    for body in ("return (2 * torch.as_tensor(X)).to_sparse()", "return [2 * x for x in X]",
                 "return 2 * np.asarray(X)", "return tuple(2 * x for x in X)", "return 2 * torch.as_tensor(X) + 0j",
                 "return (2 * torch.as_tensor(X)).half()", "print('looked at', X)\n    " + CLOSED):  # fmt: skip
        assert judge(EXERCISE, answer(body)).passed, judge(EXERCISE, answer(body))
    assert judge(EXERCISE, right).passed


@pytest.mark.parametrize("body", ["while True:\n        pass", "while True:\n        try:\n            X = X + 0\n"
                                  "        except Exception:\n            pass",
                                  "while True:\n        try:\n            X = torch.add(X, 0)\n        except:\n"
                                  "            pass"])  # fmt: skip
def test_an_endless_loop_is_stopped(monkeypatch, body):
    monkeypatch.setattr(guard, "SECONDS", 0.3)
    monkeypatch.setattr(guard, "AGAIN", 0.2)
    began = time.perf_counter()
    assert "a loop that never ends" in judge(EXERCISE, answer(body)).advice
    assert time.perf_counter() - began < 10
    time.sleep(0.5)  # and nothing arrives late
    assert judge(EXERCISE, right).passed


def test_a_check_does_not_hold_up_a_profiler():
    # CPython 3.11 never goes on under a profiler where PyThreadState_SetAsyncExc was given nothing to raise.
    source = "check('00.1', 43); print(sum(abs(i) for i in range(9)))"
    code = f"import cProfile; from helpers import check; cProfile.run({source!r})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert run.stdout.startswith("36\n"), run.stderr


def test_print_is_bounded_and_the_stream_is_given_back(capsys):
    stream = sys.stdout
    assert judge(EXERCISE, answer("print('y' * 10_000_000)\n    " + CLOSED)).passed
    out = capsys.readouterr().out
    assert out.startswith("yyy") and len(out) < 3_000 and "more characters" in out and sys.stdout is stream
    assert judge(EXERCISE, answer("print('a word')\n    " + CLOSED)).passed
    assert capsys.readouterr().out == "a word\na word\na word\n"


def test_what_goes_to_stderr_is_bounded_too(capsys):
    assert judge(EXERCISE, answer("print('y' * 10_000_000, file=sys.stderr)\n    " + CLOSED)).passed
    assert len(capsys.readouterr().err) < 3_000


def test_an_error_names_the_call_the_shapes_and_the_line(tmp_path):
    cell, learner = tmp_path / "cell.py", {}
    cell.write_text("from torch.nn import functional as F\n\ndef sum_of_dice(p, q):\n    return F.conv1d(p, q)\n",
                    encoding="utf-8")  # fmt: skip
    exec(compile(cell.read_text(encoding="utf-8"), str(cell), "exec"), learner)
    advice = check("01.4", learner["sum_of_dice"]).advice
    assert advice.startswith("sum_of_dice(p, q), with p of shape (3,) and q of shape (4,), stops with RuntimeError: ")
    assert "(in the line `return F.conv1d(p, q)`). Such a layer takes axes for the channels" in advice


def test_an_error_in_a_layer_names_its_forward_and_one_in_its_making_the_class():
    source = "class MaxBlurPool(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n" \
             "        {}\n\n    def forward(self, X):\n        return X @ X"
    advice = check("05.5", evaluate(source.format(""), "MaxBlurPool")).advice
    assert advice.startswith("MaxBlurPool.forward(X), with X of shape (2, 3, 8, 9), stops with RuntimeError: ")
    advice = check("05.5", evaluate(source.format("nn.Conv2d(chanels, 3, 3)"), "MaxBlurPool")).advice
    assert advice.startswith("MaxBlurPool(3) stops with NameError: ") and "misspelt, or not imported" in advice
    advice = check("05.5", evaluate(source.replace("channels", "a, b").format(""), "MaxBlurPool")).advice
    assert advice.startswith("MaxBlurPool is what the check calls, and the definition does not take it")


def test_a_layer_may_not_change_its_input():
    source = "class PreActivation(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n" \
             "        self.norm = nn.BatchNorm2d(channels)\n\n    def forward(self, X):\n        return X.{}(0)"
    assert "PreActivation changes X itself" in check("13.5", evaluate(source.format("mul_"), "PreActivation")).advice
    assert "changes X" not in check("13.5", evaluate(source.format("mul"), "PreActivation")).advice


def test_a_lambda_bears_the_name_that_was_asked_for():
    assert check("07.1", lambda n: (n, n, n, n)).advice.startswith("sides(28)")


def test_a_misspelt_forward_is_no_stub():
    source = "class MaxBlurPool(nn.Module):\n    def __init__(self, channels):\n        super().__init__()\n    def {}"
    typo = check("05.5", evaluate(source.format("foward(self, X):\n        return X"), "MaxBlurPool"))
    assert typo.passed is False and "no method `forward`" in typo.advice
    stub = check("05.5", evaluate(source.format("forward(self, X):\n        raise NotImplementedError"), "MaxBlurPool"))
    assert stub.passed is None


@pytest.mark.parametrize(
    ("id", "given", "words"),
    [
        ("01.1", 43.2, "give the function itself, check('01.1', training_gigabytes)"),
        ("04.4", torch.zeros(2, 3), "give the function itself"),
        ("03.6", type("field", (), {}), "should be a function, but is a class"),
        ("05.5", nn.Identity(), "give the class itself, MaxBlurPool, not a layer made from it"),
        ("07.6", 3, "give the class itself, Subsampling, not 3"),
        ("07.6", type("Subsampling", (), {}), "class Subsampling(nn.Module)"),
        ("02.1", lambda: (24, 18), "should be a value, but is a function"),
        ("02.1", tuple, "should be a value, but is a class"),
        ("09.1", (n for n in (19, 512, 5, 5)), "is a generator"),
        ("02.1", [[24], [18]], "a shape is a tuple of two whole numbers"),
        ("02.1", {"rows": 24}, "a shape is a tuple"),
        ("04.2", lambda *_: [[1], [2]], "return two numbers"),
        ("04.2", lambda *_: {"parameters": 1}, "return two numbers"),
        ("00.4", torch.eye(3).to_sparse(), "differs from the input"),
        ("04.3", [1 + 1j, -0.5, -0.5], "complex"),
        ("02.2", torch.tensor([[1 + 1j], [-1 + 1j]]), "complex"),
    ],
)
def test_a_thing_of_another_kind_is_named(id, given, words):
    verdict = check(id, given)
    assert verdict.passed is False and words in verdict.advice, verdict


def test_an_argument_is_watched_in_whatever_form_it_is():
    watched = guard.watched(lambda a, b, c: [a.pop(), b.fill(0), c], "f")
    with pytest.raises(guard.Refused, match=r"f changes a itself.*list\(a\)"):
        watched([1, 2], np.ones(2), 3)
    with pytest.raises(guard.Refused, match=r"f changes b itself.*b\.copy\(\)"):
        guard.watched(lambda a, b: b.fill(0) or 1, "f")(1, np.ones(2))


def test_names_in_a_function_and_in_those_beside_it():
    source = "def beside(x):\n    return F.conv2d(x, x)\n\ndef both(x):\n    return [beside(y) for y in x]"
    both = evaluate(source, "both")
    assert {"beside", "conv2d"} <= names_in(both)


def test_every_exercise_survives_what_these_answers_do():
    def leave(*args, **kwargs):
        sys.exit()

    async def later(*args):
        await asyncio.sleep(0)

    for id in ("01.1", "02.5", "05.5", "08.3", "13.5", "15.4"):
        assert not check(id, leave).passed and find(id).asks_for in ("function", "class")
    assert "generator" in judge(EXERCISE, later).advice
