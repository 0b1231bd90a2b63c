"""Blocks of Inception v3 (Szegedy et al. 2015, *Rethinking the Inception Architecture for Computer Vision*).

Channels, paths and their order are those of `torchvision.models.inception_v3`, so that its weights fit. Every
convolution is without bias, followed by batch normalisation with ε = 0.001 and ReLU.
"""

from torch import Tensor, nn

from .blocks import Paths, positive, scaled

LEAST = 7  # height and width that the two halvings still fit into: 7, 3, 1


def conv_norm(in_channels, out_channels, kernel_size, *, stride=1, padding=0) -> nn.Sequential:
    """Return convolution without bias, batch normalisation, ReLU: (N, in_channels, H, W) -> (N, out, Ho, Wo)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding, bias=False),
        nn.BatchNorm2d(out_channels, eps=0.001),
        nn.ReLU(),
    )


def inception_a(in_channels: int, pool_channels: int, width: float = 1.0) -> Paths:
    """Return block A for X (N, in_channels, H, W) -> (N, 224 + pool_channels, H, W) at width 1 (paper, figure 5).

    Paths: 1×1; 1×1 and 5×5; 1×1 and twice 3×3; average pooling and 1×1. The paper's figure has a third 3×3 in the
    place of the 5×5 that its authors' code, and torchvision's, kept.
    """
    a, b, c, d = scaled(width, 48, 64, 96, pool_channels)
    return Paths(
        conv_norm(in_channels, b, 1),
        nn.Sequential(conv_norm(in_channels, a, 1), conv_norm(a, b, 5, padding=2)),
        nn.Sequential(conv_norm(in_channels, b, 1), conv_norm(b, c, 3, padding=1), conv_norm(c, c, 3, padding=1)),
        _pooled(in_channels, d),
    )


def reduction_a(in_channels: int, width: float = 1.0) -> Paths:
    """Return the first grid reduction, X (N, in_channels, H, W) -> (N, in_channels + 480, (H - 1) // 2, (W - 1) // 2).

    480 at width 1. Two convolutional paths of stride 2 beside max pooling of stride 2 (paper, figure 10).
    """
    a, b, c = scaled(width, 64, 96, 384)
    return Paths(
        conv_norm(in_channels, c, 3, stride=2),
        nn.Sequential(conv_norm(in_channels, a, 1), conv_norm(a, b, 3, padding=1), conv_norm(b, b, 3, stride=2)),
        nn.MaxPool2d(3, stride=2),
    )


def inception_b(in_channels: int, middle: int = 128, width: float = 1.0) -> Paths:
    """Return block B for X (N, in_channels, H, W) -> (N, 768, H, W) at width 1: 7×7 as 1×7 and 7×1 (paper, figure 6).

    `middle` channels pass between the factors: 128 in the first block of the net, up to 192 in the last.
    """
    m, out = scaled(width, middle, 192)
    once = [conv_norm(in_channels, m, 1), _row(m, m, 7), _column(m, out, 7)]
    twice = [conv_norm(in_channels, m, 1), _column(m, m, 7), _row(m, m, 7), _column(m, m, 7), _row(m, out, 7)]
    return Paths(
        conv_norm(in_channels, out, 1), nn.Sequential(*once), nn.Sequential(*twice), _pooled(in_channels, out)
    )


def reduction_b(in_channels: int, width: float = 1.0) -> Paths:
    """Return the second grid reduction, as the first but with in_channels + 512 channels out at width 1."""
    a, b = scaled(width, 192, 320)
    far = [conv_norm(in_channels, a, 1), _row(a, a, 7), _column(a, a, 7), conv_norm(a, a, 3, stride=2)]
    return Paths(
        nn.Sequential(conv_norm(in_channels, a, 1), conv_norm(a, b, 3, stride=2)),
        nn.Sequential(*far),
        nn.MaxPool2d(3, stride=2),
    )


def inception_c(in_channels: int, width: float = 1.0) -> Paths:
    """Return block C for X (N, in_channels, H, W) -> (N, 2048, H, W) at width 1: 1×3 beside 3×1 (paper, figure 7)."""
    a, b, c, d = scaled(width, 192, 320, 384, 448)
    return Paths(
        conv_norm(in_channels, b, 1),
        nn.Sequential(conv_norm(in_channels, c, 1), Paths(_row(c, c, 3), _column(c, c, 3))),
        nn.Sequential(
            conv_norm(in_channels, d, 1), conv_norm(d, c, 3, padding=1), Paths(_row(c, c, 3), _column(c, c, 3))
        ),
        _pooled(in_channels, a),
    )


class InceptionV3Blocks(nn.Sequential):
    """The blocks one behind the other; ValueError for pictures smaller than 7×7, which a reduction cannot halve."""

    def forward(self, X: Tensor) -> Tensor:
        if X.dim() != 4 or min(X.shape[2:]) < LEAST:
            raise ValueError(
                f"X has shape {tuple(X.shape)}: the blocks halve height and width twice without padding, so give "
                f"them (N, C, H, W) with H and W of at least {LEAST}"
            )
        return super().forward(X)


def inception_v3_blocks(
    in_channels: int = 192, num_classes: int | None = None, width: float = 1.0
) -> InceptionV3Blocks:
    """Return A, A, reduction, B, reduction, C: X (N, in_channels, H, W) -> (N, 2048, Ho, Wo) at width 1.

    H and W are 7 or more; Ho is ((H - 1) // 2 - 1) // 2. At 192 channels these are the blocks Mixed_5b, 5c, 6a, 6b,
    7a and 7b of torchvision's net, which gives them pictures of 35×35. With `num_classes`, global average pooling and
    a dense layer follow, and logits (N, num_classes) come out. `width` multiplies every number of channels but
    `in_channels`. Raises ValueError for sizes that are not positive, and on pictures that are too small.
    """
    positive(in_channels=in_channels, width=width, num_classes=1 if num_classes is None else num_classes)
    blocks, channels = [], in_channels
    for build, options in (
        (inception_a, {"pool_channels": 32}), (inception_a, {"pool_channels": 64}), (reduction_a, {}),
        (inception_b, {}), (reduction_b, {}), (inception_c, {}),
    ):  # fmt: skip
        blocks.append(build(channels, width=width, **options))
        channels = _out_channels(blocks[-1], channels)
    if num_classes is not None:
        blocks += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return InceptionV3Blocks(*blocks)


def _row(in_channels, out_channels, k):
    return conv_norm(in_channels, out_channels, (1, k), padding=(0, k // 2))


def _column(in_channels, out_channels, k):
    return conv_norm(in_channels, out_channels, (k, 1), padding=(k // 2, 0))


def _pooled(in_channels, out_channels):
    return nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), conv_norm(in_channels, out_channels, 1))


def _out_channels(path, channels):
    """Channels behind a path that `channels` enter."""
    if isinstance(path, Paths):
        return sum(_out_channels(part, channels) for part in path.paths)
    for layer in path.children():
        channels = _out_channels(layer, channels)
    return path.out_channels if isinstance(path, nn.Conv2d) else channels
