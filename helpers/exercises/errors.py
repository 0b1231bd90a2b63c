"""What is said of an error that ends a check: what was called with what, and the error's own words, in one sentence."""

import dis
import inspect
import linecache
import pathlib
import re
import traceback

import numpy as np
import torch

from . import guard
from .compare import WORDS, shown

HOUSE = str(pathlib.Path(__file__).parent)
LONGEST = 300  # characters of an error's own words
MEANT = {  # what such words mean, where they do not say it
    r"size of tensor a .* must match|could not be broadcast|broadcastable":
        "Number by number, sizes are compared from the last axis on: equal, or one of them 1.",
    r"cannot be multiplied|core dimension|first two dimensions of batch2":
        "In A @ B the last axis of A must be as long as the one before the last of B.",
    r"is invalid for input of size|cannot reshape array": "A reshape keeps how many numbers there are.",
    r"input to conv|input to .*pool": "Such a layer takes axes for the channels and the pictures, too.",
    r"'NoneType'": "None stands for what is missing: a bias that a layer does not have, a result not returned.",
    r"leaf Variable that requires grad": "Parameters are overwritten inside `with torch.no_grad():`.",
    r"name '.*' is not defined": "Is the name misspelt, or not imported in this notebook?",
}  # fmt: skip


def is_stub(error):
    """Return whether an error is the NotImplementedError that a stub raises, not one of PyTorch's own."""
    if not isinstance(error, NotImplementedError):
        return False
    trace = error.__traceback__
    while trace.tb_next:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return is_foreign(code) and dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"


def is_foreign(code):
    """Return whether code is neither of these checks nor of PyTorch: then it is the answer's."""
    return not code.co_filename.startswith(HOUSE) and "torch" not in pathlib.PurePath(code.co_filename).parts


def said_by(error, name):
    """Return one sentence on an error that ended a check, and whose it is: the answer's own or of what it gave."""
    if isinstance(error, guard.TooLong):
        return f"your answer has run for {guard.SECONDS} seconds and was stopped: is there a loop that never ends?"
    if isinstance(error, SystemExit):
        return "your answer ends Python itself (SystemExit): take out `exit()` or `sys.exit()`."
    if isinstance(error, KeyboardInterrupt):
        return "your answer was interrupted (KeyboardInterrupt) before it had come to an end."
    if isinstance(error, NotImplementedError) and 'missing the required "forward"' in str(error):
        return f"{name} has no method `forward`: is its name misspelt?"
    words, frames = text_of(error), list(traceback.walk_tb(error.__traceback__))
    call = next(filter(None, (call_in(frame, name) for frame, _ in frames)), None)
    what = f"{type(error).__name__}: {words}" if words else type(error).__name__
    own = [(frame.f_code.co_filename, line) for frame, line in frames if is_foreign(frame.f_code)]
    if not own and isinstance(error, TypeError) and re.search("positional argument|keyword argument", words):
        return f"{call or name} is what the check calls, and the definition does not take it: {words}."
    if not call and not own:
        return f"what your answer gives cannot be checked: {what}"
    line = linecache.getline(*own[-1]).strip() if own else ""
    place = f" (in the line `{line}`)" if 0 < len(line) <= 120 else ""
    meant = next((text for pattern, text in MEANT.items() if re.search(pattern, words)), "")
    said = f"{call or 'your answer'} stops with {what}{place}"
    return f"{said.rstrip('.')}. {meant}" if meant else said


def call_in(frame, name):
    """Return how a frame of a traceback calls the answer, or None: a function, a layer's forward, or a class."""
    code, local = frame.f_code, frame.f_locals
    if code.co_filename == guard.__file__ and code.co_name == "call":
        return written(name, local["answer"], local["args"])
    layer = local.get("self")
    if not isinstance(layer, torch.nn.Module):
        return None
    if code.co_name == "_wrapped_call_impl":
        return written(f"{type(layer).__name__}.forward", layer.forward, local["args"])
    if code.co_name == "__init__" and is_foreign(code):
        return written(type(layer).__name__, None, [local.get(n) for n in code.co_varnames[1 : code.co_argcount]])
    return None


def written(name, function, args):
    """Return a call as one writes it, and the shapes of what it is given: f(X, 2), with X of shape (3, 4),."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    inside, shapes = [], []
    for place, value in enumerate(args):
        parameter = names[place] if place < len(names) else f"argument {place + 1}"
        if isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim:
            shapes.append(f"{parameter} of shape {tuple(value.shape)}")
        elif isinstance(value, (torch.Tensor, np.ndarray)):
            parameter = shown(value)
        elif isinstance(value, (list, tuple)) and any(isinstance(part, torch.Tensor) for part in value):
            shapes.append(f"{parameter} a list of {len(value)}")
        elif isinstance(value, torch.nn.Module):
            parameter = repr(value) if "\n" not in repr(value) else parameter
        elif not callable(value):
            parameter = WORDS.repr(value)
        inside.append(parameter)
    given = f", with {' and '.join(shapes)}," if shapes else ""
    return f"{name}({', '.join(inside)}){given}"


def text_of(error):
    """Return an error's text in one line of bounded length, or nothing where even that fails."""
    try:
        words = " ".join(str(error)[:100_000].split())
    except Exception:
        return shown(type(error))
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"
