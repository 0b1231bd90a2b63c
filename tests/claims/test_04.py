"""What lesson 04 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import itertools

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import helpers
from helpers import corr2d, describe_net
from helpers.data import load_photo
from helpers.exercises import find
from helpers.widgets import ChannelMixer, ChannelWalk, CostCalculator

from ..claims import definitions_of, names_of

LESSON = "04_channels"
SMALL = torch.stack((torch.arange(9.0), torch.arange(1.0, 10))).reshape(2, 3, 3)
KERNEL = torch.stack((torch.arange(4.0), torch.arange(1.0, 5))).reshape(2, 2, 2)
MAPS = [[[56, 72], [104, 120]], [[76, 100], [148, 172]], [[96, 128], [192, 224]]]
LUMA = torch.tensor([0.299, 0.587, 0.114])
MIDDLE, TOP = (..., slice(60, 140), slice(60, 140)), (..., slice(30), slice(None))  # petals, leaves


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson defines, up to the three ways to write a 1×1 convolution."""
    return names_of(LESSON, until="as_dense")


@pytest.fixture(scope="module")
def photo():
    return load_photo("flower", color=True)


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.Conv2d(3, 4, 3, bias=False)


@pytest.fixture
def picture():
    return torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(1))


def answer(id):
    """The numbers that the check of a prediction takes for right."""
    names = {}
    exec(find(id).solution, names)
    return names["guess"]


def close(got, want, atol=1e-5):
    return torch.allclose(got, want, atol=atol)


# Three numbers for a pixel --------------------------------------------------------------------------------


def test_petals_are_bright_in_red_and_leaves_nearly_black(photo):
    red, green, blue = photo[MIDDLE].mean(dim=(1, 2))
    assert red > 1.5 * green and green > 1.5 * blue
    means = photo[TOP].mean(dim=(1, 2))
    assert means[0] < 0.2 * means[1:].min()


def test_grey_is_the_weighted_sum_and_a_hundred_colours_share_one(photo):
    grey = torch.tensordot(LUMA, photo, dims=1)
    torch.testing.assert_close(grey, load_photo("flower"), atol=1e-6, rtol=0)
    colors, greys = len((photo * 255).round().flatten(1).unique(dim=1).t()), len((grey * 255).round().unique())
    assert greys <= 256 and colors > 100 * greys


def test_no_two_pixels_of_one_grey_differ_more_than_those_shown(lesson, photo):
    level, red_minus_green = (torch.tensordot(LUMA, photo, dims=1) * 255).round(), photo[0] - photo[1]
    red, teal = lesson["sign"][:, 0, 0], lesson["sign"][:, 0, -1]
    shown = (red[0] - red[1]) - (teal[0] - teal[1])
    widest = max(red_minus_green[level == value].max() - red_minus_green[level == value].min()
                 for value in level.unique())  # fmt: skip
    assert shown == widest and len({round(255 * (LUMA @ color).item()) for color in (red, teal)}) == 1


def test_grey_hides_the_edge_that_red_shows(lesson):
    detector = torch.tensor([[1.0, -1.0]])
    assert corr2d(lesson["grey_sign"], detector).abs().max() <= 1 / 255
    assert corr2d(lesson["sign"][0], detector)[:, 3].min() > 0.3


# Slices, kernels, maps ------------------------------------------------------------------------------------


def test_the_loops_are_pytorch_and_the_helpers(lesson):
    kernels = torch.stack((KERNEL, KERNEL + 1, KERNEL + 2))
    assert torch.equal(lesson["X"], SMALL) and torch.equal(lesson["kernels"], kernels)
    assert lesson["corr2d_multi_in"](SMALL, KERNEL).tolist() == MAPS[0]
    Y = lesson["corr2d_multi_in_out"](SMALL, kernels)
    assert Y.tolist() == MAPS and Y[1, 0, 0] - Y[0, 0, 0] == SMALL[:, :2, :2].sum() == 20
    assert torch.equal(Y, helpers.corr2d_multi_in_out(SMALL, kernels))
    assert torch.equal(Y, F.conv2d(SMALL[None], kernels)[0])


def test_the_general_formula_term_by_term():
    generator = torch.Generator().manual_seed(0)
    X, K, B = (torch.randn(shape, generator=generator) for shape in ((2, 4, 5), (3, 2, 2, 3), (3,)))
    Y = B[:, None, None].repeat(1, 3, 3)
    for o, i, j, c, a, b in itertools.product(range(3), range(3), range(3), range(2), range(2), range(3)):
        Y[o, i, j] += X[c, i + a, j + b] * K[o, c, a, b]
    torch.testing.assert_close(Y, F.conv2d(X[None], K, B)[0])


