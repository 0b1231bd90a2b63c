"""What lesson 11 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import math

import nbformat
import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from helpers import corr2d, describe_net, load_data_fashion_mnist, receptive_field
from helpers.exercises import find
from helpers.networks import INCEPTIONS, Paths, googlenet, inception, inception_v3_blocks
from helpers.networks.inception_v3 import conv_norm, inception_a, inception_b, inception_c, reduction_a
from helpers.training import recipe, xavier
from helpers.widgets import InceptionExplorer, LearningRateLab

from ..claims import NOTEBOOKS, definitions_of

LESSON = "11_googlenet"
BLOCK = (192, 64, (96, 128), (16, 32), 32)  # 3a
BLOCKS = [block for stage in INCEPTIONS for block in stage]
SHAPE = (1, 192, 28, 28)


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines; with its slim net and 320 pictures."""
    names = definitions_of(LESSON)
    slim = recipe("googlenet", "cpu", num_train=320, num_test=50)
    few_train, few_test = slim.load()
    names.update(slim=slim, few_train=few_train, few_test=few_test, device=few_train.images.device)
    return names


@pytest.fixture(scope="module")
def first(lesson):
    """Block 3a of the lesson's class."""
    torch.manual_seed(0)
    return lesson["Inception"](*BLOCK)


@pytest.fixture(scope="module")
def whole(lesson):
    """GoogLeNet of the lesson's blocks, for one channel and ten classes."""
    Inception, halve, channels, stages = lesson["Inception"], lesson["halve"], 192, []
    for blocks in INCEPTIONS:
        stage = []
        for c1, c2, c3, c4 in blocks:
            stage.append(Inception(channels, c1, c2, c3, c4))
            channels = c1 + c2[1] + c3[1] + c4
        stages.append(nn.Sequential(*stage, halve()))
    stages[-1][-1] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    stem = (
        nn.Sequential(nn.Conv2d(1, 64, 7, stride=2, padding=3), nn.ReLU(), halve()),
        nn.Sequential(nn.Conv2d(64, 64, 1), nn.ReLU(), nn.Conv2d(64, 192, 3, padding=1), nn.ReLU(), halve()),
    )
    return nn.Sequential(*stem, *stages, nn.Linear(1024, 10))


def copied(target, source):
    """Put the numbers of one net into another with parameters of the same shapes in the same order."""
    target.load_state_dict(dict(zip(target.state_dict(), source.state_dict().values(), strict=True)))
    return target


# Four paths -----------------------------------------------------------------------------------------------


def test_concatenation_changes_no_number_and_needs_equal_sides():
    A, B = torch.randn(1, 2, 4, 4), torch.randn(1, 3, 4, 4)
    joined = torch.cat((A, B), dim=1)
    assert joined.shape == (1, 5, 4, 4) and torch.equal(joined[:, :2], A) and torch.equal(joined[:, 2:], B)
    X = torch.randn(SHAPE)
    assert torch.cat((X, nn.Conv2d(192, 32, 5, padding=2)(X)), dim=1).shape == (1, 224, 28, 28)
    with pytest.raises(RuntimeError, match="Expected size 28 but got size 24"):
        torch.cat((X, nn.Conv2d(192, 32, 5)(X)), dim=1)


def test_the_block_gives_its_paths_channels_in_order_and_is_that_of_helpers(first):
    X = torch.randn(SHAPE)
    with torch.no_grad():
        Y = first(X)
        assert Y.shape == (1, 64 + 128 + 32 + 32, 28, 28)
        assert torch.equal(Y[:, :64], first.path1(X)) and torch.equal(Y[:, -32:], first.path4(X))
        assert torch.equal(copied(inception(*BLOCK), first)(X), Y)


# Paid for by 1×1 ------------------------------------------------------------------------------------------


def test_the_parameters_of_the_paths_by_hand(first):
    by_hand = [64 * 193, 96 * 193 + 128 * 865, 16 * 193 + 32 * 401, 32 * 193]
    assert by_hand == [12_352, 129_248, 15_920, 6_176] and sum(by_hand) == 163_696
    counted = [describe_net(path, SHAPE).params for path in (first.path1, first.path2, first.path3, first.path4)]
    assert counted == by_hand
    most, fewest = (by_hand.index(extreme(by_hand)) + 1 for extreme in (max, min))
    assert f"guess = {[most, fewest]}" == find("11.p1").solution


