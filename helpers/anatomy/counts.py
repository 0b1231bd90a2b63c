"""What a net is made of: shapes, parameters, multiply-adds, memory, and how much of the picture each layer sees.

`describe_net` runs the net once on zeros and listens at its layers, `receptive_field` follows the net's graph. Both
work without gradients and in evaluation mode, and leave the net, its modes and the random state as they were.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import fx, nn

from helpers.drawing.tables import Table, as_text
from helpers.training.advice import advised, check_shape

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
FREE = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.PReLU, nn.Embedding)
# Families of torch.nn modules, and functions, that do not look at neighbours as long as they keep the shape.
POINTWISE_MODULES = ("activation", "batchnorm", "dropout", "instancenorm", "normalization", "linear")
POINTWISE = ("relu relu_ leaky_relu elu gelu silu sigmoid tanh dropout batch_norm contiguous clone "
             "add add_ iadd sub mul mul_ imul truediv cat concat").split()  # fmt: skip


class Layer(NamedTuple):
    """One call of one layer. multiply_adds is None for a kind of layer that `describe_net` cannot count."""

    name: str
    type: str
    output_shape: tuple[int, ...] | None
    params: int
    multiply_adds: int | None
    activation_bytes: int


class Field(NamedTuple):
    """What one output of a layer sees of the input, in pixels, one number per spatial axis.

    The first output sees `size` pixels from `offset` on (negative: it begins in the padding); the next output
    sees the same `stride` pixels further.
    """

    name: str
    type: str
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: tuple[int, ...]


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


def describe_net(net: nn.Module, input_shape: Sequence[int]) -> NetTable:
    """List the layers of `net` as an input of `input_shape`, usually (N, C, H, W), passes through.

    A row is one call of a module that has no children, or has parameters of its own; a module with parameters
    that is never called has no output shape. Multiply-adds, for all N, are those of convolutions and dense layers;
    biases, activations, pooling and normalisation count as 0. `activation_bytes` is the new memory of the output:
    0 where it shares the input's (flatten, in-place ReLU, dropout in evaluation mode). What `forward` does
    without a module (F.relu, +, torch.cat) has no row. Raises ValueError for an input that does not fit.
    """
    layers = {layer: name or "net" for name, layer in net.named_modules() if _is_layer(layer)}
    rows, counted = [], set()

    def add_row(layer, shape, multiply_adds, memory):
        own = {p: p.numel() for p in _own(layer) if p not in counted}
        counted.update(own)
        rows.append(Layer(layers[layer], type(layer).__name__, shape, sum(own.values()), multiply_adds, memory))

    def record(layer, inputs, output):
        outputs, given = _tensors(output), {X.untyped_storage()._cdata for X in _tensors(inputs)}
        sizes = {X.untyped_storage()._cdata: X.numel() * X.element_size() for X in outputs}
        shape = tuple(outputs[0].shape) if outputs else None
        new = sum(size for place, size in sizes.items() if place not in given)
        add_row(layer, shape, _multiply_adds(layer, inputs, output), new)

    with _undisturbed(net), contextlib.ExitStack() as hooks:
        for layer in layers:
            hooks.enter_context(layer.register_forward_hook(record))
        _run(net, net, input_shape)
    called = {row.name for row in rows}
    for layer, name in layers.items():
        if name not in called and _own(layer):
            add_row(layer, None, 0 if _countable(layer) else None, 0)
    return NetTable(rows, sum(p.numel() for p in net.parameters()))


def receptive_field(net: nn.Module, input_shape: Sequence[int]) -> Table:
    """List how much of an input of shape (N, C, H, W) one output of each layer sees: a Table of `Field`s.

    A kernel k with stride s, padding p per side and dilation d lets the field grow by d·(k − 1) steps of its input,
    begin p steps earlier and move s times as far. Where branches meet (+, torch.cat) a row gives the smallest
    field that holds them all. Rows end where the spatial axes do (flatten). Normalisation counts as pointwise. Raises
    ValueError for a `forward` that cannot be traced and for operations whose reach is unknown.
    """
    with _undisturbed(net):
        try:
            root = nn.Sequential(OrderedDict(net=net)) if _is_layer(net) else net
            follower = _Follower(fx.GraphModule(root, fx.Tracer().trace(root)))
        except Exception as error:
            raise ValueError(f"cannot trace the forward of {type(net).__name__} ({error}): receptive_field needs a "
                             "net whose path does not depend on its data") from error  # fmt: skip
        _run(net, follower.run, input_shape)
    return Table(follower.rows)


class _Follower(fx.Interpreter):
    """Runs a traced net. With (first, last, step) in spans, element i sees pixels first + i·step to last + i·step."""

    def __init__(self, module):
        super().__init__(module)
        self.extra_traceback = False  # errors reach the learner without the graph's inner names
        self.spans, self.sizes, self.rows = {}, {}, []

    def run_node(self, node):
        output = super().run_node(node)
        sources = [source for source in node.all_input_nodes if source in self.spans]
        if node.op == "placeholder":
            self.spans[node], self.sizes[node] = [(0, 0, 1)] * (output.dim() - 2), tuple(output.shape[2:])
        elif sources and node.op != "output" and getattr(output, "ndim", 0) == 2 + len(self.spans[sources[0]]):
            self._follow(node, sources, tuple(output.shape[2:]))
        return output

    def _follow(self, node, sources, size):
        layer = self.fetch_attr(node.target) if node.op == "call_module" else node.target
        windows = _windows(layer, self.sizes[sources[0]], size)
        spans = [_union(axis) for axis in zip(*(self.spans[source] for source in sources), strict=True)]
        self.sizes[node] = size
        self.spans[node] = [(first - p * step, last + (d * (k - 1) - p) * step, s * step)
                            for (first, last, step), (k, s, p, d) in zip(spans, windows, strict=True)]  # fmt: skip
        name = node.target if node.op == "call_module" else node.name if len(sources) > 1 else None
        if name:
            first, last, step = zip(*self.spans[node], strict=True)
            sizes = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
            self.rows.append(Field(name, _kind(layer), sizes, step, first))


def _union(spans):
    """The smallest span that holds all of them."""
    first, last, steps = zip(*spans, strict=True)
    if len(set(steps)) > 1:
        raise ValueError(f"branches of different stride meet, {steps} input pixels per output: no common field")
    return min(first), max(last), steps[0]


def _windows(layer, before, after):
    """(kernel, stride, padding in front, dilation) per axis of a module, function or method of that name."""
    axes, kind = len(before), _kind(layer)
    if isinstance(layer, (*CONVOLUTIONS, *POOLS)):
        k, s, d = (_each(getattr(layer, name, 1), axes) for name in ("kernel_size", "stride", "dilation"))
        if len(_each(layer.kernel_size, axes)) != axes:
            raise ValueError(f"{kind} needs {len(layer.kernel_size)} axes after (N, C), the input has {axes}: "
                             "give input_shape as (N, C, H, W), for one axis fewer (N, C, L)")
        named = {"same": [b * (a - 1) // 2 for a, b in zip(k, d, strict=True)], "valid": 0}
        p = _each(named.get(layer.padding, layer.padding), axes)
        return list(zip(k, s, p, d, strict=True))
    if "adaptive" in kind.lower() and all(n % m == 0 for n, m in zip(before, after, strict=True)):
        return [(n // m, n // m, 0, 1) for n, m in zip(before, after, strict=True)]
    family = type(layer).__module__.removeprefix("torch.nn.modules.")
    if before == after and (kind in POINTWISE or family in POINTWISE_MODULES and kind != "Linear"):
        return [(1, 1, 0, 1)] * axes
    raise ValueError(f"the reach of {kind} ({before} to {after}) is unknown: receptive_field follows convolution, "
                     "max and average pooling as nn modules, and what works pixel by pixel")  # fmt: skip


def _kind(layer):
    """The name of a method (already text), a function, or a module's class."""
    return layer if isinstance(layer, str) else getattr(layer, "__name__", type(layer).__name__)


