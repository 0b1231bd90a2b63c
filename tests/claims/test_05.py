"""What lesson 05 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import corr2d, output_size, pool2d
from helpers.exercises import find
from helpers.exercises.core import torch_calls
from helpers.widgets import PoolingExplorer

from ..claims import names_of

SMALL, WINDOWS = torch.arange(9.0).reshape(3, 3), (1, 2, 4, 8)
BAR = torch.ones(6, 8)
BAR[:, 2:6] = 0
EDGE, EDGE_MOVED = (corr2d(X, torch.tensor([[1.0, -1.0]])).abs() for X in (BAR, BAR.roll(1, dims=1)))
ROW = torch.tensor([[0.0, 0, 1, 1, 0, 0, 1, 1]])


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson defines, up to the measure of its last section."""
    return names_of("05_pooling", until="halved")


@pytest.fixture(scope="module")
def views(lesson):
    """The flower's edge map (176, 176), moved by 0 to 8 px."""
    return [lesson["view"](shift) for shift in range(9)]


@pytest.fixture(scope="module")
def share(lesson):
    """The share of edge outputs that change: [window, dense or not][shift − 1]."""
    return {(p, stride == 1): lesson["shares"](p, stride) for p in WINDOWS for stride in {1, p}} | {
        (1, False): lesson["shares"](1, 1)}  # fmt: skip


def answer(id):
    """The numbers that the check of a prediction takes for right."""
    names = {}
    exec(find(id).solution, names)
    return names["guess"]


# An edge that moves ---------------------------------------------------------------------------------------


def test_the_map_of_the_bar_shifts_with_it_and_a_dense_layer_sees_a_new_picture(lesson):
    assert torch.equal(EDGE_MOVED[:, 1:], EDGE[:, :-1]) and not torch.equal(EDGE_MOVED, EDGE)
    assert lesson["changed_share"](EDGE, EDGE_MOVED) == 1
    dense = nn.Linear(EDGE.numel(), 10)
    assert not torch.allclose(dense(EDGE.flatten()), dense(EDGE_MOVED.flatten()))


def test_pooled_edges_are_two_columns_wide_and_overlap_in_columns_1_and_5(lesson):
    pooled, moved = pool2d(EDGE, 2), pool2d(EDGE_MOVED, 2)
    assert pooled[0].tolist() == [1, 1, 0, 0, 1, 1] and moved[0].tolist() == [0, 1, 1, 0, 0, 1]
    assert (pooled * moved)[0].nonzero().flatten().tolist() == [1, 5]
    assert lesson["changed_share"](pooled, moved) == 0.6


# A window -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode, pool", [("max", F.max_pool2d), ("avg", F.avg_pool2d)])
def test_the_loop_is_pytorch(lesson, mode, pool):
    noise = torch.randn(64, 64)
    looped = lesson["pool_loop"](noise, (3, 3), mode)
    for result in (pool2d(noise, (3, 3), mode), pool(noise[None], 3, stride=1)[0]):
        torch.testing.assert_close(looped, result, atol=1e-6, rtol=1e-5)
    if mode == "max":
        assert torch.equal(looped, pool2d(noise, (3, 3)))


def test_pool2d_needs_no_loop_over_pixels(lesson):
    windows = 62 * 62
    assert len(torch_calls(lesson["pool_loop"], torch.rand(64, 64), (3, 3))) > windows
    assert len(torch_calls(pool2d, torch.rand(64, 64), (3, 3))) < 40


def test_the_predictions_are_what_the_cells_compute(lesson):
    largest, mean = (lesson["pool_loop"](SMALL, (2, 2), mode).flatten().tolist() for mode in ("max", "avg"))
    assert (largest, mean) == ([4, 5, 7, 8], [2, 3, 5, 6]) and answer("05.p1") == largest[1:] + mean[1:]
    assert F.max_pool2d(torch.arange(16.0).reshape(1, 4, 4), 3).flatten().tolist() == [10]
    assert answer("05.p2") == [1, 10]
    assert answer("05.p3") == [pool2d(SMALL, 2, mode, padding=1)[-1, -1] for mode in ("max", "avg")]
    assert answer("05.p4") == F.max_pool1d(ROW.roll(1), 2)[0].tolist()


