"""What lesson 06 says but does not show: gradients against autograd and differences, numbers, learners' questions."""

import itertools

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch.nn import functional as F

from helpers import output_size, scratch
from helpers.data import digits
from helpers.exercises import find
from helpers.scratch import col2im, numerical_gradient
from helpers.widgets import Im2colExplorer

from ..claims import definitions_of

X, K, DOUT = np.arange(9.0).reshape(3, 3), np.arange(4.0).reshape(2, 2), np.array([[1.0, 2], [3, 4]])
X5, K3 = np.arange(25.0).reshape(5, 5), np.arange(9.0).reshape(3, 3)
SMALL = dict(size=10, filter_num=3, filter_size=3, hidden_size=5, output_size=4)


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines."""
    return definitions_of("06_cnn_from_scratch")


@pytest.fixture(scope="module")
def data():
    """The digits as the lesson takes them: x_train, t_train, x_test, t_test."""
    found, parts = digits(), []
    for images, labels in ((found.train_images, found.train_labels), (found.test_images, found.test_labels)):
        parts += [((images.numpy() / 255 - found.mean) / found.std).astype(np.float32), labels.numpy()]
    return parts


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def fresh(lesson, seed=0, he=False, **options):
    """A net of the lesson's layers; with `he`, the filters start as wide as He's rule says."""
    params = lesson["first_params"](seed, **options)
    if he:
        params["W1"] *= 10
    return lesson["SimpleConvNet"](params)


def by_autograd(function, dout, *arrays):
    """The gradients of (function(*arrays) · dout).sum() by each of the arrays."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    gradients = torch.autograd.grad(function(*tensors), tensors, torch.tensor(dout))
    return [gradient.numpy() for gradient in gradients]


def conv2d(stride=1, padding=0):
    """PyTorch's convolution of tables (H, W) and (k, k)."""
    return lambda X, K: F.conv2d(X[None, None], K[None, None], stride=stride, padding=padding)[0, 0]


def torch_gradient(lesson, params, x, t):
    """{name: gradient} of a SimpleConvNet's weights, by autograd."""
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    lesson["torch_loss"](tensors, x, t).backward()
    return {name: tensor.grad.numpy() for name, tensor in tensors.items()}


# Every window a row ---------------------------------------------------------------------------------------


def test_a_batch_is_one_long_row_in_which_the_last_axis_runs_fastest(rng):
    x = rng.random((10, 1, 28, 28))
    assert x[3, 0, 5, 7] == x.reshape(-1)[((3 * 1 + 0) * 28 + 5) * 28 + 7]


def test_transpose_keeps_pixel_and_channel_and_reshape_mixes_them():
    pixels = np.array([[[0, 10, 20], [1, 11, 21]], [[2, 12, 22], [3, 13, 23]]])  # (H, W, C)
    moved, cut = pixels.transpose(2, 0, 1), pixels.reshape(3, 2, 2)
    assert moved[1].tolist() == [[10, 11], [12, 13]] and cut[0].ravel().tolist() == [0, 10, 20, 1]


def test_from_rows_to_maps_is_reshape_then_transpose():
    rows = np.arange(24).reshape(8, 3)  # 2 pictures · 2 rows · 2 columns = 8 places, 3 channels
    maps = rows.reshape(2, 2, 2, 3).transpose(0, 3, 1, 2)
    assert np.array_equal(maps.transpose(0, 2, 3, 1).reshape(8, 3), rows)
    assert not np.array_equal(maps.reshape(8, 3), rows)


def test_one_product_gives_all_outputs(lesson):
    rows = lesson["im2col"](X[None, None], 2, 2)
    assert (rows @ K.reshape(4, 1)).ravel().tolist() == [19, 25, 37, 43]


def test_the_matrix_of_one_picture_and_of_ten(lesson, rng):
    shapes = [lesson["im2col"](rng.random((n, 3, 7, 7)), 5, 5).shape for n in (1, 10)]
    assert f"guess = {[*shapes[0], *shapes[1]]}" == find("06.p1").solution


@pytest.mark.parametrize("k, stride, pad", [(2, 1, 0), (3, 2, 1), (3, 3, 2)])
def test_im2col_is_the_courses_and_pytorchs(lesson, rng, k, stride, pad):
    x = rng.random((10, 3, 7, 8))
    col, unfolded = lesson["im2col"](x, k, k, stride, pad), F.unfold(torch.tensor(x), k, stride=stride, padding=pad)
    assert np.array_equal(col, scratch.im2col(x, k, k, stride, pad))
    assert np.array_equal(col, unfolded.mT.reshape(-1, 3 * k * k).numpy())


