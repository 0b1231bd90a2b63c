"""What lesson 10 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import json
import math

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers import Cosine, describe_net, load_data_fashion_mnist, output_size, receptive_field, recipe, train_ch6
from helpers.exercises import find
from helpers.networks import alexnet, lenet, nin, nin_block, vgg
from helpers.training import evaluate_accuracy, xavier

from ..claims import NOTEBOOKS, definitions_of

LESSON = "10_nin"
SLIM = {"width": 1 / 8, "stem_stride": 2, "dropout": 0.0}


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines; with the settings and pictures of its short runs."""
    names = definitions_of(LESSON)
    few_train, _ = load_data_fashion_mnist(16, 40, num_train=1_000, num_test=100, device="cpu")
    probe, labels = few_train.batch(range(200))
    names.update(few_train=few_train, probe=probe, probe_labels=labels, device=torch.device("cpu"))
    names.update(gallery={"steps": 40, "lr": 1.0})
    return names


@pytest.fixture(scope="module")
def runs(lesson):
    """Short runs of the four designs, in the order of the lesson: [[(net, largest logits)]]."""
    designs = ({}, {"last_relu": False}, {"batch_norm": True}, {"batch_norm": True, "last_relu": False})
    return [[lesson["short_run"](seed, **options) for seed in range(4)] for options in designs]


@pytest.fixture(scope="module")
def small(lesson):
    """The lesson's net for 28×28 pixels, trained on half as many pictures, and test pictures."""
    train, test = load_data_fashion_mnist(32, num_train=10_000, num_test=2_000, device="cpu")
    torch.manual_seed(0)
    net = lesson["small_nin"]()
    train_ch6(net, train, test, 10 if train.source == "digits" else 2, Cosine(0.2), seed=0, live=False)
    lesson["small"] = net.eval()
    return net, test


def built():
    """The net of the lesson's own cell."""
    names, cells = definitions_of(LESSON), nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", as_version=4).cells
    source = next(cell.source for cell in cells if cell.source.startswith("net = nn.Sequential(\n"))
    exec(source.split("\nrow = ")[0], names)
    return names["net"]


# The first dense layer ------------------------------------------------------------------------------------


def test_one_layer_holds_more_than_half_of_the_parameters():
    with torch.device("meta"):
        nets = [lenet(), alexnet(), vgg()]
    weights = [next(layer for layer in net.modules() if isinstance(layer, nn.Linear)).weight.numel() for net in nets]
    assert weights == [48_000, 26_214_400, 102_760_448] and f"guess = {weights}" == find("10.p1").solution
    assert all(n > sum(p.numel() for p in net.parameters()) / 2 for n, net in zip(weights, nets, strict=True))
    assert round(4 * weights[2] / 1e6) == 411 and round(3 * 4 * weights[2] / 1e9, 1) == 1.2


@pytest.mark.parametrize("build, side", [(lenet, 32), (alexnet, 256), (vgg, 256)])
def test_a_picture_of_another_size_does_not_fit(build, side):
    with torch.device("meta"), pytest.raises(RuntimeError, match="shape|dim"):
        build()(torch.zeros(1, 1, side, side))


def test_the_two_layers_do_as_much_work_and_one_has_256_times_fewer_weights():
    dense, convolution = nn.Linear(256 * 5 * 5, 4096, bias=False), nn.Conv2d(64, 64, 5, padding=2, bias=False)
    counted = [describe_net(nn.Sequential(layer), shape)
               for layer, shape in ((dense, (1, 6400)), (convolution, (1, 64, 16, 16)))]  # fmt: skip
    assert counted[0].multiply_adds == counted[1].multiply_adds == 26_214_400
    assert counted[0].params == 256 * counted[1].params


# The block and the net ------------------------------------------------------------------------------------


