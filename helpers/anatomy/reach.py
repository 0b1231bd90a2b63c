"""How much of the picture each layer of a net sees: followed through the net's graph, layer by layer."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, fx, nn

from helpers.drawing.tables import Table

from .copies import arguments_of, tensors_in
from .counts import heard_copy, run_on_zeros, undisturbed

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
POOLS = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
# Families of torch.nn modules, and functions, that do not look at neighbours as long as they keep the shape.
FAMILIES = ("activation", "batchnorm", "dropout", "instancenorm", "normalization", "channelshuffle")
ALONG_AN_AXIS = ("Softmax", "LogSoftmax", "Softmin", "GLU")  # pixel by pixel along the channels alone
POINTWISE = ("relu relu_ relu6 leaky_relu elu gelu silu sigmoid tanh hardswish hardsigmoid dropout batch_norm "
             "contiguous clone add add_ iadd sub mul mul_ imul truediv cat concat").split()  # fmt: skip
WAY_OUT = "measured_field of helpers.inside measures the field of any layer"


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


def receptive_field(net: nn.Module, input_shape: Sequence) -> Table:
    """List how much of an input of shape (N, C, H, W) one output of each layer sees: a Table of `Field`s.

    A kernel k with stride s, padding p per side and dilation d lets the field grow by d·(k − 1) steps of its input,
    begin p steps earlier and move s times as far. Where branches meet (+, torch.cat) a row gives the smallest
    field that holds them all. Rows end where the spatial axes do (flatten). Normalisation counts as pointwise.

    For several inputs give a tuple of shapes, or a dict of them by the names that `forward` has: the field is that in
    the first one with spatial axes, and in others of its size. Raises ValueError for a `forward` that cannot be
    traced, for operations whose reach is unknown, and where the spatial axes come back after they had gone (squeeze
    and excite, channel shuffle, attention): `helpers.inside.measured_field` measures those.
    """
    twin = heard_copy(net)
    with undisturbed(twin):
        try:
            root = nn.Sequential(OrderedDict(net=twin)) if _is_leaf(twin) else twin
            follower = _Follower(fx.GraphModule(root, fx.Tracer().trace(root)))
        except Exception as error:
            raise ValueError(f"cannot trace the forward of {type(net).__name__} ({error}): receptive_field needs a net "
                             f"whose path does not depend on its data; {WAY_OUT}") from error  # fmt: skip
        run_on_zeros(twin, lambda X: follower.follow(arguments_of(root, X)), input_shape)
    return Table(follower.rows)


class _Follower(fx.Interpreter):
    """Runs a traced net. With (first, last, step) in spans, element i sees pixels first + i·step to last + i·step.

    `spans` has None for what depends on the picture and has left its axes: where those come back, nobody can say what
    an element sees.
    """

    def __init__(self, module):
        super().__init__(module)
        self.extra_traceback = False  # errors reach the learner without the graph's inner names
        self.spans, self.sizes, self.rows, self.picture = {}, {}, [], None

    def follow(self, arguments):
        """Run on the arguments of forward, by name; what is left out has its default."""
        names = [node.target.lstrip("*") for node in self.module.graph.nodes if node.op == "placeholder"]
        defaults = {node.target: node.args[0] for node in self.module.graph.nodes
                    if node.op == "placeholder" and node.args}  # fmt: skip
        self.run(*(arguments[name] if name in arguments else defaults[name] for name in names))

    def run_node(self, node):
        output = super().run_node(node)
        sources = [source for source in node.all_input_nodes if source in self.spans]
        if node.op == "placeholder" or self._is_item_of_input(node):
            self._enter(node, output)
        elif sources and node.op != "output":
            self._follow(node, sources, output)
        return output

    def _is_item_of_input(self, node):
        """Whether it takes one entry of an input that is a dict or tuple of tensors."""
        given = node.all_input_nodes
        return _kind(node.target) == "getitem" and given[0].op == "placeholder" and given[0] not in self.spans

    def _enter(self, node, X):
        if isinstance(X, Tensor) and X.ndim > 2:
            size = tuple(X.shape[2:])
            self.picture = self.picture or size
            self.sizes[node] = size
            self.spans[node] = [(0, 0, 1)] * len(size) if size == self.picture else None

    def _follow(self, node, sources, output):
        layer = self.fetch_attr(node.target) if node.op == "call_module" else node.target
        if not isinstance(output, Tensor):
            if tensors_in(output):  # otherwise it is a size or a flag, no part of the picture
                self.spans[node] = None
            return
        if output.ndim != 2 + len(self.picture):
            self.spans[node] = None
            return
        if lost := [source for source in sources if self.spans[source] is None]:
            raise ValueError(f"{_words(node, layer)} brings back rows and columns that went at {lost[0].name}: what it "
                             f"sees cannot be followed; {WAY_OUT}")  # fmt: skip
        if len({self.sizes[source] for source in sources}) > 1:
            raise ValueError(f"branches of different size or stride meet at {_words(node, layer)}, "
                             f"{' and '.join(str(self.sizes[s]) for s in sources)}: no common field; {WAY_OUT}")
        self._grow(node, layer, sources, tuple(output.shape[2:]))

    def _grow(self, node, layer, sources, size):
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


def _is_leaf(net):
    """Whether fx would take the net as one layer, and not look into it."""
    return fx.Tracer().is_leaf_module(net, "")


def _union(spans):
    """The smallest span that holds all of them."""
    first, last, steps = zip(*spans, strict=True)
    if len(set(steps)) > 1:
        raise ValueError(f"branches of different stride meet, {steps} input pixels per output: no common field; "
                         f"{WAY_OUT}")  # fmt: skip
    return min(first), max(last), steps[0]


def _windows(layer, before, after):
    """(kernel, stride, padding in front, dilation) per axis of a module, function or method of that name."""
    axes, kind = len(before), _kind(layer)
    if getattr(layer, "padding_mode", "") == "circular":
        raise ValueError(f"{kind} is padded with what lies at the opposite edge: no field of one piece; {WAY_OUT}")
    if isinstance(layer, (*CONVOLUTIONS, *POOLS)):
        k, s, d = (each_axis(getattr(layer, name, 1), axes) for name in ("kernel_size", "stride", "dilation"))
        if len(each_axis(layer.kernel_size, axes)) != axes:
            raise ValueError(f"{kind} needs {len(layer.kernel_size)} axes after (N, C), the input has {axes}: "
                             "give input_shape as (N, C, H, W), for one axis fewer (N, C, L)")
        named = {"same": [b * (a - 1) // 2 for a, b in zip(k, d, strict=True)], "valid": 0}
        p = each_axis(named.get(layer.padding, layer.padding), axes)
        return list(zip(k, s, p, d, strict=True))
    if isinstance(layer, nn.ZeroPad2d):
        left, _, top, _ = layer.padding
        return [(1, 1, top, 1), (1, 1, left, 1)]
    if "adaptive" in kind.lower() and all(n % m == 0 for n, m in zip(before, after, strict=True)):
        return [(n // m, n // m, 0, 1) for n, m in zip(before, after, strict=True)]
    if before == after and (kind in POINTWISE or _stays_in_place(layer, kind)):
        return [(1, 1, 0, 1)] * axes
    raise ValueError(f"the reach of {kind} ({before} to {after}) is unknown: receptive_field follows convolution, "
                     f"max and average pooling as nn modules, and what works pixel by pixel; {WAY_OUT}")  # fmt: skip


def _stays_in_place(layer, kind):
    """Whether a module works pixel by pixel."""
    if kind in ALONG_AN_AXIS:
        return layer.dim == 1
    family = type(layer).__module__.removeprefix("torch.nn.modules.")
    return kind == "Identity" or family in FAMILIES and kind != "MultiheadAttention"


def _kind(layer):
    """The name of a method (already text), a function, or a module's class."""
    return layer if isinstance(layer, str) else getattr(layer, "__name__", type(layer).__name__)


def _words(node, layer):
    return f"{node.target} ({_kind(layer)})" if node.op == "call_module" else node.name


def each_axis(value, axes: int = 2) -> tuple:
    """Return a layer's window, stride or padding for each axis: one number stands for all."""
    return (value,) * axes if isinstance(value, int) else tuple(value)