def test_one_product_is_faster_than_the_loop(lesson, rng):
    x, W, b = rng.random((4, 1, 20, 20)), rng.normal(size=(4, 1, 3, 3)), rng.normal(size=4)

    def by_loop():
        out = np.zeros((len(x), len(W), *output_size(x.shape[2:], W.shape[2:])))
        for n, f, i, j in np.ndindex(out.shape):
            out[n, f, i, j] = (x[n, :, i : i + 3, j : j + 3] * W[f]).sum() + b[f]
        return out

    assert np.allclose(lesson["convolve"](x, W, b)[0], by_loop())
    times = lesson["milliseconds"]({"loop": by_loop, "product": lambda: lesson["convolve"](x, W, b)}, repeats=5)
    assert times["loop"] > 5 * times["product"]


def test_what_the_explorer_shows():
    def laid_out(**values):
        return Im2colExplorer(**values).result

    first = laid_out()
    assert first["counts"].argmax() == 4 and sorted(first["copies"]) == [(0, 3), (1, 2), (2, 1), (3, 0)]
    assert laid_out(kernel_size=3, padding=1)["col"].size == 81 and laid_out(kernel_size=3, padding=1)["factor"] == 9
    once = laid_out(kernel_size=3, padding=1, stride=3)
    assert once["col"].shape == (1, 9) and (once["counts"] == 0).sum() == 5
    two = laid_out(images=2, channels=2)["col"]
    assert not set(two[:4].ravel()) & set(two[4:].ravel())
    assert laid_out(size=5, kernel_size=2, stride=2)["counts"][0, 0, 4, 4] == 0


def test_what_the_copies_cost():
    numbers = 32 * 64 * 112 * 112
    rows = 32 * np.prod(output_size((112, 112), 3, padding=1))
    assert rows * 64 * 3 * 3 == 9 * numbers
    assert [round(4 * count / 1e6) for count in (numbers, 9 * numbers)] == [103, 925]


# Going backward -------------------------------------------------------------------------------------------


def test_the_gradients_of_the_example(lesson):
    corr2d = lesson["corr2d"]
    dX, dW = by_autograd(conv2d(), DOUT, X, K)
    assert DOUT.sum() == 10 and np.array_equal(dW, corr2d(X, DOUT)) and dW[1, 0] == 57
    assert f"guess = {[int(dW[0, 0])]}" == find("06.p2").solution
    assert (
        dX.tolist() == [[0, 1, 2], [2, 10, 10], [6, 17, 12]] and f"guess = {[int(dX[0, 1])]}" == find("06.p3").solution
    )
    assert np.array_equal(dX, corr2d(np.pad(DOUT, 1), K[::-1, ::-1]))


@pytest.mark.parametrize("n, k", [(6, 3), (5, 2), (7, 5)])
def test_dW_is_a_correlation_and_dX_a_full_convolution_whatever_the_sizes(lesson, rng, n, k):
    picture, kernel, dout = rng.normal(size=(n, n)), rng.normal(size=(k, k)), rng.normal(size=(n - k + 1, n - k + 1))
    dX, dW = by_autograd(conv2d(), dout, picture, kernel)
    assert np.allclose(dW, lesson["corr2d"](picture, dout))
    assert np.allclose(dX, lesson["corr2d"](np.pad(dout, k - 1), kernel[::-1, ::-1]))


def test_with_a_stride_dout_is_spread(lesson):
    spread = np.zeros((3, 3))
    spread[::2, ::2] = DOUT
    dX, dW = by_autograd(conv2d(stride=2), DOUT, X5, K3)
    assert np.array_equal(dW, lesson["corr2d"](X5, spread)) and dW[0, 0] == 0 * 1 + 2 * 2 + 10 * 3 + 12 * 4
    assert np.array_equal(dX, lesson["corr2d"](np.pad(spread, 2), K3[::-1, ::-1]))


def test_with_padding_the_border_is_cut_off(lesson):
    dout = np.arange(16.0).reshape(4, 4)
    dX, dW = by_autograd(conv2d(padding=1), dout, X, K)
    assert np.array_equal(dW, lesson["corr2d"](np.pad(X, 1), dout))
    assert np.array_equal(dX, lesson["corr2d"](np.pad(dout, 1), K[::-1, ::-1])[1:-1, 1:-1])


