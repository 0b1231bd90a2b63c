"""What lesson 03 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import math
import warnings
from itertools import product

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet18

from helpers import corr2d, describe_net, load_photo, output_size, receptive_field
from helpers.exercises import find
from helpers.widgets import PaddingExplorer, ReceptiveFieldBuilder
from helpers.widgets.layers.receptive_field_builder import STACKS

from ..claims import names_of

SMALL, TAPS = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)
DENSE = [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]]
WORKED = [
    ((8, 8), 3, 1, 1, (8, 8)), ((8, 8), (5, 3), (2, 1), 1, (8, 8)), ((8, 8), 3, 1, 2, (4, 4)),
    ((8, 8), (3, 5), (0, 1), (3, 4), (2, 2)), ((4, 4), 3, 1, 1, (4, 4)), ((7, 7), 3, 0, 2, (3, 3)),
    ((28, 31), 5, 2, 3, (10, 11)), ((224, 224), 7, 3, 2, (112, 112)),
]  # fmt: skip


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson defines, all its sections through."""
    return names_of("03_padding_and_stride", until="stacks")


@pytest.fixture
def noise():
    return torch.randn(12, 12, generator=torch.Generator().manual_seed(0))


def answer(id):
    """The numbers that the check of a prediction takes for right."""
    names = {}
    exec(find(id).solution, names)
    return names["guess"]


def conv(k, **settings):
    return nn.Conv2d(1, 1, k, bias=False, **settings)