def test_the_block_is_cheaper_than_one_layer_of_its_width(first):
    tables = [describe_net(layer, SHAPE) for layer in (
        first, nn.Conv2d(192, 256, 3, padding=1), nn.Conv2d(192, 256, 5, padding=2))]  # fmt: skip
    assert [table.params for table in tables] == [163_696, 442_624, 1_229_056]
    assert all(table[-1].output_shape[2:] == (28, 28) for table in tables)
    for what in ("params", "multiply_adds"):
        block, *plain = (getattr(table, what) for table in tables)
        assert f"guess = {[round(layer / block, 1) for layer in plain]}" == find("11.p2").solution


def test_what_the_reduction_saves(first):
    pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(192, 32, 1))
    unreduced = Paths(
        nn.Conv2d(192, 64, 1), nn.Conv2d(192, 128, 3, padding=1), nn.Conv2d(192, 32, 5, padding=2), pooled)
    table = describe_net(unreduced, SHAPE)
    assert table.params == 393_472 and table[-1].output_shape[2:] == (28, 28)
    assert round(table.multiply_adds / 1e6) == 308 and round(describe_net(first, SHAPE).multiply_adds / 1e6) == 128
    assert round(192 * 128 * 9 / (192 * 96 + 96 * 128 * 9), 1) == 1.7
    assert round(192 * 32 * 25 / (192 * 16 + 16 * 32 * 25), 1) == 9.7


def test_without_the_1x1_behind_the_pooling_the_net_grows_wider_and_wider():
    channels, naive = 192, 192
    for c1, c2, c3, c4 in BLOCKS:
        channels, naive = c1 + c2[1] + c3[1] + c4, c1 + c2[1] + c3[1] + naive
    assert (channels, naive) == (1024, 4944)


# The explorer ---------------------------------------------------------------------------------------------


def test_where_path_2_breaks_even_and_where_the_block_does():
    assert round(192 * 128 * 9 * 28 * 28 / 1e6, 1) == 173.4 and 164 < 192 * 128 * 9 / (192 + 128 * 9) < 165
    explorer = InceptionExplorer()
    for reduce, dearer in ((267, False), (268, True)):
        explorer.reduce3 = reduce
        unreduced = explorer.result["others"]["no 1×1 before"]["multiply_adds"]
        assert (explorer.result["multiply_adds"] > unreduced) == dearer


def test_path_2_takes_more_than_half_of_each_block_and_a_3x3_layer_three_to_six_times_the_work():
    explorer, factors = InceptionExplorer(), {}
    for name in explorer.traits()["block"].values[:-1]:
        explorer.block = name
        assert explorer.result["paths"][1]["multiply_adds"] > explorer.result["multiply_adds"] / 2
        factors[name] = explorer.result["others"]["3×3"]["multiply_adds"] / explorer.result["multiply_adds"]
    assert 2.6 < factors["3a"] < factors["3b"] < 3
    assert factors["4a"] > factors["4b"] > factors["4c"] > factors["4d"] and len(factors) == 9
    assert 5.8 < factors["4a"] < 6 and 3.9 < factors["4d"] < 4.1
    shares = [c2[1] / (c1 + c2[1] + c3[1] + c4) for c1, c2, c3, c4 in INCEPTIONS[1]]
    assert shares[:4] == sorted(shares[:4]) and shares[3] == max(shares)  # the 3×3 path's, 4a to 4d


def test_a_larger_map_costs_work_alone():
    explorer = InceptionExplorer()
    small = explorer.result
    explorer.size = 56
    large = explorer.result
    assert large["multiply_adds"] == 4 * small["multiply_adds"]
    assert (large["params"], large["out"]) == (small["params"], small["out"])
    assert large["others"]["3×3"]["multiply_adds"] == 4 * small["others"]["3×3"]["multiply_adds"]


