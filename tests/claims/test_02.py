"""What lesson 02 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import helpers
from helpers import output_size
from helpers.data import load_photo
from helpers.exercises import find
from helpers.widgets import KernelLearner
from helpers.widgets.kit.kernel_editor import KERNELS

from ..claims import names_of

LESSON = "02_convolution_layer"
SMALL, TAPS = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)
BAR = torch.ones(6, 8)
BAR[:, 2:6] = 0
IMAGES, EDGES = BAR[None, None], helpers.corr2d(BAR, torch.tensor([[1.0, -1.0]]))[None, None]


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson defines, up to its first widget on a photo."""
    return names_of(LESSON, until="seen_by_the_middle")


@pytest.fixture(scope="module")
def photo():
    return load_photo("flower")


def kernel(name):
    return torch.tensor(KERNELS[name], dtype=torch.float32)


def loss_of(K):
    return ((F.conv2d(IMAGES, K.reshape(1, 1, 1, 2)) - EDGES) ** 2).sum()


# A window slides ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 8, 1, 2), (5, 5, 5, 5), (9, 4, 3, 2), (7, 12, 5, 1)])
def test_the_loop_is_pytorch_and_its_shape_the_formula(lesson, shape):
    n_h, n_w, k_h, k_w = shape
    noise, taps = torch.randn(n_h, n_w), torch.randn(k_h, k_w)
    result = lesson["corr2d"](noise, taps)
    assert result.shape == (n_h - k_h + 1, n_w - k_w + 1) == output_size((n_h, n_w), (k_h, k_w))
    torch.testing.assert_close(result, F.conv2d(noise[None, None], taps[None, None])[0, 0])
    torch.testing.assert_close(result, helpers.corr2d(noise, taps))


def test_a_kernel_with_a_single_1_shifts_the_picture():
    corner = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
    assert helpers.corr2d(SMALL, corner).flatten().tolist() == [4, 5, 7, 8]


