"""What lesson 09 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import ast
import itertools

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import describe_net, evaluate_accuracy, load_data_fashion_mnist, load_photo, receptive_field, train_ch6
from helpers.exercises import find
from helpers.networks import VGG11, alexnet, lenet, resnet18, vgg
from helpers.training import Cosine
from helpers.widgets import VGGBuilder

from ..claims import NOTEBOOKS, definitions_of

LESSON = "09_vgg"
CHANNELS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
NARROW = tuple((count, channels // 8) for count, channels in VGG11)
GREY = (1, 1, 224, 224)


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines."""
    return definitions_of(LESSON)


@pytest.fixture(scope="module")
def table():
    """The layers of VGG-11 for one channel and ten classes."""
    return counted(VGG11)


def counted(blocks, shape=GREY, num_classes=10, **options):
    """Return the table of a VGG without numbers."""
    with torch.device("meta"):
        return describe_net(vgg(shape[1], num_classes, blocks=blocks, **options), shape)


def original(depth):
    """The layers of a net of the paper: in colour, 1,000 classes."""
    return counted(tuple(zip(CONVOLUTIONS[depth], CHANNELS, strict=True)), (1, 3, 224, 224), 1000)


def rows_of(table, kind):
    return [row for row in table if row.type == kind]


def dense_params(table):
    return [row.params for row in rows_of(table, "Linear")]


def guessed(id):
    """The right answer of a prediction."""
    return ast.literal_eval(find(id).solution.removeprefix("guess = "))


# A block instead of a layer -------------------------------------------------------------------------------


def test_the_papers_table_is_as_it_was_published():
    """Simonyan and Zisserman, arXiv 1409.1556v6, table 3: top-5 validation error at a single test scale."""
    published = {("A", 256): 10.4, ("B", 256): 9.9, ("C", 256): 9.4, ("D", 256): 8.8, ("E", 256): 9.0,
                 ("C", "256-512"): 8.8, ("D", "256-512"): 8.1, ("E", "256-512"): 8.0}  # fmt: skip
    names = {}
    cells = nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.source.startswith("nets = ")]
    exec("\n".join(source.splitlines()[:2]), names)
    assert [published[net[0], 256] for net in names["nets"]] == names["one_size"]
    assert [published[net[0], "256-512"] for net in names["nets"][2:]] == names["many_sizes"]
    larger = {"C": 9.3, "D": 8.7, "E": 8.7}  # trained and tested at 384 pixels
    assert {round(published[net, 256] - error, 1) for net, error in larger.items()} == {0.1, 0.3}
    for net in names["nets"]:
        depth = int(net.split()[1])
        assert depth in CONVOLUTIONS and sum(CONVOLUTIONS[depth]) + 3 == depth


def test_a_block_keeps_the_size_up_to_its_pooling_and_has_these_parameters(lesson):
    block = describe_net(lesson["vgg_block"](2, 3, 16), (1, 3, 32, 32))
    assert [row.output_shape[1:] for row in block] == [(16, 32, 32)] * 4 + [(16, 16, 16)]
    assert [row.params for row in rows_of(block, "Conv2d")] == guessed("09.p1") == [16 * (9 * 3 + 1), 16 * (9 * 16 + 1)]
    longer = describe_net(lesson["vgg_block"](10, 3, 16), (1, 3, 32, 32))
    assert longer[-1].output_shape == block[-1].output_shape


def test_a_pooling_behind_each_convolution_uses_up_224_pixels_in_seven(lesson):
    net = lesson["make_vgg"](((1, 1),) * 8, image_size=256, hidden=1)
    assert net[:7](torch.zeros(GREY)).shape[2:] == (1, 1)
    with pytest.raises(RuntimeError, match="too small"):
        net[:8](torch.zeros(GREY))


def test_twice_the_channels_at_half_the_side_is_the_same_work_with_four_times_the_weights_and_half_the_outputs():
    def convolution(channels, side):
        with torch.device("meta"):
            conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            (row,) = describe_net(conv, (1, channels, side, side))
        return torch.tensor([row.params, row.multiply_adds, row.activation_bytes], dtype=torch.float64)

    for early, late in (((64, 224), (128, 112)), ((128, 112), (256, 56)), ((256, 56), (512, 28))):
        ratio = (convolution(*late) / convolution(*early)).tolist()
        assert ratio == [4, 1, 0.5] and ratio[:2] == guessed("09.p2")
    assert (convolution(512, 14) / convolution(512, 28))[1] == 1 / 4