# Nine blocks ----------------------------------------------------------------------------------------------


def test_the_net_is_that_of_helpers(whole):
    X = torch.randn(2, 1, 96, 96)
    with torch.no_grad():
        assert torch.equal(copied(googlenet(), whole)(X), whole(X))


def test_the_lessons_own_lines_build_that_net(lesson):
    """The cell that shows the number of parameters, run as it stands."""
    (source,) = (cell.source for cell in nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", 4).cells
                 if cell.cell_type == "code" and "def halve" in cell.source)  # fmt: skip
    names = dict(lesson)
    with torch.device("meta"):
        exec(source, names)
        assert [p.shape for p in names["net"].parameters()] == [p.shape for p in googlenet().parameters()]


def test_five_halvings(whole):
    X, shapes = torch.zeros(1, 1, 224, 224), []
    with torch.no_grad():
        for stage in whole:
            X = stage(X)
            shapes.append(tuple(X.shape[1:]))
    assert shapes == [(64, 56, 56), (192, 28, 28), (480, 14, 14), (832, 7, 7), (1024,), (10,)]
    assert f"guess = {[shape[1] for shape in shapes[:4]]}" == find("11.p3").solution


def test_where_the_work_sits_and_where_the_parameters(whole):
    table = describe_net(whole, (1, 1, 224, 224))
    assert table.params == 5_977_530 and sum(p.numel() for p in whole[-1].parameters()) == 10_250

    def share(what, *stages):
        return sum(getattr(row, what) for row in table if row.name[0] in stages) / getattr(table, what)

    assert 0.88 < share("params", "3", "4") < 0.92 and 0.5 < share("multiply_adds", "1", "2") < 0.56


def test_a_twentieth_of_vggs_parameters_and_a_tenth_of_its_work():
    with torch.device("meta"):
        old, deep, mine = (describe_net(net, (1, 3, 224, 224)) for net in (
            torchvision.models.alexnet(), torchvision.models.vgg16(), googlenet(3, 1000)))  # fmt: skip
    assert round(mine.params / 1e6) == 7 and round(deep.params / 1e6) == 138
    assert 19 < deep.params / mine.params < 20 and 9.5 < deep.multiply_adds / mine.multiply_adds < 10
    assert [round(table.multiply_adds / 1e9, 1) for table in (deep, mine)] == [15.5, 1.6]
    convolutions = [sum(row.params for row in table if row.type == "Conv2d") for table in (deep, mine)]
    assert [round(params / 1e6, 1) for params in convolutions] == [14.7, 6.0]  # the rest is in the heads
    assert round(old.params / mine.params, 1) == 8.7  # not 12


def test_22_layers_deep_58_in_all_and_130_modules(lesson, whole):
    kinds = [type(layer).__name__ for layer in whole.modules() if not list(layer.children())]
    layers = [lesson["depth"](whole), kinds.count("Conv2d") + kinds.count("Linear")]
    assert f"guess = {layers}" == find("11.p4").solution and layers == [22, 58] and len(kinds) == 130
    assert kinds.count("MaxPool2d") - len(BLOCKS) + kinds.count("AdaptiveAvgPool2d") == 5  # 27 with these


@pytest.mark.parametrize("layers", [101, 152])
def test_a_hundred_layers_one_behind_the_other(layers):
    with torch.device("meta"):
        deep = getattr(torchvision.models, f"resnet{layers}")()
    assert layers == sum(isinstance(layer, (nn.Conv2d, nn.Linear)) and "downsample" not in name
                         for name, layer in deep.named_modules())  # fmt: skip


def test_torchvisions_net_has_heads_norms_and_a_3x3_for_a_5x5(first):
    with torch.device("meta"):
        net = torchvision.models.googlenet(aux_logits=True, init_weights=False)
        outputs = net.train()(torch.zeros(2, 3, 224, 224))
        alone = net.eval()(torch.zeros(2, 3, 224, 224))
    assert [tuple(logits.shape) for logits in outputs] == 3 * [(2, 1000)] and alone.shape == (2, 1000)
    everything, heads = (sum(p.numel() for part in parts for p in part.parameters())
                         for parts in ([net], [net.aux1, net.aux2]))  # fmt: skip
    assert everything == 13_004_888 and heads == 6_379_984
    kinds = {type(layer) for layer in net.modules()}
    assert nn.BatchNorm2d in kinds and nn.LocalResponseNorm not in kinds
    assert net.inception3a.branch3[1].conv.kernel_size == (3, 3) and first.path3[2].kernel_size == (5, 5)


