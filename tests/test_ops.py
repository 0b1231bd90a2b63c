"""helpers.ops against PyTorch, over random shapes, strides, paddings, dilations and dtypes."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.ops import corr2d, corr2d_multi_in, corr2d_multi_in_out, output_size, pool2d

X, K = torch.arange(9.).reshape(3, 3), torch.arange(4.).reshape(2, 2)
DTYPES = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-3, torch.bfloat16: 8e-3}
repeat = settings(max_examples=80, deadline=None)


def pairs(low, high):
    """One int or a (height, width) pair, as every argument may be."""
    numbers = st.integers(low, high)
    return st.one_of(numbers, st.tuples(numbers, numbers))


def both(value):
    return (value, value) if isinstance(value, int) else value


@st.composite
def windows(draw, *, pooling=False):
    """Picture size, kernel size and the arguments of a window that fits."""
    kernel, stride = draw(pairs(1, 4)), draw(pairs(1, 4))
    dilation = 1 if pooling else draw(pairs(1, 3))
    if pooling:
        padding = tuple(draw(st.integers(0, k // 2)) for k in both(kernel))
    else:
        padding = draw(pairs(0, 3))
    reach = [d * (k - 1) + 1 for k, d in zip(both(kernel), both(dilation), strict=True)]
    size = tuple(draw(st.integers(max(1, r - 2 * p), r + 9)) for r, p in zip(reach, both(padding), strict=True))
    return size, kernel, dict(stride=stride, padding=padding, dilation=dilation)


def randn(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def conv2d(X, K, **arguments):
    """What F.conv2d gives. In 16 bits: of the same numbers in 64 bits, rounded once at the end.

    PyTorch 2.14 with AMX errs by 1e12, or crashes, on bfloat16 pictures one pixel wide with padding and dilation 2.
    """
    if X.dtype.itemsize > 2:
        return F.conv2d(X, K, **arguments)
    return F.conv2d(X.double(), K.double(), **arguments).to(X.dtype)


def close(ours, theirs, dtype):
    assert ours.dtype == theirs.dtype == dtype and ours.shape == theirs.shape
    scale = max(1.0, theirs.abs().max().item())
    torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=DTYPES[dtype])


@repeat
@given(windows(), st.sampled_from(list(DTYPES)), st.integers(0, 99))
def test_corr2d_is_conv2d(window, dtype, seed):
    size, kernel, arguments = window
    image, weight = randn(*size, dtype=dtype, seed=seed), randn(*both(kernel), dtype=dtype, seed=seed + 1)
    expected = conv2d(image[None, None], weight[None, None], **arguments)[0, 0]
    close(corr2d(image, weight, **arguments), expected, dtype)
    assert output_size(size, kernel, **arguments) == tuple(expected.shape)


@repeat
@given(windows(), st.integers(1, 4), st.integers(1, 4), st.sampled_from(list(DTYPES)), st.integers(0, 99))
def test_multi_channel_is_conv2d(window, ci, co, dtype, seed):
    size, kernel, arguments = window
    image, weight = randn(ci, *size, dtype=dtype, seed=seed), randn(co, ci, *both(kernel), dtype=dtype, seed=seed)
    expected = conv2d(image[None], weight, **arguments)[0]
    close(corr2d_multi_in_out(image, weight, **arguments), expected, dtype)
    close(corr2d_multi_in(image, weight[0], **arguments), expected[0], dtype)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_long_sum_of_16_bit_numbers_is_rounded_once(dtype):
    image, weight = randn(96, 12, 12, dtype=dtype) + 1, randn(4, 96, 5, 5, dtype=dtype, seed=1) + 1
    exact = F.conv2d(image[None].double(), weight.double())[0]
    for ours in (corr2d_multi_in_out(image, weight), F.conv2d(image[None], weight)[0]):
        assert ((ours.double() - exact) / exact).abs().max() < torch.finfo(dtype).eps
    flat = torch.full((40, 40), 1.5, dtype=dtype)
    assert pool2d(flat, 40, "avg").item() == 1.5 and corr2d(flat, torch.ones(40, 40, dtype=dtype)).item() == 2400


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_under_autocast_it_is_conv2d_under_autocast(dtype):
    image, weight = randn(96, 12, 12, dtype=dtype) + 1, randn(4, 96, 5, 5, dtype=dtype, seed=1) + 1
    with torch.autocast("cpu", torch.bfloat16):
        many, one = corr2d_multi_in_out(image, weight), corr2d(image[0], weight[0, 0])
        theirs = F.conv2d(image[None], weight)
        largest, mean = pool2d(image, 3), pool2d(image, 3, "avg")
    assert many.dtype == one.dtype == theirs.dtype and largest.dtype == mean.dtype == dtype
    low = torch.float64 if dtype == torch.float64 else torch.bfloat16
    exact, once = F.conv2d(image[None].to(low).double(), weight.to(low).double())[0], max(1e-13, torch.finfo(low).eps)
    assert ((many.double() - exact) / exact).abs().max() < once
    wanted = F.conv2d(image[None, :1].to(low).double(), weight[:1, :1].to(low).double())[0, 0]
    assert ((one.double() - wanted) / wanted.abs().max()).abs().max() < once
    weight.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        corr2d_multi_in_out(image, weight).sum().backward()
    assert weight.grad.dtype == dtype and weight.grad.isfinite().all()


def test_sizes_may_be_numpys_and_a_stride_none():
    two, image = np.int64(2), randn(6, 7)
    assert output_size(np.int32(9), two, stride=two) == output_size(9, 2, stride=2) == 4
    assert torch.equal(corr2d(image, K, stride=(two, 1), padding=two), corr2d(image, K, stride=(2, 1), padding=2))
    assert torch.equal(pool2d(image, two, stride=None), F.max_pool2d(image[None], 2)[0])
    assert torch.equal(pool2d(image, (2, 3), "avg", stride=None), pool2d(image, (2, 3), "avg", stride=(2, 3)))
    with pytest.raises(TypeError, match="stride is True, must be an int"):
        corr2d(image, K, stride=True)


@repeat
@given(windows(pooling=True), st.lists(st.integers(1, 3), max_size=2), st.sampled_from(list(DTYPES)),
       st.integers(0, 99), st.sampled_from([0.0, -20.0]))
def test_pool2d_is_pytorchs(window, leading, dtype, seed, offset):
    size, kernel, arguments = window
    image = randn(*leading, *size, dtype=dtype, seed=seed) + offset  # all negative: zeros as padding would win
    del arguments["dilation"]
    flat = image.reshape(-1, 1, *size)
    largest = F.max_pool2d(flat, kernel, **arguments)
    assert torch.equal(pool2d(image, kernel, **arguments), largest.reshape(*leading, *largest.shape[2:]))
    mean = F.avg_pool2d(flat, kernel, **arguments)
    close(pool2d(image, kernel, "avg", **arguments), mean.reshape(*leading, *mean.shape[2:]), dtype)


@repeat
@given(windows(), st.integers(1, 3), st.integers(1, 3))
def test_gradients_of_corr2d(window, ci, co):
    size, kernel, arguments = window
    image = randn(ci, *size, dtype=torch.float64).requires_grad_()
    weight = randn(co, ci, *both(kernel), dtype=torch.float64, seed=1).requires_grad_()
    ours = corr2d_multi_in_out(image, weight, **arguments)
    theirs = F.conv2d(image[None], weight, **arguments)[0]
    for a, b in zip(torch.autograd.grad(ours.pow(2).sum(), [image, weight]),
                    torch.autograd.grad(theirs.pow(2).sum(), [image, weight]), strict=True):
        torch.testing.assert_close(a, b)


@repeat
@given(windows(pooling=True), st.integers(0, 99), st.booleans())
def test_gradients_of_pool2d(window, seed, ties):
    size, kernel, arguments = window
    del arguments["dilation"]
    image = randn(1, 1, *size, dtype=torch.float64, seed=seed)
    image = (image.round() if ties else image).requires_grad_()  # among equal maxima the first gets the gradient
    for mode, reference in (("max", F.max_pool2d), ("avg", F.avg_pool2d)):
        ours, theirs = pool2d(image, kernel, mode, **arguments), reference(image, kernel, **arguments)
        weights = randn(*ours.shape, dtype=torch.float64, seed=seed + 1)
        torch.testing.assert_close(torch.autograd.grad((ours * weights).sum(), image),
                                   torch.autograd.grad((theirs * weights).sum(), image))


def test_gradcheck_first_and_second_order():
    image = randn(2, 5, 6, dtype=torch.float64).requires_grad_()
    weight = randn(3, 2, 3, 2, dtype=torch.float64, seed=1).requires_grad_()

    def function(image, weight):
        return corr2d_multi_in_out(image, weight, stride=(2, 1), padding=(1, 0), dilation=(1, 2))

    assert torch.autograd.gradcheck(function, (image, weight))
    assert torch.autograd.gradgradcheck(function, (image, weight))
    assert torch.autograd.gradcheck(lambda image, weight: corr2d(image[0], weight[0, 0]), (image, weight))
    for mode in ("max", "avg"):
        assert torch.autograd.gradcheck(lambda image, m=mode: pool2d(image, (3, 2), m, stride=2, padding=1), image)


def test_running_example():
    assert torch.equal(corr2d(X, K), torch.tensor([[19., 25.], [37., 43.]]))
    assert torch.equal(corr2d(torch.arange(9.).reshape(3, 3), torch.arange(4).reshape(2, 2)), corr2d(X, K))
    assert torch.equal(pool2d(X, (2, 2)), torch.tensor([[4., 5.], [7., 8.]]))
    assert torch.equal(pool2d(X, (2, 2), "avg"), torch.tensor([[2., 3.], [5., 6.]]))
    assert torch.equal(pool2d(X, 2, mode="avg"), pool2d(X, (2, 2), "avg"))


def test_numbers_of_the_channels_chapter():
    stacked, kernels = torch.stack((X, X + 1)), torch.stack((K, K + 1))
    three = torch.stack((kernels, kernels + 1, kernels + 2))
    assert corr2d_multi_in(stacked, kernels).tolist() == [[56, 72], [104, 120]]
    assert corr2d_multi_in_out(stacked, three).tolist() == [[[56, 72], [104, 120]], [[76, 100], [148, 172]],
                                                            [[96, 128], [192, 224]]]


def test_one_number_in_one_number_out():
    assert output_size(224, 7, stride=2, padding=3) == 112
    assert output_size(28, 5) == 24 and isinstance(output_size(28, 5), int)
    assert output_size((28, 31), 5, padding=2, stride=3) == (10, 11)
    assert output_size(7, 3, dilation=(1, 2)) == (5, 3)
    assert output_size(torch.zeros(4, 6).shape, [2, 3]) == (3, 4)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int64, torch.bool])
def test_integers_become_floats(dtype):
    bright = torch.full((4, 4), 200).to(dtype)
    expected = corr2d(bright.float(), torch.ones(2, 2))
    for result in (corr2d(bright, torch.ones(2, 2, dtype=dtype)), corr2d(bright, torch.ones(2, 2))):
        assert result.dtype == torch.float32 and torch.equal(result, expected)  # 800, not 800 mod 256
    assert torch.equal(pool2d(bright, 2, padding=1), pool2d(bright.float(), 2, padding=1))
    assert corr2d(bright, torch.ones(2, 2).half()).dtype == torch.float16


def test_mixed_precision_takes_the_wider_one():
    assert corr2d(X.double(), K).dtype == torch.float64


def test_input_is_left_alone():
    image, kernel = X.clone(), K.clone()
    corr2d(image, kernel, padding=1)
    pool2d(image, 2, padding=1)
    assert torch.equal(image, X) and torch.equal(kernel, K)


def test_nan_is_not_hidden():
    image = X.clone()
    image[1, 1] = float("nan")
    assert pool2d(image, 2).isnan().all() and pool2d(image, 2, "avg").isnan().all()


def test_noncontiguous_and_meta_tensors():
    assert torch.equal(corr2d(X.T, K), corr2d(X.T.contiguous(), K))
    assert corr2d(X.to("meta"), K.to("meta"), padding=1).shape == (4, 4)
    assert pool2d(X.to("meta"), 2).device.type == "meta"


@pytest.mark.parametrize("device", ["cpu"] + ["cuda"] * torch.cuda.is_available())
def test_result_stays_on_the_device(device):
    image, kernel = randn(3, 12, 13, dtype=torch.float64), randn(4, 3, 3, 3, dtype=torch.float64, seed=1)
    result = corr2d_multi_in_out(image.to(device), kernel.to(device), padding=1, stride=2)
    expected = F.conv2d(image[None], kernel, padding=1, stride=2)[0]
    torch.testing.assert_close(result.cpu(), expected)
    largest = pool2d(image.to(device), 3, padding=1)
    assert result.device.type == largest.device.type == device
    assert torch.equal(largest.cpu(), F.max_pool2d(image, 3, stride=1, padding=1))


BAD = {
    "kernel too large": (lambda: corr2d(X, torch.ones(5, 2), padding=(0, 1)), ValueError, "spans 5 .* has 3"),
    "dilated too far": (lambda: corr2d(X, K, dilation=3), ValueError, "spans 4 .*dilation 3"),
    "empty kernel": (lambda: corr2d(X, torch.ones(0, 2)), ValueError, "kernel size 0"),
    "stride 0": (lambda: corr2d(X, K, stride=0), ValueError, "stride 0"),
    "stride -1": (lambda: pool2d(X, 2, stride=-1), ValueError, "stride -1"),
    "negative padding": (lambda: corr2d(X, K, padding=-1), ValueError, "padding -1"),
    "negative pool padding": (lambda: pool2d(X, 2, padding=-1), ValueError, "padding -1"),
    "dilation 0": (lambda: corr2d(X, K, dilation=0), ValueError, "dilation 0"),
    "picture with channel": (lambda: corr2d(X[None], K), ValueError, r"X .*\(H, W\).*\(1, 3, 3\)"),
    "kernel with channel": (lambda: corr2d(X, K[None]), ValueError, r"K .*\(kh, kw\).*\(1, 2, 2\)"),
    "multi-in kernel": (lambda: corr2d_multi_in(X[None], K), ValueError, r"K .*\(C, kh, kw\)"),
    "multi-in picture": (lambda: corr2d_multi_in(X, K[None]), ValueError, r"X .*\(Ci, H, W\)"),
    "channels": (lambda: corr2d_multi_in_out(torch.ones(3, 4, 4), torch.ones(1, 2, 2, 2)), ValueError,
                 "3 channels and K expects 2"),
    "pool a row": (lambda: pool2d(X[0], 2), ValueError, r"\(3,\)"),
    "pool too large": (lambda: pool2d(X, 4), ValueError, "spans 4"),
    "pool padding": (lambda: pool2d(X, 2, padding=(1, 2)), ValueError, "more than half"),
    "mode": (lambda: pool2d(X, 2, "mean"), ValueError, "'mean'"),
    "triple": (lambda: corr2d(X, K, stride=(1, 1, 1)), ValueError, "stride is"),
    "text": (lambda: corr2d(X, K, padding="same"), TypeError, "padding is 'same'"),
    "float stride": (lambda: corr2d(X, K, stride=1.5), TypeError, "stride is 1.5"),
    "list": (lambda: corr2d([[1.0]], K), TypeError, "torch.tensor"),
    "complex": (lambda: corr2d(X.to(torch.complex64), K), TypeError, "complex64"),
    "empty batch": (lambda: pool2d(torch.ones(0, 1, 4, 4), 2), ValueError, r"X has .*\(0, 1, 4, 4\), an axis is empty"),
    "no channels to pool": (lambda: pool2d(torch.ones(2, 0, 4, 4), 2, "avg"), ValueError, r"\(2, 0, 4, 4\), an axis"),
    "empty picture": (lambda: pool2d(torch.ones(0, 4), 2, padding=1), ValueError, "input size 0"),
    "no input channels": (lambda: corr2d_multi_in(torch.ones(0, 4, 4), torch.ones(0, 2, 2)), ValueError, "is empty"),
    "no output channels": (lambda: corr2d_multi_in_out(X[None], torch.ones(0, 1, 2, 2)), ValueError, "K .* is empty"),
    "sparse": (lambda: corr2d(X.to_sparse(), K), TypeError, "X is a sparse tensor: use X.to_dense"),
    "sparse pool": (lambda: pool2d(X.to_sparse(), 2), TypeError, "sparse"),
    "array": (lambda: corr2d(X.numpy(), K), TypeError, "got ndarray: use torch.tensor"),
    "size": (lambda: output_size(3, 4), ValueError, r"spans 4 .* has 3 \(3 \+ 2 \* 0\)"),
}


@pytest.mark.parametrize("call, error, words", BAD.values(), ids=BAD)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