def test_zip_drops_a_channel_and_two_refuse_to(lesson):
    X3 = torch.cat((SMALL, SMALL[:1] + 2))
    assert lesson["corr2d_multi_in"](X3, KERNEL).tolist() == MAPS[0]
    with pytest.raises(ValueError, match="shorter"):
        list(zip(X3, KERNEL, strict=True))
    with pytest.raises(ValueError, match="give K one"):
        helpers.corr2d_multi_in(X3, KERNEL)


def test_a_kernel_with_equal_slices_cannot_tell_red_from_blue(picture, lesson):
    X, recolored = picture[0], picture[0].flip(0)  # red and blue change places
    generator, read = torch.Generator().manual_seed(0), lesson["corr2d_multi_in"]
    shared, own = (torch.randn(shape, generator=generator).expand(3, 3, 3) for shape in ((3, 3), (3, 3, 3)))
    assert close(read(X, shared), corr2d(X.sum(0), shared[0])) and close(read(X, shared), read(recolored, shared))
    assert not close(read(X, own), read(recolored, own), atol=0.1)


def test_a_layer_has_one_bias_for_each_output_and_no_axis_for_the_batch():
    layer, dense = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
    assert (layer.weight.shape, layer.bias.shape) == ((4, 3, 3, 3), (4,))
    assert (dense.weight.shape, dense.bias.shape, dense(torch.ones(3, 4)).shape) == ((2, 4), (2,), (3, 2))
    assert layer(torch.ones(4, 3, 32, 32)).shape == (4, 4, 30, 30)


def test_a_bias_for_each_slice_is_one_number(picture, layer):
    biases = torch.randn(3, generator=torch.Generator().manual_seed(0))
    slices = torch.stack([corr2d(picture[0, c], layer.weight[0, c]) + biases[c] for c in range(3)])
    assert close(slices.sum(0), F.conv2d(picture, layer.weight[:1], biases.sum()[None])[0, 0])


def test_the_predictions_are_what_the_cells_compute(lesson):
    assert answer("04.p1") == [72, 104, 120] == torch.tensor(MAPS[0]).flatten()[1:].tolist()
    assert answer("04.p2") == [MAPS[1][0][0], MAPS[2][0][0]]
    layer = nn.Conv2d(3, 8, kernel_size=3)
    assert answer("04.p3") == [*layer.weight.shape, *layer(torch.ones(4, 3, 32, 32)).shape]
    W = torch.tensor([[1.0, 1.0], [-1.0, 1.0]])
    Y = lesson["corr2d_multi_in_out"](SMALL, W[:, :, None, None])
    assert answer("04.p4") == Y[:, 2, 2].tolist() == (W @ SMALL[:, 2, 2]).tolist()


def test_the_walk_starts_on_the_numbers_of_the_text_and_gets_36_weights():
    walk = ChannelWalk()
    assert walk.result["Y"].tolist() == MAPS and walk.result["K"].numel() == 24
    assert walk.update(output=1).result["subtotals"].tolist() == [27, 49]
    result = walk.update(output=0, in_channels=3).result
    assert result["K"].numel() == 36 and result["subtotals"][2] == 63 == result["Y"][0, 0, 0] - 56


def test_four_questions_tell_edges_and_colours(lesson, photo):
    Y, sobel = lesson["answers"], lesson["sobel"]
    assert close(Y[0], corr2d(load_photo("flower"), sobel))  # three slices on three channels: Sobel on grey
    flower, leaves = Y[:, 70:130, 70:130], Y[:, :28]
    assert (flower[2] > 0).all() and (leaves[2] < 0).float().mean() > 0.9
    assert (flower[3] < 0).all() and (leaves[3] > 0).float().mean() > 0.8


def test_each_slice_links_one_input_to_one_output(lesson, photo):
    K, Y, read = lesson["questions"], lesson["answers"], lesson["corr2d_multi_in_out"]
    changed = K.clone()
    changed[1, 2] += 1
    assert (read(photo, changed) != Y).flatten(1).any(dim=1).tolist() == [False, True, False, False]
    less_blue = photo * torch.tensor([1, 1, 0.5])[:, None, None]
    assert (read(less_blue, K) != Y).flatten(1).any(dim=1).tolist() == [True, True, False, True]
    assert not K[2, 2].any(), "red − green has zeros for blue"


