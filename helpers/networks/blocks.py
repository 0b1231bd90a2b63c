"""The blocks that the nets of the course are built of (book, chapter 7).

Called as the book calls them they build the book's blocks, `strides` and `use_1x1conv` included; where a call of the
book would mean something else here, it is refused in a sentence.
"""

import math
import numbers

import torch
from torch import nn


def conv(in_channels, out_channels, kernel_size, *, stride=1, padding=0, batch_norm=False):
    """Return [convolution, ReLU] as a list, with batch normalisation between them on demand."""
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding)
    return [layer, nn.BatchNorm2d(out_channels), nn.ReLU()] if batch_norm else [layer, nn.ReLU()]


def vgg_block(num_convs, in_channels, out_channels, *, batch_norm=False):
    """Return VGG's block: 3×3 convolutions, each with its ReLU, and pooling, (N, in, H, W) -> (N, out, H/2, W/2)."""
    positive(num_convs=num_convs, in_channels=in_channels, out_channels=out_channels)
    layers = []
    for before in (in_channels, *[out_channels] * (num_convs - 1)):
        layers += conv(before, out_channels, 3, padding=1, batch_norm=batch_norm)
    return nn.Sequential(*layers, nn.MaxPool2d(2, stride=2))


def nin_block(in_channels, out_channels, kernel_size, stride=1, padding=0, *, batch_norm=False, last_relu=True,
              strides=None):
    """Return NiN's block: a convolution and two of 1×1, each with its ReLU, (N, in, H, W) -> (N, out, Ho, Wo).

    `strides` is the book's name for `stride`.
    """
    stride = one_stride(stride, strides)
    positive(in_channels=in_channels, out_channels=out_channels)
    layers = [
        *conv(in_channels, out_channels, kernel_size, stride=stride, padding=padding, batch_norm=batch_norm),
        *conv(out_channels, out_channels, 1, batch_norm=batch_norm),
        *conv(out_channels, out_channels, 1, batch_norm=batch_norm),
    ]
    return nn.Sequential(*(layers if last_relu else layers[:-1]))


class Paths(nn.Module):
    """Several paths over the same input, their outputs joined along the channels: (N, C, H, W) -> (N, sum, Ho, Wo)."""

    def __init__(self, *paths: nn.Module):
        super().__init__()
        self.paths = nn.ModuleList(paths)

    def forward(self, X):
        return torch.cat([path(X) for path in self.paths], dim=1)


def inception(
    in_channels: int, c1: int, c2: tuple[int, int], c3: tuple[int, int], c4: int, *, batch_norm: bool = False
) -> Paths:
    """Return GoogLeNet's Inception block for X (N, in_channels, H, W) -> (N, c1 + c2[1] + c3[1] + c4, H, W).

    Four paths: 1×1; 1×1 and 3×3; 1×1 and 5×5; 3×3 max pooling and 1×1 (Szegedy et al. 2014, figure 2b).
    """

    positive(in_channels=in_channels, c1=c1, c4=c4)
    for name, pair in (("c2", c2), ("c3", c3)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"{name} is {repr(pair)[:60]}, must be two numbers of channels, behind the 1×1 and behind "
                            "the large convolution")  # fmt: skip
        for size in pair:
            positive(**{name: size})

    def convolve(a, b, k):
        return conv(a, b, k, padding=k // 2, batch_norm=batch_norm)

    return Paths(
        nn.Sequential(*convolve(in_channels, c1, 1)),
        nn.Sequential(*convolve(in_channels, c2[0], 1), *convolve(*c2, 3)),
        nn.Sequential(*convolve(in_channels, c3[0], 1), *convolve(*c3, 5)),
        nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *convolve(in_channels, c4, 1)),
    )


class Residual(nn.Module):
    """X + g(X), (N, in_channels, H, W) -> (N, out_channels, H / stride, W / stride), rounded up.

    kind 'plain' is the book's block, conv-norm-ReLU-conv-norm, + X, ReLU (He et al. 2015). 'pre' is norm-ReLU-conv
    twice, + X and nothing behind the sum (He et al. 2016). 'bottleneck' puts the 3×3 convolution between two of 1×1
    and a quarter of the channels. Where channels or size change, a 1×1 convolution brings X to the new shape. With
    `skip=False` nothing is added: the same layers, stacked plainly.

    The book's names work, too: `strides`, and `use_1x1conv`, which puts the 1×1 convolution even where X has the shape
    already; ValueError where it is False and the shapes differ.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, kind: str = "plain",
                 skip: bool = True, batch_norm: bool = True, use_1x1conv: bool | None = None,
                 strides: int | None = None):  # fmt: skip
        super().__init__()
        stride = one_stride(stride, strides)
        positive(in_channels=in_channels, out_channels=out_channels)
        same = stride == 1 and in_channels == out_channels
        if use_1x1conv is False and skip and not same:
            raise ValueError(f"use_1x1conv is False, but {in_channels} channels become {out_channels} at stride "
                             f"{stride}: the sum needs the 1×1 convolution, leave use_1x1conv away or set it True")
        if kind not in ("plain", "pre", "bottleneck"):
            raise ValueError(f"kind is {kind!r}, must be 'plain', 'pre' or 'bottleneck'")
        middle = max(1, out_channels // 4) if kind == "bottleneck" else out_channels
        shapes = [(in_channels, middle, 3, stride), (middle, out_channels, 3, 1)]
        if kind == "bottleneck":
            shapes = [(in_channels, middle, 1, 1), (middle, middle, 3, stride), (middle, out_channels, 1, 1)]
        layers = []
        for a, b, k, s in shapes:
            convolution = nn.Conv2d(a, b, k, stride=s, padding=k // 2)
            norm = [nn.BatchNorm2d(a if kind == "pre" else b)] if batch_norm else []
            layers += [*norm, nn.ReLU(), convolution] if kind == "pre" else [convolution, *norm, nn.ReLU()]
        self.g = nn.Sequential(*(layers if kind == "pre" else layers[:-1]))  # the last ReLU follows the sum
        self.after = nn.Identity() if kind == "pre" else nn.ReLU()
        if not skip:
            self.shortcut = None
        elif same and not use_1x1conv:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, X):
        Y = self.g(X)
        return self.after(Y if self.shortcut is None else Y + self.shortcut(X))


def scaled(width, *channels):
    """Return the numbers of channels times the width, each at least 1."""
    return [max(1, round(width * n)) for n in channels]


def one_stride(stride, strides):
    """Return the stride, which the book calls strides; TypeError for both, or for use_1x1conv in its place."""
    if isinstance(stride, bool) or isinstance(strides, bool):
        raise TypeError(f"stride is {stride if isinstance(stride, bool) else strides}, must be a whole number: if you "
                        "mean the book's use_1x1conv, name it, use_1x1conv=True")  # fmt: skip
    if strides is not None and stride != 1:
        raise TypeError(f"stride is {stride} and strides is {strides}: give one of them, they are the same")
    stride = stride if strides is None else strides
    for number in stride if isinstance(stride, (tuple, list)) else (stride,):
        positive(stride=number)
    return stride


def positive(**sizes):
    """Raise ValueError for a size that is not above 0, TypeError if it is not whole; `width` may be a fraction."""
    for name, value in sizes.items():
        kind, words = (numbers.Real, "a number") if name == "width" else (numbers.Integral, "a whole number")
        if isinstance(value, bool) or not isinstance(value, kind):
            raise TypeError(f"{name} is {repr(value)[:60]}, must be {words} above 0")
        if not 0 < value < math.inf:
            raise ValueError(f"{name} is {value!r}, must be {'finite' if value == math.inf else 'above 0'}")