def test_one_response_in_a_window_of_64_is_enough_for_the_maximum():
    X = torch.zeros(8, 8)
    X[5, 2] = 1
    assert pool2d(X, 8).item() == 1 and pool2d(X, 8, "avg").item() == 1 / 64


def test_the_maximum_keeps_every_edge_and_not_how_many(lesson):
    part = lesson["part"]
    largest, count = pool2d(part, 8, stride=8), 64 * pool2d(part, 8, "avg", stride=8)
    assert torch.equal(largest, (count > 0).float()), "the maximum tells whether there is an edge, and no more"
    assert count[count > 0].min() < 3 and count.max() > 32
    assert part[::8, ::8].sum() < largest.sum() / 3, "every eighth pixel loses most windows with an edge"


def test_in_noise_the_maximum_makes_something_out_of_nothing():
    noise = torch.randn(400, 400, generator=torch.Generator().manual_seed(0))
    largest, mean = pool2d(noise, 2, stride=2), pool2d(noise, 2, "avg", stride=2)
    assert 1 < largest.mean() < 1.05
    assert abs(mean.mean()) < 0.01 and 0.49 < mean.std() < 0.51


# The layer ------------------------------------------------------------------------------------------------


def test_two_layers_see_other_windows_and_give_the_same_four_numbers(lesson):
    X = torch.arange(16.0).reshape(1, 1, 4, 4)
    square, wide = lesson["square"], lesson["wide"]
    assert square(X).shape[2:] == output_size((4, 4), 3, padding=1, stride=2)
    assert square(X).tolist() == wide(X).tolist() == [[[[5, 7], [13, 15]]]]
    noise = torch.randn(1, 9, 4, 4, generator=torch.Generator().manual_seed(0))
    assert not torch.equal(square(noise), wide(noise))


@pytest.mark.parametrize("layer", [nn.MaxPool2d(3, stride=2, padding=1), nn.AvgPool2d(2)])
def test_channels_stay_apart_and_nothing_is_learned(layer):
    X = torch.arange(16.0).reshape(1, 1, 4, 4)
    Y = layer(torch.cat((X, X + 1), dim=1))
    assert Y.shape == (1, 2, 2, 2) and torch.equal(Y[:, 1:], layer(X + 1)) and torch.equal(Y[:, :1], layer(X))
    assert not list(layer.parameters())


@pytest.mark.parametrize("mode, wanted", [("max", [[0, 1], [0, 0]]), ("avg", [[0.25, 0.25], [0.25, 0.25]])])
def test_the_gradient_goes_to_the_winner_or_in_equal_shares(mode, wanted):
    window = torch.tensor([[1.0, 5.0], [2.0, 3.0]], requires_grad=True)
    pool2d(window, 2, mode).sum().backward()
    assert window.grad.tolist() == wanted


def test_global_average_pooling_is_the_mean_of_each_map_whatever_its_size():
    for size in ((7, 7), (10, 13)):
        maps = torch.randn(2, 512, *size)
        pooled = nn.AdaptiveAvgPool2d(1)(maps)
        assert pooled.shape == (2, 512, 1, 1)
        torch.testing.assert_close(pooled.flatten(1), maps.mean(dim=(2, 3)), atol=1e-6, rtol=1e-5)


def test_it_saves_48_of_49_weights_of_the_dense_layer():
    flattened, averaged = (nn.Linear(n, 4096, bias=False, device="meta").weight.numel() for n in (512 * 49, 512))
    assert flattened == 49 * averaged and (round(flattened / 1e6, 1), round(averaged / 1e6, 1)) == (102.8, 2.1)


# At the border --------------------------------------------------------------------------------------------


def test_max_pooling_pads_with_minus_infinity():
    X = -torch.arange(1.0, 17).reshape(1, 4, 4)
    right, zeros = F.max_pool2d(X, 3, stride=2, padding=1), F.max_pool2d(F.pad(X, (1, 1, 1, 1)), 3, stride=2)
    assert right.tolist() == [[[-1, -2], [-5, -6]]] and zeros.tolist() == [[[0, 0], [0, -6]]]
    assert torch.equal(right, F.max_pool2d(F.pad(X, (1, 1, 1, 1), value=-torch.inf), 3, stride=2))
    assert torch.equal(right, pool2d(X, 3, stride=2, padding=1))
    behind = X.add(8).relu()  # no number is negative
    assert torch.equal(F.max_pool2d(behind, 3, stride=2, padding=1),
                       F.max_pool2d(F.pad(behind, (1, 1, 1, 1)), 3, stride=2))  # fmt: skip


