"""A copy of a net to listen to, and how it is called: on one tensor, several or a dict of them."""

import contextlib
import copy
import inspect
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from helpers.training.advice import check_module, check_shape

COMPILED = "_orig_mod"  # what torch.compile calls the net inside


def quiet_copy(net: nn.Module, take: Callable[[Tensor], Tensor] | None = None) -> nn.Module:
    """Return a copy of `net` in eval mode that shares its weights; what is done to the copy leaves the net alone.

    With `take` the copy holds take(tensor) in the place of each tensor. What torch.compile wrapped is unwrapped, so
    that every layer is heard; what cannot be copied, such as a lock or an open file, is shared.
    """
    check_module(net)
    net = uncompiled(net)
    memo, others = {}, []
    _note(net, memo, others, take or _ready, set())
    for value in others:
        try:
            copy.deepcopy(value, dict(memo))
        except Exception:  # whatever it is that forbids a copy
            memo[id(value)] = value
    twin = copy.deepcopy(net, memo)
    for module in list(twin.modules()):
        for name, child in module._modules.items():
            module._modules[name] = uncompiled(child)
        for name, value in vars(module).items():
            if isinstance(value, types.FunctionType) and value.__closure__:
                vars(module)[name] = _moved(value, memo)
    return twin.eval()


def uncompiled(net: nn.Module) -> nn.Module:
    """Return the net that torch.compile was given, or the net itself."""
    while COMPILED in getattr(net, "_modules", ()):
        net = net._modules[COMPILED]
    return net


@contextlib.contextmanager
def as_written() -> Iterator[None]:
    """Let compiled functions run as they are written, and tensors be recorded for gradients, whatever is switched."""
    stance = getattr(torch.compiler, "set_stance", None) if "torch._dynamo" in sys.modules else None
    with torch.inference_mode(False), stance("force_eager") if stance else contextlib.nullcontext():
        yield


def call(net: nn.Module, X):
    """Return net(X); a tuple is handed on as several arguments, a dict by name, where `forward` takes them so."""
    keywords = X if isinstance(X, dict) and all(isinstance(name, str) for name in X) else {}
    arguments = X if isinstance(X, tuple) else ()
    if (arguments or keywords) and _fits(net, arguments, keywords):
        return net(*arguments, **keywords)
    return net(X)


def arguments_of(net: nn.Module, X) -> dict:
    """Return the arguments of `forward` by name, as `call` hands X on, without those that X leaves to defaults."""
    signature, keywords = inspect.signature(net.forward), X if isinstance(X, dict) else {}
    arguments = X if isinstance(X, tuple) else ()
    spread = (arguments or keywords) and _fits(net, arguments, keywords)
    return signature.bind(*arguments, **keywords).arguments if spread else signature.bind(X).arguments


def zeros_for(net: nn.Module, input_shape: Sequence):
    """Return zeros of the net's device and dtype: for a shape, several of them or a dict of them, as for `call`.

    Raises TypeError or ValueError for a shape that is none.
    """
    weight = next((p for p in net.parameters() if p.is_floating_point()), torch.zeros(()))
    if isinstance(input_shape, dict):
        return {name: zeros_for(net, shape) for name, shape in input_shape.items()}
    if isinstance(input_shape, (tuple, list)) and input_shape and isinstance(input_shape[0], (tuple, list)):
        return tuple(zeros_for(net, shape) for shape in input_shape)
    return torch.zeros(check_shape(input_shape), device=weight.device, dtype=weight.dtype)


def each_tensor(value, change: Callable[[Tensor], Tensor]):
    """Return `value`, a tensor or a tuple, list or dict with tensors in it, with change(tensor) for each of them."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return type(value)((key, each_tensor(part, change)) for key, part in value.items())
    if isinstance(value, (tuple, list)):
        parts = [each_tensor(part, change) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def tensors_in(value) -> list[Tensor]:
    """Return all tensors in a tensor, tuple, list or dict."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [X for part in parts for X in tensors_in(part)]


def _fits(net, arguments, keywords):
    try:
        inspect.signature(net.forward).bind(*arguments, **keywords)
    except TypeError:
        return False
    return True


def _ready(tensor):
    """The tensor itself, or a copy that gradients can be recorded for, where it was made in inference mode."""
    if not tensor.is_inference():
        return tensor
    with torch.inference_mode(False):
        twin = tensor.clone()
        return nn.Parameter(twin, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else twin


def _note(value, memo, others, take, seen):
    """Enter take(tensor) in memo, for copy.deepcopy, for every tensor that `value` holds; list what else there is."""
    if id(value) in seen or isinstance(value, (type, types.ModuleType, types.FunctionType, str, int, float)):
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        memo[id(value)] = take(value)
        return
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        parts = list(value)
    elif isinstance(value, types.MethodType):
        parts = [value.__self__]
    else:
        parts = list(getattr(value, "__dict__", {}).values())
        others += [] if isinstance(value, nn.Module) else [value]
    for part in parts:
        _note(part, memo, others, take, seen)


def _moved(function, memo):
    """A function that a net keeps, with the modules of the copy where it refers to those of the net."""
    held = [cell for cell in function.__closure__ if id(getattr(cell, "cell_contents", None)) in memo]
    if not any(isinstance(cell.cell_contents, nn.Module) for cell in held):
        return function
    cells = tuple(types.CellType(memo[id(cell.cell_contents)]) if cell in held else cell
                  for cell in function.__closure__)  # fmt: skip
    twin = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, cells)
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin
