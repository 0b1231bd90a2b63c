"""Convolutions to put under a roof: what they compute, what they read and write, how long they take."""

import functools
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn
from torch.nn import functional as F

from helpers import networks
from helpers.scaling.levers import calls_of_a_run, seconds_a_call
from helpers.training.guards import forked_random

RUNS, MOST = 3, 0.15  # how many timed runs there are, and the seconds of all
SIDE = 96  # px, of the pictures that the book trains ResNet-18 on


@dataclass(frozen=True)
class Convolution:
    """A square convolution that pads by kernel_size // 2, over `batch_size` pictures of side × side pixels."""

    in_channels: int
    out_channels: int
    kernel_size: int
    side: int
    batch_size: int
    stride: int = 1
    groups: int = 1

    @property
    def shapes(self):
        """The shapes of input, weights and output."""
        after = (self.side + 2 * (self.kernel_size // 2) - self.kernel_size) // self.stride + 1
        return (
            (self.batch_size, self.in_channels, self.side, self.side),
            (self.out_channels, self.in_channels // self.groups, self.kernel_size, self.kernel_size),
            (self.batch_size, self.out_channels, after, after),
        )

    @property
    def multiply_adds(self):
        """Multiply-adds of one forward pass."""
        _, (_, in_channels, *kernel), output = self.shapes
        return output[0] * output[1] * output[2] * output[3] * in_channels * kernel[0] * kernel[1]

    def bytes(self, dtype):
        """Bytes of input, weights and output."""
        return dtype.itemsize * sum(torch.Size(shape).numel() for shape in self.shapes)

    def seconds(self, device, dtype):
        """Return the seconds of a forward pass, the median of a few runs of several passes each."""
        generator = torch.Generator().manual_seed(0)
        X, K = (torch.randn(shape, generator=generator).to(device, dtype) for shape in self.shapes[:2])

        def forward():
            return F.conv2d(X, K, stride=self.stride, padding=self.kernel_size // 2, groups=self.groups)

        with torch.inference_mode():
            calls, times = calls_of_a_run(forward, device), []
            while len(times) < RUNS and calls * sum(times) < MOST:
                times.append(seconds_a_call(forward, device, calls))
        return median(times)

    def __str__(self):
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        depthwise = ", depthwise" if self.groups > 1 else ""
        return (
            f"{self.kernel_size}×{self.kernel_size}, {self.in_channels} to {self.out_channels} channels, "
            f"{self.side}×{self.side} pixels{stride}{depthwise}"
        )


@functools.lru_cache
def convolutions_of_resnet18(batch_size):
    """Return the `Convolution`s of the course's ResNet-18, front to back, for grey pictures of 96×96."""
    found = []

    def note(layer, inputs, _):
        (_, channels, side, _), (kernel_size, _) = inputs[0].shape, layer.kernel_size
        found.append(Convolution(channels, layer.out_channels, kernel_size, side, batch_size, layer.stride[0]))

    with forked_random(), torch.no_grad():  # not on the meta device, whose first run loads torch._dynamo for a second
        net = networks.resnet18()
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(note)
        net(torch.zeros(1, 1, SIDE, SIDE))
    return tuple(found)
