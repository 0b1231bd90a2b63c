"""The blocks that the nets of the course are built of (book, chapter 7)."""

import torch
from torch import nn


def conv(in_channels, out_channels, kernel_size, *, stride=1, padding=0, batch_norm=False):
    """Return [convolution, ReLU] as a list, with batch normalisation between them on demand."""
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding)
    return [layer, nn.BatchNorm2d(out_channels), nn.ReLU()] if batch_norm else [layer, nn.ReLU()]


def nin_block(in_channels, out_channels, kernel_size, stride=1, padding=0, *, batch_norm=False, last_relu=True):
    """Return NiN's block: a convolution and two of 1×1, each with its ReLU, (N, in, H, W) -> (N, out, Ho, Wo)."""
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
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, *, kind: str = "plain",
                 skip: bool = True, batch_norm: bool = True):  # fmt: skip
        super().__init__()
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
        elif stride == 1 and in_channels == out_channels:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride)

    def forward(self, X):
        Y = self.g(X)
        return self.after(Y if self.shortcut is None else Y + self.shortcut(X))


def scaled(width, *channels):
    """Return the numbers of channels times the width, each at least 1."""
    return [max(1, round(width * n)) for n in channels]


def positive(**sizes):
    """Raise ValueError for a size that is not above 0."""
    for name, value in sizes.items():
        if not value > 0:
            raise ValueError(f"{name} is {value!r}, must be above 0")