def test_the_block_is_a_dense_net_at_every_pixel_and_sees_no_neighbour(lesson):
    torch.manual_seed(0)
    block, X = lesson["nin_block"](3, 8, kernel_size=3, stride=1, padding=1), torch.randn(2, 3, 10, 10)
    pair, found = block[2:], block[:2](X)
    by_hand = found
    for convolution in (block[2], block[4]):
        weight = convolution.weight.flatten(1)
        by_hand = (torch.einsum("oc,nchw->nohw", weight, by_hand) + convolution.bias[:, None, None]).relu()
    torch.testing.assert_close(pair(found), by_hand)
    order = torch.randperm(100)
    shuffled = found.flatten(2)[..., order].reshape(found.shape)
    torch.testing.assert_close(pair(shuffled).flatten(2), pair(found).flatten(2)[..., order])
    assert not torch.allclose(block(X.flip(3)), block(X).flip(3), atol=1e-3)  # the 3×3 in front sees them


def test_the_lessons_net_is_that_of_helpers_and_its_sides_and_channels_are_alexnets():
    net, ready, X = built().eval(), nin().eval(), torch.randn(1, 1, 224, 224)
    for ours, theirs in zip(net.parameters(), ready.parameters(), strict=True):
        theirs.data = ours.data
    with torch.no_grad():
        torch.testing.assert_close(ready(X), net(X))
    firsts = [block[0] for block in net if isinstance(block, nn.Sequential)]
    theirs = [layer for layer in alexnet() if isinstance(layer, nn.Conv2d)]
    ours, theirs = ([(layer.kernel_size[0], layer.out_channels) for layer in each[:3]] for each in (firsts, theirs))
    assert ours == theirs == [(11, 96), (5, 256), (3, 384)] and firsts[3].out_channels == 10


def test_a_twenty_third_of_the_parameters_and_four_fifths_of_the_work():
    large, table = describe_net(alexnet(), (1, 1, 224, 224)), describe_net(built(), (1, 1, 224, 224))
    assert (table.params, large.params) == (1_992_166, 46_764_746) and 23 < large.params / table.params < 24
    assert 0.79 < table.multiply_adds / large.multiply_adds < 0.83
    fewer = [int(getattr(table, what) < getattr(large, what) / 10) for what in ("params", "multiply_adds")]
    assert f"guess = {fewer}" == find("10.p2").solution
    assert [row.output_shape[2] for row in table if row.type in ("MaxPool2d", "AdaptiveAvgPool2d")] == [26, 12, 5, 1]


def test_twelve_convolutions_eight_of_them_1x1_and_no_dense_layer():
    layers = list(nin().modules())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 12 and sum(layer.kernel_size == (1, 1) for layer in convolutions) == 8
    assert not any(isinstance(layer, nn.Linear) for layer in layers)


# One number per class -------------------------------------------------------------------------------------


def test_windows_overlap_where_they_must_and_leave_no_row_out(lesson):
    windows = lesson["windows"]
    assert f"guess = {[end for window in windows(5, 3) for end in window]}" == find("10.p3").solution
    assert windows(6, 3) == [(0, 2), (2, 4), (4, 6)]
    for n in range(1, 13):
        for m in range(1, 9):
            seen = [row for first, end in windows(n, m) for row in range(first, end)]
            assert set(seen) == set(range(n)) and (len(seen) == n) == (n % m == 0)  # each once: m divides n


def test_the_adaptive_mean_is_pytorchs(lesson):
    for n in range(1, 13):
        for m in range(1, 9):
            X = torch.randn(2, n, n + 1)
            torch.testing.assert_close(lesson["adaptive_mean"](X, m), nn.AdaptiveAvgPool2d(m)(X))
        torch.testing.assert_close(nn.AdaptiveAvgPool2d(1)(X)[:, 0, 0], X.mean(dim=(1, 2)))


SIZES = {(224, 224): (5, 5), (192, 192): (4, 4), (67, 67): (1, 1), (97, 250): (1, 6)}  # of picture and maps


@pytest.mark.parametrize("size, maps", SIZES.items())
def test_any_size_gives_ten_logits_the_means_of_ten_maps_and_none_below_0(size, maps):
    torch.manual_seed(0)
    net, X = nin().eval(), torch.randn(2, 1, *size)
    with torch.no_grad():
        evidence, logits = net[:-2](X), net(X)
    assert evidence.shape == (2, 10, *maps)
    torch.testing.assert_close(logits, evidence.mean(dim=(2, 3)))
    assert evidence.min() >= 0 and logits.min() >= 0


# A way to die ---------------------------------------------------------------------------------------------