def _multiply_adds(layer, inputs, output):
    """Multiply-adds of one call; None for parameters that are used in a way we do not know."""
    if isinstance(layer, (*CONVOLUTIONS, nn.Linear, *TRANSPOSED)):
        # Each output is a sum over one weight[i]; transposed, each input is spread over one.
        return (inputs[0] if isinstance(layer, TRANSPOSED) else output).numel() * layer.weight[0].numel()
    return 0 if _countable(layer) else None


def _countable(layer):
    return isinstance(layer, (*CONVOLUTIONS, *TRANSPOSED, nn.Linear, *FREE)) or not _own(layer)


def _is_layer(module):
    return not list(module.children()) or _own(module)


def _own(module):
    return list(module.parameters(recurse=False))


def _run(net, call, input_shape):
    """Call the net on zeros of its own device and dtype."""
    input_shape, parameters = check_shape(input_shape), [p for p in net.parameters() if p.is_floating_point()]
    if any(nn.parameter.is_lazy(p) for p in parameters):
        raise ValueError("the net has lazy layers without a shape yet: call it once on a batch, then ask again")
    X = torch.zeros(input_shape)
    X = X.to(parameters[0].device, parameters[0].dtype) if parameters else X
    try:
        call(X)
    except Exception as error:
        sentence = f"{type(net).__name__}, given an input of shape {input_shape}: {advised(net, error)}"
        raise ValueError(sentence) from error


@contextlib.contextmanager
def _undisturbed(net):
    """Evaluation mode without gradients; afterwards every module's mode and the random state are back."""
    modes = {module: module.training for module in net.modules()}
    gpus = sorted({p.device.index for p in net.parameters() if p.device.type == "cuda"})
    with torch.no_grad(), torch.random.fork_rng(devices=gpus):
        try:
            for module in modes:
                module.training = False
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode


def _tensors(value):
    """All tensors in a tensor, tuple, list or dict."""
    if isinstance(value, torch.Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return [X for part in parts for X in _tensors(part)]


def _each(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)