def test_only_an_ear_with_its_eye_makes_a_head(lesson):
    heads = (F.conv2d(lesson["maps"][None], lesson["head"][None])[0, 0] - 1).relu()
    assert heads.nonzero().tolist() == [[0, 1]] and heads[0, 1] == 1
    for alone in range(2):
        only = lesson["maps"].clone()
        only[1 - alone] = 0
        assert not (F.conv2d(only[None], lesson["head"][None]) - 1).relu().any()


# Learned together -----------------------------------------------------------------------------------------


def test_the_next_layer_can_undo_any_mix_of_the_maps(picture, layer):
    second = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(2))
    mix = torch.randn(4, 4, generator=torch.Generator().manual_seed(3))
    mixed = torch.einsum("om, mchw -> ochw", mix, layer.weight)
    undone = torch.einsum("pohw, om -> pmhw", second, torch.linalg.inv(mix))
    plain = F.conv2d(layer(picture), second)
    assert close(F.conv2d(F.conv2d(picture, mixed), undone), plain, atol=1e-4)
    assert not close(F.conv2d(picture, mixed), layer(picture), atol=0.1)


def test_the_gradient_of_a_kernel_depends_on_the_other_kernels(picture, layer):
    gradients = []
    for factor in (1, 2):
        layer.zero_grad()
        with torch.no_grad():
            layer.weight[1] *= factor
        (layer(picture).sum(dim=1) ** 2).sum().backward()  # one loss of all maps
        gradients.append(layer.weight.grad[0].clone())
    assert not close(*gradients, atol=0.1)


# One pixel wide -------------------------------------------------------------------------------------------


def test_a_1x1_convolution_is_a_dense_layer_at_every_pixel(lesson, photo):
    assert close(lesson["as_convolution"], lesson["as_product"])
    assert close(lesson["as_convolution"], lesson["as_dense"])
    assert nn.Conv2d(3, 2, 1).weight.numel() == lesson["dense"].weight.numel() == 6
    assert photo[0].numel() == 40_000


def test_numbers_added_up_in_another_order_may_differ_in_the_last_digit():
    terms = list(torch.randn(256, generator=torch.Generator().manual_seed(0)))
    there, back = sum(terms), sum(reversed(terms))
    assert there != back and close(there, back, atol=1e-4)


def test_squeezing_the_channels_saves_most_of_the_weights():
    squeezed = [nn.Conv2d(256, 64, 1), nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 256, 1)]
    assert sum(layer.weight.numel() for layer in squeezed) == 69_632
    assert nn.Conv2d(256, 256, 3).weight.numel() == 589_824


def test_the_mixer_greys_swaps_and_needs_a_bias_for_the_negative(photo):
    mixer, grey = ChannelMixer(), load_photo("flower")
    assert close(mixer.result["output"][0], grey, atol=1e-6)
    assert grey[80:120, 80:120].min() < grey[TOP].mean(), "in grey the darkest fold is as dark as the leaves"
    swapped = mixer.update(preset="swap red, blue").result
    assert torch.equal(swapped["W"] @ swapped["W"], torch.eye(3))
    red, _, blue = swapped["output"][MIDDLE].mean(dim=(1, 2))
    assert blue > 3 * red, "the petals are blue"
    red, green, blue = swapped["output"][TOP].mean(dim=(1, 2))
    assert min(red, green) > 5 * blue, "the leaves are olive"
    rows = [[*row[:3], 0.0] for row in mixer.update(preset="negative").weights]
    result = mixer.update(weights=rows).result
    assert result["output"].max() <= 0 and result["clipped"] > 0.9


# What it costs --------------------------------------------------------------------------------------------


def test_a_billion_multiply_adds_and_more_of_them_for_a_larger_picture():
    layer = nn.Conv2d(100, 100, kernel_size=5, padding=2)
    table, larger = (describe_net(layer, (1, 100, side, side)) for side in (64, 128))
    assert table.params == 100 * 100 * 5**2 + 100 == larger.params
    assert table.multiply_adds == 100 * 100 * 5**2 * 64**2 == 1_024_000_000 == answer("04.p5")[0]
    assert table.activation_bytes == 4 * 100 * 64**2 and larger.multiply_adds == 4 * table.multiply_adds
    calculator = CostCalculator()
    assert calculator.result["plain"]["multiply-adds"] == table.multiply_adds


def test_half_the_size_and_twice_the_channels_is_the_same_work():
    tables = [describe_net(nn.Conv2d(c, c, 3, padding=1, bias=False), (1, c, m, m))
              for c, m in ((64, 56), (128, 28), (256, 14), (512, 7))]  # fmt: skip
    pairs = list(zip(tables, tables[1:], strict=False))
    factors = {(after.multiply_adds / before.multiply_adds, after.params / before.params) for before, after in pairs}
    assert factors == {tuple(answer("04.p6"))} == {(1, 4)}
    assert all(2 * after.activation_bytes == before.activation_bytes for before, after in pairs)
    assert tables[-1].params > 0.7 * sum(table.params for table in tables), "most of them at the end"