# A network as a list of numbers ---------------------------------------------------------------------------


def test_the_lessons_net_is_that_of_helpers(lesson):
    ours, ready = lesson["make_vgg"](NARROW, image_size=32, hidden=128), vgg(width=1 / 8, image_size=32, hidden=128)
    parameters = list(ready.parameters())
    assert [p.shape for p in ours.parameters()] == [p.shape for p in parameters]
    with torch.no_grad():
        for mine, theirs in zip(ours.parameters(), parameters, strict=True):
            mine.copy_(theirs)
        X = torch.randn(2, 1, 32, 32)
        assert torch.equal(ours.eval()(X), ready.eval()(X))


def test_five_halvings_leave_seven_pixels_of_224(table):
    sides = [row.output_shape[-1] for row in rows_of(table, "MaxPool2d")]
    assert sides == guessed("09.p3") == [112, 56, 28, 14, 7] and 7 * 2**5 == 224


def test_vgg_11_has_eleven_layers_with_weights_half_a_gigabyte_of_them(table):
    assert len(rows_of(table, "Conv2d")) == 8 and len(rows_of(table, "Linear")) == 3
    assert sum(row.params > 0 for row in table) == 11 and table.params == 128_806_154
    assert round(4 * table.params / 1e9, 1) == 0.5


def test_nineteen_layers_cost_8_percent_more_parameters_and_2_6_times_the_work():
    tables = {depth: original(depth) for depth in CONVOLUTIONS}
    assert [sum(row.params > 0 for row in table) for table in tables.values()] == [*CONVOLUTIONS]
    assert [round(table.params / 1e6) for table in tables.values()] == [133, 133, 138, 144]  # the paper's table 2
    assert tables[16].params == 138_357_544
    params = tables[19].params / tables[11].params
    work = tables[19].multiply_adds / tables[11].multiply_adds
    assert round(params, 2) == 1.08 and round(work, 1) == 2.6
    assert [int(params > 1.5), int(work > 2)] == guessed("09.p4")


def test_colour_changes_the_first_convolution_alone_in_every_net():
    photo, more = load_photo("flower", size=224, color=True)[None], {}
    nets = {"LeNet": (lenet, 28, {}), "AlexNet": (alexnet, 224, {}), "VGG": (vgg, 224, dict(width=1 / 8, hidden=64))}
    for name, (make, side, options) in nets.items():
        grey, color = make(in_channels=1, **options), make(in_channels=3, **options)
        X = F.interpolate(photo, size=side)
        assert X.shape == (1, 3, side, side) and color.eval()(X).shape == (1, 10)
        differ = [a.shape != b.shape for a, b in zip(grey.parameters(), color.parameters(), strict=True)]
        assert differ == [True] + [False] * (len(differ) - 1)  # the weight of the first layer, no other
        more[name] = describe_net(color, X.shape).params - describe_net(grey, (1, 1, side, side)).params
    assert more == {"LeNet": 6 * 2 * 5**2, "AlexNet": 96 * 2 * 11**2, "VGG": 8 * 2 * 3**2}
    assert (more["LeNet"], more["AlexNet"]) == (300, 23_232)


def test_lenet_tells_tints_apart_with_three_channels_and_guesses_from_their_mean():
    def tinted(batches, channels):
        """Batches of pictures tinted red, green or blue, and their tints; in one channel, all tints look alike."""
        made = []
        for X, _ in batches:
            tint = torch.arange(len(X)) % 3
            color = batches.to_pixels(X) * F.one_hot(tint, 3)[:, :, None, None]  # (N, 3, H, W)
            made.append((color if channels == 3 else color.mean(dim=1, keepdim=True), tint))
        return made

    train, test = load_data_fashion_mnist(50, num_train=1_000, num_test=300, seed=0, device="cpu")
    seen = {}
    for channels in (3, 1):
        net = lenet(channels, 3, activation=nn.ReLU, pooling=nn.MaxPool2d)
        train_ch6(net, tinted(train, channels), tinted(test, channels), 4, 0.05, seed=0, live=False)
        seen[channels] = evaluate_accuracy(net, tinted(test, channels))
    assert seen[3] > 0.9 and seen[1] < 0.5


# Where it keeps what --------------------------------------------------------------------------------------


