"""What to do about the errors that PyTorch raises where a net and its input do not fit."""

import inspect
import numbers
import re
from collections.abc import Sequence

from torch import Tensor, nn

LEAST = {"stride": 1, "dilation": 1, "padding": 0}
HINTS = {
    r"Kernel size can't be greater": "take larger pictures, more padding or a smaller kernel",
    r"Output size is too small": "the window is larger than what it gets, take larger pictures or a smaller window",
    r"to have (\d+) channels, but got (\d+)": "this layer takes {0} channels, build it with in_channels={1}",
    r"cannot be multiplied \(\d+x(\d+) and (\d+)x": "a Linear layer takes {1} numbers and gets {0}, change its "
                                                    "in_features or the size of the pictures",
}


def advised(net: object, error: Exception) -> str:
    """The error in one line, with what to do where that is known."""
    text = str(error).split("\n")[0].removesuffix(", but expected one of:")
    found = (words.format(*match.groups()) for pattern, words in HINTS.items() if (match := re.search(pattern, text)))
    todo = impossible_number(net) or next(found, "")
    return f"{text}: {todo}" if todo else text


def impossible_number(net: object) -> str:
    """Which layer of the net has a stride, dilation or padding that no layer can have, or ''."""
    for name, layer in net.named_modules() if isinstance(net, nn.Module) else ():
        for what, least in LEAST.items():
            value = getattr(layer, what, least)
            values = value if isinstance(value, (tuple, list)) else (value,)
            if any(isinstance(number, int) and number < least for number in values):
                where = f" ({name})" if name else ""
                return f"{type(layer).__name__}{where} has {what}={value}, make it at least {least}"
    return ""


def check_module(net: object) -> None:
    """Raise TypeError for anything but a net, as a class that has not been called."""
    if inspect.isclass(net):
        raise TypeError(f"the net is the class {net.__name__}: call it, as in {net.__name__}(), to make a net")
    if not isinstance(net, nn.Module):
        raise TypeError(f"the net must be an nn.Module, not a {type(net).__name__}: only that has layers and weights")


def check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of an input as a tuple; TypeError or ValueError if it is not whole numbers above 0."""
    if not isinstance(shape, (tuple, list)) or not all(isinstance(n, numbers.Integral) for n in shape):
        given = " ".join(repr(shape).split())[:60]
        raise TypeError(f"input_shape is {given}, must be whole numbers, usually (N, C, H, W)")
    if any(n < 1 for n in shape):
        raise ValueError(f"input_shape is {tuple(shape)}, each number must be at least 1: take (1, C, H, W) for one "
                         "picture")
    return tuple(shape)


def wrong_numbers(net: object, X: Tensor, error: Exception) -> TypeError | None:
    """The error in the place of one about types, where X has another dtype than the net's weights; otherwise None."""
    weight = next((p for p in net.parameters() if p.is_floating_point()), X) if isinstance(net, nn.Module) else X
    if X.dtype == weight.dtype or not re.search("type|not implemented for", str(error)):
        return None
    name = str(weight.dtype).removeprefix("torch.")
    todo = f"X.to({weight.dtype})" + ("" if X.is_floating_point() else " / 255")
    return TypeError(f"the pictures hold {X.dtype} and the net's weights {name}: take {todo}")