def test_dW_adds_up_over_pictures_and_dX_over_filters(lesson, rng):
    x, W, dout = (rng.normal(size=size) for size in ((2, 3, 5, 5), (4, 3, 2, 2), (2, 4, 4, 4)))
    dX, dW = by_autograd(F.conv2d, dout, x, W)
    corr2d = lesson["corr2d"]
    for n, c, f in itertools.product(range(2), range(3), range(4)):
        assert np.allclose(dW[f, c], sum(corr2d(x[m, c], dout[m, f]) for m in range(2)))
        full = (corr2d(np.pad(dout[n, g], 1), W[g, c, ::-1, ::-1]) for g in range(4))
        assert np.allclose(dX[n, c], sum(full))


def test_three_products_and_col2im_give_the_same():
    col, rows = scratch.im2col(X[None, None], 2, 2), DOUT.reshape(4, 1)
    dcol = rows @ K.reshape(1, 4)
    dX, dW = by_autograd(conv2d(), DOUT, X, K)
    assert np.array_equal((rows.T @ col).reshape(2, 2), dW)
    assert [dcol[3 - i, i] for i in range(4)] == [0, 3, 4, 3] and all(col[3 - i, i] == 4 for i in range(4))
    assert np.array_equal(col2im(dcol, (1, 1, 3, 3), 2, 2)[0, 0], dX)


