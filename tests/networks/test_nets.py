"""The nets and their blocks: shapes, counts, and the net that notebook 07 writes out."""

import pathlib

import nbformat
import pytest
import torch
from torch import nn

from helpers.anatomy import describe_net
from helpers.networks import Residual, alexnet, bn_lenet, googlenet, inception, lenet, nin, resnet18, vgg

NOTEBOOK = pathlib.Path(__file__).parents[2] / "notebooks" / "07_lenet.ipynb"


def count(net):
    return sum(p.numel() for p in net.parameters())


def notebook_net():
    """The net that notebook 07 builds, from the source of its own cell."""
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    (source,) = [source for source in cells if source.startswith("net = nn.Sequential(")]
    scope = {"nn": nn}
    exec(source.split("\n)")[0] + "\n)", scope)
    return scope["net"]


def test_lenet_counts():
    table = describe_net(lenet(), (1, 1, 28, 28))
    assert table.params == count(lenet()) == 61_706
    assert table.multiply_adds == 416_520


@pytest.mark.parametrize("in_channels, num_classes, width", [(1, 10, 1.0), (3, 10, 1.0), (1, 26, 2.0), (4, 3, 0.01)])
def test_lenet_shapes(in_channels, num_classes, width):
    net = lenet(in_channels, num_classes, width)
    assert net(torch.zeros(2, in_channels, 28, 28)).shape == (2, num_classes)
    assert net[0].weight.shape == (max(1, round(6 * width)), in_channels, 5, 5)
    assert net[3].weight.shape[0] == max(1, round(16 * width))
    assert [net[i].out_features for i in (7, 9)] == [max(1, round(n * width)) for n in (120, 84)]


def test_lenet_modern_form_only_swaps_layers_without_weights():
    modern = lenet(activation=nn.ReLU, pooling=nn.MaxPool2d)
    assert [type(layer).__name__ for layer in modern[:6]] == ["Conv2d", "ReLU", "MaxPool2d"] * 2
    assert [type(layer).__name__ for layer in modern[7:]] == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
    modern.load_state_dict(lenet().state_dict())


