"""What lesson 01 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import copy
import itertools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import corr2d, load_photo
from helpers.exercises import find
from helpers.widgets import ConvolutionIntegral, DenseCost

from ..claims import definitions_of, names_of

LESSON = "01_from_dense_to_convolution"
SMALL, TAPS = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)
N = 6


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson defines, up to its three matrices."""
    return names_of(LESSON, until="local")


@pytest.fixture(scope="module")
def defined():
    """The functions and classes of the whole lesson."""
    return definitions_of(LESSON)


def answers(id):
    """The numbers of a prediction that counts as right."""
    return [float(number) for number in find(id).solution.removeprefix("guess = [").removesuffix("]").split(",")]


def parameters(*layers):
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())


# The cost -------------------------------------------------------------------------------------------------


def test_the_network_of_1989_shares_64660_connections_among_9760_numbers():
    units = {"H1": 12 * 64, "H2": 12 * 16, "H3": 30, "output": 10}
    inputs = {"H1": 25, "H2": 8 * 25, "H3": 12 * 16, "output": 30}
    assert sum(units[layer] * (inputs[layer] + 1) for layer in units) == 64_660
    maps = {"H1": 12, "H2": 12, "H3": 30, "output": 10}  # kernels are shared in a map, biases are not
    assert sum(maps[layer] * inputs[layer] + units[layer] for layer in units) == 9_760


def test_the_dense_layer_on_a_photo():
    layer = nn.Linear(12_000_000 * 3, 100, bias=False, device="meta")  # shapes without memory
    weights = layer.weight.numel()
    assert weights == 3_600_000_000 and 10**6 * 10**3 == 10**9
    assert answers("01.p1") == [weights / 10**9, 3 * weights * 4 / 10**9] == [3.6, 43.2]
    assert nn.Conv2d(3, 100, 3, bias=False).weight.numel() == 2_700


def test_the_widget_starts_on_the_numbers_of_the_text():
    result = DenseCost().result
    dense, convolution = result["dense"], result["convolution"]
    assert dense["weights"] == 3_600_000_000 and dense["training_bytes"] == 43.2e9
    assert convolution["weights"] == 2_700 and convolution["multiply_adds"] == 9 * dense["multiply_adds"]


def test_the_ratio_of_the_weights_is_pixels_over_k_squared():
    widget = DenseCost()

    def ratio(**changes):
        result = widget.update(**{"megapixels": 12.0, "channels": 3, "hidden": 100, "kernel_size": 3, **changes}).result
        return result["dense"]["weights"] / result["convolution"]["weights"]

    assert ratio() == 12e6 / 9 == ratio(channels=5) == ratio(hidden=200)
    assert ratio(megapixels=6.0) == 6e6 / 9 and ratio(kernel_size=5) == 12e6 / 25


def test_a_dense_layer_with_as_many_outputs_loses_on_both_counts():
    inputs, maps = 12_000_000 * 3, 100 * 12_000_000
    dense, convolution = inputs * maps, 3 * 3 * 3 * maps  # weights and multiply-adds; multiply-adds
    assert maps * 4 / 10**9 == 4.8
    assert dense * 4 / 10**15 == 172.8  # petabytes, millions of gigabytes
    assert dense // convolution == 1_333_333 and convolution == 9 * inputs * 100


# Two principles -------------------------------------------------------------------------------------------


def alike(first, second):
    """The correlation of two pictures of one size."""
    first, second = (part.flatten() - part.mean() for part in (first, second))
    return (first @ second / (first.norm() * second.norm())).item()


def test_the_windows_of_the_two_photos_are_alike_and_the_photos_are_not(lesson):
    flower, temple = load_photo("flower"), load_photo("china")
    for (a, b), (c, d) in zip(lesson["flower"], lesson["temple"], strict=True):
        assert alike(flower[a:a + 10, b:b + 10], temple[c:c + 10, d:d + 10]) > 0.9
    assert abs(alike(flower, temple)) < 0.2


def test_the_man_alone_has_the_highest_score_wherever_the_page_moves(lesson):
    scores = corr2d(lesson["page"], lesson["stripes"])
    assert scores[3, 1] == scores.max() == 6 and (scores == 6).sum() == 1
    moved = corr2d(lesson["page"].roll((-2, 3), dims=(0, 1)), lesson["stripes"])
    assert (moved == moved.max()).nonzero().tolist() == [[1, 4]]
    assert answers("01.p4") == [1, 4, moved.max()]


