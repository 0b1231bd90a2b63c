"""The nets of the course, each with its channels in, classes out and a width factor."""

from collections.abc import Callable

from torch import nn


def lenet(
    in_channels: int = 1,
    num_classes: int = 10,
    width: float = 1.0,
    *,
    activation: Callable[[], nn.Module] = nn.Sigmoid,
    pooling: Callable[[int], nn.Module] = nn.AvgPool2d,
) -> nn.Sequential:
    """Return LeNet for X (N, in_channels, 28, 28) -> logits (N, num_classes) (book, 6.6).

    `width` multiplies the channels 6 and 16 and the dense layers 120 and 84; each keeps at least one.
    `activation()` and `pooling(2)` make the layers in between: nn.ReLU and nn.MaxPool2d give the modern form.
    Raises ValueError for a number of channels, classes or a width that is not positive.
    """
    for name, value in (("in_channels", in_channels), ("num_classes", num_classes), ("width", width)):
        if not value > 0:
            raise ValueError(f"{name} is {value!r}, must be above 0")
    first, second, third, fourth = (max(1, round(width * n)) for n in (6, 16, 120, 84))
    return nn.Sequential(
        nn.Conv2d(in_channels, first, kernel_size=5, padding=2), activation(), pooling(2),
        nn.Conv2d(first, second, kernel_size=5), activation(), pooling(2),
        nn.Flatten(),
        nn.Linear(second * 5 * 5, third), activation(),
        nn.Linear(third, fourth), activation(),
        nn.Linear(fourth, num_classes),
    )  # fmt: skip