# Training it, and how it fails ----------------------------------------------------------------------------


def test_a_zeroed_path_gives_zeros_and_the_net_is_itself_again(lesson):
    net = googlenet(width=0.1).eval()
    X, inside = torch.randn(4, 1, 32, 32), torch.ones(1, 19, 4, 4)
    with torch.no_grad():
        before = net(X)
        seen = []  # what the first block and the net give while a path is cut, and while none is
        lesson.update(net=net, tested=X, evaluate_accuracy=lambda net, X: seen.append((net[2][0](inside), net(X))))
        lesson["accuracy_without"](1)
        lesson["accuracy_without"](None)
        (maps, logits), (all_maps, all_logits) = seen
        assert not maps[:, 6:19].any() and all_maps[:, 6:19].any() and not torch.equal(logits, before)
        assert torch.equal(all_logits, before) and torch.equal(net(X), before)


@pytest.mark.parametrize("seed", range(4))
def test_the_spread_between_pictures_gets_lost_with_xaviers_weights(lesson, seed):
    X = lesson["few_train"].batch(range(128))[0]
    starts = {"Xavier": (False, xavier), "He": (False, lesson["he"]), "norm": (True, xavier)}
    spread = {name: lesson["spreads"](lesson["fresh"](norm, rule, seed), X) for name, (norm, rule) in starts.items()}
    assert spread["Xavier"][-1] < 0.005 < 0.06 < spread["He"][-1]
    assert 0.4 < min(spread["norm"]) < max(spread["norm"]) < 1.2
    assert spread["Xavier"][:5] == sorted(spread["Xavier"][:5], reverse=True)  # from stage to stage


@pytest.mark.parametrize("batch_norm", [False, True])
def test_batch_norm_takes_a_factor_of_a_thousand_out_again(batch_norm):
    def logits(factor):
        torch.manual_seed(0)
        net = googlenet(width=0.25, batch_norm=batch_norm).apply(xavier).train()
        with torch.no_grad():
            for layer in net.modules():
                if isinstance(layer, nn.Conv2d):
                    layer.weight *= factor
            return net(torch.randn(32, 1, 32, 32))

    before, after = logits(1), logits(1000)
    assert before.isfinite().all()
    if batch_norm:
        torch.testing.assert_close(after, before, atol=0.01 * before.abs().max().item(), rtol=0)
    else:
        assert not after.isfinite().all()


def test_a_tenfold_signal_per_layer_comes_near_the_end_of_single_precision():
    assert 3e38 < torch.finfo(torch.float32).max < 4e38
    assert math.isnan(math.inf - math.inf) and math.isnan(0 * math.inf)


def test_too_large_a_rate_ends_in_a_sentence(lesson):
    batches = [lesson["few_train"].batch(range(32))] * 10
    with pytest.raises(RuntimeError, match="lr=1.6 is too large for this net"):
        lesson["train_ch6"](lesson["fresh"](False, lesson["he"], 0), batches, lesson["few_test"], 1, 1.6, seed=0,
                            live=False, init=False)  # fmt: skip


def test_the_plain_net_survives_1_6_with_xaviers_weights_on_its_plateau_and_not_with_hes(lesson):
    asleep = lesson["last_loss"](False, 1.6, rule=xavier)
    assert abs(asleep - math.log(10)) < 0.1 and lesson["last_loss"](False, 1.6) == math.inf


@pytest.fixture(scope="module")
def lab():
    """The lab of the lesson, with the budget of the profile cpu."""
    lab = LearningRateLab(*load_data_fashion_mnist(64, num_train=20_000, num_test=1_000))
    lab.budget = 20_000
    return lab


