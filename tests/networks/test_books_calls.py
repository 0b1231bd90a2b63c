"""The nets and layers called as *Dive into Deep Learning* calls them: the book's answer, or a clear refusal."""

import inspect

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import corr2d, corr2d_multi_in, corr2d_multi_in_out, pool2d
from helpers.networks import BatchNorm, Residual, alexnet, inception, lenet, nin_block, resnet18, vgg, vgg_block
from helpers.networks.batch_norm import batch_norm

d2l = pytest.importorskip("d2l.torch")


def same_weights(ours, theirs):
    """Give both nets the same weights: layers of each kind, told apart by their shape, in the order of their making."""
    for kind in (nn.Conv2d, nn.BatchNorm2d, nn.Linear):
        waiting = [layer for layer in theirs.modules() if isinstance(layer, kind)]
        for layer in (layer for layer in ours.modules() if isinstance(layer, kind)):
            other = next(other for other in waiting if other.weight.shape == layer.weight.shape)
            waiting.remove(other)
            layer.load_state_dict(other.state_dict())
        assert not waiting


@pytest.mark.parametrize("args, options", [
    ((3, 3), {}), ((3, 6), {"use_1x1conv": True, "strides": 2}), ((3, 3), {"use_1x1conv": True}),
    ((4, 4), {"use_1x1conv": False}), ((3, 6), {"use_1x1conv": True}), ((3, 3), {"strides": 2, "use_1x1conv": True}),
])  # fmt: skip
def test_residual(args, options):
    ours, theirs = Residual(*args, **options).eval(), d2l.Residual(*args, **options).eval()
    same_weights(ours, theirs)
    X = torch.randn(4, args[0], 6, 6)
    torch.testing.assert_close(ours(X), theirs(X))


def test_residual_that_the_book_could_not_run_or_we_would_misread():
    with pytest.raises(ValueError, match="3 channels become 6 at stride 1"):
        Residual(3, 6, use_1x1conv=False)
    with pytest.raises(TypeError, match="use_1x1conv=True"):
        Residual(3, 6, True)
    with pytest.raises(TypeError, match="give one of them"):
        Residual(3, 6, 2, strides=2)
    with pytest.raises(TypeError):
        Residual(6)  # the second edition's, whose layers wait for their channels


@pytest.mark.parametrize("args", [(10,), (2,), (10, 3), (10, 1), (3, 1)])
def test_resnet18_in_the_books_order_is_refused(args):
    with pytest.raises(TypeError, match=rf"resnet18\({args[0]}.*num_classes stands first.*stem='3x3'"):
        resnet18(*args)
    d2l.resnet18(*args)  # the book's takes it


def test_resnet18_by_names_is_d2ls():
    ours, theirs = resnet18(num_classes=7, in_channels=3, stem="3x3").eval(), d2l.resnet18(7, in_channels=3).eval()
    same_weights(ours, theirs)
    X = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(ours(X), theirs(X))
    assert list(inspect.signature(resnet18).parameters)[:2] == ["in_channels", "num_classes"]
    assert resnet18(3, 1000, 0.1)[-1].out_features == 1000 and resnet18(1, 10, 0.1)[0][0].in_channels == 1
    assert resnet18(10, num_classes=2, width=0.1)[0][0].in_channels == 10


ARCH = ((1, 4), (1, 8), (2, 8))