def test_col2im_counts_and_does_not_undo():
    again = col2im(scratch.im2col(X[None, None], 2, 2), (1, 1, 3, 3), 2, 2)[0, 0]
    assert np.array_equal(again, X * [[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    assert Im2colExplorer(direction="col2im").result["counts"][0, 0].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_im2col_is_a_table_and_col2im_the_table_turned(lesson, rng):
    single = np.eye(9).reshape(9, 1, 1, 3, 3)  # nine pictures with one white pixel
    table = np.stack([lesson["im2col"](picture, 2, 2).ravel() for picture in single], axis=1)
    assert table.shape == (16, 9) and set(table.ravel()) == {0, 1}
    assert np.array_equal(table @ X.ravel(), lesson["im2col"](X[None, None], 2, 2).ravel())
    y = rng.normal(size=(4, 4))
    assert np.allclose(table.T @ y.ravel(), col2im(y, (1, 1, 3, 3), 2, 2).ravel())


@pytest.mark.parametrize("stride, pad", [(1, 0), (2, 1), (3, 2)])
def test_col2im_is_the_adjoint_of_im2col(lesson, rng, stride, pad):
    x = rng.normal(size=(2, 3, 8, 9))
    col = lesson["im2col"](x, 3, 3, stride, pad)
    y = rng.normal(size=col.shape)
    assert np.isclose((col * y).sum(), (x * col2im(y, x.shape, 3, 3, stride, pad)).sum())


# The layers -----------------------------------------------------------------------------------------------


def cases(lesson, rng):
    """{name: (our layer, the same in PyTorch, the course's)}."""
    W, b, V = rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4), rng.normal(size=(108, 4))
    return {
        "Convolution": (lesson["Convolution"](W, b, 2, 1), lambda x, W, b: F.conv2d(x, W, b, 2, 1),
                        scratch.Convolution(W, b, 2, 1)),
        "Pooling": (lesson["Pooling"](3, 3, 2, 1), lambda x: F.max_pool2d(x, 3, 2, 1), scratch.Pooling(3, 3, 2, 1)),
        "mean": (scratch.Pooling(3, 3, 2, 1, "avg"), lambda x: F.avg_pool2d(x, 3, 2, 1),
                 scratch.Pooling(3, 3, 2, 1, "avg")),
        "Affine": (lesson["Affine"](V, b), lambda x, V, b: x.flatten(1) @ V + b, scratch.Affine(V, b)),
        "ReLU": (lesson["ReLU"](), torch.relu, scratch.ReLU()),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["Convolution", "Pooling", "mean", "Affine", "ReLU"])
def test_every_layers_gradient_is_that_of_differences_of_autograd_and_of_the_course(lesson, rng, name):
    """Away from kinks, in float64: 1e-7 against differences, 1e-10 against autograd."""
    x = (rng.permutation(2 * 3 * 36).reshape(2, 3, 6, 6) - 107.5) / 50  # no two closer than 0.01, nor any to 0
    assert np.diff(np.sort(x.ravel())).min() > 0.01 and np.abs(x).min() >= 0.01
    layer, in_torch, theirs = cases(lesson, rng)[name]
    dout = rng.normal(size=layer.forward(x).shape)
    arrays, found = [x], [layer.backward(dout)]
    if hasattr(layer, "W"):
        arrays, found = [x, layer.W, layer.b], [*found, layer.dW, layer.db]
    assert np.allclose(layer.forward(x), theirs.forward(x)) and np.allclose(found[0], theirs.backward(dout))
    automatic = by_autograd(in_torch, dout, *arrays)
    for array, mine, want in zip(arrays, found, automatic, strict=True):
        by_force = numerical_gradient(lambda _: (layer.forward(x) * dout).sum(), array)
        assert lesson["relative_error"](mine, by_force) <= 1e-7 and lesson["relative_error"](mine, want) <= 1e-10


def test_pooling_pads_with_minus_infinity_and_counts_the_padding(lesson, rng):
    negative = -rng.random((2, 3, 7, 7))
    want = F.max_pool2d(torch.tensor(negative), 3, stride=2, padding=1)
    assert np.array_equal(lesson["Pooling"](3, 3, stride=2, pad=1).forward(negative), want)


def test_each_largest_pixel_gets_what_its_output_has(lesson):
    pool = lesson["Pooling"](2, 2)
    assert pool.forward(X[None, None]).ravel().tolist() == [4, 5, 7, 8]
    back = pool.backward(DOUT[None, None]).ravel().astype(int).tolist()
    assert f"guess = {back}" == find("06.p4").solution


def test_a_dense_layer_is_a_convolution_whose_window_is_the_picture(lesson, rng):
    x, kernels, b = rng.random((10, 3, 7, 7)), rng.normal(size=(5, 3, 7, 7)), rng.normal(size=5)
    dense = lesson["Affine"](kernels.reshape(5, -1).T, b)
    assert np.allclose(dense.forward(x), lesson["convolve"](x, kernels, b)[0][:, :, 0, 0])


def test_the_loss_is_pytorchs_and_does_not_overflow(lesson):
    last, scores, t = lesson["SoftmaxWithLoss"](), np.array([[1000.0, 1001, -999], [2, 0, 1]]), np.array([2, 0])
    tensor = torch.tensor(scores, requires_grad=True)
    want = F.cross_entropy(tensor, torch.tensor(t))
    want.backward()
    assert last.forward(scores, t) == pytest.approx(want.item()) and np.allclose(last.backward(), tensor.grad)
    assert np.allclose(last.y, tensor.softmax(dim=1).detach())


def test_the_gradient_of_a_picture_adds_up_to_0_and_is_0_where_certain_and_right(lesson):
    last = lesson["SoftmaxWithLoss"]()
    last.forward(np.array([[1.0, 2, 0], [2, 0, 1], [0, 90, 0]]), np.array([1, 1, 1]))
    gradient = last.backward()
    assert np.allclose(gradient.sum(axis=1), 0) and (gradient[:2, 1] < 0).all() and np.abs(gradient[2]).max() < 1e-12


# A network that learns ------------------------------------------------------------------------------------


def test_the_net_is_the_courses_with_the_same_weights(lesson, rng):
    net, theirs = fresh(lesson), scratch.SimpleConvNet(seed=0)
    for name, array in theirs.params.items():
        array[...] = net.params[name]
    x, t = rng.random((8, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 8)
    assert sum(p.size for p in net.params.values()) == 433_890
    assert net.layers[0].forward(x).shape == (8, 30, 24, 24) and net.predict(x).shape == (8, 10)
    assert np.isclose(net.loss(x, t), theirs.loss(x, t), rtol=1e-4)
    ours, others = net.gradient(x, t), theirs.gradient(x, t)
    assert list(ours) == list(others) and all(lesson["relative_error"](ours[n], others[n]) < 1e-3 for n in ours)


def test_weights_start_by_hes_rule_and_the_filters_at_a_tenth_of_it(lesson):
    params = lesson["first_params"](0)
    for name, inputs, share in (("W1", 25, 0.1), ("W2", 30 * 12 * 12, 1), ("W3", 100, 1)):
        assert params[name].std() == pytest.approx(share * np.sqrt(2 / inputs), rel=0.1)


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_from_hes_wide_start_the_steps_of_the_large_dense_layer_are_too_long(lesson, data, seed):
    """Its 4,320 inputs are about 1; with shorter steps in W2 alone, the loss stays near where it begins."""
    net, (x, t, _, _) = fresh(lesson, seed, he=True), data
    maps = x[:100]
    for layer in net.layers[:3]:
        maps = layer.forward(maps)
    assert maps[0].size == 4320 and 0.7 < np.sqrt((maps**2).mean()) < 1.4
    losses = []
    for rows in np.array_split(np.random.default_rng(0).permutation(len(x)), len(x) // 32):
        gradient = net.gradient(x[rows], t[rows])
        losses.append(net.last_layer.loss)
        for name, parameter in net.params.items():
            parameter -= (0.001 if name == "W2" else 0.1) * gradient[name]
    assert max(losses) < losses[0] + 0.5


@pytest.mark.parametrize("seed", range(5))
def test_a_sound_net_begins_near_ln_10_and_learns_20_pictures_by_heart(lesson, data, seed):
    net, (x, t, _, _) = fresh(lesson, seed), data
    losses = lesson["train"](net, x[:20], t[:20], num_epochs=40)
    assert abs(losses[0] - np.log(10)) < 0.3 and lesson["accuracy"](net, x[:20], t[:20]) == 1


def test_from_hes_wide_start_the_loss_shoots_up_and_some_nets_never_recover(lesson, data):
    x, t, x_test, t_test = data
    peaks, ends = [], []
    for seed in range(10):  # of 12 draws four ended below .5
        wide = fresh(lesson, seed, he=True)
        peaks.append(max(lesson["train"](wide, x, t, 1)))
        ends.append(lesson["accuracy"](wide, x_test, t_test))
    assert min(peaks) > 5 and np.median(peaks) > 10 and min(ends) < 0.5 < max(ends)
    assert max(lesson["train"](fresh(lesson), x[:500], t[:500], 1)) < 3.5


def test_the_gradients_in_float32_are_pytorchs_to_three_digits(lesson, data):
    net, (x, t, _, _) = fresh(lesson), data
    lesson["train"](net, x[:320], t[:320], 1)
    ours, automatic = net.gradient(x[:32], t[:32]), torch_gradient(lesson, net.params, x[:32], t[:32])
    assert all(lesson["relative_error"](ours[name], automatic[name]) < 1e-3 for name in ours)


# Is the gradient right? -----------------------------------------------------------------------------------


def test_the_whole_nets_gradient_is_that_of_differences_and_of_autograd(lesson):
    net = fresh(lesson, **SMALL, dtype=np.float64)
    x, t = np.random.default_rng(2).normal(size=(3, 1, 10, 10)), np.array([0, 1, 3])
    assert max(lesson["checked"](net, x, t, net.params).values()) <= 1e-7
    ours, automatic = net.gradient(x, t), torch_gradient(lesson, net.params, x, t)
    assert all(lesson["relative_error"](ours[name], automatic[name]) <= 1e-14 for name in ours)


def test_the_relative_error_divides_by_the_longer(lesson):
    assert lesson["relative_error"](1.25 * X, X) == pytest.approx(0.2)


def test_truncation_falls_with_h_squared_and_rounding_grows_as_1_over_h(lesson):
    x, t, errors = np.random.default_rng(2).normal(size=(3, 1, 10, 10)), np.array([0, 1, 3]), {}
    for dtype in (np.float64, np.float32):
        net = fresh(lesson, **SMALL, dtype=dtype)
        errors[dtype] = [lesson["checked"](net, x.astype(dtype), t, ["W3"], 10.0**-n)["W3"] for n in range(13)]
    double = errors[np.float64]
    assert max(double[4:7]) < 1e-7 and min(errors[np.float32]) > 1e-6
    assert double[2] > 50 * double[3] and double[10] > 20 * double[8]  # two decades a decade; two decades in two


def test_at_a_kink_the_difference_is_the_slope_of_neither_side():
    def slope(x, h=1e-5):
        return (max(x + h, 0) - max(x - h, 0)) / (2 * h)

    assert [slope(x) for x in (-2e-5, 0.0, 0.5e-5, 2e-5)] == pytest.approx([0, 0.5, 0.75, 1])
    x = np.array([[[[1.0, 1.0]]]])  # two equal pixels in a window
    pool = scratch.Pooling(1, 2)
    found = numerical_gradient(lambda _: pool.forward(x).sum(), x)
    assert np.allclose(found, 0.5) and pool.backward(np.ones((1, 1, 1, 1))).ravel().tolist() == [1, 0]


def test_a_small_absolute_difference_hides_a_fifth_of_the_gradient(lesson):
    (textbook, relative), (smaller, same) = lesson["with_bug"](0.01), lesson["with_bug"](0.001)
    assert smaller < 2e-6 < 1e-5 < textbook and min(relative, same) > 0.15


def test_the_textbooks_net_without_the_bug_passes(lesson):
    sizes = dict(size=10, filter_num=10, filter_size=3, hidden_size=10, dtype=np.float64)
    net = fresh(lesson, **sizes)
    x, t = np.random.default_rng(0).random((1, 1, 10, 10)), np.array([1])
    assert lesson["checked"](net, x, t, ["W1"])["W1"] < 1e-3


def test_a_wrong_forward_pass_has_a_perfect_gradient(lesson, rng):
    x, dout = rng.normal(size=(2, 3, 6, 6)), rng.normal(size=(2, 4, 4, 4))
    W, b = rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
    swapped = lesson["Convolution"](W.transpose(0, 1, 3, 2), b)  # the bug
    by_force = numerical_gradient(lambda _: (swapped.forward(x) * dout).sum(), x)
    assert lesson["relative_error"](swapped.backward(dout), by_force) < 1e-7
    assert not np.allclose(swapped.forward(x), F.conv2d(*map(torch.tensor, (x, W, b))))


# Questions learners ask -----------------------------------------------------------------------------------


def test_the_windows_are_the_same_memory_and_the_rows_a_copy(lesson, rng):
    x = rng.random((10, 1, 28, 28))
    windows, col = sliding_window_view(x, (5, 5), axis=(2, 3)), lesson["im2col"](x, 5, 5)
    assert np.shares_memory(windows, x) and not np.shares_memory(col, x) and windows.size == col.size


def test_a_transposed_convolution_is_dX_and_does_not_bring_the_input_back(lesson):
    Y, kernel, dout = (torch.tensor(a[None, None]) for a in (lesson["corr2d"](X, K), K, DOUT))
    assert F.conv_transpose2d(dout, kernel)[0, 0].tolist() == [[0, 1, 2], [2, 10, 10], [6, 17, 12]]
    assert not np.allclose(F.conv_transpose2d(Y, kernel)[0, 0], X)


def test_pixels_in_no_window_have_no_influence(lesson):
    layer = lesson["Convolution"](np.ones((1, 1, 2, 2)), np.zeros(1), stride=2)
    layer.forward(X5[None, None])
    dx = layer.backward(np.ones((1, 1, 2, 2)))[0, 0]
    assert (dx[-1] == 0).all() and (dx[:, -1] == 0).all() and (dx[:4, :4] == 1).all()


def test_from_zeros_only_the_last_bias_gets_a_gradient_and_equal_filters_stay_equal(lesson, data):
    x, t = data[0][:8], data[1][:8]
    for value, names in ((0, ["b3"]), (0.01, None)):
        net = fresh(lesson)
        for name, parameter in net.params.items():
            parameter[...] = value if name[0] == "W" else 0
        gradient = net.gradient(x, t)
        if names:
            assert [name for name, found in gradient.items() if np.abs(found).max() > 0] == names
    W1 = gradient["W1"]
    assert np.abs(W1).max() > 0 and np.allclose(W1, W1[:1], rtol=1e-3, atol=1e-6)


def test_every_picture_twice_has_the_same_gradient(lesson, data):
    net, (x, t, _, _) = fresh(lesson), data
    once, twice = net.gradient(x[:16], t[:16]), net.gradient(np.tile(x[:16], (2, 1, 1, 1)), np.tile(t[:16], 2))
    assert all(lesson["relative_error"](once[name], twice[name]) < 1e-3 for name in once)


def test_backward_takes_the_time_of_a_few_losses(lesson, data):
    net, (x, t, _, _) = fresh(lesson), data
    ways = {call.__name__: lambda call=call: call(x[:32], t[:32]) for call in (net.loss, net.gradient)}
    times = lesson["milliseconds"](ways, repeats=5)
    assert times["gradient"] < 10 * times["loss"]


def test_what_is_learned_from_a_wide_start_is_smooth_and_lies_on_larger_noise(lesson, data):
    x, t, x_test, t_test = data
    wide = fresh(lesson, he=True)
    before = wide.params["W1"].copy()
    lesson["train"](wide, x, t, 2, lr=0.03)
    learned, correlation = wide.params["W1"] - before, lesson["neighbour_correlation"]
    assert lesson["accuracy"](wide, x_test, t_test) > 0.8
    assert np.linalg.norm(learned) < 0.5 * np.linalg.norm(before)
    assert correlation(learned) > 0.8 and abs(correlation(wide.params["W1"])) < 0.2