# Cheaper layers -------------------------------------------------------------------------------------------


@pytest.fixture
def grouped():
    torch.manual_seed(0)
    return nn.Conv2d(4, 6, 3, groups=2, bias=False)


def test_two_groups_are_two_layers_side_by_side(grouped):
    X = torch.randn(1, 4, 9, 9)
    halves = [F.conv2d(X[:, :2], grouped.weight[:3]), F.conv2d(X[:, 2:], grouped.weight[3:])]
    assert close(grouped(X), torch.cat(halves, dim=1)) and grouped.weight.shape == (6, 2, 3, 3)
    plain = nn.Conv2d(4, 6, 3, bias=False)
    much, little = (describe_net(layer, X.shape) for layer in (plain, grouped))
    assert (much.multiply_adds, much.params) == (2 * little.multiply_adds, 2 * little.params)


def test_who_reads_whom_and_with_how_many_weights():
    torch.manual_seed(0)
    read, plain, depthwise = definitions_of(LESSON)["who_reads_whom"], *(
        nn.Conv2d(6, 6, 3, groups=groups, bias=False) for groups in (1, 6))  # fmt: skip
    halves = nn.Conv2d(6, 6, 3, groups=2, bias=False)
    separable = nn.Sequential(depthwise, nn.Conv2d(6, 6, 1, bias=False))
    layers = plain, halves, depthwise, separable
    assert [int(read(layer).sum()) for layer in layers] == [36, 18, 6, 36]
    assert [sum(part.numel() for part in layer.parameters()) for layer in layers] == [324, 162, 54, 90]