def test_the_matrix_of_the_small_example(lesson):
    assert torch.equal(lesson["M"] @ SMALL.flatten(), corr2d(SMALL, TAPS).flatten())
    assert answers("01.p2") == lesson["M"][1].tolist()
    assert lesson["M"][0].tolist() == [0, 1, 0, 2, 3, 0, 0, 0, 0]
    assert corr2d(SMALL, TAPS).flatten().tolist() == [19, 25, 37, 43]


# Three steps ----------------------------------------------------------------------------------------------


def test_the_dense_layer_in_two_dimensions_is_the_flat_one(lesson):
    X, W = torch.randn(N, N), lesson["W"]
    H = torch.einsum("ijkl,kl->ij", W, X)
    torch.testing.assert_close(H[2, 5], (W[2, 5] * X).sum())
    torch.testing.assert_close(H.flatten(), W.reshape(N * N, N * N) @ X.flatten())
    assert W.numel() == 1296


def test_addressing_by_offset_loses_nothing_and_gains_nothing(lesson):
    X, W, V = torch.randn(N, N), lesson["W"], torch.zeros(N, N, 2 * N - 1, 2 * N - 1)
    for i, j, row, column in itertools.product(range(N), repeat=4):
        V[i, j, row - i + N - 1, column - j + N - 1] = W[i, j, row, column]
    assert V.count_nonzero() == 1296
    padded = F.pad(X, [N - 1] * 4)  # (16, 16)
    around = padded.unfold(0, 2 * N - 1, 1).unfold(1, 2 * N - 1, 1)  # (i, j, a, b)
    assert around[2, 3, 0 + N - 1, 1 + N - 1] == X[2 + 0, 3 + 1]
    torch.testing.assert_close(torch.einsum("ijab,ijab->ij", V, around), torch.einsum("ijkl,kl->ij", W, X))
    assert answers("01.p3") == [2 - 4, 5 - 1]