@pytest.mark.parametrize("seed", range(2))
def test_a_lenet_with_relu_diverges_or_learns_nothing_and_one_with_sigmoids_stays_finite(lab, seed):
    lab.seed, ends = seed, {}
    for activation, pooling, lr in (("ReLU", "max", 2.0), ("ReLU", "max", 5.0), ("sigmoid", "avg", 10.0)):
        lab.update(activation=activation, pooling=pooling, lr=lr)
        lab.run()
        lab.wait()
        run = lab.runs[-1]
        if run.end != "diverged" and lab.train_iter.source == "Fashion-MNIST":  # the text says what happens on these
            assert run.end == "done" and run.points[-1][1] > math.log(10) - 0.05
        ends[activation, lr] = run.end
    assert ends["sigmoid", 10.0] == "done"


# What it passed on ----------------------------------------------------------------------------------------


def test_two_3x3_see_5x5_with_28_per_cent_fewer_weights():
    large = nn.Sequential(nn.Conv2d(64, 64, 5, padding=2, bias=False))
    small = nn.Sequential(*(nn.Conv2d(64, 64, 3, padding=1, bias=False) for _ in range(2)))
    shape = (1, 64, 28, 28)
    assert [receptive_field(net, shape)[-1].size for net in (large, small)] == [(5, 5), (5, 5)]
    wide, narrow = (describe_net(net, shape) for net in (large, small))
    assert (wide.params, narrow.params) == (25 * 64**2, 18 * 64**2)
    assert math.isclose(1 - narrow.multiply_adds / wide.multiply_adds, 0.28)


