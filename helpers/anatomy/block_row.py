"""A net as one row for `show_blocks`: what each layer with windows or weights makes of the picture."""

from torch import nn

from .counts import describe_net
from .reach import each_axis

SHORT = {"Conv2d": "conv", "MaxPool2d": "max", "AvgPool2d": "mean", "AdaptiveAvgPool2d": "mean", "Linear": "dense"}


def block_row(net: nn.Module, input_shape: tuple[int, int, int, int]) -> list[tuple[str, tuple[int, ...]]]:
    """Return (name, shape) of the input (1, C, H, W) and of each convolution's, pooling's and dense layer's output.

    The shapes are (C, H, W), or (N,) behind a dense layer, without the batch; a name is "conv 11×11, stride 4".
    Meant for nets that call their layers one after the other; branches stand in the row in the order of their calls.
    Raises ValueError, as `describe_net` does, for an input that does not fit.
    """
    table = describe_net(net, input_shape)
    made = [(_named(net.get_submodule(row.name)), row.output_shape[1:]) for row in table if row.type in SHORT]
    return [("", tuple(input_shape[1:])), *made]


def _named(layer):
    """Say what a layer is, with its window, and its stride where it moves by more than 1."""
    words = SHORT[type(layer).__name__]
    if not hasattr(layer, "kernel_size"):
        return words
    (height, width), (down, across) = each_axis(layer.kernel_size), each_axis(layer.stride)
    stride = down if down == across else f"{down}×{across}"
    return f"{words} {height}×{width}" + (f", stride {stride}" if stride != 1 else "")
