"""Run any net and keep what its layers give, without touching it: what `helpers.inside` and widgets build on."""

import contextlib
import difflib
import numbers
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from helpers.anatomy.copies import COMPILED, as_written, call, each_tensor, quiet_copy, tensors_in
from helpers.training.advice import check_module
from helpers.training.guards import clear_errors

__all__ = ["Call", "channels_last", "device_of", "find_layer", "first_tensor", "in_front", "lying_last", "peaks",
           "quiet_copy", "run", "tap", "watch", "whole", "with_gradients"]  # fmt: skip
NEAREST = 5  # names that are offered in the place of one that is not there


class Call(NamedTuple):
    """One run of one module; `output` is a copy, which no later layer changes in place."""

    name: str  # as in net.named_modules(); " (2)" behind it where the same module runs a second time
    module: nn.Module
    output: Tensor


def run(net: nn.Module, X):
    """Return net(X) without gradients, X moved to the net's device; a net that X does not fit raises ValueError.

    X is a tensor, or a tuple or dict of them for several inputs, as for `helpers.anatomy.copies.call`.
    """
    with as_written(), torch.no_grad(), clear_errors(net, _some_tensor(X)):
        return call(net, each_tensor(X, lambda part: part.to(device_of(net, part))))


def device_of(net: nn.Module, X: Tensor) -> torch.device:
    """Return the device of the net's first weight; for a net without weights that of X."""
    return next((tensor.device for tensor in (*net.parameters(), *net.buffers())), X.device)


def watch(net: nn.Module, X, only: nn.Module | None = None, *, grad: bool = False, calls: list | None = None) -> tuple:
    """Run `net`, a `quiet_copy`, on X as `run` and return (output, list of `Call`) in the order in which modules end.

    Listed are the runs of the module `only`, or else of every module without children, and of those with children
    whose output is none of theirs: a sum or a concatenation. Of a tuple, list or dict the first tensor counts; a
    module that gives none is left out.

    With `grad` the outputs can be differentiated: torch.autograd.grad(loss, call.output). Each module hands on a copy,
    so that an in-place ReLU or sum behind it changes neither its numbers nor its gradient. `calls` is a list to fill,
    for whoever wants the runs before an error too.
    """
    calls, handed_on, count = [] if calls is None else calls, [], Counter()

    def keep(module, output, name):
        tensor = first_tensor(output)
        passed_on = any(module.children()) and any(tensor is other for other in handed_on)
        if tensor is None or passed_on and module is not only:
            return None
        given = tensor.clone() if grad else tensor
        handed_on.append(given)
        if only in (None, module):
            count[name] += 1
            title = f"{name} ({count[name]})" if count[name] > 1 else name
            calls.append(Call(title, module, tensor if grad else tensor.detach().clone()))
        return _swapped(output, tensor, given) if grad else None

    hooked = [(name or "net", module) for name, module in net.named_modules()
              if (grad or only in (None, module)) and (module is only or "parametrizations" not in name.split("."))]
    hooks = [module.register_forward_hook(lambda module, _, output, name=name: keep(module, output, name))
             for name, module in hooked]  # fmt: skip
    try:
        with as_written(), torch.set_grad_enabled(grad), clear_errors(net, _some_tensor(X)):
            given = each_tensor(X, lambda part: part.to(device_of(net, part)))
            return call(net, each_tensor(given, torch.clone) if grad else given), calls
    finally:
        for hook in hooks:
            hook.remove()


def tap(net: nn.Module, layer: str | nn.Module) -> Callable[..., tuple]:
    """Return a function X, *, grad=False -> (output of the net, output of the layer), which leaves the net alone.

    Its attribute `shape` is a function X -> shape of the layer's output, for which the net runs no further than there.

    `layer` is a name of `net.named_modules()`, with " (2)" behind it for the second run of a module that runs twice,
    or a module of the net. Raises ValueError, with the nearest names, for any other, and where the layer does not run
    on X or gives no tensor.
    """
    name, number = find_layer(net, layer)
    silent = quiet_copy(net)
    module = silent.get_submodule(name)

    def listen(X, *, grad=False):
        output, calls = watch(silent, X, module, grad=grad)
        if len(calls) < number:
            times = f"{len(calls)} time{'' if len(calls) == 1 else 's'}"
            raise ValueError(f"layer {name or 'net'} gave a tensor {times} as the net ran: there is no run {number}")
        return output, calls[number - 1].output

    def shape(X):
        with module.register_forward_hook(_stop_after(number)):
            try:
                run(silent, X)
            except _Heard as heard:
                return heard.shape
        return None

    listen.shape = shape
    return listen


