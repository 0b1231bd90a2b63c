"""Run any net and keep what its layers give, without touching it: what `helpers.inside` and widgets build on."""

import copy
import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from helpers.training.guards import clear_errors


class Call(NamedTuple):
    """One run of one module; `output` is a copy, which no later layer changes in place."""

    name: str  # as in net.named_modules(); " (2)" behind it where the same module runs a second time
    module: nn.Module
    output: Tensor


def quiet_copy(net: nn.Module) -> nn.Module:
    """Return a copy of `net` in eval mode that shares its weights; what is done to the copy leaves the net alone."""
    kept = [value for module in net.modules() for value in vars(module).values() if isinstance(value, Tensor)]
    shared = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers(), *kept)}
    return copy.deepcopy(net, shared).eval()


def run(net: nn.Module, X: Tensor):
    """Return net(X) without gradients, X moved to the net's device; a net that X does not fit raises ValueError."""
    with torch.no_grad(), clear_errors(net, X):
        return net(X.to(device_of(net, X)))


def device_of(net: nn.Module, X: Tensor) -> torch.device:
    """Return the device of the net's first weight; for a net without weights that of X."""
    return next((tensor.device for tensor in (*net.parameters(), *net.buffers())), X.device)


def watch(net: nn.Module, X: Tensor, only: nn.Module | None = None, *, grad: bool = False) -> tuple:
    """Run `net`, a `quiet_copy`, on X and return (output, list of `Call`) in the order in which modules end.

    Listed are the runs of the module `only`, or else of every module without children, and of those with children
    whose output is none of theirs: a sum or a concatenation. Of a tuple, list or dict the first tensor counts; a
    module that gives none is left out.

    With `grad` the outputs can be differentiated: torch.autograd.grad(loss, call.output). Each module hands on a copy,
    so that an in-place ReLU or sum behind it changes neither its numbers nor its gradient.
    """
    calls, handed_on, count = [], [], Counter()

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

    hooked = [(name or "net", module) for name, module in net.named_modules() if grad or only in (None, module)]
    hooks = [module.register_forward_hook(lambda module, _, output, name=name: keep(module, output, name))
             for name, module in hooked]  # fmt: skip
    try:
        with torch.set_grad_enabled(grad), clear_errors(net, X):
            given = X.to(device_of(net, X))
            return net(given.clone() if grad else given), calls
    finally:
        for hook in hooks:
            hook.remove()


def tap(net: nn.Module, layer: str | nn.Module) -> Callable[..., tuple]:
    """Return a function X, *, grad=False -> (output of the net, output of the layer), which leaves the net alone.

    `layer` is a name of `net.named_modules()`, with " (2)" behind it for the second run of a module that runs twice,
    or a module of the net. Raises ValueError, with the names that there are, for any other, and where the layer does
    not run on X or gives no tensor.
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

    return listen


def find_layer(net: nn.Module, layer: str | nn.Module) -> tuple[str, int]:
    """Return (name, number of the run, from 1) of a layer named as for `tap`; ValueError lists what there is."""
    modules = dict(net.named_modules(remove_duplicate=False))
    if isinstance(layer, nn.Module):
        name = next((name for name, module in modules.items() if module is layer), None)
        if name is None:
            raise ValueError(f"this {type(layer).__name__} is no module of the net, which has {_listed(modules)}")
        return name, 1
    if not isinstance(layer, str):
        raise TypeError(f"layer is {layer!r}: give its name, one of {_listed(modules)}, or the module itself")
    if layer in modules:
        return layer, 1
    name, number = re.fullmatch(r"(.*?)(?: \((\d+)\))?", layer, re.DOTALL).groups()
    name = "" if name == "net" and name not in modules else name
    if name not in modules or number == "0":
        raise ValueError(f"the net has no layer {layer!r}; it has {_listed(modules)}")
    return name, int(number or 1)


def first_tensor(value) -> Tensor | None:
    """Return the tensor itself, or the first one in a tuple, list or dict; None where there is none."""
    if isinstance(value, Tensor):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return next((found for part in parts if (found := first_tensor(part)) is not None), None)


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


def _swapped(value, old, new):
    """Return `value` with the tensor `old` in it replaced by `new`."""
    if value is old:
        return new
    if isinstance(value, dict):
        return type(value)((key, _swapped(part, old, new)) for key, part in value.items())
    if isinstance(value, (tuple, list)):
        parts = [_swapped(part, old, new) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _listed(modules):
    return ", ".join(name for name in modules if name) or "no layers but itself: 'net'"