def test_runs_die_with_the_last_relu_and_without_batch_norm_alone(lesson, runs):
    fates = [[lesson["fate"](net) for net, _ in each] for each in runs]
    assert f"guess = {[int('dead' in each) for each in fates]}" == find("10.p4").solution
    assert fates[0].count("dead") >= 2 and set(fates[2] + fates[3]) == {"alive"} and "blind" in fates[1]


def dead_run(lesson, runs):
    return next(net for net, _ in runs[0] if lesson["fate"](net) == "dead")


def test_a_dead_run_has_the_loss_ln_10_and_no_step_of_any_size_moves_it(lesson, runs):
    net, probe, labels = dead_run(lesson, runs), lesson["probe"], lesson["probe_labels"]
    before, optimizer = [p.clone() for p in net.parameters()], torch.optim.SGD(net.parameters(), lr=1000.0)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(probe), labels)
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(math.log(10), abs=1e-6)
    assert len(before) == 24 and not any(p.grad.any() for p in net.parameters())
    assert all(torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))


def test_the_same_weights_without_the_last_relu_get_a_gradient_and_a_blind_runs_first_layer_none(lesson, runs):
    dead = dead_run(lesson, runs)
    revived = nin(**SLIM, last_relu=False)
    revived.load_state_dict(dead.state_dict())
    assert any(lesson["with_gradient"](revived)) and lesson["answers"](revived).max() <= 0
    blind = [net for net, _ in runs[1] if lesson["fate"](net) == "blind"]
    reached = [lesson["with_gradient"](net) for net in blind]
    assert blind and all(not each[0] and each[-1] for each in reached)


def test_about_half_of_the_classes_are_0_before_the_first_step(lesson):
    dead = []
    for seed in range(20):
        torch.manual_seed(seed)
        net = nin(**SLIM).apply(xavier)
        dead.append((lesson["answers"](net) == 0).all(dim=0).sum().item())
    assert 4 < sum(dead) / len(dead) < 6.5


def test_a_living_class_moves_the_layers_below_a_dead_one(lesson):
    torch.manual_seed(0)
    net = nin(**SLIM).apply(xavier)
    silent = (lesson["answers"](net) == 0).all(dim=0)
    assert 0 < silent.sum() < 10
    assert lesson["with_gradient"](net)[0]
    last = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)][-1]
    assert not last.bias.grad[silent].any() and last.bias.grad[~silent].all()


def test_a_class_at_0_comes_back(runs):
    back = [(largest[:-1] == 0) & (largest[1:] > 0) for _, largest in runs[0]]
    assert any(each.any() for each in back)


def test_the_recipe_has_a_norm_behind_each_convolution_but_the_last_and_no_last_relu():
    net = recipe("nin", "cpu").build()
    kinds = [type(layer).__name__ for layer in net.modules() if not any(layer.children())]
    places = [i for i, kind in enumerate(kinds) if kind == "Conv2d"]
    assert [kinds[i + 1] for i in places] == ["BatchNorm2d"] * 11 + ["AdaptiveAvgPool2d"]
    gpu = recipe("nin", "gpu").build()
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in gpu.modules())
    assert isinstance(gpu[-3][-1], nn.Conv2d) and gpu[0][0].out_channels == 96


def test_ten_seeds_of_the_recipe_ended_close_together():
    rows = json.loads((NOTEBOOKS.parent / "helpers/benchmark/results/nets_cpu.json").read_text())["rows"]
    (accuracies,) = (row["accuracies"] for row in rows if (row["net"], row["profile"]) == ("nin", "cpu"))
    assert len(accuracies) == 10 and (min(accuracies), max(accuracies)) == pytest.approx((0.844, 0.867), abs=5e-4)


@pytest.mark.parametrize("name", ["googlenet", "bn_lenet", "resnet18"])
def test_no_later_net_ends_in_a_relu(name):
    each = recipe(name, "cpu")
    torch.manual_seed(0)
    with torch.no_grad():
        assert each.build().eval()(torch.randn(8, *each.input_shape[1:])).min() < 0


# Class maps -----------------------------------------------------------------------------------------------