def test_a_row_and_a_column_save_a_third_to_71_per_cent():
    saved = []
    for n in (3, 5, 7):
        square = nn.Sequential(nn.Conv2d(8, 8, n, padding=n // 2, bias=False))
        pair = nn.Sequential(
            nn.Conv2d(8, 8, (1, n), padding=(0, n // 2), bias=False),
            nn.Conv2d(8, 8, (n, 1), padding=(n // 2, 0), bias=False))
        assert receptive_field(pair, (1, 8, 28, 28))[-1].size == (n, n)
        before, after = (describe_net(net, (1, 8, 28, 28)).params for net in (square, pair))
        assert (before, after) == (n * n * 64, 2 * n * 64)
        saved.append(round(100 * (1 - after / before)))
    assert f"guess = {saved}" == find("11.p5").solution


def test_sobels_kernel_has_rank_1_and_a_diagonal_has_not():
    row, column = torch.tensor([[-1.0, 0, 1]]), torch.tensor([[1.0], [2], [1]])
    sobel, X = column @ row, torch.rand(12, 12)
    torch.testing.assert_close(corr2d(corr2d(X, row), column), corr2d(X, sobel), atol=1e-5, rtol=0)
    assert torch.linalg.matrix_rank(sobel) == 1 and torch.linalg.matrix_rank(torch.eye(3)) == 3


def test_halving_side_by_side_is_cheapest():
    pool, shape = nn.MaxPool2d(3, stride=2), (1, 288, 35, 35)
    first, last, beside, v3 = (describe_net(way, shape) for way in (
        nn.Sequential(pool, nn.Conv2d(288, 768, 3, padding=1)), nn.Sequential(nn.Conv2d(288, 768, 3, padding=1), pool),
        Paths(nn.Conv2d(288, 480, 3, stride=2), pool), reduction_a(288)))  # fmt: skip
    assert beside.multiply_adds < v3.multiply_adds < first.multiply_adds < last.multiply_adds / 4
    for way in (Paths(nn.Conv2d(288, 480, 3, stride=2), pool), reduction_a(288).eval()):
        assert way(torch.zeros(shape)).shape == (1, 768, 17, 17)


@pytest.fixture(scope="module")
def v3():
    """torchvision's Inception v3 with random weights, and what enters its first block."""
    torch.manual_seed(0)
    net = torchvision.models.inception_v3(aux_logits=False, init_weights=False).eval()
    return net, torch.rand(1, 192, 35, 35)


def test_the_blocks_give_torchvisions_numbers_with_its_weights(v3):
    net, X = v3
    theirs = [net.Mixed_5b, net.Mixed_5c, net.Mixed_6a, net.Mixed_6b, net.Mixed_7a, net.Mixed_7b]
    ours, shapes = inception_v3_blocks().eval(), []
    copied(ours, nn.ModuleList(theirs))
    with torch.no_grad():
        for mine, block in zip(ours, theirs, strict=True):
            Y = block(X)
            torch.testing.assert_close(mine(X), Y, atol=1e-5 * Y.abs().max().item(), rtol=1e-3)
            X = Y
            shapes.append(tuple(X.shape[1:]))
    assert shapes == [(256, 35, 35), (288, 35, 35), (768, 17, 17), (768, 17, 17), (1280, 8, 8), (2048, 8, 8)]


def test_the_whole_of_torchvisions_net_on_a_photo_of_299():
    with torch.device("meta"):
        net = torchvision.models.inception_v3(aux_logits=False, init_weights=False).eval()
        X, sides = torch.zeros(1, 3, 299, 299), {}
        for name, part in net.named_children():
            if name == "avgpool":
                break
            X = part(X)
            sides[name] = tuple(X.shape[1:])
    assert sides["maxpool2"] == (192, 35, 35) and list(sides).index("Mixed_5b") == 7  # five convolutions, two poolings
    assert sides["Mixed_6e"] == (768, 17, 17) and sides["Mixed_7c"] == (2048, 8, 8)


def test_block_b_written_out_has_kernels_of_1x7_and_7x1(v3):
    def row(a, b):
        return conv_norm(a, b, (1, 7), padding=(0, 3))

    def column(a, b):
        return conv_norm(a, b, (7, 1), padding=(3, 0))

    c, m = 768, 128
    by_hand = Paths(
        conv_norm(c, 192, 1), nn.Sequential(conv_norm(c, m, 1), row(m, m), column(m, 192)),
        nn.Sequential(conv_norm(c, m, 1), column(m, m), row(m, m), column(m, m), row(m, 192)),
        nn.Sequential(nn.AvgPool2d(3, stride=1, padding=1), conv_norm(c, 192, 1)),
    )  # fmt: skip
    block, X = v3[0].Mixed_6b, torch.rand(1, c, 17, 17)
    with torch.no_grad():
        torch.testing.assert_close(copied(by_hand, block).eval()(X), block(X), atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("build, channels, side, params", [
    (lambda: inception_a(192, 32), (192, 256), 35, 255_904), (lambda: inception_b(768), (768, 768), 17, 1_297_408),
    (lambda: inception_c(1280), (1280, 2048), 8, 5_044_608)])  # fmt: skip
def test_each_kind_of_block_keeps_its_maps_size(build, channels, side, params):
    with torch.device("meta"):
        block = build().eval()
        Y = block(torch.zeros(1, channels[0], side, side))
    assert Y.shape == (1, channels[1], side, side)
    assert describe_net(block, (1, channels[0], side, side)).params == params
    assert not any(layer.bias is not None for layer in block.modules() if isinstance(layer, nn.Conv2d))


def test_torchvisions_block_a_has_the_5x5_beside_two_3x3(v3):
    kernels = [layer.kernel_size for layer in v3[0].Mixed_5b.modules() if isinstance(layer, nn.Conv2d)]
    assert kernels.count((5, 5)) == 1 and kernels.count((3, 3)) == 2


def test_smoothed_labels_by_hand_are_pytorchs():
    torch.manual_seed(0)
    logits, y, epsilon, C = torch.randn(8, 10), torch.randint(10, (8,)), 0.1, 10
    q = (1 - epsilon) * F.one_hot(y, C) + epsilon / C
    torch.testing.assert_close(q.sum(dim=1), torch.ones(8))
    assert q[0].sort().values.tolist() == pytest.approx([0.01] * 9 + [0.91])
    by_hand = -(q * logits.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(by_hand, nn.CrossEntropyLoss(label_smoothing=0.1)(logits, y))


def test_with_smoothed_labels_the_best_gap_is_finite_and_the_smallest_loss_an_entropy():
    gaps = torch.linspace(0, 12, 1201)
    logits = F.pad(gaps[:, None], (3, 6))  # the true class is 3
    target = torch.full((1201,), 3)
    smooth, hard = (F.cross_entropy(logits, target, label_smoothing=e, reduction="none") for e in (0.1, 0.0))
    assert abs(gaps[smooth.argmin()].item() - math.log(91)) < 0.01 and hard.argmin() == 1200
    assert round(math.log(91), 1) == 4.5
    entropy = -(0.91 * math.log(0.91) + 9 * 0.01 * math.log(0.01))
    assert abs(smooth.min().item() - entropy) < 1e-4 and smooth.min() > hard.min() + 0.4  # not to be compared


@pytest.mark.parametrize("net", ["resnet50", "resnext50_32x4d"])
def test_the_bottleneck_is_in_later_nets_and_resnext_has_32_paths(net):
    with torch.device("meta"):
        block = getattr(torchvision.models, net)().layer1[1]
    assert block.conv1.kernel_size == (1, 1) and block.conv1.out_channels < block.conv1.in_channels
    assert block.conv2.groups == (32 if "next" in net else 1)


# Questions learners ask -----------------------------------------------------------------------------------


def test_the_3x3_path_gives_most_channels_or_nearly_and_the_5x5_path_few():
    for c1, c2, c3, c4 in BLOCKS:
        width = c1 + c2[1] + c3[1] + c4
        assert 0.37 < c2[1] / width < 0.55 and c3[1] / width <= 0.2
        assert c2[0] < c2[1] and c3[0] < c3[1]  # what a 1×1 in front hands on, against the kernel behind it


def test_a_kernel_behind_a_squeeze_into_16_has_rank_16():
    torch.manual_seed(0)
    squeeze, kernel, X = torch.randn(16, 192), torch.randn(32, 16, 5, 5), torch.randn(1, 192, 9, 9)
    together, free = torch.einsum("omhw,mi->oihw", kernel, squeeze), torch.randn(32, 192, 5, 5)
    torch.testing.assert_close(F.conv2d(F.conv2d(X, squeeze[..., None, None]), kernel), F.conv2d(X, together),
                               atol=1e-2, rtol=0)  # fmt: skip
    ranks = [torch.linalg.matrix_rank(w.permute(0, 2, 3, 1).reshape(-1, 192)).item() for w in (together, free)]
    assert ranks == [16, 192]


def test_a_1x1_on_joined_maps_is_a_sum_of_1x1():
    A, B, mix = torch.randn(1, 3, 5, 5), torch.randn(1, 4, 5, 5), nn.Conv2d(7, 6, 1, bias=False)
    apart = F.conv2d(A, mix.weight[:, :3]) + F.conv2d(B, mix.weight[:, 3:])
    torch.testing.assert_close(mix(torch.cat((A, B), dim=1)), apart, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("height, width", [(1, 1), (28, 28), (33, 50), (224, 224)])
def test_it_takes_any_size_and_leaves_one_pixel_of_28(height, width):
    net, X = googlenet(width=0.1).eval(), torch.zeros(1, 1, height, width)
    with torch.no_grad():
        assert net(X).shape == (1, 10)
        if height == 28:
            assert net[4][:2](net[:4](X)).shape[2:] == (1, 1)


def test_on_a_single_pixel_a_5x5_works_as_a_1x1():
    layer, X = nn.Conv2d(16, 32, 5, padding=2), torch.randn(1, 16, 1, 1)
    torch.testing.assert_close(layer(X), F.conv2d(X, layer.weight[:, :, 2:3, 2:3], layer.bias), atol=1e-5, rtol=1e-5)


def test_near_the_limit_the_seed_decides(lesson):
    survive = {lr: [lesson["last_loss"](False, lr, seed=seed) < math.inf for seed in range(6)]
               for lr in (0.025, 0.3, 1.6)}  # fmt: skip
    assert all(survive[0.025]) and 0 < sum(survive[0.3]) < 6 and not any(survive[1.6])
