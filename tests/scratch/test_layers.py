"""helpers.scratch against PyTorch and against differences, over random shapes, strides, paddings."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers.benchmark.scratch import torch_twin
from helpers.scratch import (
    Affine,
    Convolution,
    Pooling,
    ReLU,
    SimpleConvNet,
    SoftmaxWithLoss,
    col2im,
    im2col,
    numerical_gradient,
)

repeat = settings(max_examples=60, deadline=None)
seeds = st.integers(0, 10_000)


def randn(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def apart(*shape, seed=0):
    """Random numbers with at least 0.01 between any two of them and between each and 0: no kink is near."""
    size = int(np.prod(shape))
    order = np.random.default_rng(seed).permutation(size)
    return ((order - size // 2 + 0.5) * 0.02).reshape(shape)


def close(ours, theirs, tolerance=1e-10):
    """The relative error, measured on all numbers together, is within the tolerance."""
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) <= tolerance * np.linalg.norm(theirs)


def leaf(array):
    """A copy as a tensor that collects a gradient."""
    return torch.tensor(array, requires_grad=True)


@st.composite
def windows(draw, pooling=False):
    """(height, width) of the input, of the window, stride and pad that fit together."""
    window = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    pad = draw(st.integers(0, min(window) // 2 if pooling else 3))
    size = tuple(draw(st.integers(max(1, k - 2 * pad), k + 6)) for k in window)
    return size, window, draw(st.integers(1, 4)), pad


# im2col and col2im ----------------------------------------------------------------------------------------------


def test_shapes_of_the_textbook():
    assert im2col(np.ones((1, 3, 7, 7)), 5, 5).shape == (9, 75)
    assert im2col(np.ones((10, 3, 7, 7)), 5, 5).shape == (90, 75)
    assert im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2, 2).tolist() == [
        [0, 1, 3, 4], [1, 2, 4, 5], [3, 4, 6, 7], [4, 5, 7, 8]]


@repeat
@given(windows(), st.integers(1, 3), st.integers(1, 3), seeds)
def test_a_row_is_a_window(window, n, c, seed):
    size, (fh, fw), stride, pad = window
    x = randn(n, c, *size, seed=seed)
    padded = np.zeros((n, c, size[0] + 2 * pad, size[1] + 2 * pad))
    padded[:, :, pad:pad + size[0], pad:pad + size[1]] = x
    tops, lefts = range(0, padded.shape[2] - fh + 1, stride), range(0, padded.shape[3] - fw + 1, stride)
    rows = [image[:, top:top + fh, left:left + fw].ravel() for image in padded for top in tops for left in lefts]
    assert np.array_equal(im2col(x, fh, fw, stride, pad), rows)


@repeat
@given(windows(), st.integers(1, 3), st.integers(1, 3), seeds)
def test_col2im_is_the_adjoint(window, n, c, seed):
    size, (fh, fw), stride, pad = window
    x = randn(n, c, *size, seed=seed)
    col = im2col(x, fh, fw, stride, pad)
    y = randn(*col.shape, seed=seed + 1)
    back = col2im(y, x.shape, fh, fw, stride, pad)
    assert back.shape == x.shape
    assert abs(np.vdot(col, y) - np.vdot(x, back)) <= 1e-12 * np.linalg.norm(col) * np.linalg.norm(y)
    assert np.array_equal(back, col2im(np.ascontiguousarray(y), list(x.shape), fh, fw, stride, pad))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float16, np.float32, np.float64])
def test_im2col_keeps_the_dtype_and_shares_no_memory(dtype):
    x = np.arange(18).reshape(1, 2, 3, 3).astype(dtype)
    for fh, pad in ((1, 0), (2, 0), (3, 1)):
        col = im2col(x, fh, fh, pad=pad)
        back = col2im(col, x.shape, fh, fh, pad=pad)
        assert col.dtype == back.dtype == dtype
        assert not np.shares_memory(col, x) and not np.shares_memory(col, back)
    assert np.array_equal(col2im(im2col(x, 1, 1), x.shape, 1, 1), x)
    assert col2im(im2col(np.ones((1, 1, 3, 3), dtype), 2, 2), (1, 1, 3, 3), 2, 2)[0, 0].tolist() == [
        [1, 2, 1], [2, 4, 2], [1, 2, 1]]  # how many windows each pixel is in


# The layers, forward and backward -------------------------------------------------------------------------------


def compare(layer, reference, x, weights=(), seed=0):
    """Hold forward, dx and the weights' gradients to those of `reference(x, *weights)` under autograd."""
    given, inputs = x.copy(), [leaf(a) for a in (x, *weights)]
    expected = reference(*inputs)
    dout = randn(*expected.shape, seed=seed + 1)
    sent = dout.copy()
    close(layer.forward(x), expected)
    dx = layer.backward(dout)
    assert np.array_equal(x, given) and np.array_equal(dout, sent)
    ours = [dx] + [getattr(layer, name) for name in ("dW", "db")[:len(weights)]]
    for mine, theirs in zip(ours, torch.autograd.grad(expected, inputs, torch.tensor(dout)), strict=True):
        close(mine, theirs)


