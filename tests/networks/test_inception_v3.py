"""Inception v3 against torchvision: same parameters, same output for the same weights."""

import pytest
import torch
from torch import nn
from torchvision.models import inception

from helpers.anatomy import describe_net
from helpers.networks import Paths
from helpers.networks.inception_v3 import (
    conv_norm,
    inception_a,
    inception_b,
    inception_c,
    inception_v3_blocks,
    reduction_a,
    reduction_b,
)

PAIRS = {  # name in torchvision: (ours, theirs, channels in, channels out)
    "Mixed_5b": (lambda: inception_a(192, 32), lambda: inception.InceptionA(192, 32), 192, 256),
    "Mixed_5c": (lambda: inception_a(256, 64), lambda: inception.InceptionA(256, 64), 256, 288),
    "Mixed_6a": (lambda: reduction_a(288), lambda: inception.InceptionB(288), 288, 768),
    "Mixed_6b": (lambda: inception_b(768), lambda: inception.InceptionC(768, 128), 768, 768),
    "Mixed_6e": (lambda: inception_b(768, 192), lambda: inception.InceptionC(768, 192), 768, 768),
    "Mixed_7a": (lambda: reduction_b(768), lambda: inception.InceptionD(768), 768, 1280),
    "Mixed_7b": (lambda: inception_c(1280), lambda: inception.InceptionE(1280), 1280, 2048),
}
TRUNK = ("Mixed_5b", "Mixed_5c", "Mixed_6a", "Mixed_6b", "Mixed_7a", "Mixed_7b")


def same_weights(ours, theirs):
    """Give both nets the same random parameters and running statistics."""
    mine, other = list(ours.state_dict().values()), list(theirs.state_dict().values())
    assert [value.shape for value in mine] == [value.shape for value in other]
    generator = torch.Generator().manual_seed(0)
    for a, b in zip(mine, other, strict=True):
        if a.is_floating_point():  # not the counters of the batches
            b.copy_(torch.rand(b.shape, generator=generator) * (1 if b.dim() == 1 else 0.1) + (b.dim() == 1) * 0.5)
        a.copy_(b)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("training", [False, True])
def test_blocks_are_those_of_torchvision(name, training):
    build, build_theirs, channels, out = PAIRS[name]
    ours, theirs = build().train(training), build_theirs().train(training)
    same_weights(ours, theirs)
    X = torch.randn(2, channels, 9, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        Y = ours(X)
        torch.testing.assert_close(Y, theirs(X), atol=1e-4, rtol=1e-4)
    halved = name in ("Mixed_6a", "Mixed_7a")
    assert Y.shape == (2, out, *((4, 3) if halved else (9, 8)))


def test_the_trunk_is_torchvisions_six_blocks_in_a_row():
    ours = inception_v3_blocks()
    theirs = nn.Sequential(*(PAIRS[name][1]() for name in TRUNK)).eval()
    same_weights(ours.eval(), theirs)
    X = torch.randn(1, 192, 7, 8, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        Y = ours(X)
        torch.testing.assert_close(Y, theirs(X), rtol=1e-3, atol=1e-3 * Y.abs().max().item())
    assert Y.shape == (1, 2048, 1, 1)


@pytest.mark.parametrize("height, width", [(7, 7), (8, 15), (35, 35), (28, 32)])
def test_output_size_is_as_promised(height, width):
    net = inception_v3_blocks(3, width=0.05)
    out = [((n - 1) // 2 - 1) // 2 for n in (height, width)]
    assert list(net.eval()(torch.zeros(1, 3, height, width)).shape[2:]) == out


@pytest.mark.parametrize("shape", [(1, 3, 6, 7), (1, 3, 7, 6), (3, 7, 7)])
def test_too_small_a_picture_is_refused(shape):
    with pytest.raises(ValueError, match="at least 7"):
        inception_v3_blocks(3, width=0.05)(torch.zeros(shape))


def test_with_classes_it_is_a_net_that_learns():
    torch.manual_seed(0)
    net = inception_v3_blocks(1, 10, 0.05)
    X, y = torch.randn(16, 1, 15, 15), torch.arange(16) % 10
    optimizer, losses = torch.optim.SGD(net.parameters(), 0.1), []
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(X), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert net(X).shape == (16, 10) and losses[-1] < losses[0] / 2


def test_width_scales_every_number_of_channels_but_the_input():
    def kernels(net):
        return [layer.weight.shape for layer in net.modules() if isinstance(layer, nn.Conv2d)]

    full, half = kernels(inception_v3_blocks(192)), kernels(inception_v3_blocks(192, width=0.5))
    assert [shape[0] for shape in half] == [shape[0] // 2 for shape in full]
    assert half[0][1] == 192 and half[-1][1] == 640
    assert all(layer[0] == 1 for layer in kernels(inception_v3_blocks(1, width=0.0001)))


@pytest.mark.parametrize("options", [{"in_channels": 0}, {"num_classes": 0}, {"width": 0.0}, {"width": -1}])
def test_sizes_that_are_not_positive_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        inception_v3_blocks(**options)


def test_a_convolution_with_its_norm_has_no_bias():
    layer = conv_norm(3, 5, (1, 7), padding=(0, 3))
    assert layer[0].bias is None and layer[1].eps == 0.001
    assert describe_net(layer, (2, 3, 6, 9))[-1].output_shape == (2, 5, 6, 9)
    assert isinstance(inception_a(4, 8), Paths)