def test_a_separable_layer_saves_by_the_formula_and_its_depthwise_step_waits_for_memory():
    plain = nn.Conv2d(512, 512, 3, padding=1, bias=False)
    separable = nn.Sequential(nn.Conv2d(512, 512, 3, padding=1, groups=512, bias=False),
                              nn.Conv2d(512, 512, 1, bias=False))  # fmt: skip
    shape = torch.Size((1, 512, 14, 14))
    much, little, depthwise = (describe_net(net, shape) for net in (plain, separable, separable[0]))
    saving = 1 / 512 + 1 / 3**2
    assert little.multiply_adds / much.multiply_adds == pytest.approx(saving, abs=1e-12)
    assert little.params / much.params == pytest.approx(saving, abs=1e-12)
    assert [round(table.multiply_adds / 1e6) for table in (much, little)] == [462, 52]
    assert little.activation_bytes == 2 * much.activation_bytes, "the maps between the steps are stored, too"
    use = [table.multiply_adds / (shape.numel() + table.params + table.activation_bytes // 4)
           for table in (much, depthwise)]  # fmt: skip
    assert [round(part) for part in use] == [181, 4]


def test_a_separable_layer_is_a_plain_one_with_scaled_slices():
    generator = torch.Generator().manual_seed(0)
    D, P, X = (torch.randn(shape, generator=generator) for shape in ((3, 2, 2), (5, 3), (1, 3, 6, 6)))
    separable = F.conv2d(F.conv2d(X, D[:, None], groups=3), P[:, :, None, None])
    assert close(separable, F.conv2d(X, P[:, :, None, None] * D), atol=1e-4)


def test_mobilenet_does_what_its_paper_says():
    """Table 1 of arXiv 1704.04861: inputs, outputs, size of the output of each separable layer."""
    steps = [(32, 64, 112), (64, 128, 56), (128, 128, 56), (128, 256, 28), (256, 256, 28), (256, 512, 14),
             *[(512, 512, 14)] * 5, (512, 1024, 7), (1024, 1024, 7)]  # fmt: skip
    first, last = 3 * 32 * 9 * 112**2, 1024 * 1000
    separable = first + last + sum((9 * c_i + c_i * c_o) * m**2 for c_i, c_o, m in steps)
    plain = first + last + sum(9 * c_i * c_o * m**2 for c_i, c_o, m in steps)
    assert round(separable / 1e6) == 569 and plain / 1e6 == pytest.approx(4866, abs=2)


def test_the_answers_beside_the_calculator():
    calculator = CostCalculator()
    for change in ({"kernel_size": 1}, {"kernel_size": 5, "out_channels": 1}):
        result = calculator.update(**change).result
        assert result["depthwise-separable"]["multiply-adds"] > result["plain"]["multiply-adds"]
    assert calculator.update(in_channels=512, out_channels=511).groups == 1


@pytest.mark.parametrize("name", ["efficientnet_b0", "convnext_tiny"])
def test_todays_networks_stand_on_depthwise_layers(name):
    with torch.device("meta"):
        net = torchvision.models.get_model(name)
    spatial = [part for part in net.modules() if isinstance(part, nn.Conv2d) and part.kernel_size > (2, 2)]
    depthwise = [part for part in spatial if part.groups == part.in_channels == part.out_channels]
    assert len(depthwise) >= len(spatial) - 1 and len(depthwise) > 10, "all but the first"


# Questions learners ask -----------------------------------------------------------------------------------


def test_three_channels_stay_three_until_a_relu(photo):
    torch.manual_seed(0)
    small, mixes = photo[None, :, ::4, ::4].double(), torch.randn(100, 3, 1, 1).double()
    maps = F.conv2d(small, mixes)[0].flatten(1)  # (100, 2500)
    assert torch.linalg.matrix_rank(maps) == 3 and torch.linalg.matrix_rank((maps - 0.5).relu()) > 30


def test_two_1x1_convolutions_are_one_without_a_relu(picture):
    torch.manual_seed(0)
    W1, W2 = torch.randn(8, 3), torch.randn(2, 8)
    hidden = F.conv2d(picture, W1[:, :, None, None])
    once = F.conv2d(picture, (W2 @ W1)[:, :, None, None])
    assert close(F.conv2d(hidden, W2[:, :, None, None]), once, atol=1e-4)
    assert not close(F.conv2d(hidden.relu(), W2[:, :, None, None]), once, atol=0.1)


def test_the_order_of_the_channels_matters_once_learned(picture, layer):
    expected, swapped = layer(picture), layer(picture.flip(1))
    assert close(F.conv2d(picture.flip(1), layer.weight.flip(1)), expected)
    assert not close(swapped, expected, atol=0.01)


def test_a_3x3_kernel_fits_into_a_5x5_one(picture, layer):
    five = F.pad(layer.weight, (1, 1, 1, 1))  # (4, 3, 5, 5), zeros around each slice
    assert close(F.conv2d(picture, five), layer(picture)[:, :, 1:-1, 1:-1])


def test_a_plain_layer_with_zeros_does_what_groups_do_for_twice_the_work(grouped):
    zeros, X = torch.zeros(6, 4, 3, 3), torch.randn(1, 4, 9, 9)
    zeros[:3, :2], zeros[3:, 2:] = grouped.weight[:3].detach(), grouped.weight[3:].detach()
    assert close(F.conv2d(X, zeros), grouped(X))
    plain = nn.Conv2d(4, 6, 3, bias=False)
    assert describe_net(plain, X.shape).multiply_adds == 2 * describe_net(grouped, X.shape).multiply_adds


def test_a_network_for_colour_reads_grey_for_a_third_of_the_work(layer):
    grey, added = torch.rand(1, 1, 9, 9), layer.weight.sum(dim=1, keepdim=True)
    assert close(layer(grey.expand(1, 3, 9, 9)), F.conv2d(grey, added))
    assert 3 * added.numel() == layer.weight.numel()


def test_a_fourth_slice_of_zeros_takes_depth_in_and_conv3d_is_not_needed(picture, layer):
    depth, expected = torch.rand(1, 1, 9, 9), layer(picture)
    wider = torch.cat((layer.weight, torch.zeros(4, 1, 3, 3)), dim=1).detach().requires_grad_()
    Y = F.conv2d(torch.cat((picture, depth), dim=1), wider)
    Y.sum().backward()
    assert close(Y, expected) and wider.grad[:, 3].all(), "training can change the zeros"
    assert close(F.conv3d(picture[:, None], layer.weight[:, None])[:, :, 0], expected)


def test_training_is_three_times_the_work_but_in_the_first_layer():
    def work(training, needs_input_gradient=True):
        X = torch.randn(1, 3, 9, 9, requires_grad=needs_input_gradient)
        with FlopCounterMode(display=False) as counter:
            Y = nn.Conv2d(3, 4, 3)(X)
            if training:
                Y.sum().backward()
        return counter.get_total_flops()

    assert work(training=False) == 2 * describe_net(nn.Conv2d(3, 4, 3), (1, 3, 9, 9)).multiply_adds
    assert work(training=True) == 3 * work(training=False)
    assert work(training=True, needs_input_gradient=False) == 2 * work(training=False)