def seen(*layers, n=64):
    """Which of n pixels in a row the middle output of these layers depends on, asked by gradient: bool (n,)."""
    net = nn.Sequential(*layers)
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    X = torch.zeros(1, layers[0].in_channels, n, n, requires_grad=True)
    Y = net(X)
    Y[0, 0, Y.shape[2] // 2, Y.shape[3] // 2].backward()
    return X.grad[0, 0].any(dim=0)


def unseen(lesson, n, k, s, P=0):
    """The rows of n×n pixels that are in no window."""
    touched = lesson["visits"](n, k, padding=P, stride=s)
    return [row for row in range(n) if not touched[row].any()]


# Every layer eats the border ------------------------------------------------------------------------------


def test_the_net_of_1989_keeps_16_8_4_by_a_frame_and_a_step_of_two():
    assert output_size(16, 5, padding=2, stride=2) == 8 and output_size(8, 5, padding=2, stride=2) == 4
    assert output_size(16, 5, stride=2) == 6, "without the frame"


def test_224_pixels_take_55_layers_of_5x5_and_32_take_7(lesson):
    sizes = lesson["sizes"]
    assert sizes(224, 5, 120)[55] == sizes(32, 5, 120)[7] == 4 and answer("03.p1") == [55, 7]


def test_the_corner_lies_in_one_window_and_gains_with_the_padding(lesson):
    visits = lesson["visits"]
    assert visits(6, 3)[0, 0] == 1 and visits(6, 3)[2, 2] == 9
    assert [visits(6, 3, padding=P)[0, 0].item() for P in (0, 1, 2)] == [1, 4, 9]
    assert visits(6, 3, padding=1).unique().tolist() == [4, 6, 9], "not all pixels are used equally often"
    assert (visits(6, 3, padding=2) == 9).all() and output_size(6, 3, padding=2) > 6


# Padding --------------------------------------------------------------------------------------------------


def test_padding_puts_twelve_new_numbers_around_the_old_ones():
    Y = corr2d(F.pad(SMALL, (1, 1, 1, 1)), TAPS)
    assert Y.tolist() == DENSE and torch.equal(corr2d(SMALL, TAPS, padding=1), Y)
    assert Y[1:3, 1:3].flatten().tolist() == [19, 25, 37, 43]
    assert answer("03.p2") == [Y[0, 0], Y[0, -1], Y[-1, 0], Y[-1, -1]]


def test_a_total_in_place_of_per_side_grows_the_picture_without_an_error():
    picture = torch.rand(1, 1, 8, 8)
    assert conv(3, padding=2)(picture).shape[2:] == (10, 10) and conv(3, padding=1)(picture).shape[2:] == (8, 8)
    assert 3 - 2 + 2 + 1 == 3 + 2 * 1 - 2 + 1 == output_size(3, 2, padding=1) == 4


def test_only_odd_kernels_have_a_symmetric_padding_that_keeps_the_size():
    keeps = {k: [P for P in range(9) if output_size(16, k, padding=P) == 16] for k in range(1, 10)}
    assert keeps == {k: [(k - 1) // 2] if k % 2 else [] for k in range(1, 10)}


@pytest.mark.parametrize("k", [1, 3, 5, 7])
def test_an_odd_kernel_is_centred_on_the_pixel_of_its_output(k):
    middle = torch.zeros(k, k)
    middle[k // 2, k // 2] = 1
    assert torch.equal(corr2d(SMALL, middle, padding=(k - 1) // 2), SMALL)


def test_same_puts_the_extra_row_at_the_bottom_and_the_other_side_moves_the_map():
    small, layer = torch.rand(1, 1, 4, 4), conv(2, padding="same")
    with warnings.catch_warnings():  # PyTorch warns that it must copy the picture for this
        warnings.simplefilter("ignore")
        same = layer(small)
    bottom, top = (F.conv2d(F.pad(small, sides), layer.weight) for sides in ((0, 1, 0, 1), (1, 0, 1, 0)))
    assert F.conv2d(small, layer.weight).shape[2:] == (3, 3) and same.shape == top.shape == small.shape
    assert F.conv2d(small, layer.weight, padding=1).shape[2:] == (5, 5)
    torch.testing.assert_close(same, bottom)
    torch.testing.assert_close(top[..., 1:, 1:], bottom[..., :-1, :-1])


def test_zeros_do_worst_on_the_border_and_inside_all_fillings_agree(lesson):
    errors = lesson["errors"]
    assert max(errors["reflect"], errors["replicate"]) < errors["circular"] < errors["zeros"]
    for mode in lesson["modes"]:
        wrong = (corr2d(lesson["pad"](lesson["piece"], 1, mode), lesson["sobel"]) - lesson["true_edges"]).abs()
        assert wrong[1:-1, 1:-1].max() < 1e-5
        assert wrong[lesson["rim"]].mean().item() == pytest.approx(errors[mode])


def test_on_most_pieces_of_both_photos_zeros_do_worst_and_replicate_does_best(lesson):
    worst, best, means = [], [], []
    for photo in map(load_photo, ("flower", "china")):
        for row, column in product(range(16, 136, 24), repeat=2):
            piece = photo[row : row + 48, column : column + 48]
            true_edges = corr2d(photo[row - 1 : row + 49, column - 1 : column + 49], lesson["sobel"])
            edges = {mode: corr2d(lesson["pad"](piece, 1, mode), lesson["sobel"]) for mode in lesson["modes"]}
            errors = {mode: (Y - true_edges)[lesson["rim"]].abs().mean() for mode, Y in edges.items()}
            worst.append(max(errors, key=errors.get))
            best.append(min(errors, key=errors.get))
            means.append([errors[mode].item() for mode in ("zeros", "circular")])
    assert len(worst) == 50 and worst.count("zeros") >= 35 and set(worst) == {"zeros", "circular"}
    assert set(best) == {"replicate"} and sum(zeros for zeros, _ in means) > 1.5 * sum(ring for _, ring in means)


def test_the_fillings_have_the_same_middle_and_the_photo_is_the_truth(lesson):
    for mode in lesson["modes"]:
        assert torch.equal(lesson["pad"](lesson["piece"], 16, mode)[16:-16, 16:-16], lesson["piece"])
    assert torch.equal(lesson["truth"][16:-16, 16:-16], lesson["piece"])


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_the_padding_mode_of_a_layer_is_that_of_pad(lesson, mode):
    layer, piece = nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode), lesson["piece"]
    by_hand = F.conv2d(lesson["pad"](piece, 1, mode)[None, None], layer.weight, layer.bias)
    torch.testing.assert_close(layer(piece[None, None]), by_hand, atol=1e-6, rtol=0)


def test_doubling_the_padding_costs_little_unless_the_map_is_tiny():
    def work(n, P):
        return describe_net(nn.Conv2d(3, 16, 3, padding=P), (1, 3, n, n)).multiply_adds

    assert 1 < work(224, 2) / work(224, 1) < 1.02 and 1 < work(224, 4) / work(224, 2) < 1.04
    assert work(4, 2) / work(4, 1) == 36 / 16
    assert work(224, 2) / work(224, 1) == (226 / 224) ** 2


# Stride ---------------------------------------------------------------------------------------------------


def test_a_stride_skips_outputs_and_changes_none():
    Y, dense = corr2d(SMALL, TAPS, padding=1, stride=(3, 2)), corr2d(SMALL, TAPS, padding=1)
    assert Y.tolist() == [[0, 8], [6, 8]] and torch.equal(dense[::3, ::2], Y)
    assert answer("03.p3") == Y.flatten().tolist()
    X = SMALL.clone().requires_grad_()
    corr2d(X, torch.ones(2, 2), padding=1, stride=(3, 2)).sum().backward()
    assert X.grad[1].tolist() == [0, 0, 0] and X.grad[0].all() and X.grad[2].all(), "3, 4 and 5 lie in no window"


def test_both_formulas_are_pytorchs_wherever_the_kernel_fits():
    fits = refused = 0
    for n, k, s, P in product(range(1, 13), range(1, 6), range(1, 5), range(4)):
        p, image, kernel = 2 * P, torch.zeros(1, 1, n, n), torch.zeros(1, 1, k, k)
        books, pytorch = (n - k + p + s) // s, (n + 2 * P - k) // s + 1
        try:
            size = F.conv2d(image, kernel, stride=s, padding=P).shape[2]
        except RuntimeError:
            assert k > n + p and books == pytorch <= 0
            refused += 1
        else:
            assert k <= n + p and books == pytorch == size
            fits += 1
    assert (fits, refused) == (908, 52)


def test_with_p_of_k_minus_1_the_size_is_n_by_s_rounded_up():
    for n, k, s in product(range(1, 65), (1, 3, 5, 7), (1, 2, 3, 4)):
        size = output_size(n, k, padding=(k - 1) // 2, stride=s)
        assert size == (n + s - 1) // s == math.ceil(n / s)


@pytest.mark.parametrize("n, k, P, s, out", WORKED)
def test_the_worked_sizes(lesson, n, k, P, s, out):
    layer = nn.Conv2d(1, 1, k, padding=P, stride=s)
    assert lesson["comp_conv2d"](layer, torch.rand(n)).shape == output_size(n, k, padding=P, stride=s) == out


def test_the_predicted_sizes_are_among_the_worked_ones():
    cases = ((8, 3, 1, 2), (7, 3, 0, 2), (28, 5, 2, 3), (31, 5, 2, 3), (224, 7, 3, 2))
    assert answer("03.p4") == [output_size(n, k, padding=P, stride=s) for n, k, P, s in cases]


def test_a_remainder_is_no_error_and_leaves_28_of_64_pixels_unseen(lesson):
    assert (8 + 2 * 1 - 3) / 2 == 3.5 and conv(3, padding=1, stride=2)(torch.rand(1, 1, 8, 8)).shape[2] == 4
    assert conv(3, stride=3)(torch.rand(1, 1, 8, 8)).shape[2:] == (2, 2)
    assert (lesson["visits"](8, 3, stride=3) == 0).sum() == 28 and unseen(lesson, 8, 3, 3) == [6, 7]
    assert unseen(lesson, 9, 3, 3) == unseen(lesson, 8, 3, 2, P=1) == []


def test_a_stride_divides_the_work_by_about_its_square():
    cost = {s: describe_net(nn.Conv2d(3, 16, 3, padding=1, stride=s), (1, 3, 224, 224)).multiply_adds
            for s in (1, 2, 3, 4)}  # fmt: skip
    assert cost[1] == 4 * cost[2] == 16 * cost[4]
    assert cost[1] / cost[3] == pytest.approx(9, abs=0.1), "224 is no multiple of 3"


def test_six_layers_of_stride_2_do_what_55_of_5x5_do(lesson):
    sizes = lesson["sizes"](224, 3, 6, padding=1, stride=2)
    assert sizes == [224, 112, 56, 28, 14, 7, 4] and sizes[-1] == lesson["sizes"](224, 5, 55)[-1]
    for k, n in product((1, 3, 5, 7), range(1, 65)):
        P = (k - 1) // 2
        assert output_size(n, k, padding=P) == n and output_size(n, k, padding=P, stride=2) == math.ceil(n / 2)


def test_the_answers_on_the_padding_explorer(lesson):
    gaps = {s: unseen(lesson, 8, 3, s) for s in (1, 2, 3, 4)}
    assert gaps == {1: [], 2: [7], 3: [6, 7], 4: [3, 7]}
    assert unseen(lesson, 8, 3, 2, P=1) == [] and len(unseen(lesson, 8, 1, 2)) == 8 / 2
    hatched = PaddingExplorer(size=8, kernel_size=3, padding=1, stride=2).result["visited"]
    assert [axis.index(False) for axis in hatched] == [9, 9] and [axis.count(False) for axis in hatched] == [1, 1]
    ours = PaddingExplorer(apart=True, size=3, kernel_size=2, padding=1, stride=3, stride_w=2).result
    assert ours["output"].tolist() == [[0, 8], [6, 8]]
    assert PaddingExplorer(size=1, kernel_size=5, padding=0).result["problem"]


def test_the_padding_explorer_begins_on_the_numbers_of_the_text():
    result = PaddingExplorer(position=5).result
    assert result["output"].tolist() == DENSE and result["place"] == (1, 1)


# Dilation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 3])
def test_nine_weights_reach_over_k_dash_pixels(d):
    X = torch.zeros(7, 7, requires_grad=True)
    Y = corr2d(X, torch.ones(3, 3), dilation=d)
    reach = d * (3 - 1) + 1
    Y[Y.shape[0] // 2, Y.shape[1] // 2].backward()
    assert Y.shape == (7 - reach + 1,) * 2 and X.grad.sum() == 9
    rows = X.grad.any(dim=1).nonzero()
    assert rows.max() - rows.min() + 1 == reach


def test_a_dilated_kernel_is_a_larger_one_with_zeros_in_between(noise):
    taps, wide = torch.randn(3, 3, generator=torch.Generator().manual_seed(1)), torch.zeros(5, 5)
    wide[::2, ::2] = taps
    torch.testing.assert_close(corr2d(noise, taps, dilation=2), corr2d(noise, wide), atol=1e-5, rtol=1e-5)
    assert corr2d(noise, taps, dilation=2, padding=2).shape == noise.shape, "P = d (k − 1) / 2"


@pytest.mark.parametrize("k, d, s", list(product((1, 2, 3), repeat=3)))
def test_k_dash_replaces_k_in_the_formula(k, d, s):
    Y = F.conv2d(torch.zeros(1, 1, 12, 12), torch.zeros(1, 1, k, k), padding=1, dilation=d, stride=s)
    assert Y.shape[2] == (12 + 2 - (d * (k - 1) + 1)) // s + 1


def test_two_of_dilation_2_use_5_of_9_pixels_and_1_2_4_8_use_all_31():
    assert seen(conv(3, dilation=2), conv(3, dilation=2)).sum() == 5 and 1 + 2 * 2 * 2 == 9
    layers = [conv(3, dilation=d) for d in (1, 2, 4, 8)]
    assert seen(*layers).sum() == 31 == receptive_field(nn.Sequential(*layers), (1, 1, 64, 64))[-1].size[0]
    assert sum(layer.weight.numel() for layer in layers) == 36


# What one output sees -------------------------------------------------------------------------------------


def test_behind_a_stride_of_2_an_output_sees_seven_pixels_and_its_neighbour_begins_two_further_on():
    X, ones = torch.zeros(1, 9, requires_grad=True), torch.ones(1, 3)
    Y = corr2d(corr2d(X, ones, stride=2), ones)
    spans = [torch.autograd.grad(y, X, retain_graph=True)[0].nonzero()[:, 1].tolist() for y in Y[0]]
    assert spans == [[0, 1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7, 8]]
    assert answer("03.p5") == [len(spans[0]), spans[1][0] - spans[0][0]]


def test_the_rule_gives_lenets_fields_and_the_gradient_agrees(lesson):
    table = receptive_field(lesson["net"], (1, 1, 28, 28))
    assert [row.size[0] for row in table] == [1 + 4 * 1, 5 + 1 * 1, 6 + 4 * 2, 14 + 1 * 2] == [5, 6, 14, 16]
    assert [row.stride[0] for row in table] == [1, 2, 2, 4] and {row.offset[0] for row in table} == {-2}
    assert seen(*lesson["net"]).sum() == 16


def test_padding_moves_the_field_and_leaves_its_size():
    one, two = (receptive_field(nn.Sequential(conv(5, padding=P)), (1, 1, 28, 28))[-1] for P in (0, 2))
    assert one.size == two.size and (one.offset[0], two.offset[0]) == (0, -2)


def test_three_3x3_see_what_one_7x7_sees_and_not_what_two_5x5_see(lesson):
    stacks = lesson["stacks"]
    fields = {name: seen(*map(conv, ks)).sum().item() for name, ks in stacks.items()}
    weights = {name: sum(k * k for k in ks) for name, ks in stacks.items()}
    assert fields["two 3×3"] == fields["one 5×5"] == 5 and (weights["two 3×3"], weights["one 5×5"]) == (18, 25)
    assert fields["three 3×3"] == fields["one 7×7"] == 7 != fields["two 5×5"]
    assert (weights["three 3×3"], weights["one 7×7"]) == (27, 49)
    assert fields["four 3×3"] == fields["two 5×5"] == 9 and (weights["four 3×3"], weights["two 5×5"]) == (36, 50)


def built(layers):
    """The layers of a preset of the builder; a pooling averages, so that its gradient sees every pixel."""
    return [nn.AvgPool2d(k, s) if pooling else conv(k, stride=s, dilation=d) for k, s, d, pooling in layers]


def with_layer(name, index, **changes):
    """A preset with one layer changed."""
    layers = [list(layer) for layer in STACKS[name]]
    for part, value in changes.items():
        layers[index][("k", "s", "d").index(part)] = value
    return [tuple(layer) for layer in layers]


@pytest.mark.parametrize(
    "layers, field, used",
    [
        (STACKS["three 3×3"][:1] * 8, 17, 17), (STACKS["VGG-11, first 8"], 46, 46),
        (with_layer("VGG-11, first 8", 1, s=1), 25, 25), (with_layer("dilated 1, 2, 4, 8", 0, d=8), 45, 23),
        (STACKS["AlexNet"], 195, 195), (with_layer("AlexNet", 0, s=2), 103, 103),
    ],
)  # fmt: skip
def test_the_answers_on_the_field_builder_are_those_of_the_gradient(layers, field, used):
    result = ReceptiveFieldBuilder(stack=tuple(layers)).result
    assert (result["fields"][-1][0], result["seen"]) == (field, used)
    assert seen(*built(layers), n=256).sum() == used


def test_a_net_of_3x3_with_stride_1_needs_112_layers_for_224_pixels():
    assert 1 + 2 * 112 >= 224 > 1 + 2 * 111


# Questions learners ask -----------------------------------------------------------------------------------


def test_padding_stride_and_dilation_have_no_parameters():
    settings = [{}, {"padding": 4}, {"stride": 3}, {"dilation": 2}, {"padding": "same"}]
    assert {sum(p.numel() for p in nn.Conv2d(1, 1, 3, **each).parameters()) for each in settings} == {3 * 3 + 1}


def test_padding_beyond_the_kernel_gives_the_bias():
    layer = nn.Conv2d(1, 1, 3, padding=5)
    Y = layer(torch.rand(1, 1, 4, 4))[0, 0].detach()
    assert Y.shape == (12, 12)
    torch.testing.assert_close(Y[:3], layer.bias.detach().expand(3, 12))
    assert not torch.allclose(Y[3], layer.bias.detach()), "P = k − 1 = 2 still sees the picture"


def test_padding_marks_the_border_and_each_layer_carries_the_mark_inward():
    grey, ones = torch.full((9, 9), 0.5), torch.ones(3, 3)
    assert corr2d(grey, ones).unique().numel() == 1
    once = corr2d(grey, ones, padding=1)
    twice = corr2d(once, ones, padding=1)
    assert once.unique().numel() > 1 == once[1:-1, 1:-1].unique().numel()
    assert twice[1:-1, 1:-1].unique().numel() > 1 == twice[2:-2, 2:-2].unique().numel()


def test_7_and_8_pixels_give_4_and_the_way_back_must_be_told():
    assert output_size(7, 3, padding=1, stride=2) == output_size(8, 3, padding=1, stride=2) == 4
    back, Y = {"padding": 1, "stride": 2}, torch.rand(1, 1, 4, 4)
    assert nn.ConvTranspose2d(1, 1, 3, **back)(Y).shape[2:] == (7, 7)
    assert nn.ConvTranspose2d(1, 1, 3, **back, output_padding=1)(Y).shape[2:] == (8, 8)


def test_a_stride_larger_than_the_kernel_loses_pixels_and_who_does_so(lesson):
    assert lesson["visits"](8, 1, stride=2).mean() == 1 / 4
    assert unseen(lesson, 8, 2, 3) == [2, 5] and unseen(lesson, 8, 1, 2) == [1, 3, 5, 7]
    side = resnet18().layer2[0]
    assert (side.downsample[0].kernel_size, side.downsample[0].stride) == ((1, 1), (2, 2))
    assert (side.conv1.kernel_size, side.conv1.stride) == ((3, 3), (2, 2)), "its main path sees the others"


def test_same_with_a_stride_is_refused_here_and_counted_so_elsewhere():
    with pytest.raises(ValueError, match="same.*stride"):
        nn.Conv2d(1, 1, 3, padding="same", stride=2)
    for n, s in product(range(3, 40), (1, 2, 3)):
        size = math.ceil(n / s)
        zeros = max((size - 1) * s + 3 - n, 0)  # TensorFlow's, in total
        assert output_size(n, 3, padding=1, stride=s) == output_size(n + zeros, 3, stride=s) == size
        assert s != 2 or zeros == (1 if n % 2 == 0 else 2), "of an odd one, none is put in front"


def test_a_stride_of_2_computes_a_quarter_and_pooling_looks_at_all(noise):
    taps = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    dense, half = corr2d(noise, taps, padding=1), corr2d(noise, taps, padding=1, stride=2)
    torch.testing.assert_close(half, dense[::2, ::2], atol=1e-5, rtol=1e-5)
    pooled = F.max_pool2d(dense[None], 2)[0]
    assert pooled.shape == half.shape and not torch.allclose(pooled, half)
    assert (pooled >= half - 1e-5).all(), "the maximum has looked at that output, too"


def test_the_kernel_costs_25_by_9_a_stride_of_2_a_quarter_and_padding_hardly_anything():
    def two_layers(k=3, s=1, extra=0):
        first = nn.Conv2d(3, 16, k, stride=s, padding=(k - 1) // 2 + extra)
        return describe_net(nn.Sequential(first, nn.Conv2d(16, 16, 3, padding=1)), (1, 3, 64, 64))

    usual, large = two_layers(), two_layers(k=5)
    assert 9 * large.rows[0].multiply_adds == 25 * usual.rows[0].multiply_adds
    assert 4 * two_layers(s=2).multiply_adds == usual.multiply_adds
    assert two_layers(s=2).params == two_layers(extra=1).params == usual.params < large.params
    assert two_layers(extra=1).multiply_adds < 1.07 * usual.multiply_adds


def test_zeros_walk_in_until_144_of_784_outputs_are_free_of_them():
    Y = torch.ones(28, 28)
    for _ in range(8):
        Y = corr2d(Y, torch.ones(3, 3) / 9, padding=1)
    assert torch.isclose(Y, torch.ones(()), atol=1e-5, rtol=0).sum() == (28 - 2 * 8) ** 2 == 144


@pytest.mark.parametrize("channels, stride, kept", [(1, 1, 64), (1, 2, 16), (4, 2, 64)])
def test_a_stride_hands_on_16_numbers_of_64_and_four_channels_all(channels, stride, kept):
    torch.manual_seed(0)
    layer = nn.Conv2d(1, channels, 3, padding=1, stride=stride, bias=False).double()
    one_pixel_each = torch.eye(64, dtype=torch.float64).reshape(64, 1, 8, 8)
    assert torch.linalg.matrix_rank(layer(one_pixel_each).flatten(1)) == kept