@pytest.mark.parametrize("stage", ["shared", "local"])
def test_three_ways_to_the_same_numbers(lesson, stage):
    X, W, v = torch.randn(N, N), lesson[stage], lesson["v" if stage == "shared" else "near"]
    H = corr2d(X, v, padding=N - 1)
    torch.testing.assert_close(torch.einsum("ijkl,kl->ij", W, X), H, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(W.reshape(N * N, N * N) @ X.flatten(), H.flatten(), atol=1e-5, rtol=1e-5)
    if stage == "local":
        torch.testing.assert_close(H, corr2d(X, v[4:7, 4:7], padding=1), atol=1e-5, rtol=1e-5)


def test_the_free_numbers_of_the_three_layers(lesson):
    assert lesson["v"].numel() == 121 and lesson["near"].count_nonzero() == 9
    used = lesson["local"][lesson["local"] != 0]
    assert (lesson["local"].numel(), len(used), len(used.unique())) == (1296, 256, 9)
    assert len(lesson["shared"].unique()) == 121


@pytest.mark.parametrize("stage", ["shared", "local"])
def test_the_matrix_is_toeplitz_in_its_blocks_and_inside_each_but_not_as_a_whole(lesson, stage):
    W = lesson[stage]
    assert torch.equal(W[1:, :, 1:, :], W[:-1, :, :-1, :])
    assert torch.equal(W[:, 1:, :, 1:], W[:, :-1, :, :-1])
    matrix = W.reshape(N * N, N * N)
    assert not torch.equal(matrix[1:, 1:], matrix[:-1, :-1])


def test_the_local_layer_has_no_weight_beyond_its_reach(lesson):
    distance = (torch.arange(N) - torch.arange(N)[:, None]).abs()
    far = (distance > 1)[:, None, :, None] | (distance > 1)[None, :, None, :]
    assert (lesson["local"][far] == 0).all()


# Shift and scramble ---------------------------------------------------------------------------------------


def test_claim_a_convolution_is_equivariant_not_invariant():
    X, K = torch.zeros(8, 10), torch.tensor([[0.0, 1], [2, 3]])
    X[2:5, 2:5] = torch.arange(1.0, 10).reshape(3, 3)
    Y, moved = corr2d(X, K), corr2d(X.roll(2, -1), K)
    assert not torch.equal(moved, Y) and torch.equal(moved, Y.roll(2, -1))


def test_at_the_border_it_is_not_equivariant():
    X, K = torch.randn(8, 10), torch.tensor([[0.0, 1], [2, 3]])
    Y, moved = corr2d(X, K, padding=1), corr2d(X.roll(2, -1), K, padding=1)
    assert Y.shape == (9, 11)
    torch.testing.assert_close(moved[:, 3:-1], Y[:, 1:-3])  # away from the left and right border
    assert not torch.allclose(moved, Y.roll(2, -1))


def test_maximum_and_mean_forget_the_place():
    X = F.pad(torch.arange(1.0, 10).reshape(3, 3), (3, 4, 2, 3))  # dark all around
    K = torch.tensor([[0.0, 1], [2, 3]])
    Y, moved = corr2d(X, K), corr2d(X.roll(2, -1), K)
    assert torch.equal(Y.max(), moved.max())
    torch.testing.assert_close(Y.mean(), moved.mean())


def scrambled_twin(layer, order):
    """A dense layer that answers to scrambled pixels as `layer` does to them as they are."""
    twin = copy.deepcopy(layer)
    with torch.no_grad():
        twin.weight.copy_(layer.weight[:, order])
    return twin


def test_a_dense_layer_can_scramble_its_weights():
    plain, order, x = nn.Linear(28 * 28, 10), torch.randperm(28 * 28), torch.randn(5, 28 * 28)
    torch.testing.assert_close(plain(x), scrambled_twin(plain, order)(x[:, order]), atol=1e-5, rtol=1e-5)


def test_training_a_scrambled_dense_net_is_training_the_plain_one(defined):
    """Each gradient is scrambled like its pixel, so every step leads to the same net again."""
    order, losses = torch.randperm(28 * 28), []
    plain = nn.Sequential(*defined["dense_net"]())
    twin = nn.Sequential(defined["Scramble"](order), *copy.deepcopy(plain))
    twin[2] = scrambled_twin(plain[1], order)
    X, y = torch.randn(64, 1, 28, 28), torch.randint(10, (64,))
    for net in (plain, twin):
        optimizer, losses_of_net = torch.optim.SGD(net.parameters(), lr=0.1), []
        for _ in range(20):
            loss = F.cross_entropy(net(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses_of_net.append(loss.item())
        losses.append(losses_of_net)
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-3, atol=1e-5)
    assert losses[0][-1] < losses[0][0] / 2


def test_the_two_nets_are_of_one_size_and_the_conv_net_is_not_the_larger(defined):
    dense, conv = (parameters(*defined[name]()) for name in ("dense_net", "conv_net"))
    assert (dense, conv) == (20_680, 20_490)
    assert sum(layer.out_channels for layer in defined["conv_net"]() if isinstance(layer, nn.Conv2d)) == 48


def test_the_blocks_are_the_shapes_of_the_two_nets(defined):
    def shapes(layers, kinds):
        X, found = torch.rand(1, 1, 28, 28), []
        for layer in layers:
            X = layer(X)
            if isinstance(layer, kinds):
                found.append(tuple(X.shape[1:]))
        return found

    kinds = (nn.Conv2d, nn.MaxPool2d, nn.Linear)
    assert shapes(defined["dense_net"](), kinds) == [(26,), (10,)]
    assert shapes(defined["conv_net"](), kinds) == [(16, 28, 28), (16, 14, 14), (32, 14, 14), (32, 7, 7), (10,)]


def test_scrambling_keeps_every_pixel(defined):
    X, order = torch.rand(3, 1, 28, 28), torch.randperm(28 * 28)
    Y = defined["Scramble"](order)(X)
    assert Y.shape == X.shape and torch.equal(Y.flatten(1).sort().values, X.flatten(1).sort().values)
    assert not torch.equal(Y, X)


# Convolution in mathematics -------------------------------------------------------------------------------


def test_the_area_at_3_is_the_integral_of_the_text():
    exact = 2 * (np.exp(-1 / 2) - np.exp(-3 / 2))
    strips = ConvolutionIntegral().update(x=3.0, f="one meal", g="fades").result["amount"]
    assert strips == pytest.approx(exact, abs=1e-4) and round(exact, 3) == 0.767


def test_when_most_of_one_meal_is_left():
    def most(shape):
        result = ConvolutionIntegral().update(f="one meal", g=shape).result
        curve, xs = torch.as_tensor(result["curve"]), torch.as_tensor(result["xs"])
        return xs[curve > curve.max() - 1e-3]

    assert most("fades").mean().item() == pytest.approx(2, abs=0.06)
    flat = most("stays 3 hours")
    assert (flat.min().item(), flat.max().item()) == pytest.approx((2, 3), abs=0.06)


def test_the_ways_of_two_dice_are_a_convolution():
    faces = torch.ones(7)  # ways to throw 0 to 6
    faces[0] = 0
    ways = [sum(1 for i in range(1, 7) for j in range(1, 7) if i + j == s) for s in range(13)]
    assert ways == np.convolve(faces, faces).tolist() and ways[7] == 6 and ways[12] == 1 and sum(ways) == 36
    assert ways == F.conv1d(faces[None, None], faces.flip(0)[None, None], padding=6)[0, 0].tolist()


# Cross-correlation or convolution -------------------------------------------------------------------------


def convolve2d(X, K):
    """Convolve X (H, W) with K (kh, kw) by the formula, indices adding up -> (H - kh + 1, W - kw + 1)."""
    kh, kw = K.shape
    Y = torch.zeros(X.shape[0] - kh + 1, X.shape[1] - kw + 1)
    for i, j in itertools.product(*map(range, Y.shape)):
        for a, b in itertools.product(range(kh), range(kw)):
            Y[i, j] += K[a, b] * X[i + kh - 1 - a, j + kw - 1 - b]
    return Y


@pytest.mark.parametrize("shape", [(5, 6, 3, 3), (4, 7, 1, 4), (6, 5, 2, 5)])
def test_a_convolution_is_a_cross_correlation_with_the_kernel_turned(shape):
    X, K = torch.randn(shape[:2]), torch.randn(shape[2:])
    torch.testing.assert_close(convolve2d(X, K), corr2d(X, K.flip(0, 1)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(corr2d(X, K), convolve2d(X, K.flip(0, 1)), atol=1e-5, rtol=1e-5)


def test_claim_libraries_cross_correlate():
    Y = F.conv2d(SMALL[None, None], TAPS[None, None])[0, 0]
    assert torch.equal(Y, corr2d(SMALL, TAPS)) and not torch.equal(Y, convolve2d(SMALL, TAPS))
    assert answers("01.p6") == convolve2d(SMALL, TAPS).flatten().tolist()


def test_a_layer_that_flips_learns_the_flipped_kernel(defined):
    hidden = torch.tensor([[1.0, 0, -1], [2, 0, -2], [3, 0, 0]])
    torch.testing.assert_close(defined["learn"](flipped=False), hidden, atol=1e-2, rtol=0)
    torch.testing.assert_close(defined["learn"](flipped=True), hidden.flip(0, 1), atol=1e-2, rtol=0)


def test_two_learners_that_start_from_one_kernel_flipped_have_the_same_losses():
    X, start = torch.randn(20, 20), torch.randn(3, 3)
    Y, runs = corr2d(X, torch.randn(3, 3)), []
    for flipped in (False, True):
        kernel, losses = start.flip(0, 1) if flipped else start, []
        for _ in range(100):
            kernel = kernel.detach().requires_grad_()
            loss = (corr2d(X, kernel.flip(0, 1) if flipped else kernel) - Y).square().mean()
            loss.backward()
            kernel = kernel - 0.1 * kernel.grad
            losses.append(loss.item())
        runs.append((losses, kernel.detach()))
    (losses, found), (losses_flipped, found_flipped) = runs
    assert losses == losses_flipped and torch.equal(found_flipped, found.flip(0, 1))
    assert losses[-1] < losses[0] / 100


def test_the_convolution_commutes_and_the_cross_correlation_does_not():
    a, b = np.array([1.0, 2, 3]), np.array([0.0, 1, 5])
    assert np.array_equal(np.convolve(a, b), np.convolve(b, a))
    assert not np.array_equal(np.correlate(a, b, "full"), np.correlate(b, a, "full"))


# One and three dimensions ---------------------------------------------------------------------------------


def corr_nd(X, K):
    """Cross-correlate X with K, which has as many axes, by a loop; each length n becomes n - k + 1."""
    Y = torch.zeros([n - k + 1 for n, k in zip(X.shape, K.shape, strict=True)])
    for place in itertools.product(*map(range, Y.shape)):
        window = tuple(slice(start, start + k) for start, k in zip(place, K.shape, strict=True))
        Y[place] = (X[window] * K).sum()
    return Y


@pytest.mark.parametrize("conv, size, kernel_size", [
    (F.conv1d, (7,), (2,)), (F.conv2d, (3, 3), (2, 2)), (F.conv3d, (4, 5, 6), (2, 3, 2))])  # fmt: skip
def test_one_loop_serves_any_number_of_dimensions(conv, size, kernel_size):
    X, K = torch.randn(size), torch.randn(kernel_size)
    torch.testing.assert_close(corr_nd(X, K), conv(X[None, None], K[None, None])[0, 0], atol=1e-5, rtol=1e-5)
    assert corr_nd(torch.arange(7.0), torch.tensor([1.0, 2])).tolist() == [2, 5, 8, 11, 14, 17]


def test_seven_weights_of_a_seventh_average_a_week():
    days = torch.randn(120)
    smooth = F.conv1d(days[None, None], torch.full((1, 1, 7), 1 / 7))[0, 0]
    torch.testing.assert_close(smooth, torch.stack([days[i:i + 7].mean() for i in range(114)]), atol=1e-5, rtol=1e-5)


def test_what_stands_still_in_a_film_disappears():
    film = torch.zeros(5, 7, 7)  # (time, height, width)
    film[:, 5, :] = 0.6  # the ground
    for time in range(5):
        film[time, 1 + time // 2, 1 + time] = 1  # a ball falls
    change = F.conv3d(film[None, None], torch.tensor([-1.0, 1]).reshape(1, 1, 2, 1, 1))[0, 0]
    assert change.shape == (4, 7, 7) and not change[:, 5].any() and change.any()


# Learners' questions --------------------------------------------------------------------------------------


def test_dense_layers_come_last_and_can_do_what_a_convolution_does(lesson, defined):
    *_, last = defined["conv_net"]()
    assert isinstance(last, nn.Linear) and last.in_features == 32 * 7 * 7
    X, kernel = torch.randn(N, N), lesson["local"][2, 2, 1:4, 1:4]  # the weights of one unit, around its place
    answer = lesson["local"].reshape(N * N, N * N) @ X.flatten()
    torch.testing.assert_close(answer, corr2d(X, kernel, padding=1).flatten(), atol=1e-5, rtol=1e-5)


def test_zeros_at_the_border_tell_where_a_place_is():
    even, ones = torch.ones(9, 9), torch.ones(3, 3)
    assert len(corr2d(even, ones).unique()) == 1 and len(corr2d(even, ones, padding=1).unique()) > 1


def test_the_middle_unit_of_the_fourth_layer_is_the_first_to_see_all_corners():
    light = torch.zeros(4, 1, 9, 9)  # a light in each corner
    light[range(4), 0, (0, 0, 8, 8), (0, 8, 0, 8)] = 1
    seen = []
    for _ in range(4):
        light = F.conv2d(light, torch.ones(1, 1, 3, 3), padding=1)
        seen.append((light > 0).all(dim=0)[0])  # (9, 9): which units all four lights reach
    assert not torch.stack(seen[:3]).any()
    assert seen[3].nonzero().tolist() == [[4, 4]]


@pytest.mark.parametrize("same", [True, False])
def test_kernels_that_start_alike_and_are_read_alike_stay_alike(same):
    net = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.ReLU(), nn.Conv2d(2, 1, 3))
    if same:  # both kernels, and the weights that read their maps
        net[0].weight.data[1] = net[0].weight.data[0]
        net[2].weight.data[:, 1] = net[2].weight.data[:, 0]
    net(torch.randn(4, 1, 8, 8)).square().mean().backward()
    first, second = net[0].weight.grad
    assert first.any() and torch.allclose(first, second, atol=1e-5) == same


def test_a_depth_map_is_one_more_channel_and_a_block_of_cells_is_not():
    photo, depth = torch.rand(1, 3, 8, 8), torch.rand(1, 1, 8, 8)
    four = torch.cat([photo, depth], dim=1)
    assert nn.Conv2d(1, 5, 3)(depth).shape == nn.Conv2d(4, 5, 3)(four).shape == (1, 5, 6, 6)
    filled = torch.arange(10)[:, None, None] == (10 * depth[0, 0]).floor()  # (10, 8, 8)
    assert (filled.sum(0) == 1).all()  # one cell for each pixel
    assert nn.Conv3d(1, 5, 3)(filled[None, None].float()).shape == (1, 5, 8, 6, 6)


def test_the_same_three_words_get_the_same_answer():
    text = torch.tensor([[0, 3, 1, 2, 0, 3, 1]])  # seven words out of four, by number
    lists, layer = nn.Embedding(4, 16)(text).transpose(1, 2), nn.Conv1d(16, 5, 3)  # lists (1, 16, 7)
    Y = layer(lists)
    assert layer.weight.shape == (5, 16, 3) and Y.shape == (1, 5, 5)
    assert torch.allclose(Y[..., 0], Y[..., 4], atol=1e-5) and not torch.allclose(Y[..., 0], Y[..., 1])


def test_a_kernel_has_weights_for_all_colours_and_does_not_slide_over_them():
    layer = nn.Conv2d(3, 100, 3)
    assert layer.weight.shape == (100, 3, 3, 3) and layer(torch.rand(1, 3, 8, 8)).shape == (1, 100, 6, 6)
