"""The nets of the course, each with its channels in, classes out and a width factor.

At width 1 they are the nets of *Dive into Deep Learning*, chapters 6 and 7. `width` multiplies the channels, each at
least one. Where a dense layer follows the convolutions its size depends on the picture's: `image_size` says it.
ValueError answers sizes that are not positive and pictures too small for a net's windows.
"""

import functools
from collections.abc import Callable, Sequence

from torch import nn

from helpers.ops import output_size

from .blocks import Residual, conv, inception, nin_block, positive, scaled, vgg_block
from .inception_v3 import inception_v3_blocks as inception_v3_blocks  # listed here with the other nets

VGG11 = ((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))  # (convolutions, channels) of each block
RESNET = (64, 128, 256, 512)  # channels of the stages
# Per Inception block: path 1 (1×1), path 2 (1×1, 3×3), path 3 (1×1, 5×5), path 4 (1×1 after pooling).
INCEPTIONS = (
    ((64, (96, 128), (16, 32), 32), (128, (128, 192), (32, 96), 64)),
    (
        (192, (96, 208), (16, 48), 64), (160, (112, 224), (24, 64), 64), (128, (128, 256), (24, 64), 64),
        (112, (144, 288), (32, 64), 64), (256, (160, 320), (32, 128), 128),
    ),
    ((256, (160, 320), (32, 128), 128), (384, (192, 384), (48, 128), 128)),
)  # fmt: skip


def lenet(
    in_channels: int = 1,
    num_classes: int = 10,
    width: float = 1.0,
    *,
    activation: Callable[[], nn.Module] = nn.Sigmoid,
    pooling: Callable[[int], nn.Module] = nn.AvgPool2d,
    batch_norm: bool = False,
) -> nn.Sequential:
    """Return LeNet for X (N, in_channels, 28, 28) -> logits (N, num_classes) (book, 6.6).

    `width` also multiplies the dense layers 120 and 84. `activation()` and `pooling(2)` make the layers in between:
    nn.ReLU and nn.MaxPool2d give the modern form. With `batch_norm` each hidden layer is normalised before its
    activation.
    """
    positive(in_channels=in_channels, num_classes=num_classes, width=width)
    for name, make in (("activation", activation), ("pooling", pooling)):
        if isinstance(make, nn.Module) or not callable(make):
            raise TypeError(f"{name} is {repr(make)[:60]}, must make a layer when it is called, as nn.ReLU does")
    first, second, third, fourth = scaled(width, 6, 16, 120, 84)

    def then(layer, size):
        norm = nn.BatchNorm2d if isinstance(layer, nn.Conv2d) else nn.BatchNorm1d
        return [layer, norm(size), activation()] if batch_norm else [layer, activation()]

    return nn.Sequential(
        *then(nn.Conv2d(in_channels, first, kernel_size=5, padding=2), first), pooling(2),
        *then(nn.Conv2d(first, second, kernel_size=5), second), pooling(2),
        nn.Flatten(),
        *then(nn.Linear(second * 5 * 5, third), third),
        *then(nn.Linear(third, fourth), fourth),
        nn.Linear(fourth, num_classes),
    )  # fmt: skip


def bn_lenet(in_channels: int = 1, num_classes: int = 10, width: float = 1.0, **options) -> nn.Sequential:
    """Return LeNet with batch normalisation for X (N, in_channels, 28, 28) (book, 7.5); options as `lenet`'s."""
    return lenet(in_channels, num_classes, width, batch_norm=True, **options)


def alexnet(
    in_channels: int = 1,
    num_classes: int = 10,
    width: float = 1.0,
    *,
    image_size: int = 224,
    stem_stride: int = 4,
    hidden: int = 4096,
    dropout: float = 0.5,
) -> nn.Sequential:
    """Return AlexNet for X (N, in_channels, image_size, image_size) -> logits (N, num_classes) (book, 7.1).

    Pictures of 65 px or more pass with the stem's stride of 4; a stride of 2 or 1 admits 37 or 23. `hidden` is the
    size of the two dense layers, which `width` leaves alone.
    """
    positive(in_channels=in_channels, num_classes=num_classes, width=width, hidden=hidden, stem_stride=stem_stride)
    a, b, c, d, e = scaled(width, 96, 256, 384, 384, 256)
    features = [
        *conv(in_channels, a, 11, stride=stem_stride, padding=1), nn.MaxPool2d(3, stride=2),
        *conv(a, b, 5, padding=2), nn.MaxPool2d(3, stride=2),
        *conv(b, c, 3, padding=1), *conv(c, d, 3, padding=1), *conv(d, e, 3, padding=1),
        nn.MaxPool2d(3, stride=2),
    ]  # fmt: skip
    return nn.Sequential(*features, *_dense(e * _size_after(features, image_size) ** 2, hidden, dropout, num_classes))