def books_vgg(arch, side):
    """The book's net for one channel, in our own words, without its dropout."""
    layers, channels = [], 1
    for convolutions, size in arch:
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, size, 3, padding=1), nn.ReLU()]
            channels = size
        layers.append(nn.MaxPool2d(2, 2))
    sizes = [channels * (side // 2 ** len(arch)) ** 2, 4096, 4096]
    dense = [nn.Linear(sizes[0], 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10)]
    return nn.Sequential(*layers, nn.Flatten(), *dense)


def test_vgg_and_its_block():
    ours, theirs = vgg(ARCH, image_size=16).eval(), books_vgg(ARCH, 16).eval()
    same_weights(ours, theirs)
    X = torch.randn(2, 1, 16, 16)
    torch.testing.assert_close(ours(X), theirs(X))
    assert [p.shape for p in vgg(list(ARCH), image_size=16).parameters()] == [p.shape for p in ours.parameters()]
    assert [p.shape for p in vgg(blocks=ARCH, image_size=16).parameters()] == [p.shape for p in ours.parameters()]
    block = vgg_block(2, 3, 5)
    wanted = F.max_pool2d(F.relu(block[2](F.relu(block[0](X.expand(2, 3, 16, 16))))), 2)
    torch.testing.assert_close(block(X.expand(2, 3, 16, 16)), wanted)
    with pytest.raises(TypeError, match="num_classes is 0.1, must be a whole number"):
        vgg(1, 0.1)
    with pytest.raises(TypeError, match="name it, blocks="):
        vgg(ARCH, 0.1)  # the second edition has the learning rate there
    for wrong in ((1, 64), ((1, 64, 3),), 11):
        with pytest.raises(TypeError, match="must be pairs"):
            vgg(blocks=wrong)


def test_nin_block_and_inception():
    block, X = nin_block(1, 6, kernel_size=5, strides=2, padding=1), torch.randn(2, 1, 12, 12)
    convolutions = [layer for layer in block if isinstance(layer, nn.Conv2d)]
    wanted = X
    for layer in convolutions:
        wanted = layer(wanted).relu()
    torch.testing.assert_close(block(X), wanted)
    assert convolutions[0].stride == (2, 2) and block(X).shape == (2, 6, 5, 5)
    assert nin_block(1, 6, 5, 2, 1)[0].stride == (2, 2)
    with pytest.raises(TypeError):
        nin_block(96, kernel_size=11, strides=4, padding=0)  # the second edition's, without its channels in
    with pytest.raises(ValueError, match="stride is 0"):
        nin_block(96, 11, 4, 0)  # the same by position: the padding would be the stride
    assert inception(6, 2, (3, 4), (5, 2), 3)(torch.randn(1, 6, 5, 5)).shape == (1, 11, 5, 5)


@pytest.mark.parametrize("made", [lambda: BatchNorm(6, 4), lambda: BatchNorm(6, num_dims=4), lambda: BatchNorm(6)])
def test_batch_norm_layer(made):
    ours, theirs, X = made(), nn.BatchNorm2d(6), 3 * torch.randn(5, 6, 4, 4) + 1
    for _ in range(2):
        torch.testing.assert_close(ours(X), theirs(X))
    torch.testing.assert_close(ours.running_var, theirs.running_var)
    assert ours.eps == theirs.eps == 1e-5


def test_batch_norm_layer_of_the_other_number_of_axes():
    X = torch.randn(5, 6)
    torch.testing.assert_close(BatchNorm(6, 2)(X), nn.BatchNorm1d(6)(X))
    with pytest.raises(ValueError, match="has 2 axes.*num_dims=4"):
        BatchNorm(6, 4)(X)
    for wrong in ({"num_dims": 3}, {"eps": 3}, {"eps": -1e-5}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} is"):
            BatchNorm(6, **wrong)


def test_the_function_says_what_differs():
    X, ones, zeros = torch.randn(8, 3), torch.ones(3), torch.zeros(3)
    for options in ({}, {"is_training": True}):
        with pytest.raises(TypeError, match="training=True.*the book's 0.9 by 0.1"):
            batch_norm(X, ones, zeros, zeros, ones, eps=1e-5, momentum=0.9, **options)
    Y, mean, _ = batch_norm(X, ones, zeros, zeros, ones, eps=1e-5, momentum=0.1, training=True)
    torch.testing.assert_close(Y, (X - X.mean(0)) / (X.var(0, unbiased=False) + 1e-5).sqrt())
    torch.testing.assert_close(mean, 0.1 * X.mean(0))


def test_a_learning_rate_is_no_number_of_channels():
    with pytest.raises(TypeError, match="in_channels is 0.1, must be a whole number"):
        lenet(0.1)


@pytest.mark.parametrize("call, words", [
    (lambda: lenet(activation=nn.ReLU()), r"activation is ReLU\(\), must make a layer when it is called, as nn.ReLU"),
    (lambda: lenet(pooling="max"), "pooling is 'max', must make a layer"),
    (lambda: vgg(image_size="224"), "image_size is '224', must be a whole number"),
    (lambda: alexnet(image_size=(96, 96)), r"image_size is \(96, 96\), must be a whole number"),
    (lambda: inception(192, 64, 128, 32, 32), "c2 is 128, must be two numbers of channels"),
    (lambda: inception(192, 64, (96, 128), (16, 0), 32), "c3 is 0, must be above 0"),
    (lambda: inception(192, 64, (96, 128), (16, 32), 32.0), "c4 is 32.0, must be a whole number"),
    (lambda: vgg(blocks=((1, "4"),)), "channels is '4', must be a whole number"),
    (lambda: alexnet(stem_stride=0), "stem_stride is 0, must be above 0"),
    (lambda: lenet(width=float("inf")), "width is inf, must be finite"),
    (lambda: resnet18("10", 3), "in_channels is '10', must be a whole number"),
])  # fmt: skip
def test_what_builds_no_net_is_said(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()


def test_cross_correlation_and_pooling():
    X, K = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)
    assert torch.equal(corr2d(X, K), d2l.corr2d(X, K))
    stacked, kernels = torch.stack((X, X + 1)), torch.stack((K, K + 1))
    both = sum(d2l.corr2d(x, k) for x, k in zip(stacked, kernels, strict=True))
    assert torch.equal(corr2d_multi_in(stacked, kernels), both)
    three = torch.stack((kernels, kernels + 1, kernels + 2))
    mixed = corr2d_multi_in_out(stacked, three)
    assert torch.equal(mixed[0], both) and mixed.shape == (3, 2, 2)
    assert pool2d(X, (2, 2)).tolist() == [[4, 5], [7, 8]] and pool2d(X, (2, 2), "avg").tolist() == [[2, 3], [5, 6]]