def test_average_pooling_counts_its_zeros_unless_told_otherwise():
    white = torch.ones(1, 4, 4)
    grey = F.avg_pool2d(white, 3, stride=1, padding=1)[0]
    rim = torch.ones(4, 4, dtype=bool)
    rim[1:-1, 1:-1] = False
    assert (grey[rim] < 1).all() and (grey[~rim] == 1).all() and grey[0, 0] == pytest.approx(4 / 9)
    assert torch.equal(F.avg_pool2d(white, 3, stride=1, padding=1, count_include_pad=False), white)
    assert F.avg_pool2d(SMALL[None], 2, stride=1, padding=1, count_include_pad=False)[0, -1, -1] == 8


def test_the_printed_forward_stops_as_soon_as_it_pads(lesson):
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    assert lesson["forward"](x, pool=2, stride=2, pad=0).tolist() == [[[[5, 7], [13, 15]]]]
    with pytest.raises(ValueError, match=r"array of size 9 into shape \(1,1,2,2\)"):
        lesson["forward"](x, pool=2, stride=2, pad=1)
    assert output_size((4, 4), 2, stride=2, padding=1) == (3, 3)


def test_the_printed_forward_pads_with_zeros(lesson):
    assert output_size(6, 4, stride=5) == output_size(6, 4, stride=5, padding=1) == 1, "no size differs here"
    assert lesson["forward"](-np.ones((1, 1, 6, 6)), pool=4, stride=5, pad=1).tolist() == [[[[0]]]]


def test_rounding_down_misses_9_of_25_pixels_and_ceil_mode_sees_them():
    X = torch.arange(25.0).reshape(1, 5, 5)
    down, up = F.max_pool2d(X, 2), F.max_pool2d(X, 2, ceil_mode=True)
    assert down.tolist() == [[[6, 8], [16, 18]]] and up.max() == 24 and up.shape == (1, 3, 3)
    pixels = X.clone().requires_grad_()
    F.avg_pool2d(pixels, 2).sum().backward()
    assert (pixels.grad == 0).sum() == 9