def vgg(
    in_channels: int = 1,
    num_classes: int = 10,
    width: float = 1.0,
    *,
    blocks: Sequence[tuple[int, int]] = VGG11,
    image_size: int = 224,
    hidden: int = 4096,
    dropout: float = 0.5,
    batch_norm: bool = False,
) -> nn.Sequential:
    """Return VGG for X (N, in_channels, image_size, image_size) -> logits (N, num_classes) (book, 7.2).

    `blocks` lists (convolutions, channels) per block, VGG-11 unless given; each block halves the picture, so
    image_size is at least 2 to the power of their number. `hidden` is the size of the two dense layers, which
    `width` leaves alone. The book's call `vgg(blocks)` works, too, for one channel.
    """
    if isinstance(in_channels, (tuple, list)):
        if blocks is not VGG11 or num_classes != 10 or width != 1.0:
            raise TypeError(f"the first argument is {repr(in_channels)[:60]}: name it, blocks=…, where you give others")
        in_channels, blocks = 1, in_channels
    positive(in_channels=in_channels, num_classes=num_classes, width=width, hidden=hidden)
    features, channels = [], in_channels
    for convolutions, full in pairs(blocks):
        positive(convolutions=convolutions, channels=full)
        (size,) = scaled(width, full)
        features.append(vgg_block(convolutions, channels, size, batch_norm=batch_norm))
        channels = size
    last = _size_after([layer for block in features for layer in block], image_size)
    return nn.Sequential(*features, *_dense(channels * last**2, hidden, dropout, num_classes))