@repeat
@given(windows(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), seeds)
def test_convolution_is_pytorchs(window, n, c, filters, seed):
    size, kernel, stride, pad = window
    W, b = randn(filters, c, *kernel, seed=seed), randn(filters, seed=seed)
    compare(Convolution(W, b, stride, pad), lambda x, W, b: F.conv2d(x, W, b, stride, pad),
            randn(n, c, *size, seed=seed), (W, b), seed)


@repeat
@given(windows(pooling=True), st.integers(1, 3), st.integers(1, 3), st.booleans(), seeds, st.sampled_from([0, -20]))
def test_pooling_is_pytorchs(window, n, c, ties, seed, offset):
    size, pool, stride, pad = window
    x = randn(n, c, *size, seed=seed) + offset  # all negative: zeros as padding would win
    x = x.round() if ties else x
    compare(Pooling(*pool, stride, pad), lambda x: F.max_pool2d(x, pool, stride, pad), x, seed=seed)
    compare(Pooling(*pool, stride, pad, mode="avg"), lambda x: F.avg_pool2d(x, pool, stride, pad), x, seed=seed)


@repeat
@given(st.integers(1, 4), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 5), seeds)
def test_affine_and_relu_are_pytorchs(n, shape, outputs, seed):
    W, b = randn(int(np.prod(shape)), outputs, seed=seed), randn(outputs, seed=seed)
    x = randn(n, *shape, seed=seed)
    compare(Affine(W, b), lambda x, W, b: x.flatten(1) @ W + b, x, (W, b), seed)
    compare(ReLU(), torch.relu, (2 * x).round() / 2, seed=seed)  # with zeros: no gradient there


@repeat
@given(st.integers(1, 6), st.integers(1, 6), seeds, st.sampled_from([1, 1e-3, 1e3]), st.booleans())
def test_softmax_with_loss_is_pytorchs(n, k, seed, scale, one_hot):
    scores = scale * randn(n, k, seed=seed)
    labels = np.random.default_rng(seed).integers(0, k, n)
    X, layer = leaf(scores), SoftmaxWithLoss()
    expected = F.cross_entropy(X, torch.tensor(labels))
    loss = layer.forward(scores, np.eye(k)[labels] if one_hot else labels)
    assert abs(loss - expected.item()) <= 1e-12 * max(1, expected.item())
    close(layer.y, F.softmax(X, 1))
    assert np.array_equal(layer.t, labels) and layer.loss == loss
    theirs = torch.autograd.grad(expected, X)[0].numpy()
    assert np.abs(layer.backward() - theirs).max() <= 1e-15
    assert np.allclose(layer.backward(2.5), 2.5 * theirs, rtol=0, atol=1e-15)


@repeat
@given(windows(), st.integers(1, 3), st.integers(1, 4), seeds)
def test_the_whole_net_is_pytorchs(window, c, filters, seed):
    size, (kernel, _), stride, pad = window
    size = [n + kernel + stride for n in size]  # so that two windows fit along each axis
    net = SimpleConvNet((c, *size), dict(filter_num=filters, filter_size=kernel, stride=stride, pad=pad), 7, 5,
                        seed=seed, dtype=np.float64)
    x, t = randn(3, c, *size, seed=seed), np.array([4, 0, 2])
    twin, X = torch_twin(net), leaf(x)
    close(net.predict(x), twin(X))
    loss = F.cross_entropy(twin(X), torch.tensor(t))
    loss.backward()
    gradients = net.gradient(x, t)
    assert list(gradients) == list(net.params) == ["W1", "b1", "W2", "b2", "W3", "b3"]
    for mine, theirs in zip(gradients.values(), twin.parameters(), strict=True):
        close(mine if mine.ndim != 2 else mine.T, theirs.grad)
    close(net.backward(net.last_layer.backward()), X.grad)
    assert abs(net.loss(x, t) - loss.item()) <= 1e-12