class _Heard(Exception):
    """Ends a run at a layer, with the shape that it gave."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape


def _stop_after(number):
    """A hook that raises `_Heard` at the run of that number, from 1."""
    runs = iter(range(1, number + 1))

    def stop(module, args, output):
        if next(runs) == number:
            raise _Heard(tuple(first_tensor(output).shape))

    return stop


def find_layer(net: nn.Module, layer: str | nn.Module) -> tuple[str, int]:
    """Return (name, number of the run, from 1) of a layer named as for `tap`; ValueError says the nearest names.

    Names are those of the `quiet_copy`: without what torch.compile adds to them.
    """
    check_module(net)
    modules = {_plain(name): module for name, module in net.named_modules(remove_duplicate=False)}
    if isinstance(layer, nn.Module):
        name = next((_plain(name) for name, module in net.named_modules() if module is layer), None)
        if name is None:
            raise ValueError(f"this {type(layer).__name__} is no module of the net, which has {_listed(modules)}")
        return name, 1
    if not isinstance(layer, str):
        raise TypeError(f"layer is {repr(layer)[:60]}: give its name, one of {_listed(modules)}, or the module itself")
    layer = _plain(layer)
    if layer in modules:
        return layer, 1
    name, number = re.fullmatch(r"(.*?)(?: \((\d+)\))?", layer, re.DOTALL).groups()
    name = "" if name == "net" and name not in modules else name
    if name not in modules or number == "0":
        raise ValueError(f"the net has no layer {layer[:60]!r}; it has {_listed(modules, name)}")
    return name, int(number or 1)


def first_tensor(value) -> Tensor | None:
    """Return the tensor itself, or the first one in a tuple, list or dict; None where there is none."""
    return next(iter(tensors_in(value)), None)


def whole(value, name: str) -> int:
    """Return a whole number, NumPy's too, as an int; TypeError for anything else, as True or a fraction."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} is {repr(value)[:60]}, must be a whole number")
    return int(value)


def peaks(output: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest activation of each unit (N, C) and its (row, column) (N, C, 2), -1 for a layer (N, F).

    `output` is (N, C, H, W) or (N, F); ValueError for other axes.
    """
    if output.ndim == 2:
        return output, torch.full((*output.shape, 2), -1, device=output.device)
    if output.ndim != 4:
        raise ValueError(f"the layer gives shape {tuple(output.shape)}: take one that gives (N, C, H, W) or (N, F)")
    values, places = output.flatten(2).max(dim=2)
    return values, torch.stack([places // output.shape[3], places % output.shape[3]], dim=2)


def channels_last(listen: Callable[..., tuple], X, output: Tensor) -> bool:
    """Whether a layer that gave `output` for pictures X, as `listen` of `tap` says, gives (N, H, W, C), as in Swin.

    The sizes tell; where the channels are as many as rows, a run on pictures twice as wide does.
    """
    if not _may_lie_last(X, output):
        return False
    try:
        wider = listen.shape(_twice_as_wide(X))
    except Exception:  # a net that takes one size alone, in whatever words it says so
        wider = None
    return _lies_last(X, output, wider)


def lying_last(net: nn.Module, X, calls: list[Call]) -> set[str]:
    """Return the names of those `calls`, of watch(net, X), that gave maps (N, H, W, C), as `channels_last`."""
    doubtful, wider = [call for call in calls if _may_lie_last(X, call.output)], []
    if doubtful:
        with contextlib.suppress(Exception):  # a net that takes one size alone: what it gave before it said so counts
            watch(net, _twice_as_wide(X), calls=wider)
    shapes = {call.name: tuple(call.output.shape) for call in wider}
    return {call.name for call in doubtful if _lies_last(X, call.output, shapes.get(call.name))}


def in_front(call: Call, last: set[str]) -> Tensor:
    """Return what a layer gave, (N, C, H, W) for one that `lying_last` names."""
    return call.output.permute(0, 3, 1, 2) if call.name in last else call.output


def _may_lie_last(X, output):
    """Whether the sizes of `output` could be those of maps (N, H, W, C) of the picture in X."""
    picture = _picture_in(X)
    return output.ndim == 4 and picture is not None and _unlike(output.shape[1:3], picture.shape[2:]) <= 4


def _lies_last(X, output, wider):
    """Whether `output` is (N, H, W, C), `wider` being its shape for a picture twice as wide, None where it has none."""
    size = _picture_in(X).shape[2:]
    if wider is None or wider[2:] == tuple(output.shape[2:]):
        return _unlike(output.shape[1:3], size) < _unlike(output.shape[2:], size)
    return wider[3] == output.shape[3]


def _picture_in(X):
    return next((part for part in tensors_in(X) if part.ndim == 4), None)


def _twice_as_wide(X):
    return each_tensor(X, lambda part: torch.cat([part, part], 3) if part.ndim == 4 else part)


def with_gradients(X):
    """Return a copy of X, a tensor or several, that collects gradients where it holds floating-point numbers."""
    return each_tensor(X, lambda part: part.detach().clone().requires_grad_(part.is_floating_point()))


def _unlike(size, picture):
    """How many rows or columns (a, b) is away from a picture (H, W) made smaller alike along both axes."""
    (a, b), (height, width) = size, picture
    return abs(a * width - b * height) / max(height, width)


def _some_tensor(X):
    """The first tensor in X; TypeError where there is none, as in an array."""
    found = first_tensor(X)
    if found is None:
        raise TypeError(f"X is {type(X).__name__}, must be a tensor, or a tuple or dict of them: torch.from_numpy "
                        "makes one of an array")  # fmt: skip
    return found


def _swapped(value, old, new):
    """Return `value` with the tensor `old` in it replaced by `new`."""
    return each_tensor(value, lambda part: new if part is old else part)


def _plain(name):
    """The name of a module without the steps that torch.compile adds."""
    return ".".join(part for part in name.split(".") if part != COMPILED)


def _listed(modules, wanted=""):
    """The names of the layers in words; of many those that are nearest to the one wanted, else the first."""
    names = [name for name in modules if name]
    if len(names) <= 2 * NEAREST:
        return ", ".join(name[:60] for name in names) or "no layers but itself: 'net'"
    nearest = difflib.get_close_matches(wanted[:60], names, NEAREST, 0.3) or names[:NEAREST]
    return f"{', '.join(name[:60] for name in nearest)} and {len(names) - len(nearest)} others, see net.named_modules()"