def test_maps_of_1x1_at_40_pixels_and_of_5x5_in_the_small_net(lesson):
    with torch.device("meta"):
        assert recipe("nin", "cpu").build().eval()[:-2](torch.zeros(1, 1, 40, 40)).shape == (1, 10, 1, 1)
        assert lesson["small_nin"]().eval()[:-2](torch.zeros(1, 1, 28, 28)).shape == (1, 10, 5, 5)


def test_a_cell_sees_25_pixels_and_a_corner_cell_17_of_them(lesson):
    last = receptive_field(lesson["small_nin"]()[:-2], (1, 1, 28, 28))[-1]
    assert (last.size, last.stride, last.offset) == ((25, 25), (4, 4), (-8, -8)) and 25 - 8 == 17
    assert output_size(28, 25, padding=8, stride=4) == 5


def test_each_map_is_stronger_in_the_half_of_its_own_object_on_either_side(lesson, small):
    net, test = small
    (A, a), (B, b) = test.batch(range(100)), test.batch(range(100, 200))
    A, B, a, b = (part[a != b] for part in (A, B, a, b))
    for left, right, one, other in ((A, B, a, b), (B, A, b, a)):
        both = torch.cat([left, right], dim=3)
        own = torch.cat([lesson["halves"](both, one) > 0, lesson["halves"](both, other) < 0])
        assert own.float().mean() > 0.8
    with torch.no_grad():
        answer = net(torch.cat([A, B], dim=3)).argmax(dim=1)
    assert 0.05 < ((answer != a) & (answer != b)).float().mean() < 0.5  # softmax names neither


def test_evidence_for_and_against_and_the_background_speaks(small):
    net, test = small
    X, _ = test.batch(range(200))
    with torch.no_grad():
        maps, logits = net[:-2](X), net(X)
    torch.testing.assert_close(logits, maps.mean(dim=(2, 3)))
    assert logits.min() < 0 < logits.max()
    evidence = maps[range(200), logits.argmax(dim=1)]
    ink = nn.AdaptiveAvgPool2d(5)(test.to_pixels(X))[:, 0]
    on, beside = evidence[ink > 0.3], evidence[ink < 0.1]
    assert beside.mean() > on.mean() / 2 and (beside > 0).float().mean() > 0.5


def test_maps_change_more_than_their_means_and_the_answer_tips_in_the_end(lesson, small):
    net, test = small
    X, y = test.batch(range(300))
    with torch.no_grad():
        maps, moved = net[:-2](X), net[:-2](lesson["shifted"](X, 1))
    change = (moved - maps).abs().mean()
    assert (moved - maps).mean(dim=(2, 3)).abs().mean() < 0.7 * change
    right = [evaluate_accuracy(net, [(lesson["shifted"](X, n), y)]) for n in (0, 1, 8)]
    assert right[1] > right[0] - 0.1 and right[2] < right[0] - 0.1


def test_with_a_dense_layer_in_place_of_the_mean_a_shift_costs_more(lesson, small):
    net, test = small
    train, _ = load_data_fashion_mnist(32, num_train=10_000, num_test=100, device="cpu")
    if train.source != "Fashion-MNIST":
        pytest.skip("the digits are too small to say it")
    torch.manual_seed(0)
    dense = nn.Sequential(*lesson["small_nin"]()[:-2], nn.Flatten(), nn.Linear(10 * 5 * 5, 10))
    train_ch6(dense, train, test, 2, Cosine(0.2), seed=0, live=False)
    X, y = test.batch(slice(None))
    mean, flat = ([evaluate_accuracy(each, [(lesson["shifted"](X, n), y)]) for n in (0, 4)] for each in (net, dense))
    assert abs(mean[0] - flat[0]) < 0.05 and mean[1] > flat[1] + 0.15 and 0.2 < flat[1] < 0.4


def test_for_mistakes_the_answer_and_the_true_class_claim_the_same_places(small):
    net, test = small
    X, y = test.batch(slice(None))
    with torch.no_grad():
        maps = net[:-2](X).flatten(2)
    answer = maps.mean(dim=2).argmax(dim=1)
    wrong = (answer != y).nonzero()[:, 0]
    pairs = torch.stack([maps[wrong, answer[wrong]], maps[wrong, y[wrong]]], dim=1)  # (mistakes, 2, 25)
    alike = torch.tensor([torch.corrcoef(pair)[0, 1] for pair in pairs])
    assert (alike > 0).float().mean() > 0.5