# Central differences --------------------------------------------------------------------------------------------

LAYERS = {
    "convolution": (Convolution(randn(3, 2, 3, 2), randn(3), stride=2, pad=1), (2, 2, 5, 6)),
    "max pooling": (Pooling(3, 2, stride=2, pad=1), (2, 2, 5, 6)),
    "overlapping max pooling": (Pooling(2, 2), (2, 2, 5, 6)),
    "average pooling": (Pooling(3, 2, stride=2, pad=1, mode="avg"), (2, 2, 5, 6)),
    "affine": (Affine(randn(12, 3), randn(3)), (4, 3, 2, 2)),
    "relu": (ReLU(), (4, 3, 2, 2)),
}


@pytest.mark.parametrize("layer, shape", LAYERS.values(), ids=LAYERS)
def test_layers_against_central_differences(layer, shape):
    x = apart(*shape)
    dout = randn(*layer.forward(x).shape)

    def f(_):
        return np.vdot(layer.forward(x), dout)

    dx = layer.backward(dout)
    close(dx, numerical_gradient(f, x), 1e-7)
    for weights, gradient in ((layer.W, layer.dW), (layer.b, layer.db)) if hasattr(layer, "dW") else ():
        close(gradient, numerical_gradient(f, weights), 1e-7)


def test_the_whole_net_against_central_differences():
    net = SimpleConvNet((2, 7, 8), dict(filter_num=3, filter_size=3, pad=1, stride=1), 6, 4, seed=1, dtype=np.float64)
    x, t = randn(3, 2, 7, 8), np.array([1, 3, 0])
    gradients = net.gradient(x, t)
    for name, weights in net.params.items():
        close(gradients[name], numerical_gradient(lambda _: net.loss(x, t), weights), 1e-7)
    net.loss(x, t)
    dx = net.backward(net.last_layer.backward())
    close(dx, numerical_gradient(lambda x: net.loss(x, t), x), 1e-7)


def test_numerical_gradient_puts_the_numbers_back():
    x = randn(2, 3)
    kept = x.copy()
    close(numerical_gradient(lambda x: (x ** 3).sum(), x), 3 * x ** 2, 1e-9)
    close(numerical_gradient(lambda x: (x ** 3).sum(), x.T, eps=1e-4), 3 * x.T ** 2, 1e-7)
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda _: 1 / 0, x)
    assert np.array_equal(x, kept)
    single = randn(4, dtype=np.float32)
    slopes = numerical_gradient(lambda x: (x ** 2).sum(), single)
    assert slopes.dtype == np.float32 and np.abs(slopes - 2 * single).max() < 1e-2


# What a learner relies on ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_stays(dtype):
    net = SimpleConvNet((1, 8, 8), {"filter_num": 2, "filter_size": 3, "pad": 1}, 5, 3, seed=0, dtype=dtype)
    x, results = randn(4, 1, 8, 8, dtype=dtype), []
    for layer in net.layers.values():
        results.append(x := layer.forward(x))
    assert net.loss(randn(4, 1, 8, 8, dtype=dtype), np.array([0, 1, 2, 0])).dtype == dtype
    dout = net.last_layer.backward(np.float64(1))
    for layer, out in zip(reversed(net.layers.values()), reversed(results), strict=True):
        results.append(dout := layer.backward(dout))
        assert layer.backward(np.ones(out.shape)).dtype == dtype  # float64 from outside
        results += [layer.dW, layer.db] if hasattr(layer, "dW") else []
    average = Pooling(3, 3, 2, 1, mode="avg")
    results += [average.forward(randn(1, 1, 5, 5, dtype=dtype)), average.backward(np.ones((1, 1, 3, 3)))]
    assert {result.dtype for result in results} == {np.dtype(dtype)}
    assert {array.dtype for array in net.params.values()} == {np.dtype(dtype)}


