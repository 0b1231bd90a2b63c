"""What a net is made of: shapes, parameters, multiply-adds and memory of each layer.

`describe_net` runs a copy of the net once on zeros and listens: without gradients, in evaluation mode, and the net, its
modes and the random state stay as they were.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from helpers.drawing.tables import Table, as_text
from helpers.training.advice import advised, check_module

from .copies import as_written, call, quiet_copy, tensors_in, zeros_for
from .work import Counter, Work, countable, first_argument, recurrent_multiply_adds


class Layer(NamedTuple):
    """One call of one layer. multiply_adds is None where something ran that `describe_net` cannot count."""

    name: str
    type: str
    output_shape: tuple[int, ...] | None
    params: int
    multiply_adds: int | None
    activation_bytes: int


class NetTable(Table):
    """The layers of a net in the order of their calls, and the sums over them.

    `params` counts each parameter of the net once, however often its layer is called. `multiply_adds` sums what
    can be counted, `uncounted` names the layers that cannot.
    """

    def __init__(self, rows, params):
        super().__init__(rows)
        self.params = params
        self.multiply_adds = sum(row.multiply_adds or 0 for row in self.rows)
        self.activation_bytes = sum(row.activation_bytes for row in self.rows)
        self.uncounted = [row.name for row in self.rows if row.multiply_adds is None]

    def lines(self):
        total = ["total", "", "", *map(as_text, (self.params, self.multiply_adds, self.activation_bytes))]
        total[4] += " + ?" if self.uncounted else ""
        return [*super().lines(), total] if self.rows else super().lines()


def describe_net(net: nn.Module, input_shape: Sequence) -> NetTable:
    """List the layers of `net` as an input of `input_shape`, usually (N, C, H, W), passes through.

    A row is one call of a module that has no children, or has parameters of its own, or multiplies by itself, as
    attention does; a module with parameters that is never called has no output shape. Multiply-adds, for all N, are
    those of convolutions, dense layers and products of matrices, as torch's FlopCounterMode counts them; biases,
    activations, pooling, normalisation and what a parametrization does to a weight count as 0. `activation_bytes` is
    the new memory of the output: 0 where it shares the input's (flatten, in-place ReLU, dropout in evaluation mode).
    What else `forward` does without a module (F.relu, +, torch.cat) has no row.

    For several inputs give a tuple of shapes, or a dict of them by the names that `forward` has. Raises ValueError
    for an input that does not fit.
    """
    twin = heard_copy(net)
    names = {module: name or "net" for name, module in twin.named_modules() if not _prepares(name)}
    rows, counted = [], set()

    def add_row(layer, shape, multiply_adds, memory):
        own = {p: p.numel() for p in _own(layer) if p not in counted}
        counted.update(own)
        kind = type(layer).__mro__[is_parametrized(layer)].__name__
        rows.append(Layer(names[layer], kind, shape, sum(own.values()), multiply_adds, memory))

    def record(layer, args, kwargs, output, work):
        if not (_is_layer(layer) or work.multiply_adds or work.unknown):
            return
        outputs, given = tensors_in(output), {X.untyped_storage()._cdata for X in tensors_in([args, kwargs])}
        sizes = {X.untyped_storage()._cdata: X.numel() * X.element_size() for X in outputs}
        new = sum(size for place, size in sizes.items() if place not in given)
        multiply_adds = None if work.unknown else work.multiply_adds
        if isinstance(layer, nn.RNNBase):
            multiply_adds = recurrent_multiply_adds(layer, first_argument(args, kwargs))
        add_row(layer, tuple(outputs[0].shape) if outputs else None, multiply_adds, new)

    with undisturbed(twin), countable(), Counter() as counter, _listening(twin, names, counter, record):
        run_on_zeros(twin, lambda X: call(twin, X), input_shape)
    called = {row.name for row in rows}
    for layer, name in names.items():
        if name not in called and _is_layer(layer) and _own(layer):
            add_row(layer, None, 0, 0)
    return NetTable(rows, sum(p.numel() for p in net.parameters()))


def heard_copy(net: nn.Module) -> nn.Module:
    """Return a `quiet_copy` whose layers can be heard; ValueError where they cannot: lazy or scripted ones.

    TypeError for anything but a net.
    """
    check_module(net)
    if any(nn.parameter.is_lazy(p) for p in net.parameters()):
        raise ValueError("the net has lazy layers without a shape yet: call it once on a batch, then ask again")
    if any(isinstance(module, torch.jit.ScriptModule) for module in net.modules()):
        raise ValueError("the net is scripted, its layers run unheard: give the nn.Module that it was made of")
    return quiet_copy(net)


def run_on_zeros(net: nn.Module, run, input_shape: Sequence) -> None:
    """Call run(X) on zeros of the net's device and dtype; an input that does not fit raises ValueError."""
    X = zeros_for(net, input_shape)
    try:
        run(X)
    except Exception as error:
        sentence = f"{type(net).__name__}, given an input of shape {input_shape}: {advised(net, error)}"
        raise ValueError(sentence) from error


@contextlib.contextmanager
def undisturbed(net: nn.Module) -> Iterator[None]:
    """No gradients, nothing compiled; afterwards the random state is back."""
    gpus = sorted({p.device.index for p in net.parameters() if p.device.type == "cuda"})
    with as_written(), torch.no_grad(), torch.random.fork_rng(devices=gpus):
        yield


@contextlib.contextmanager
def _listening(net, names, counter, record):
    """Hooks on all modules: each call's work lies on the counter's stack, and goes to `record` at its end."""

    def begin(module, *_):
        counter.stack.append(Work(module))

    def end(module, args, kwargs, output):
        work = counter.stack.pop()
        if module in names:
            record(module, args, kwargs, output, work)

    with contextlib.ExitStack() as hooks:
        for module in net.modules():
            hooks.enter_context(module.register_forward_pre_hook(begin))
            hooks.enter_context(module.register_forward_hook(end, with_kwargs=True))
        yield


def _prepares(name):
    """Whether a module of that name belongs to a parametrization: it makes a weight and is no layer of the net."""
    return "parametrizations" in name.split(".")


def _is_layer(module):
    children = [child for name, child in module.named_children() if name != "parametrizations"]
    return not children or _own(module)


def _own(module):
    """The parameters of the module itself, those behind its parametrizations among them."""
    own = list(module.parameters(recurse=False))
    return own + (list(module.parametrizations.parameters()) if is_parametrized(module) else [])