def test_pale_red_all_over_beats_a_small_bright_spot():
    pale, spot = torch.full((5, 5), 1.0), torch.zeros(5, 5)
    spot[2, 2] = 20
    assert pale.mean() > spot.mean() and pale.max() < spot.max()


def test_the_mean_cannot_tell_left_from_right():
    maps = torch.randn(3, 10, 5, 5)
    torch.testing.assert_close(maps.flip(3).mean(dim=(2, 3)), maps.mean(dim=(2, 3)))


# Questions learners ask -----------------------------------------------------------------------------------


def test_two_of_1x1_cost_less_than_a_quarter_of_a_3x3():
    pair = nin_block(384, 384, 3)[2:]
    assert sum(layer.weight.numel() for layer in pair if isinstance(layer, nn.Conv2d)) == 2 * 384**2
    assert nn.Conv2d(384, 384, 3).weight.numel() == 9 * 384**2 > 4 * 2 * 384**2


def test_without_1x1_the_small_net_loses_little(lesson, small):
    net, test = small
    train, _ = load_data_fashion_mnist(32, num_train=10_000, num_test=100, device="cpu")
    if train.source != "Fashion-MNIST":
        pytest.skip("the digits are too few to say it")
    reached = []
    for pairs in (0, 1):
        torch.manual_seed(0)
        stem, pooling, middle, head, *end = lesson["small_nin"]()
        kept = 3 + 3 * pairs  # a block is convolution, norm and ReLU, thrice; the head ends in a convolution
        shorter = nn.Sequential(stem[:kept], pooling, middle[:kept], head[: kept - 2], *end)
        reached.append(train_ch6(shorter, train, test, 2, Cosine(0.2), seed=0, live=False).test_acc[-1])
    reached.append(evaluate_accuracy(net, test))
    assert max(reached) - min(reached) < 0.05  # six draws: .793, .808, .806 with none, one, two; up to .030 apart


def test_the_mean_is_a_dense_layer_with_fixed_weights():
    maps, dense = torch.randn(3, 10, 5, 5), nn.Linear(250, 10, bias=False)
    dense.weight.data = torch.eye(10).repeat_interleave(25, dim=1) / 25
    assert dense.weight.numel() == 2_500
    torch.testing.assert_close(dense(maps.flatten(1)), maps.mean(dim=(2, 3)))


def test_a_mean_and_a_dense_layer_change_places_and_a_relu_does_not():
    torch.manual_seed(0)
    features, dense = torch.randn(2, 32, 7, 7), nn.Linear(32, 10)
    maps = F.conv2d(features, dense.weight[:, :, None, None], dense.bias)
    torch.testing.assert_close(dense(features.mean(dim=(2, 3))), maps.mean(dim=(2, 3)))
    assert not torch.allclose(maps.relu().mean(dim=(2, 3)), maps.mean(dim=(2, 3)).relu(), atol=0.1)


def test_twice_the_side_costs_twenty_to_sixty_points(small):
    net, test = small
    X, y = test.batch(range(min(500, test.num_images)))
    right = [evaluate_accuracy(net, [(F.interpolate(X, size=side, mode="bilinear"), y)]) for side in (28, 56)]
    assert 0.15 < right[0] - right[1] < 0.7  # seven draws gave .22 to .59


def test_the_dropout_sets_half_to_0_in_training_and_has_no_parameters():
    (dropout,) = (layer for layer in nin().modules() if isinstance(layer, nn.Dropout))
    ones = torch.ones(1, 384, 5, 5)
    assert (dropout.train()(ones) == 0).float().mean() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(dropout.eval()(ones), ones) and not list(dropout.parameters())


def test_a_leaky_relu_leaves_a_hundredth_of_the_gradient(lesson, runs):
    dead, slopes = dead_run(lesson, runs), []
    for end in (nn.LeakyReLU(0.01), nn.Identity()):
        mended = nn.Sequential(*dead[:-3], dead[-3][:-1], end, *dead[-2:])
        assert any(lesson["with_gradient"](mended))
        slopes.append([layer for layer in mended.modules() if isinstance(layer, nn.Conv2d)][-1].bias.grad.norm())
    assert 0.003 < slopes[0] / slopes[1] < 0.03