def stages_of(table):
    """Parameters, multiply-adds and activation bytes of the five blocks and the dense layers, (6, 3)."""
    sums = torch.zeros(6, 3, dtype=torch.float64)
    for row in table:
        sums[int(row.name[0]) if "." in row.name else 5] += torch.tensor(
            [row.params, row.multiply_adds, row.activation_bytes], dtype=torch.float64)  # fmt: skip
    return sums


def test_parameters_sit_at_the_end_activations_at_the_beginning_and_work_between(table):
    shares = stages_of(table) / torch.tensor([table.params, table.multiply_adds, table.activation_bytes])
    assert shares[5, 0] > 0.9 and shares[0, 2] > 0.4 and shares[2:4, 1].sum() > 0.7
    assert [int(shares[:, column].argmax()) + 1 for column in (0, 2)] == guessed("09.p5")


def test_the_first_dense_layer_has_four_fifths_of_the_parameters_and_a_hundredth_of_the_work(table):
    first = rows_of(table, "Linear")[0].multiply_adds
    assert first == 512 * 7 * 7 * 4096 == 102_760_448
    assert 0.79 < first / table.params < 0.8 and 0.01 < first / table.multiply_adds < 0.015
    assert sum(row.multiply_adds for row in rows_of(table, "Conv2d")) / table.multiply_adds > 0.98


def test_blocks_3_and_4_have_a_second_convolution_that_reads_twice_the_channels(table):
    works = [row.multiply_adds for row in rows_of(table, "Conv2d")]
    assert works[1] == works[2] == works[4] and works[3] == works[5] == 2 * works[1]


def test_from_16_pictures_on_activations_take_more_than_parameters_and_gradients(table):
    assert 15 * table.activation_bytes < 2 * 4 * table.params < 16 * table.activation_bytes
    assert round(128 * table.activation_bytes / 1e9, 1) == 8.4


def test_pytorch_keeps_three_quarters_of_what_the_table_counts():
    net, X, kept = vgg(width=1 / 8, hidden=16), torch.randn(GREY), {}
    own = {tensor.untyped_storage().data_ptr() for tensor in (*net.parameters(), X)}

    def keep(tensor):  # the tensor itself is held, or its memory would be given to another
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(X)
    size = sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in own)
    assert 0.7 < size / describe_net(net, GREY).activation_bytes < 0.8


def test_a_quarter_of_the_channels_is_a_third_of_the_parameters(table):
    quarter = counted(VGG11, width=1 / 4)
    assert round(quarter.params / 1e6, 1) == 43.1 and 0.33 < quarter.params / table.params < 0.34
    inner = [[row.params for row in rows_of(t, "Conv2d")] for t in (table, quarter)]
    assert round(sum(inner[0]) / sum(inner[1]), 1) == 16.0
    factors = [a / b for a, b in zip(dense_params(table), dense_params(quarter), strict=True)]
    assert [round(factor, 1) for factor in factors] == [4.0, 1.0, 1.0]
    assert quarter.multiply_adds < table.multiply_adds / 14


# Small kernels, one behind the other ----------------------------------------------------------------------


def test_stacks_of_3x3_have_the_field_of_one_large_kernel_for_less_work_and_more_activations(lesson):
    def costs(*kernels):
        return dict(zip(("field", "params", "work", "memory"), lesson["costs"](*kernels), strict=True))

    for small, large, weights, saved in ((2, 5, (18, 25), 0.28), (3, 7, (27, 49), 0.45)):
        many, one = costs(*[3] * small), costs(large)
        assert many["field"] == one["field"] == (large, large)
        assert many["work"] / one["work"] == weights[0] / weights[1] and round(1 - weights[0] / weights[1], 2) == saved
        assert many["memory"] == small * one["memory"]
    assert [3 * 9, 7 * 7] == guessed("09.p6")


def test_two_convolutions_with_nothing_between_are_one_5x5_but_for_the_edges():
    torch.manual_seed(0)
    X, K_1, K_2 = torch.randn(1, 1, 12, 12), torch.randn(1, 1, 3, 3), torch.randn(1, 1, 3, 3)
    K = F.conv_transpose2d(K_1, K_2)  # every product of a weight of one and a weight of the other
    assert K.shape == (1, 1, 5, 5)
    torch.testing.assert_close(F.conv2d(F.conv2d(X, K_1), K_2), F.conv2d(X, K), atol=1e-4, rtol=0)
    assert not torch.allclose(F.conv2d(F.conv2d(X, K_1).relu(), K_2), F.conv2d(X, K), atol=0.1)
    padded, whole = F.conv2d(F.conv2d(X, K_1, padding=1), K_2, padding=1), F.conv2d(X, K, padding=2)
    torch.testing.assert_close(padded[..., 1:-1, 1:-1], whole[..., 1:-1, 1:-1], atol=1e-4, rtol=0)
    assert not torch.allclose(padded, whole, atol=0.1)