def test_the_predictions_are_what_the_cells_compute():
    Y = helpers.corr2d(SMALL, torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
    assert f"guess = {[int(number) for number in Y.flatten()]}" == find("02.p1").solution
    assert SMALL[1:, 1:].sub(SMALL[:-1, :-1]).eq(4).all() and Y.eq(-4).all()
    Y = helpers.corr2d(SMALL, TAPS)
    assert f"guess = {[int(number) for number in (Y - 20).flatten()]}" == find("02.p2").solution


# A layer --------------------------------------------------------------------------------------------------


def test_a_module_without_its_init_stops_at_the_first_parameter():
    class Broken(nn.Module):
        def __init__(self):
            self.weight = nn.Parameter(torch.rand(2, 2))

    with pytest.raises(AttributeError, match=r"cannot assign parameters before Module.__init__\(\) call"):
        Broken()


def test_the_gradient_of_a_kernel_is_a_cross_correlation(lesson):
    layer = lesson["Conv2D"]((2, 2))
    layer(SMALL).sum().backward()
    assert torch.equal(layer.weight.grad, helpers.corr2d(SMALL, torch.ones(2, 2)))
    assert layer.bias.grad == 4 and layer.weight.grad[0, 0] == 0 + 1 + 3 + 4


# Edges, found and learned ---------------------------------------------------------------------------------


def test_the_edge_detector_is_blind_to_the_bar_that_lies_down():
    Y = EDGES[0, 0]
    assert Y[:, 1].eq(1).all() and Y[:, 5].eq(-1).all() and Y.count_nonzero() == 12
    assert helpers.corr2d(BAR.t(), torch.tensor([[1.0, -1.0]])).count_nonzero() == 0


def test_the_edge_detector_is_minus_the_slope_between_two_pixels():
    x = torch.arange(8.0)
    assert torch.equal(helpers.corr2d(x[None] ** 2, torch.tensor([[1.0, -1.0]]))[0], -2 * (x[:-1] + 0.5))


@pytest.mark.parametrize("order", range(1, 5))
def test_a_derivative_of_order_d_needs_a_weight_more(order):
    """It answers 0 to each power of x below d, and not to the power d."""
    x, K = torch.arange(order + 1.0), torch.ones(1)
    powers = torch.stack([x**power for power in range(order)])
    assert torch.linalg.matrix_rank(powers[:, :-1]) == order, "of d weights, only zeros answer 0 to all d powers"
    for _ in range(order):
        K = F.pad(K, (0, 1)) - F.pad(K, (1, 0))
    assert not (powers @ K).any() and x**order @ K != 0
    assert order != 2 or f"K_line = torch.tensor({[K.tolist()]})" == find("02.3").solution


def test_ten_steps_find_the_kernel_and_sgd_takes_the_same_ones(lesson):
    torch.manual_seed(0)
    by_hand, losses = nn.Conv2d(1, 1, (1, 2), bias=False), []
    for _ in range(10):
        loss = ((by_hand(IMAGES) - EDGES) ** 2).sum()
        losses.append(loss.item())
        by_hand.zero_grad()
        loss.backward()
        by_hand.weight.data -= 3e-2 * by_hand.weight.grad
    assert losses[0] > 1 > losses[-1]
    assert all(0.4 < after / before < 0.65 for before, after in zip(losses, losses[1:], strict=False))
    torch.testing.assert_close(by_hand.weight.flatten(), torch.tensor([1.0, -1.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(lesson["conv2d"].weight, by_hand.weight)
    shown = KernelLearner(steps=10).result["K"].float().flatten()
    torch.testing.assert_close(shown, by_hand.weight.detach().flatten(), atol=1e-4, rtol=0)


def test_the_limit_of_the_learning_rate_is_two_by_the_largest_curvature():
    curvature = torch.autograd.functional.hessian(loss_of, torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(torch.linalg.eigvalsh(curvature), torch.tensor([12.0, 60.0]))

    def losses_at(lr):
        torch.manual_seed(0)
        K, losses = nn.Conv2d(1, 1, (1, 2)).weight.data.flatten(), []
        for _ in range(51):
            losses.append(loss_of(K).item())
            K = K - lr * torch.autograd.functional.jacobian(loss_of, K)
        return losses

    below, above, slow, best = map(losses_at, (0.033, 0.034, 0.005, 0.028))
    assert below[50] < below[25] < below[0] and above[50] > above[25]
    assert best[20] < min(slow[20], below[20]), "0.028 is the fastest of the four"
    assert above[0] > above[1] > above[2] > above[3] and above[10] < above[20] < above[30]


# What an element sees -------------------------------------------------------------------------------------


def test_each_layer_adds_two_pixels_and_the_middle_has_most_ways(lesson):
    for layers in (1, 2, 3):
        field = lesson["seen_by_the_middle"](layers)
        assert (field != 0).any(dim=0).sum() == 1 + 2 * layers and field[3, 3] == field.max()


def test_two_correlations_are_one_until_something_stands_between():
    torch.manual_seed(0)
    noise, first, second = torch.randn(9, 9), torch.randn(3, 3), torch.randn(3, 3)
    both = torch.zeros(5, 5)
    for a in range(3):
        for b in range(3):
            both[a : a + 3, b : b + 3] += second[a, b] * first
    stacked = helpers.corr2d(helpers.corr2d(noise, first), second)
    torch.testing.assert_close(stacked, helpers.corr2d(noise, both), atol=1e-4, rtol=1e-4)

    def with_relu(X):
        return helpers.corr2d(helpers.corr2d(X, first).relu(), second)

    torch.testing.assert_close(helpers.corr2d(-noise, both), -helpers.corr2d(noise, both))
    assert not torch.allclose(with_relu(-noise), -with_relu(noise), atol=0.1)


# Kernels that everyone uses -------------------------------------------------------------------------------


def test_cutting_off_at_0_loses_half_of_the_edges(photo):
    Y = helpers.corr2d(photo, kernel("Sobel x"))
    brighter, darker = Y.clamp(min=0), (-Y).clamp(min=0)
    assert 0.4 < (Y < 0).float().mean() < 0.6 and 0.8 < darker.sum() / brighter.sum() < 1.25
    assert torch.equal(Y, brighter - darker) and 0.49 < darker.sum() / Y.abs().sum() < 0.51


def test_the_answers_about_the_laplacian_and_its_neighbours(photo):
    identity, move = torch.zeros(5, 5), torch.zeros(5, 5)
    identity[2, 2] = move[0, 2] = 1
    assert torch.equal(kernel("Laplacian") - identity[1:-1, 1:-1], -kernel("sharpen"))
    for name, same in (("Sobel x", False), ("Laplacian", True), ("Gaussian", True)):
        assert torch.equal(kernel(name), kernel(name).flip(0, 1)) == same
    assert torch.equal(kernel("Sobel x").flip(0, 1), -kernel("Sobel x"))
    assert torch.equal(helpers.corr2d(photo, move)[2:], helpers.corr2d(photo, identity)[:-2])


def test_sobel_x_plus_sobel_y_finds_what_rises_and_not_what_falls():
    row = torch.arange(9.0)[:, None].expand(9, 9)
    column, both = row.t(), kernel("Sobel x") + kernel("Sobel y")
    edges = [(row + column > 8).float(), (column > row).float(), (column > 4).float()]  # like /, ∖ and |
    assert [helpers.corr2d(edge, both).abs().max() for edge in edges] == [6, 0, 4]
    along = 2 * kernel("Sobel x") - 3 * kernel("Sobel y")
    assert helpers.corr2d(5 * column + 7 * row, along).eq(8 * (2 * 5 - 3 * 7)).all()


def test_unfold_gives_the_same_and_holds_nine_times_the_pixels(photo):
    columns = F.unfold(photo[None, None], (3, 3))[0]
    assert columns.shape == (9, 198 * 198) and 198 * 198 == 39_204
    product = (kernel("Sobel x").reshape(1, -1) @ columns).reshape(198, 198)
    torch.testing.assert_close(product, helpers.corr2d(photo, kernel("Sobel x")), atol=1e-5, rtol=1e-4)
    assert 8.8 < columns.numel() / photo.numel() <= 9


# Questions learners ask -----------------------------------------------------------------------------------


@pytest.mark.parametrize("k", range(2, 8))
def test_only_an_odd_kernel_can_keep_the_size(k):
    assert (28 in [28 + 2 * padding - k + 1 for padding in range(k)]) == (k % 2 == 1)


@pytest.mark.parametrize("active, found", [(lambda Y: Y, True), (lambda Y: (Y - 1).relu(), False)])
def test_a_kernel_of_zeros_finds_out_unless_its_gradient_vanishes(photo, active, found):
    assert not helpers.corr2d(photo, torch.zeros(3, 3)).any() and kernel("Laplacian").eq(0).sum() == 4
    dead = torch.zeros(1, 1, 1, 2, requires_grad=True)
    ((active(F.conv2d(IMAGES, dead)) - EDGES) ** 2).sum().backward()
    assert bool(dead.grad.any()) == found


def test_the_learned_kernel_is_the_only_one_that_fits_and_its_bias_is_0():
    windows = F.unfold(IMAGES, (1, 2))[0].t()
    white = F.unfold(torch.ones_like(IMAGES), (1, 2))[0].t()
    assert torch.linalg.matrix_rank(windows) == 2 and torch.linalg.matrix_rank(white) == 1
    with_bias = torch.cat([windows, torch.ones(42, 1)], dim=1)
    fitted = torch.linalg.lstsq(with_bias, EDGES.reshape(42, 1)).solution[:, 0]
    torch.testing.assert_close(fitted, torch.tensor([1.0, -1.0, 0.0]), atol=1e-5, rtol=0)
    torch.testing.assert_close(nn.BatchNorm2d(1)(EDGES + 7), nn.BatchNorm2d(1)(EDGES), atol=1e-5, rtol=0)


def test_gradients_add_up_until_they_are_forgotten_and_differ_from_part_to_part():
    weight, gradients = torch.zeros(1, 1, 1, 2, requires_grad=True), []
    for part in (slice(0, 4), slice(4, 7)):  # the outputs of the left and of the right half
        before = 0 if weight.grad is None else weight.grad.clone()
        ((F.conv2d(IMAGES, weight) - EDGES)[..., part] ** 2).sum().backward()
        gradients.append(weight.grad - before)
    assert not torch.allclose(*gradients) and torch.equal(weight.grad, sum(gradients))


def test_three_channels_to_eight_are_24_tables():
    assert nn.Conv2d(3, 8, 5).weight.shape == (8, 3, 5, 5) and 3 * 8 == 24
