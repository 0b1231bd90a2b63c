"""EfficientNet-Lite0, a small net for photos (Tan and Le 2019; Lite: no squeeze-and-excite, ReLU6 for SiLU).

Layer for layer as Google released it, so that its ImageNet weights fit: `helpers.inside.photo_net` loads them.
"""

from collections import OrderedDict

from torch import Tensor, nn

# Times the channels inside, channels out, blocks, kernel, stride of the first (table 1 of the paper).
STAGES = ((1, 16, 1, 3, 1), (6, 24, 2, 3, 2), (6, 40, 2, 5, 2), (6, 80, 3, 3, 2), (6, 112, 3, 5, 1), (6, 192, 4, 5, 2),
          (6, 320, 1, 3, 1))  # fmt: skip


def lite0(num_classes: int = 1000) -> nn.Sequential:
    """Return EfficientNet-Lite0 with random weights, photos (N, 3, H, W) from 0 to 1 -> logits (N, num_classes).

    Its children: `pixels`, `stem`, `block1` to `block16`, `top`, `mean`, `flat`, `classes`. H and W should be multiples
    of 32: for others TensorFlow, where the weights come from, pads differently.
    """
    channels, layers = 32, OrderedDict(pixels=Standardised(), stem=normed(3, 32, 3, 2))
    for expand, out, count, kernel, stride in STAGES:
        for i in range(count):
            name = f"block{len(layers) - 1}"
            layers[name] = InvertedResidual(channels, out, expand, kernel, 1 if i else stride)
            channels = out
    layers.update(top=normed(channels, 1280), mean=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(),
                  classes=nn.Linear(1280, num_classes))  # fmt: skip
    return nn.Sequential(layers)


class Standardised(nn.Module):
    """Brings pixels from 0..1 to about -1..1, as the net was trained on them: (255 X - 127) / 128."""

    def forward(self, X: Tensor) -> Tensor:
        """X of any shape -> the same shape."""
        return (X * 255 - 127) / 128


class InvertedResidual(nn.Module):
    """More channels by 1×1, a k×k kernel for each channel alone, fewer channels by 1×1 (MobileNetV2, 2018).

    Where the shape stays, the input is added. The last convolution has no activation behind it.
    """

    def __init__(self, channels: int, out: int, expand: int, kernel: int, stride: int):
        super().__init__()
        inside = expand * channels
        wider = [normed(channels, inside)] if expand > 1 else []
        self.path = nn.Sequential(*wider, normed(inside, inside, kernel, stride, groups=inside),
                                  normed(inside, out, activation=False))  # fmt: skip
        self.shortcut = stride == 1 and channels == out

    def forward(self, X: Tensor) -> Tensor:
        """(N, channels, H, W) -> (N, out, H / stride, W / stride)."""
        return X + self.path(X) if self.shortcut else self.path(X)


def normed(channels: int, out: int, kernel: int = 1, stride: int = 1, *, groups: int = 1, activation: bool = True):
    """Return padding, a convolution without bias, batch norm and ReLU6; an odd padding has its larger half below."""
    small, large = (kernel - stride) // 2, (kernel - stride + 1) // 2
    pad = [nn.ZeroPad2d((small, large, small, large))] if small < large else []
    conv = nn.Conv2d(channels, out, kernel, stride, 0 if pad else small, groups=groups, bias=False)
    return nn.Sequential(*pad, conv, nn.BatchNorm2d(out, eps=1e-3), *([nn.ReLU6()] if activation else []))