def test_a_window_that_would_begin_outside_is_dropped():
    X = torch.arange(16.0).reshape(1, 4, 4)
    assert F.max_pool2d(X, 2, stride=4, ceil_mode=True).shape == (1, 1, 1)
    assert -(-(4 - 2) // 4) + 1 == 2, "rounded up there would be two"


# How far the tolerance reaches ----------------------------------------------------------------------------


def test_the_flower_moves_to_the_right(views):
    assert all(torch.equal(views[n][:, n:], views[0][:, :-n]) for n in range(1, 9))


def test_pooling_makes_tolerant_and_not_invariant(share):
    first = [share[p, True][0] for p in WINDOWS]
    assert first == sorted(first, reverse=True) and 0.6 < first[0] < 0.7 and 0 < first[-1] < 0.1
    assert all(share[p, True][3] > share[p, True][0] for p in WINDOWS)
    assert share[2, True][3] > 0.7 and share[8, True][3] < 0.25, "4 px: too much for 2×2, little for 8×8"
    assert share[4, True][7] > 0.6, "a shift of two windows"


def test_the_lines_flatten_beyond_their_window(share):
    last_step = {p: share[p, True][7] - share[p, True][6] for p in WINDOWS}
    assert last_step.pop(8) > 0.02 > max(map(abs, last_step.values()))


def test_the_stride_leaves_the_share_about_the_same(share):
    assert all(abs(a - b) < 0.05 for p in WINDOWS for a, b in zip(share[p, True], share[p, False], strict=True))
    assert share[8, False][0] > 1.5 * share[8, True][0], "but of few changes it makes half as many again"


def test_part_of_the_calm_is_bought_with_information(views):
    filled = [pool2d(views[0], p).mean().item() for p in WINDOWS]
    assert filled == sorted(filled) and (round(filled[0], 2), round(filled[-1], 2)) == (0.08, 0.45)


def test_of_all_outputs_the_share_that_changes_grows(views):
    """The other denominator: thick edges cover more of the map, so more of it can change. Hence edge outputs count."""
    of_all = [(pool2d(views[0], p) != pool2d(views[4], p)).float().mean() for p in (1, 4)]
    assert of_all[0] < of_all[1]


def test_three_poolings_of_2_are_one_of_8(views):
    three = views[0]
    for _ in range(3):
        three = pool2d(three, 2, stride=2)
    assert three.shape == (22, 22) and torch.equal(three, pool2d(views[0], 8, stride=8))


def explored(**values):
    """The explorer's outputs before and after the shift, and the changed share of those that are not 0."""
    result = PoolingExplorer(**values).result
    changed = result["changed"].sum() / max(1, result["active"].sum())
    return result["Y"], result["Z"], changed.item()


def test_answer_1_the_edges_of_the_bar():
    shares = [explored(picture_name="edge", pool_size=p, shift=1)[2] for p in (1, 2, 4)]
    assert shares == pytest.approx([1, 0.6, 0])
    before, after, _ = explored(picture_name="edge", pool_size=4, shift=1)
    assert (before == 1).all() and (after == 1).all()


def test_answer_2_the_stride_thins_the_outputs_out():
    settings = {"picture_name": "photo's edges", "pool_size": 4, "shift": 3}
    dense, thin = explored(**settings, stride=1), explored(**settings, stride=4)
    assert 15 < dense[0].numel() / thin[0].numel() < 17 and abs(dense[2] - thin[2]) < 0.08


def test_answer_3_the_stripes():
    settings = {"picture_name": "stripes", "pool_size": 2, "stride": 2}
    outputs = [explored(**settings, shift=n) for n in (1, 2, 3, 4)]
    assert outputs[1][2] == 1 and outputs[3][2] == 0
    for n, moved_by in ((1, 1), (3, 2)):
        before, after, _ = outputs[n]
        assert torch.equal(after[:, moved_by:], before[:, :-moved_by])
    assert all((outputs[n][1] == 1).all() for n in (0, 2))


# The stride -----------------------------------------------------------------------------------------------


def test_with_stride_1_the_output_follows_and_with_2_every_second_step(views, lesson):
    assert torch.equal(pool2d(views[1], 2)[:, 1:], pool2d(views[0], 2)[:, :-1])
    before, one, two = (pool2d(views[n], 2, stride=2) for n in (0, 1, 2))
    assert torch.equal(two[:, 1:], before[:, :-1])
    compared = (before, one), (before[:, :-1], one[:, 1:])  # stayed where it was, or moved on by one
    assert all(lesson["changed_share"](*pair) > 1 / 3 for pair in compared)


def test_the_stripes_are_there_and_then_gone():
    assert F.max_pool1d(ROW, 2).tolist() == [[0, 1, 0, 1]] and F.max_pool1d(ROW.roll(1), 2).tolist() == [[1, 1, 1, 1]]


def test_blurred_an_output_moves_by_a_quarter_where_it_jumped_by_1():
    def blur_pool(row):  # closed to a ring
        dense = torch.maximum(row, row.roll(-1))
        return ((dense.roll(1) + 2 * dense + dense.roll(-1)) / 4)[::2]

    assert blur_pool(ROW[0]).tolist() == [0.5, 1, 0.5, 1] and blur_pool(ROW[0].roll(1)).tolist() == [0.75] * 4


def test_the_blur_takes_away_much_of_the_change(lesson):
    values = list(lesson["change"].values())
    assert values == sorted(values, reverse=True) and values[3] < 0.65 * values[1]
    row = torch.tensor([1.0, 2, 1]) / 4
    assert torch.equal(lesson["blur"], torch.outer(row, row))


def test_the_maximum_at_stride_1_has_four_times_as_many_places():
    dense, strided = pool2d(torch.rand(64, 64), 2), pool2d(torch.rand(64, 64), 2, stride=2)
    assert 3.8 < dense.numel() / strided.numel() < 4


def test_the_global_average_feels_no_shift(views, lesson):
    ring = views[0].roll(5, dims=1)  # what leaves on the right comes back on the left
    assert torch.isclose(ring.mean(), views[0].mean()) and lesson["changed_share"](ring, views[0]) > 0.9


# Questions learners ask -----------------------------------------------------------------------------------


def test_a_convolution_with_stride_halves_as_well_with_36928_numbers():
    learned, fixed = nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.MaxPool2d(3, stride=2, padding=1)
    maps = torch.rand(1, 64, 28, 28)
    assert learned(maps).shape == fixed(maps).shape == (1, 64, 14, 14)
    assert sum(p.numel() for p in learned.parameters()) == 36_928 and not list(fixed.parameters())


def test_windows_of_3_with_stride_2_share_a_row_and_4_keeps_one_of_sixteen():
    X = torch.zeros(8, 8)
    X[2] = 1  # the third row belongs to one window of 2×2, and to two of 3×3
    assert pool2d(X, 2, stride=2)[:, 0].tolist() == [0, 1, 0, 0]
    assert pool2d(X, 3, stride=2)[:, 0].tolist() == [1, 1, 0]
    assert X.numel() == 16 * pool2d(X, 4, stride=4).numel()


def test_where_the_maximum_was_and_what_the_others_were_is_lost():
    X = torch.randn(1, 1, 8, 8)
    Y, places = F.max_pool2d(X, 2, return_indices=True)
    back = nn.MaxUnpool2d(2)(Y, places)  # only those who kept the places can put the maxima back
    kept = back != 0
    assert kept.sum() == X.numel() / 4 and torch.equal(back[kept], X[kept])
    swapped = X.reshape(1, 1, 4, 2, 4, 2).flip(3, 5).reshape(X.shape)  # inside each window
    for other in (swapped, torch.where(kept, X, X - 1)):  # other places, other losers
        assert not torch.equal(other, X) and torch.equal(F.max_pool2d(other, 2), Y)


def test_a_small_turn_moves_what_is_near_by_less_than_a_pixel_and_what_is_far_by_five():
    angle = np.deg2rad(5)
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for change in (turned, 1.05 * np.eye(2)):
        near, far = (np.linalg.norm(change @ (r, 0) - (r, 0)) for r in (10, 100))
        assert near < 1 and far > 4.99


@pytest.mark.parametrize("pool", [F.max_pool2d, pool2d])
def test_padding_above_half_of_the_window_is_refused(pool):
    X = torch.ones(1, 4, 4)
    assert pool(X, 4, stride=1, padding=2).min() == 1, "half of the window: every maximum is a pixel"
    with pytest.raises((RuntimeError, ValueError)):
        pool(X, 3, stride=1, padding=2)
    assert F.max_pool2d(F.pad(X, (3, 3, 3, 3), value=-torch.inf), 3, stride=1)[0, 0, 0] == -torch.inf


@pytest.mark.parametrize("mode", ["avg", "max"])
def test_the_mean_adds_up_as_a_convolution_does_and_the_maximum_does_not(mode):
    A, B = torch.randn(8, 8), torch.randn(8, 8)
    both = pool2d(A + B, 2, mode), pool2d(A, 2, mode) + pool2d(B, 2, mode)
    assert torch.allclose(*both, atol=1e-6) == (mode == "avg")
    if mode == "avg":
        torch.testing.assert_close(pool2d(A, 2, mode), corr2d(A, torch.full((2, 2), 1 / 2**2)), atol=1e-6, rtol=1e-5)


def test_the_larger_of_two_can_be_built_with_a_relu():
    a, b = torch.randn(2, 1000)
    torch.testing.assert_close((a - b).relu() + b, torch.maximum(a, b))


def test_12_numbers_make_lenets_pooling_and_150_a_convolution():
    pairs = nn.Conv2d(6, 6, 1, groups=6)  # a factor and a bias for each channel
    whole, maps = nn.Conv2d(6, 6, 2, stride=2), torch.rand(1, 6, 28, 28)
    assert pairs(4 * F.avg_pool2d(maps, 2)).shape == whole(maps).shape == (1, 6, 14, 14)
    assert [sum(p.numel() for p in layer.parameters()) for layer in (pairs, whole)] == [12, 150]
