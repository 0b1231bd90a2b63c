"""Answers of a hostile or careless person: none passes, each gets a sentence of its own, in bounds."""

import functools
import sys

import numpy as np
import pytest
import torch
from torch import nn

from helpers import check
from helpers.exercises import find

from ..attack import some
from .test_exercises import IDS, evaluate


class Nameless:
    """Callable, without __name__ and with a repr that fails."""

    def __call__(self, *args, **kwargs):
        return self

    def __repr__(self):
        raise RuntimeError("no repr")


def zeroed(*args, **kwargs):
    for value in args:
        if isinstance(value, (torch.Tensor, np.ndarray)):
            value *= 0
        elif isinstance(value, list):
            value.clear()
    return args[0]


def flooding(stream):
    def flood(*args, **kwargs):
        print("y" * 100_000, file=getattr(sys, stream))
        return "y" * 100_000

    return flood


FUNCTIONS = {
    "raises": "def {}(*args):\n    raise ValueError('x' * 1_000_000)", "leaves": "def {}(*args):\n    raise SystemExit",
    "typo": "def {}(*args):\n    return args[0].shpae", "unknown": "def {}(*args):\n    return F_pad(args[0])",
    "recursion": "def {0}(*args):\n    return {0}(*args)", "too few": "def {}():\n    return 1",
    "too many": "def {}(a, b, c, d, e, f, g, h):\n    return a", "keywords": "def {}(*, X=1):\n    return X",
    "asserts": "def {}(*args):\n    assert False", "async": "async def {}(*args):\n    return args[0]",
    "divides": "def {}(*args):\n    return 1 / 0", "interrupted": "def {}(*args):\n    raise KeyboardInterrupt",
}  # fmt: skip
CALLABLES = {
    "none": lambda *args: None, "text": lambda *args: "43", "dict": lambda *args: {"a": 1}, "set": lambda *args: {1, 2},
    "generator": lambda *args: (x for x in (1, 2)), "function": lambda *args: abs, "class": lambda *args: int,
    "nan": lambda *args: torch.full((3, 3), float("nan")), "complex": lambda *args: torch.ones(2) * 1j,
    "axes": lambda *args: torch.zeros((1,) * 60), "huge": lambda *args: [0] * 10**5, "empty": lambda *args: [],
    "ragged": lambda *args: [[1, 2], [3]], "object": Nameless(), "itself": lambda *args: args, "zeroed": zeroed,
    "stdout": flooding("stdout"), "stderr": flooding("stderr"), "print": print, "len": len, "partial":
    functools.partial(int), "torch": torch.relu, "layer": nn.Linear(3, 3), "lists": lambda *args: [list(args)] * 3,
}  # fmt: skip
CLASSES = {
    "no forward": "pass", "typo": "def foward(self, X): return X", "none": "def forward(self, X): pass",
    "text": "def forward(self, X): return 'X'", "dict": "def forward(self, X): return {'X': X}",
    "no X": "def forward(self): return 0", "itself": "def forward(self, X): return X",
    "raises": "def forward(self, X): raise ValueError('x' * 1_000_000)", "leaves": "def forward(self, X): exit()",
    "no super": "def __init__(self, *sizes): self.conv = nn.Conv2d(3, 3, 3)", "flood":
    "def forward(self, X):\n        print('y' * 1_000_000)", "shape": "def forward(self, X): return X.reshape(7, 13)",
    "changes": "def forward(self, X): return X.zero_()", "list": "def forward(self, X): return [X, X]",
    "no arguments": "def __init__(self): super().__init__()", "unknown": "def forward(self, X): return F_pad(X)",
}  # fmt: skip
VALUES = {
    "text": "43", "dict": {"a": 1}, "set": {1}, "nan": float("nan"), "inf": [float("inf")] * 4, "huge": [0] * 10**6,
    "empty": [], "nested": [[[[]]]], "axes": torch.zeros((1,) * 60), "complex": 1j, "long": 10**4000,
    "object": Nameless(), "dots": [1, ..., 2], "bytes": b"43", "module": sys, "generator": (x for x in (1, 2)),
    "negative": [-1] * 5,
    "mixed": [1, "2", None], "none": [None, None], "sparse": torch.eye(5).to_sparse(), "meta":
    torch.ones(2, device="meta"),
}  # fmt: skip
KIND = {id: find(id).asks_for for id in IDS}


def held(id, how, answer, capsys):
    """Check an answer, and hold its verdict to its bounds; return it."""
    verdict = check(id, answer)
    printed = capsys.readouterr()
    said = str(verdict)
    assert not verdict.passed, f"{how}: {said}"
    assert len(said) < 900 and len(printed.out + printed.err) < 90_000, f"{how}: {said}"
    assert "Traceback" not in said and "cannot be checked" not in said, f"{how}: {said}"
    return verdict


@pytest.mark.parametrize("id", [id for id in IDS if KIND[id] == "function"])
def test_no_hostile_function_passes(id, capsys):
    name = find(id).name
    for how, source in some(id, FUNCTIONS.items(), 2):
        verdict = held(id, how, evaluate(source.format(name), name), capsys)
        if how in ("raises", "typo", "unknown", "asserts", "divides"):
            assert verdict.advice.startswith(f"{name}(") and "stops with" in verdict.advice, f"{how}: {verdict}"
        if how in ("too few", "too many", "keywords"):
            assert "is what the check calls" in verdict.advice, f"{how}: {verdict}"
    for how, answer in some(id, CALLABLES.items(), 8):
        held(id, how, answer, capsys)


@pytest.mark.parametrize("id", [id for id in IDS if KIND[id] == "class"])
def test_no_hostile_class_passes(id, capsys):
    name = find(id).name
    for how, body in some(id, CLASSES.items(), 2):
        init = "" if "__init__" in body else "def __init__(self, *sizes): super().__init__()\n    "
        verdict = held(id, how, evaluate(f"class {name}(nn.Module):\n    {init}{body}", name), capsys)
        if how in ("raises", "unknown", "shape"):
            assert f"{name}.forward(X), with X of shape (" in verdict.advice, f"{how}: {verdict}"
    for how, answer in [*some(id, CALLABLES.items(), 8), ("int", int), ("module", nn.Module)]:
        held(id, how, answer, capsys)


@pytest.mark.parametrize("id", [id for id in IDS if KIND[id] == "value"])
def test_no_hostile_value_passes(id, capsys):
    for how, answer in [*some(id, VALUES.items(), 3), *some(id, CALLABLES.items(), 8)]:
        held(id, how, answer, capsys)