def test_nothing_has_a_gradient_before_backward():
    net = SimpleConvNet(seed=0)
    assert [net.layers["Conv1"].dW, net.layers["Affine1"].dW, net.layers["Affine2"].db] == [None] * 3
    assert list(net.layers) == ["Conv1", "Relu1", "Pool1", "Affine1", "Relu2", "Affine2"]
    for layer in (*net.layers.values(), Pooling(2, 2, mode="avg")):
        with pytest.raises(RuntimeError, match="call forward first"):
            layer.backward(np.ones((1, 10)))
    with pytest.raises(RuntimeError, match="call forward first"):
        net.last_layer.backward()


def test_weights_changed_in_place_or_replaced_are_used():
    net, x = SimpleConvNet((1, 6, 6), {"filter_size": 3}, 4, 3, seed=0), randn(2, 1, 6, 6, dtype=np.float32)
    before = net.predict(x)
    for name, layer in (("1", "Conv1"), ("2", "Affine1"), ("3", "Affine2")):
        assert net.params["W" + name] is net.layers[layer].W and net.params["b" + name] is net.layers[layer].b
    net.params["b3"][...] += 1
    assert np.allclose(net.predict(x), before + 1, atol=1e-6)
    net.params["b3"] = net.params["b3"] - 1
    assert np.allclose(net.forward(x), before, atol=1e-6)


def test_a_seed_makes_the_net_and_leaves_the_global_state():
    state = np.random.get_state()[1].copy()
    one, same, other = (SimpleConvNet(seed=seed).params["W2"] for seed in (3, 3, 4))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert np.array_equal(np.random.get_state()[1], state)
    assert one.shape == (30 * 12 * 12, 100) and one.std() == pytest.approx((2 / 4320) ** 0.5, rel=0.01)
    small = SimpleConvNet(seed=0, weight_init_std=0.01)
    assert [small.params[name].std().round(3) for name in ("W1", "W2", "W3")] == [np.float32(0.01)] * 3


def test_accuracy_counts_the_last_batch_too():
    net, x = SimpleConvNet((1, 6, 6), {"filter_size": 3}, 4, 3, seed=0), randn(7, 1, 6, 6, dtype=np.float32)
    best = net.predict(x).argmax(axis=1)
    wrong = best.copy()
    wrong[-1] = (wrong[-1] + 1) % 3
    for size in (1, 3, 7, 100):
        assert net.accuracy(x, best, size) == 1 and net.accuracy(x, wrong, size) == pytest.approx(6 / 7)
    assert net.accuracy(x, np.eye(3)[best]) == 1


def test_nan_is_not_hidden():
    x = np.ones((1, 1, 2, 2))
    x[0, 0, 0, 1] = np.nan
    assert np.isnan(Pooling(2, 2).forward(x)).all() and np.isnan(ReLU().forward(x)).sum() == 1


def test_digits_are_learned():
    from helpers.data import digits

    data = digits()
    x, test_x = (part.float().numpy().reshape(-1, 1, 28, 28) / 255 for part in (data.train_images, data.test_images))
    t, rng, net = data.train_labels.numpy(), np.random.default_rng(0), SimpleConvNet(seed=0)
    for lr in [0.1] * 6 + [0.02] * 2:
        for rows in np.split(rng.permutation(len(x)), range(25, len(x), 25)):
            for name, gradient in net.gradient(x[rows], t[rows]).items():
                net.params[name] -= lr * gradient
    assert net.accuracy(test_x, data.test_labels.numpy()) >= 0.95


# Bad input ------------------------------------------------------------------------------------------------------

