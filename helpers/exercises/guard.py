"""Runs an answer within bounds: of time, of print, of what it may return and what it may change."""

import contextlib
import ctypes
import functools
import inspect
import io
import sys
import threading
import time

import numpy as np
import torch

from .compare import ITERATORS, kind_of, tensor_of

SECONDS = 10  # of work that a check may take: on a busy machine, or while a library loads, the clock runs ahead
ASLEEP = 6  # times so long by the clock, for an answer that sleeps or waits for something
AGAIN = 1  # seconds after which an answer that has caught TooLong, by a bare `except:`, gets it once more
PRINTED = 2_000  # characters that an answer may print


class NotAttempted(Exception):
    """The learner has not written anything yet."""


class ReturnedNone(NotAttempted):
    """The answer has returned something before, but now None."""


class Refused(Exception):
    """The answer does what no exercise allows; the text says what."""


class TooLong(BaseException):
    """The answer has run out of time. No `except Exception` of the answer's holds it."""


class Bounded(io.TextIOBase):
    """A stream that passes on so many characters to another, and counts the rest."""

    def __init__(self, stream, left=PRINTED):
        self.stream, self.left, self.dropped = stream, left, 0

    def write(self, text):
        self.stream.write(text[: self.left])
        self.dropped += max(0, len(text) - self.left)
        self.left = max(0, self.left - len(text))
        return len(text)

    def flush(self):
        self.stream.flush()


@contextlib.contextmanager
def bounded():
    """Stop what runs inside after SECONDS of work with TooLong, and print no more than PRINTED characters of it."""
    out, err = Bounded(sys.stdout), Bounded(sys.stderr)
    lock, done, thread = threading.Lock(), threading.Event(), threading.get_ident()

    began, spent = time.monotonic(), time.process_time()

    def stop():
        wait = 0.1
        while not done.wait(wait):
            passed, worked = time.monotonic() - began, time.process_time() - spent
            if min(passed, worked) < SECONDS and passed < ASLEEP * SECONDS:
                continue
            with lock:
                if not done.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLong))
            wait = AGAIN

    threading.Thread(target=stop, daemon=True).start()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        with lock:
            done.set()  # from here on nothing is sent; what has been sent arrives in these lines, not behind them
        for stream in (out, err):
            if stream.dropped:
                print(f"\n… and {stream.dropped:,} more characters", file=stream.stream)


def watched(answer, name):
    """Return a callable answer so wrapped that what no exercise allows raises: NotAttempted for a None, or Refused."""
    if not callable(answer) or isinstance(answer, (type, torch.nn.Module)):
        return answer

    returned = False

    @functools.wraps(answer)
    def call(*args, **kwargs):
        nonlocal returned
        before = [_state(value) for value in (*args, *kwargs.values())]
        value = answer(*args, **kwargs)
        if value is None:
            raise ReturnedNone if returned else NotAttempted
        returned = True
        if isinstance(value, ITERATORS):
            getattr(value, "close", int)()  # a coroutine that nobody awaits would warn
            raise Refused(f"{name} returns {kind_of(value)}.")
        for place, (old, given) in enumerate(zip(before, (*args, *kwargs.values()), strict=True)):
            if not _same(old, _state(given)):
                raise Refused(_changed(name, _parameter(answer, place), old, given))
        return plain(value, f"{name} returns")

    call.__name__ = name  # a lambda or an object has none to speak of
    return call


def plain(value, what="the answer holds"):
    """Return an answer as the checks take it: no sparse tensor, no complex numbers (Refused)."""
    if isinstance(value, torch.Tensor) and value.layout != torch.strided:
        value = value.to_dense()
    if type(value) in (list, tuple) and len(value) < 1000:
        parts = [plain(part, what) for part in value]
        value = value if all(new is old for new, old in zip(parts, value, strict=True)) else type(value)(parts)
    found = tensor_of(value)
    if found is None or not found.is_complex():
        return value
    if found.imag.any():
        raise Refused(f"{what} complex numbers: their imaginary part belongs to no exercise.")
    return found.real


def _state(value):
    """Return what must stay of an argument: a copy of a tensor's, array's or list's content; None for the others."""
    if isinstance(value, torch.Tensor):
        return value.requires_grad, value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    return [_state(part) if isinstance(part, (torch.Tensor, np.ndarray, list)) else part for part in value] if (
        isinstance(value, list)) else None  # fmt: skip


def _same(old, new):
    if isinstance(old, torch.Tensor):
        return old.shape == new.shape and torch.equal(old.nan_to_num(), new.nan_to_num())
    if isinstance(old, np.ndarray):
        return np.array_equal(old, new)
    if isinstance(old, (list, tuple)):
        return len(old) == len(new) and all(map(_same, old, new))
    return old is new or old == new


def _changed(name, parameter, old, given):
    if isinstance(given, torch.Tensor) and _same(old[1], _state(given)[1]):
        return f"{name} switches on the gradient of {parameter} itself: take {parameter}.clone().requires_grad_()."
    copy = {torch.Tensor: f"{parameter}.clone()", list: f"list({parameter})"}.get(type(given), f"{parameter}.copy()")
    return f"{name} changes {parameter} itself, which it was only given: return something new, or work on {copy}."


def _parameter(answer, place):
    try:
        return list(inspect.signature(answer).parameters)[place]
    except (TypeError, ValueError, IndexError):
        return "its argument"


def run(layer, X):
    """Return layer(X), run on a copy of X; Refused where the layer changes what it was given."""
    given = X.clone()
    Y = layer(given)
    if not _same(X, given):
        name = type(layer).__name__
        raise Refused(f"{name} changes X itself, which it was only given: write X = X + …, not X += ….")
    return Y