@pytest.mark.parametrize("c_i, c_o, ratio", [(64, 64, 0.72), (64, 128, 1.08), (1, 64, 23.4)])
def test_two_3x3_are_cheaper_than_one_5x5_only_where_the_channels_grow_by_less_than_16_ninths(lesson, c_i, c_o, ratio):
    pair, single = (lesson["costs"](*kernels, channels=(c_i, c_o))[2] for kernels in ((3, 3), (5,)))
    assert round(pair / single, 2) == ratio and (pair < single) == (c_o < 16 / 9 * c_i)


# Does depth pay? ------------------------------------------------------------------------------------------


def test_twice_the_width_of_one_convolution_is_as_much_work_as_two(lesson):
    tables = [describe_net(lesson["small_net"](*kernels, width=width), (1, 1, 32, 32))
              for kernels, width in (((3,), 8), ((3, 3), 8), ((3,), 16))]  # fmt: skip
    _, deep, wide = (table.multiply_adds for table in tables)
    assert abs(wide / deep - 1) < 0.05 and 1.25 < tables[2].params / tables[1].params < 1.35


def test_without_the_relu_between_a_block_has_one_relu(lesson):
    nets = [lesson["small_net"](3, 3, between=between) for between in (True, False)]
    kinds = [[type(layer).__name__ for layer in net] for net in nets]
    assert [names.count("ReLU") for names in kinds] == [6, 3]
    assert kinds[1][:6] == ["Conv2d", "BatchNorm2d", "Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]


def test_with_a_dense_head_the_gain_of_a_second_convolution_depends_on_the_rate(lesson):
    """Seven draws: +.016 ± .008 at 0.05, −.015 ± .017 at 0.2."""
    train, test = load_data_fashion_mnist(64, resize=32, seed=0, num_train=6_000, num_test=2_000, device="cpu")
    if train.source != "Fashion-MNIST":
        pytest.skip("the digits are too few to say it")
    gains = {0.05: 0.0, 0.2: 0.0}
    for lr, seed, (sign, kernels) in itertools.product(gains, range(2), ((-1, (3,)), (1, (3, 3)))):
        torch.manual_seed(seed)
        layers = lesson["small_net"](*kernels)[:-3]  # without the mean and what follows it
        net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 4 * 4, 10))
        gains[lr] += sign * train_ch6(net, train, test, 2, Cosine(lr), seed=seed, device="cpu", live=False).test_acc[-1]
    assert gains[0.05] > max(0, gains[0.2])


def test_at_full_size_an_epoch_takes_two_cores_more_than_seven_hours(table):
    """Training takes about three times a forward pass; two cores do about 5e10 multiply-adds a second."""
    assert 7 < 3 * table.multiply_adds * 60_000 / 5e10 / 3600 < 8
    assert 30 < 3 * counted(VGG11, width=1 / 4).multiply_adds * 60_000 / 5e10 / 60 < 32  # minutes


# The widget -----------------------------------------------------------------------------------------------


def slim(blocks=NARROW, **options):
    """The table of a VGG for 32×32 pixels, as the builder begins with it."""
    return counted(blocks, (1, 1, 32, 32), **{"image_size": 32, "hidden": 128, "batch_norm": True, **options})


def test_it_starts_as_the_slim_net_the_answers_speak_of():
    train, test = load_data_fashion_mnist(64, resize=32, num_train=200, num_test=50, device="cpu")
    stages = VGGBuilder(train, test).result["stages"]
    assert sum(stage.multiply_adds for stage in stages) == slim().multiply_adds
    assert sum(stage.params for stage in stages) == slim().params


def test_batch_norm_is_688_parameters_and_45_percent_of_activations():
    plain = slim(batch_norm=False)
    assert slim().params - plain.params == 688 and slim().multiply_adds == plain.multiply_adds
    assert round(slim().activation_bytes / plain.activation_bytes, 2) == 1.45


def test_without_its_last_blocks_the_first_dense_layer_grows():
    assert [dense_params(slim(NARROW[:n]))[0] for n in (5, 4, 3)] == [8_320, 32_896, 65_664]