X, W, B = np.ones((2, 3, 6, 5)), np.ones((4, 3, 3, 3)), np.ones(4)
CONV, POOL, DENSE, LOSS = Convolution(W, B), Pooling(2, 2), Affine(np.ones((90, 4)), B), SoftmaxWithLoss()
NET, SCORES = SimpleConvNet((3, 6, 5), {"filter_size": 3}, seed=0), np.ones((2, 3))
BYTES = X.astype(np.uint8)
BAD = {
    "window too high": (lambda: im2col(X, 7, 2), ValueError, r"height 7 is more .* 6 \(6 \+ 2 \* 0\).*smaller window"),
    "window too wide": (lambda: im2col(X, 2, 8, pad=1), ValueError, r"width 8 is more .* 7 \(5 \+ 2 \* 1\)"),
    "kernel too large": (lambda: Convolution(np.ones((4, 3, 2, 9)), B, pad=1).forward(X), ValueError, "width 9 is"),
    "pool too large": (lambda: Pooling(7, 7).forward(X), ValueError, "height 7 is more"),
    "no window": (lambda: im2col(X, 0, 2), ValueError, "height is 0, must be at least 1"),
    "stride 0": (lambda: im2col(X, 2, 2, stride=0), ValueError, "stride is 0"),
    "stride -1": (lambda: Convolution(W, B, stride=-1), ValueError, "stride is -1"),
    "pool stride": (lambda: Pooling(2, 2, stride=0), ValueError, "stride is 0"),
    "pad -1": (lambda: col2im(np.ones((2, 2)), (1, 1, 2, 2), 2, 2, pad=-1), ValueError, "pad is -1"),
    "conv pad": (lambda: Convolution(W, B, pad=-2), ValueError, "pad is -2"),
    "float stride": (lambda: im2col(X, 2, 2, stride=1.5), TypeError, "stride is 1.5, must be one whole number"),
    "stride pair": (lambda: Convolution(W, B, stride=(1, 2)), TypeError, r"stride is \(1, 2\)"),
    "stride True": (lambda: Pooling(2, 2, stride=True), TypeError, "stride is True"),
    "float window": (lambda: Pooling(2.0, 2), TypeError, "pool_h is 2.0"),
    "pool pad": (lambda: Pooling(4, 2, pad=2), ValueError, r"pad 2 is more than half the window \(4, 2\).*at most 1"),
    "mode": (lambda: Pooling(2, 2, mode="mean"), ValueError, "'mean', must be 'max' or 'avg'"),
    "channels": (lambda: CONV.forward(X[:, :2]), ValueError, "x has 2 channels and W expects 3"),
    "axes of im2col": (lambda: im2col(X[0], 2, 2), ValueError, r"x must have the axes \(N, C, H, W\), .*\(3, 6, 5\)"),
    "axes of conv": (lambda: CONV.forward(X[0]), ValueError, r"\(N, C, H, W\), got shape \(3, 6, 5\)"),
    "axes of pool": (lambda: POOL.forward(X[0]), ValueError, r"\(3, 6, 5\)"),
    "axes of W": (lambda: Convolution(W[0], B), ValueError, r"W must have the axes \(FN, C, FH, FW\)"),
    "axes of dense W": (lambda: Affine(W, B), ValueError, r"W must have the axes \(in, out\)"),
    "b": (lambda: Convolution(W, np.ones(3)), ValueError, r"b has shape \(3,\) .*b must be \(4,\)"),
    "axes of b": (lambda: Affine(np.ones((5, 4)), np.ones((1, 4))), ValueError, r"b must have the axes \(outputs,\)"),
    "empty im2col": (lambda: im2col(X[:0], 2, 2), ValueError, r"\(0, 3, 6, 5\), the batch is empty"),
    "empty batch": (lambda: CONV.forward(X[:0]), ValueError, "the batch is empty"),
    "empty pool": (lambda: POOL.forward(X[:0]), ValueError, "the batch is empty"),
    "empty dense": (lambda: DENSE.forward(X[:0]), ValueError, "the batch is empty"),
    "empty relu": (lambda: ReLU().forward(X[:0]), ValueError, "the batch is empty"),
    "empty loss": (lambda: LOSS.forward(SCORES[:0], np.ones(0, int)), ValueError, "the batch is empty"),
    "empty accuracy": (lambda: NET.accuracy(X[:0], np.ones(0, int)), ValueError, "the batch is empty"),
    "no channels": (lambda: POOL.forward(X[:, :0]), ValueError, r"\(2, 0, 6, 5\), an axis is empty"),
    "bytes to conv": (lambda: CONV.forward(BYTES), TypeError, r"holds uint8.*x.astype\(np.float32\) / 255"),
    "bytes to pool": (lambda: POOL.forward(BYTES), TypeError, r"holds uint8.*x.astype\(np.float32\) / 255"),
    "bytes to dense": (lambda: DENSE.forward(BYTES), TypeError, r"holds uint8.*astype\(np.float32\)$"),
    "bytes to the net": (lambda: NET.predict(BYTES), TypeError, r"holds uint8.*x.astype\(np.float32\) / 255"),
    "integer weights": (lambda: Convolution(W.astype(int), B), TypeError, r"W holds int64.*W.astype\(np.float32\)"),
    "complex": (lambda: ReLU().forward(X * 1j), TypeError, "complex128"),
    "b of another dtype": (lambda: Affine(SCORES, np.ones(3, np.float32)), TypeError, "b is float32 .* float64"),
    "tensor": (lambda: im2col(torch.ones(1, 1, 4, 4), 2, 2), TypeError, r"got torch.Tensor: use x.detach\(\).cpu\(\)"),
    "tensor to conv": (lambda: CONV.forward(torch.ones(1, 3, 4, 4)), TypeError, "x must be .* got torch.Tensor"),
    "parameter": (lambda: Convolution(torch.nn.Conv2d(3, 4, 3).weight, B), TypeError, "W must be .*torch.Parameter"),
    "tensor as labels": (lambda: LOSS.forward(SCORES, torch.ones(2)), TypeError, "t must be .* got torch.Tensor"),
    "list": (lambda: ReLU().forward([1.0]), TypeError, r"got list: use np.array\(x\)"),
    "features": (lambda: DENSE.forward(X[:, :2]), ValueError, r"x \(2, 2, 6, 5\) has 60 numbers .* \(90, 4\) takes 90"),
    "dout": (lambda: (ReLU().forward(X), POOL.forward(X), POOL.backward(X)), ValueError,
             r"dout has shape \(2, 3, 6, 5\) and the layer's output \(2, 3, 5, 4\)"),
    "dout of dense": (lambda: (DENSE.forward(X), DENSE.backward(B)), ValueError, r"\(4,\) and .* \(2, 4\)"),
    "tensor as dout": (lambda: (CONV.forward(X), CONV.backward(torch.ones(2, 4, 4, 3))), TypeError, "dout must be"),
    "col": (lambda: col2im(np.ones((4, 5)), (1, 1, 3, 3), 2, 2), ValueError, r"col has shape \(4, 5\).*give \(4, 4\)"),
    "input_shape": (lambda: col2im(np.ones((4, 4)), (3, 3), 2, 2), ValueError, r"input_shape is \(3, 3\), must be \(N"),
    "label too high": (lambda: LOSS.forward(SCORES, np.array([0, 3])), ValueError, "from 0 to 3, 3 scores .* 0 to 2"),
    "label below 0": (lambda: LOSS.forward(SCORES, np.array([-1, 2])), ValueError, "from -1 to 2"),
    "too few labels": (lambda: NET.gradient(X.astype("f"), np.array([0])), ValueError,
                       r"t has shape \(1,\) for 2 rows of scores"),
    "too many labels": (lambda: NET.accuracy(X.astype("f"), np.zeros(3, int)), ValueError, r"\(3,\) for 2 rows"),
    "float labels": (lambda: LOSS.forward(SCORES, np.ones(2)), TypeError, r"t holds float64.*astype\(np.int64\)"),
    "one-hot of another size": (lambda: LOSS.forward(SCORES, np.eye(2)), ValueError, r"\(2, 2\), the scores \(2, 3\)"),
    "not one-hot": (lambda: LOSS.forward(SCORES, np.full((2, 3), 1 / 3)), ValueError, "not one-hot"),
    "axes of scores": (lambda: LOSS.forward(X, np.array([0, 1])), ValueError, r"scores must have the axes \(N, K\)"),
    "input_dim": (lambda: SimpleConvNet((28, 28)), ValueError, r"input_dim is \(28, 28\), must be \(C, H, W\)"),
    "no classes": (lambda: SimpleConvNet(output_size=0), ValueError, "output_size is 0"),
    "hidden_size": (lambda: SimpleConvNet(hidden_size=1.5), TypeError, "hidden_size is 1.5"),
    "picture too small": (lambda: SimpleConvNet((1, 4, 4)), ValueError, "height 5 is more"),
    "nothing to pool": (lambda: SimpleConvNet((1, 5, 5)), ValueError, "height 2 is more .* 1 "),
    "conv_param": (lambda: SimpleConvNet(conv_param={"padding": 2}), ValueError, "'padding': its names are filter_num"),
    "filter_num": (lambda: SimpleConvNet(conv_param={"filter_num": 0}), ValueError, "filter_num is 0"),
    "weight_init_std": (lambda: SimpleConvNet(weight_init_std="xavier"), ValueError, "'xavier', must be 'he'"),
    "batch_size": (lambda: NET.accuracy(X.astype("f"), np.zeros(2, int), 0), ValueError, "batch_size is 0"),
    "numbers to differ": (lambda: numerical_gradient(np.sum, np.arange(3)), TypeError, "int64"),
}


@pytest.mark.parametrize("call, error, words", BAD.values(), ids=BAD)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
