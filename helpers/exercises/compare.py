"""What counts as equal, for every exercise: numbers and shapes as Python, NumPy or torch hold them, in any sequence."""

import numbers as kinds
import reprlib
import types

import numpy as np
import torch

LONGEST = 10_000_000  # numbers in an answer that is still looked at
ITERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, map, filter, zip, reversed)
WORDS = reprlib.Repr()
WORDS.maxstring = WORDS.maxother = 60


def tensor_of(value):
    """Return the numbers of an answer as a dense tensor on the CPU (float64 or complex128), None where it has none.

    Takes numbers, tensors, arrays, and lists, tuples or ranges of them to any depth; text, dicts, sets and rows of
    different lengths hold no numbers in an order.
    """
    try:
        return _tensor(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _tensor(value):
    if isinstance(value, torch.Tensor):
        value = value.detach()
        value = (value if value.layout == torch.strided else value.to_dense()).cpu()
    elif isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biufc":
        value = torch.from_numpy(np.array(value, dtype=complex if value.dtype.kind == "c" else float))
    elif isinstance(value, (list, tuple, range)):
        return _stack(value)
    elif isinstance(value, kinds.Number):
        is_complex = isinstance(value, complex)
        value = torch.tensor(value if is_complex else float(value), dtype=None if is_complex else torch.float64)
    else:
        raise TypeError("no numbers")
    return value.to(torch.complex128 if value.is_complex() else torch.float64)


def _stack(values):
    if len(values) > LONGEST:
        raise ValueError("too long")
    if all(type(value) in (int, float) for value in values):
        return torch.tensor([float(value) for value in values], dtype=torch.float64)
    parts = [_tensor(value) for value in values]
    kind = torch.complex128 if any(part.is_complex() for part in parts) else torch.float64
    return torch.stack([part.to(kind) for part in parts])


def number(value):
    """Return the one number that an answer is, as int where it is whole, else as float; None where it is none."""
    found = tensor_of(value)
    return _plain(found) if found is not None and not found.dim() else None


def numbers(value, count=None):
    """Return an answer of one axis as a tuple of numbers, whole ones as int; None where it is none, or not `count`."""
    found = tensor_of(value)
    if found is None or found.dim() != 1 or count not in (None, len(found)):
        return None
    return tuple(_plain(part) for part in found)


def _plain(value):
    value = value.item()
    if isinstance(value, complex):
        if value.imag:
            return value
        value = value.real
    return int(value) if value.is_integer() else value


def is_whole(want):
    """Return whether `want` is a whole number or holds nothing else: then equal means equal to the last digit."""
    if isinstance(want, torch.Tensor):
        return not (want.is_floating_point() or want.is_complex())
    if isinstance(want, (list, tuple)):
        return all(is_whole(part) for part in want)
    return isinstance(want, (int, np.integer))


def equal(got, want, *, atol=1e-5, rtol=1e-4):
    """Return whether two answers have the same shape and numbers; floating point within atol + rtol·|want|."""
    got, right = tensor_of(got), tensor_of(want)
    if got is None or got.shape != right.shape:
        return False
    return not _unequal(got, right, *((0, 0) if is_whole(want) else (atol, rtol))).any()


def _unequal(got, want, atol, rtol):
    if got.is_complex() or want.is_complex():
        got, want = got.to(torch.complex128), want.to(torch.complex128)
    return ~torch.isclose(got, want, atol=atol, rtol=rtol)


def kind_of(value):
    """Return in words what a value is, where it is not the number or tensor that was asked for."""
    if value is None:
        return "None: does it end in `return …`?"
    if isinstance(value, ITERATORS):
        return "a generator, which has computed nothing yet: return a list or tuple"
    words = {dict: "a dict", set: "a set", str: "text", list: "a list whose parts do not fit together",
             tuple: "a tuple whose parts do not fit together", type: "a class"}  # fmt: skip
    if type(value) in words:
        return words[type(value)]
    return "a function" if isinstance(value, types.FunctionType) else f"of the type {type(value).__name__}"


def shown(value):
    """Return an answer in a few words for a sentence, however large it is."""
    found = tensor_of(value)
    if found is None:
        try:
            return WORDS.repr(value)
        except Exception:
            return f"an object of the type {type(value).__name__}"
    if not found.dim():
        return _digits(_plain(found), ",")
    if found.dim() == 1 and len(found) <= 8:
        inside = ", ".join(_digits(_plain(part)) for part in found)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    kind = f"a {type(value).__name__}" if isinstance(value, (list, tuple)) else "a tensor"
    return f"{kind} of shape {tuple(found.shape)}" if found.dim() <= 8 else f"a tensor of {found.dim()} axes"


def _digits(value, thousands=""):
    return f"{value:{thousands}}" if isinstance(value, int) and abs(value) < 10**30 else f"{value:.6g}"


def compare(got, want, what="the result", *, atol=1e-5, rtol=1e-4):
    """Return None where two results are equal, else a sentence on type, shape or first difference."""
    found, right = tensor_of(got), tensor_of(want)
    if found is None:
        asked = f"a tensor or list of numbers, of shape {tuple(right.shape)}" if right.dim() else "a number"
        return f"{what} should be {asked}, but is {kind_of(got)}."
    if found.shape != right.shape:
        if not right.dim():
            return f"{what} is {shown(got)}; expected one number."
        shape = tuple(found.shape) if found.dim() <= 8 else f"of {found.dim()} axes"
        return f"{what} has shape {shape}; expected {tuple(right.shape)}."
    wrong = _unequal(found, right, *((0, 0) if is_whole(want) else (atol, rtol)))
    if not wrong.any():
        return None
    if not right.dim():
        return f"{what} is {shown(found)}, which is not right."
    place = tuple(wrong.nonzero()[0].tolist())
    return f"{what} differs at {place}: yours is {shown(found[place])}, expected {shown(right[place])}."


def advice_on(got, known, **tolerance):
    """Return the advice whose wrong result the answer gave, from pairs (result, advice), or else None."""
    return next((advice for wrong, advice in known if equal(got, wrong, **tolerance)), None)