def test_without_blocks_it_is_a_multilayer_perceptron():
    assert [row.type for row in slim(()) if row.params] == ["Linear"] * 3


def test_what_one_more_convolution_costs_in_each_block():
    longer = [slim([(count + (i == j), channels) for j, (count, channels) in enumerate(NARROW)]) for i in range(5)]
    assert [t.multiply_adds - slim().multiply_adds for t in longer] == [589_824] * 4 + [589_824 // 4]
    params = [t.params - slim().params for t in longer]
    assert params[3:] == [36_928 + 128] * 2 and max(params[:3]) < params[3]


def test_the_full_net_for_32_pixels_lacks_a_hundred_million_parameters_of_its_first_dense_layer(table):
    small = slim(VGG11, hidden=4096)
    assert round(small.params / 1e6, 1) == 28.1 and 100e6 < table.params - small.params < 101e6
    assert [round(dense_params(t)[0] / 1e6, 1) for t in (small, table)] == [2.1, 102.8]
    convolutions = [[row.params for row in rows_of(t, "Conv2d")] for t in (small, table)]
    assert convolutions[0] == convolutions[1]


# Questions learners ask -----------------------------------------------------------------------------------


def test_1x1_sees_one_pixel_and_2x2_keeps_the_size_only_with_padding_on_one_side():
    def field(*kernels):
        return receptive_field(nn.Sequential(*(nn.Conv2d(1, 1, k) for k in kernels)), (1, 1, 32, 32))[-1].size

    assert field(1, 1, 1, 1) == (1, 1) and field(2, 2, 2, 2) == field(3, 3) == (5, 5)
    X = torch.zeros(1, 1, 8, 8)
    assert [nn.Conv2d(1, 1, 2, padding=padding)(X).shape[-1] for padding in (0, 1)] == [7, 9]
    assert nn.Conv2d(1, 1, 3, padding=1)(X).shape[-1] == nn.Conv2d(1, 1, 2)(F.pad(X, (0, 1, 0, 1))).shape[-1] == 8


def test_1024_channels_in_block_5_would_be_three_times_its_weights_and_twice_the_first_dense_layer(table):
    wider = counted((*VGG11[:4], (2, 1024)))
    fifth = [sum(row.params - row.output_shape[1] for row in rows_of(t, "Conv2d")[-2:]) for t in (table, wider)]
    first = [rows_of(t, "Linear")[0].multiply_adds for t in (table, wider)]
    assert fifth[1] == 3 * fifth[0] and first[1] == 2 * first[0]


def test_the_last_block_sees_150_pixels_in_vgg_11_and_212_in_vgg_16(lesson):
    seen = {}
    for depth in (11, 16):
        thin = zip(CONVOLUTIONS[depth], (1,) * 5, strict=True)  # the field does not depend on channels
        blocks = lesson["make_vgg"](thin, hidden=1)[:5]
        seen[depth] = receptive_field(blocks, GREY)[-1].size[0]
    assert seen == {11: 150, 16: 212}


def test_the_blocks_take_other_sizes_and_the_dense_layers_do_not_but_for_an_adaptive_pooling(lesson):
    net, X = lesson["make_vgg"](NARROW, image_size=64, hidden=16), torch.zeros(1, 1, 96, 128)
    assert net[:5](X).shape == (1, 64, 3, 4) and net[:5](torch.zeros(1, 1, 32, 32)).shape == (1, 64, 1, 1)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        net(X)
    with pytest.raises(RuntimeError, match="too small"):
        net[:5](torch.zeros(1, 1, 31, 31))
    assert nn.Sequential(*net[:5], nn.AdaptiveAvgPool2d(2), *net[5:])(X).shape == (1, 10)


def test_resnet_18_has_less_than_a_tenth_of_vgg_16s_parameters_and_an_eighth_of_its_work():
    with torch.device("meta"):
        residual = describe_net(resnet18(3, 1000), (1, 3, 224, 224))
    assert residual.params < original(16).params / 10 and residual.multiply_adds < original(16).multiply_adds / 8


def test_a_strided_convolution_halves_as_a_pooling_does_for_36_928_parameters():
    halve, maps = nn.Conv2d(64, 64, 3, stride=2, padding=1), torch.zeros(1, 64, 56, 56)
    assert halve(maps).shape == nn.MaxPool2d(2)(maps).shape == (1, 64, 28, 28)
    assert sum(p.numel() for p in halve.parameters()) == 36_928