def nin(
    in_channels: int = 1,
    num_classes: int = 10,
    width: float = 1.0,
    *,
    stem_stride: int = 4,
    dropout: float = 0.5,
    batch_norm: bool = False,
    last_relu: bool = True,
) -> nn.Sequential:
    """Return network in network for X (N, in_channels, H, W) -> logits (N, num_classes) (book, 7.3).

    H and W of 67 or more pass with the stem's stride of 4; a stride of 2 or 1 admits 39 or 25. The book's net ends
    in a ReLU, which keeps its logits at 0 or above and lets runs die; `last_relu=False` leaves it away, together with
    the last block's final batch normalisation.
    """
    positive(in_channels=in_channels, num_classes=num_classes, width=width, stem_stride=stem_stride)
    a, b, c = scaled(width, 96, 256, 384)
    head = nin_block(c, num_classes, 3, padding=1, batch_norm=batch_norm, last_relu=last_relu)
    if batch_norm and not last_relu:
        head = head[:-1]
    return nn.Sequential(
        nin_block(in_channels, a, 11, stem_stride, batch_norm=batch_norm), nn.MaxPool2d(3, stride=2),
        nin_block(a, b, 5, padding=2, batch_norm=batch_norm), nn.MaxPool2d(3, stride=2),
        nin_block(b, c, 3, padding=1, batch_norm=batch_norm), nn.MaxPool2d(3, stride=2),
        nn.Dropout(dropout),
        head, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def googlenet(
    in_channels: int = 1, num_classes: int = 10, width: float = 1.0, *, stem_stride: int = 2, batch_norm: bool = False
) -> nn.Sequential:
    """Return GoogLeNet for X (N, in_channels, H, W) -> logits (N, num_classes), of any H and W (book, 7.4).

    Five stages, which halve H and W five times, and a dense layer; `stem_stride=1` halves four times. The auxiliary
    heads of the paper are left out.
    """
    positive(in_channels=in_channels, num_classes=num_classes, width=width, stem_stride=stem_stride)
    a, b = scaled(width, 64, 192)
    stages = [
        nn.Sequential(*conv(in_channels, a, 7, stride=stem_stride, padding=3, batch_norm=batch_norm), _halve()),
        nn.Sequential(
            *conv(a, a, 1, batch_norm=batch_norm), *conv(a, b, 3, padding=1, batch_norm=batch_norm), _halve()
        ),
    ]
    channels = b
    for blocks in INCEPTIONS:
        stage = []
        for paths in blocks:
            c1, c2, c3, c4 = _narrowed(paths, width)
            stage.append(inception(channels, c1, c2, c3, c4, batch_norm=batch_norm))
            channels = c1 + c2[1] + c3[1] + c4
        last = blocks is INCEPTIONS[-1]
        stage += [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if last else [_halve()]
        stages.append(nn.Sequential(*stage))
    return nn.Sequential(*stages, nn.Linear(channels, num_classes))


def not_the_books_order(build: Callable) -> Callable:
    """Return `build`, which takes (in_channels, num_classes), refusing what reads as the book's (num_classes, …)."""

    @functools.wraps(build)
    def checked(*args, **options):
        alone = len(args) == 1 and "num_classes" not in options
        turned = len(args) > 1 and args[1] in (1, 3) and isinstance(args[0], int) and args[0] > args[1]
        if alone or turned:
            given = ", ".join(repr(value)[:20] for value in args)
            raise TypeError(f"{build.__name__}({given}) can be read in two ways, in the book num_classes stands first, "
                            "here in_channels: write num_classes=… and in_channels=…, and stem='3x3' for d2l's net")
        return build(*args, **options)

    return checked


@not_the_books_order
def resnet18(
    in_channels: int = 1,
    num_classes: int = 10,
    width: float = 1.0,
    *,
    kind: str = "plain",
    stem: str = "7x7",
    blocks: int = 2,
    skip: bool = True,
    batch_norm: bool = True,
) -> nn.Sequential:
    """Return ResNet-18 for X (N, in_channels, H, W) -> logits (N, num_classes), of any H and W (book, 7.6).

    The stem, four stages of `blocks` residual blocks each, global average pooling, a dense layer. Stem '7x7' (stride 2,
    then pooling) suits pictures of about 64 px and more; '3x3' keeps the size, for about 32 px. `kind`, `skip` and
    `batch_norm` are those of `Residual`. The book's function has its arguments the other way round: TypeError for a
    call such as resnet18(10), which does not say what the number is.
    """
    positive(in_channels=in_channels, num_classes=num_classes, width=width, blocks=blocks)
    if stem not in ("7x7", "3x3"):
        raise ValueError(f"stem is {stem!r}, must be '7x7' or '3x3'")
    options = {"kind": kind, "skip": skip, "batch_norm": batch_norm}
    sizes = scaled(width, *RESNET)
    k, s = (7, 2) if stem == "7x7" else (3, 1)
    norm = [nn.BatchNorm2d(sizes[0])] if batch_norm else []
    layers = [nn.Conv2d(in_channels, sizes[0], k, stride=s, padding=k // 2), *norm, nn.ReLU()]
    layers += [nn.MaxPool2d(3, stride=2, padding=1)] if stem == "7x7" else []
    net = [nn.Sequential(*layers)]
    for i, size in enumerate(sizes):
        before, stride = (size, 1) if i == 0 else (sizes[i - 1], 2)
        first = Residual(before, size, stride, **options)
        net.append(nn.Sequential(first, *(Residual(size, size, **options) for _ in range(blocks - 1))))
    last = [nn.BatchNorm2d(sizes[-1]), nn.ReLU()] if kind == "pre" and batch_norm else []
    return nn.Sequential(*net, *last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(sizes[-1], num_classes))


def pairs(blocks):
    """Return VGG's blocks as a list; TypeError where they are not (convolutions, channels)."""
    blocks = list(blocks) if isinstance(blocks, (tuple, list)) else [blocks]
    if not all(isinstance(block, (tuple, list)) and len(block) == 2 for block in blocks):
        raise TypeError(f"blocks is {repr(blocks)[:60]}, must be pairs (convolutions, channels): ((1, 64), (1, 128))")
    return blocks


def _dense(inputs, hidden, dropout, num_classes):
    """AlexNet's and VGG's head."""
    return [
        nn.Flatten(),
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(hidden, num_classes),
    ]  # fmt: skip


def _size_after(layers, size):
    """Height of a picture of that height after the layers; ValueError where a window does not fit any more."""
    positive(image_size=size)
    start = size
    for layer in layers:
        if hasattr(layer, "kernel_size"):
            try:
                size = output_size(size, layer.kernel_size, stride=layer.stride, padding=layer.padding)
            except ValueError as error:
                raise ValueError(f"a picture of {start} px is too small for {layer}: {error}") from None
            size = size[0] if isinstance(size, tuple) else size
    return size


def _halve():
    return nn.MaxPool2d(3, stride=2, padding=1)


def _narrowed(paths, width):
    """The channels of the four paths times the width."""
    return [tuple(scaled(width, *p)) if isinstance(p, Sequence) else scaled(width, p)[0] for p in paths]
