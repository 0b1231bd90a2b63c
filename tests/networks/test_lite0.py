"""EfficientNet-Lite0: the published numbers, shapes, padding; the same logits as the package's own net."""

import pytest
import torch
from torch import nn

from helpers import describe_net, receptive_field
from helpers.networks.lite0 import InvertedResidual, lite0, normed


def test_parameters_and_shapes_are_the_published_ones():
    """4.7 M parameters, as Google's table says; of multiply-adds it says 407 M, where describe_net counts 385 M."""
    table = describe_net(lite0(), (1, 3, 224, 224))
    assert table.params == 4_652_008 and table.multiply_adds == 385_187_552
    sizes = {name: tuple(child(X).shape[1:]) for name, child, X in _steps(lite0().eval(), torch.rand(1, 3, 224, 224))}
    assert sizes["stem"] == (32, 112, 112) and sizes["block3"] == (24, 56, 56) and sizes["block5"] == (40, 28, 28)
    assert sizes["block11"] == (112, 14, 14) and sizes["block16"] == (320, 7, 7) and sizes["top"] == (1280, 7, 7)
    assert sizes["classes"] == (1000,) and len([name for name in sizes if name.startswith("block")]) == 16


def _steps(net, X):
    for name, child in net.named_children():
        yield name, child, X
        X = child(X)


@pytest.mark.parametrize("kernel, stride", [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
def test_padding_keeps_the_size_or_halves_it_and_the_larger_half_is_below(kernel, stride):
    net = normed(1, 1, kernel, stride)
    assert net(torch.rand(2, 1, 16, 12)).shape == (2, 1, 16 // stride, 12 // stride)
    assert receptive_field(net, (1, 1, 16, 12))[-1].offset == (-((kernel - stride) // 2),) * 2


def test_the_input_is_added_where_the_shape_stays():
    block, X = InvertedResidual(4, 4, 6, 3, 1).eval(), torch.rand(1, 4, 8, 8)
    torch.testing.assert_close(block(X), X + block.path(X))
    assert [InvertedResidual(4, out, 6, 3, stride).shortcut for out, stride in ((4, 2), (5, 1))] == [False, False]
    assert not isinstance(block.path[-1][-1], nn.ReLU6)


def test_it_gives_what_the_package_with_the_weights_gives():
    package = pytest.importorskip("efficientnet_lite_pytorch")
    theirs, mine = package.EfficientNet.from_name("efficientnet-lite0").eval(), lite0().eval()
    for buffer in theirs.buffers():
        if buffer.ndim:
            buffer.data += 0.1 * torch.rand_like(buffer)
    mine.load_state_dict(dict(zip(mine.state_dict(), theirs.state_dict().values(), strict=True)))
    X = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(mine(X), theirs((X * 255 - 127) / 128), rtol=1e-4, atol=1e-4)