@pytest.mark.parametrize("options", [{"in_channels": 0}, {"num_classes": -1}, {"width": 0.0}])
def test_lenet_rejects_sizes_that_are_not_positive(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        lenet(**options)


def test_lenet_is_the_net_of_the_notebook():
    theirs, ours = notebook_net(), lenet()
    assert [p.shape for p in theirs.parameters()] == [p.shape for p in ours.parameters()]
    assert [type(layer) for layer in theirs] == [type(layer) for layer in ours]
    theirs.load_state_dict(ours.state_dict())
    X = torch.randn(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(theirs(X), ours(X))


def shapes(net, size, in_channels=1):
    """Output shapes of the parts of a net, for one picture."""
    X, found = torch.zeros(1, in_channels, size, size), []
    net.eval()
    with torch.no_grad():
        for part in net:
            X = part(X)
            found.append(tuple(X.shape[1:]))
    return found


@pytest.mark.parametrize("build, params", [
    (lenet, 61_706), (alexnet, 46_764_746), (vgg, 128_806_154), (nin, 1_992_166), (googlenet, 5_977_530),
    (resnet18, 11_178_378),
])  # fmt: skip
def test_at_width_1_they_are_the_nets_of_the_book(build, params):
    assert count(build()) == params


def test_vgg_at_a_quarter_of_the_width_keeps_its_dense_layers():
    net = vgg(width=0.25)
    assert count(net) == 43_093_322 and net[-1].in_features == 4096
    assert [block[0].out_channels for block in net[:5]] == [16, 32, 64, 128, 128]


@pytest.mark.parametrize("stride, least", [(4, 65), (2, 37), (1, 23)])
def test_alexnet_takes_the_sizes_it_promises(stride, least):
    small = {"width": 0.05, "hidden": 8, "stem_stride": stride}
    assert alexnet(image_size=least, **small)(torch.zeros(1, 1, least, least)).shape == (1, 10)
    with pytest.raises(ValueError, match=f"picture of {least - 1} px is too small"):
        alexnet(image_size=least - 1, **small)


@pytest.mark.parametrize("stride, least", [(4, 67), (2, 39), (1, 25)])
def test_nin_takes_the_sizes_it_promises(stride, least):
    net = nin(width=0.05, stem_stride=stride)
    assert net(torch.zeros(1, 1, least, least)).shape == (1, 10)
    with pytest.raises(RuntimeError, match="small"):
        net(torch.zeros(1, 1, least - 1, least - 1))


def test_vgg_needs_a_pixel_after_each_halving():
    assert vgg(width=0.1, hidden=8, image_size=32)(torch.zeros(1, 1, 32, 32)).shape == (1, 10)
    with pytest.raises(ValueError, match="picture of 31 px is too small"):
        vgg(width=0.1, hidden=8, image_size=31)


def test_nins_logits_are_never_negative_unless_the_last_relu_is_left_away():
    torch.manual_seed(0)
    X = torch.randn(8, 1, 67, 67)
    for batch_norm in (False, True):
        book, mended = (nin(width=0.2, dropout=0, batch_norm=batch_norm, last_relu=last) for last in (True, False))
        assert book(X).min() >= 0 > mended(X).min()


def test_stages_of_googlenet():
    assert shapes(googlenet(), 96) == [(64, 24, 24), (192, 12, 12), (480, 6, 6), (832, 3, 3), (1024,), (10,)]
    assert shapes(googlenet(stem_stride=1), 32)[3] == (832, 2, 2)


def test_stages_of_resnet18():
    want = [(64, 24, 24), (64, 24, 24), (128, 12, 12), (256, 6, 6), (512, 3, 3), (512, 1, 1), (512,), (10,)]
    assert shapes(resnet18(), 96) == want
    assert shapes(resnet18(stem="3x3"), 32)[:2] == [(64, 32, 32), (64, 32, 32)]


def test_resnet18_is_the_one_of_d2l():
    """d2l builds the stem for small pictures; with its weights, ours gives its output."""
    d2l = pytest.importorskip("d2l.torch")
    theirs, ours = d2l.resnet18(10).eval(), resnet18(stem="3x3").eval()
    for kind in (nn.Conv2d, nn.BatchNorm2d, nn.Linear):  # both list the layers of a kind in the order of the blocks
        layers = ([m for m in net.modules() if isinstance(m, kind)] for net in (theirs, ours))
        for a, b in zip(*layers, strict=True):
            b.load_state_dict(a.state_dict())
    assert count(ours) == count(theirs)
    X = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours(X), theirs(X))


@pytest.mark.parametrize("kind", ["plain", "pre", "bottleneck"])
@pytest.mark.parametrize("in_channels, stride", [(8, 1), (4, 1), (8, 2)])
def test_a_residual_block_whose_layers_give_0_passes_its_input_on(kind, in_channels, stride):
    block = Residual(in_channels, 8, stride, kind=kind).eval()
    last = [m for m in block.g.modules() if isinstance(m, nn.Conv2d)][-1]
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    X = torch.rand(2, in_channels, 6, 6)  # not negative, so the ReLU after the sum changes nothing
    want = block.shortcut(X)
    torch.testing.assert_close(block(X), want if kind == "pre" else want.relu())
    assert isinstance(block.shortcut, nn.Identity) == (in_channels == 8 and stride == 1)
    plain = Residual(in_channels, 8, stride, kind=kind, skip=False).eval()
    assert plain(X).shape == want.shape and plain.shortcut is None


def test_paths_are_joined_along_the_channels():
    block = inception(192, 64, (96, 128), (16, 32), 32)
    X = torch.rand(1, 192, 9, 7)
    assert block(X).shape == (1, 256, 9, 7)
    torch.testing.assert_close(block(X)[:, 64:192], block.paths[1](X))


@pytest.mark.parametrize("build", [bn_lenet, alexnet, vgg, nin, googlenet, resnet18])
def test_channels_classes_and_width(build):
    size = 28 if build is bn_lenet else 96 if build is not vgg else 32
    sized = {"image_size": size, "hidden": 8} if build in (alexnet, vgg) else {}
    net = build(3, 7, 0.05, **sized)
    assert net(torch.rand(2, 3, size, size)).shape == (2, 7)
    for wrong in ({"in_channels": 0}, {"num_classes": -1}, {"width": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            build(**wrong)


@pytest.mark.parametrize("build", [vgg, nin, googlenet])
def test_batch_norm_stands_behind_every_convolution(build):
    sized = {"image_size": 32, "hidden": 8} if build is vgg else {}
    layers = [m for m in build(width=0.05, batch_norm=True, **sized).modules() if not list(m.children())]
    behind = [after for layer, after in zip(layers, layers[1:], strict=False) if isinstance(layer, nn.Conv2d)]
    assert behind and all(isinstance(layer, nn.BatchNorm2d) for layer in behind)
