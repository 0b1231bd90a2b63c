"""What lesson 12 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import copy
import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import update_bn

from helpers import describe_net, load_data_fashion_mnist, show_norms
from helpers.exercises import find
from helpers.networks import BatchNorm, bn_lenet, lenet
from helpers.training import recipe
from helpers.widgets import BatchNormExplorer

from ..claims import definitions_of

LESSON = "12_batch_norm"
CHANNELS = torch.tensor([[[1.0, 2, 3], [2, 3, 4]], [[3, 4, 5], [4, 5, 6]]]).repeat(2, 1, 1, 1)


@pytest.fixture(scope="module")
def lesson():
    """What the lesson imports and defines; with its pictures and its kinds of norm."""
    names = definitions_of(LESSON)
    pictures, _ = load_data_fashion_mnist(128, num_train=1_000, num_test=100, device="cpu")
    probe, labels = pictures.batch(range(256))
    names.update(few_train=pictures, probe=probe, probe_labels=labels, device=torch.device("cpu"))
    names.update(NORMS=(nn.BatchNorm1d, nn.BatchNorm2d), modern=dict(activation=nn.ReLU, pooling=nn.MaxPool2d))
    return names


def ours(batch_norm, X, *, training, eps=1e-5, momentum=0.1):
    """The lesson's function with new statistics, gamma 1 and beta 0."""
    one, zero = torch.ones(X.shape[1]), torch.zeros(X.shape[1])
    return batch_norm(X, one, zero, zero, one, eps, momentum, training=training)


# Slow from the bottom -------------------------------------------------------------------------------------


def test_sigmoids_take_the_difference_and_the_gradient_away_and_norms_level_both(lesson):
    measured = {
        (activation, norm): lesson["spreads_and_steps"](
            lesson["deep_net"](activation, norm), lesson["probe"], lesson["probe_labels"])
        for activation in (nn.Sigmoid, nn.ReLU) for norm in (False, True)
    }  # fmt: skip
    spread, step = measured[nn.Sigmoid, False]
    assert spread[0] > 1000 * spread[-1] and step[-1] > 1000 * step[0]
    shares = [after / before for before, after in itertools.pairwise(spread)]
    assert 0.2 < math.prod(shares) ** (1 / len(shares)) < 0.3  # a quarter a layer
    for activation in (nn.Sigmoid, nn.ReLU):
        spread, step = measured[activation, True]
        assert max(spread) < 2 * min(spread) and max(step) < 20 * min(step)
    spread, step = measured[nn.ReLU, False]
    assert spread[0] > 5 * spread[-1] and max(step) < 5 * min(step)


# Normalising by hand --------------------------------------------------------------------------------------


def test_two_different_numbers_become_minus_one_and_one(lesson):
    X = torch.tensor([[1.0, 2, 3], [6, 6, 6]])
    assert X.sum(dim=0).tolist() == [7, 8, 9]
    assert X.mean(dim=0).tolist() == [3.5, 4, 4.5] and X.var(dim=0, correction=0).tolist() == [6.25, 4, 2.25]
    normed = ours(lesson["batch_norm"], X, training=True, eps=0)[0]
    torch.testing.assert_close(normed, torch.tensor([[-1.0] * 3, [1.0] * 3]))
    assert f"guess = {[int(value) for value in normed.flatten()]}" == find("12.p1").solution


def test_a_channel_has_one_mean_over_pictures_and_pixels():
    assert CHANNELS.shape == (2, 2, 2, 3) and CHANNELS.sum(dim=(0, 2, 3)).tolist() == [30, 54]
    kept = CHANNELS.mean(dim=(0, 2, 3), keepdim=True)
    assert kept.shape == (1, 2, 1, 1) and CHANNELS[:, 0].numel() == 12
    assert f"guess = {kept.flatten().tolist()}" == find("12.p2").solution


@pytest.mark.parametrize("layer", ["Norm", "BatchNorm"])
@pytest.mark.parametrize("shape", [(4, 5, 6, 7), (8, 5)])
def test_the_layer_is_pytorchs_in_output_gradients_and_averages_in_both_modes(lesson, layer, shape):
    mine = (BatchNorm if layer == "BatchNorm" else lesson["Norm"])(5)
    theirs = nn.BatchNorm2d(5) if len(shape) == 4 else nn.BatchNorm1d(5)
    for batch in range(4):
        X, results = (3 + 2 * torch.randn(shape)).requires_grad_(), []
        for norm in (mine.train(batch < 3), theirs.train(batch < 3)):
            Y = norm(X)
            grads = torch.autograd.grad((Y**3).sum(), [X, norm.weight, norm.bias])
            results.append([Y, *grads, norm.running_mean, norm.running_var])
        for a, b in zip(*results, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_the_biased_variance_normalises_and_the_unbiased_one_is_averaged(lesson):
    X = torch.tensor([[1.0], [5.0]])  # biased variance 4, unbiased 8
    Y, _, var = ours(lesson["batch_norm"], X, training=True, eps=0, momentum=1.0)
    assert Y.flatten().tolist() == [-1, 1] and var.item() == 8


def test_momentum_nine_tenths_of_the_chinese_edition_is_pytorchs_tenth():
    X, means = torch.full((4, 1), 10.0), []
    older = 0.9 * 0 + (1 - 0.9) * 10  # the Chinese edition's rule, momentum 0.9
    for momentum in (0.1, 0.9):
        layer = nn.BatchNorm1d(1, momentum=momentum)
        layer(X)
        means.append(layer.running_mean.item())
    assert means == pytest.approx([older, 9])
    assert f"guess = {[round(mean) for mean in means]}" == find("12.p3").solution


# Two modes ------------------------------------------------------------------------------------------------


def test_choosing_the_mode_by_gradients_gives_other_answers_and_moves_the_average(lesson):
    torch.manual_seed(0)
    args = torch.ones(3), torch.zeros(3), torch.full((3,), 2.0), torch.ones(3), 1e-5, 0.1
    picture, by_grad = torch.randn(1, 3, 4, 4).requires_grad_(), lesson["norm_by_grad"]
    with torch.no_grad():
        answer, mean, _ = by_grad(picture, *args)
    with_grad, mean_with_grad, _ = by_grad(picture, *args)
    assert torch.equal(mean, args[2]) and not torch.allclose(mean_with_grad, args[2], atol=0.05)
    assert (answer - with_grad).abs().min() > 0.5  # at every pixel


def test_choosing_the_mode_by_gradients_never_measures_anew(lesson):
    args = torch.ones(3), torch.zeros(3), torch.full((3,), 2.0), torch.ones(3), 1e-5, 0.1
    batch = 5 + torch.randn(64, 3, 4, 4)
    with torch.no_grad():
        _, by_grad, _ = lesson["norm_by_grad"](batch, *args)
        _, by_mode, _ = lesson["batch_norm"](batch, *args, training=True)
    assert torch.equal(by_grad, args[2])
    torch.testing.assert_close(by_mode, torch.full((3,), 2.3), atol=0.02, rtol=0)


@pytest.mark.parametrize("layer", ["Norm", "BatchNorm1d"])
def test_a_single_value_per_channel_is_refused_in_training_alone(lesson, layer):
    norm = (nn.BatchNorm1d if layer == "BatchNorm1d" else lesson["Norm"])(3)
    with pytest.raises(ValueError, match="^Expected more than 1 value per channel when training"):
        norm(torch.randn(1, 3))
    assert norm.eval()(torch.randn(1, 3)).shape == (1, 3)


def test_drop_last_leaves_the_single_picture_out():
    sizes = {drop: [len(X) for X in torch.utils.data.DataLoader(range(601), batch_size=100, drop_last=drop)]
             for drop in (False, True)}  # fmt: skip
    assert sizes[False][-1] == 1 and sizes[True] == [100] * 6


# The widget -----------------------------------------------------------------------------------------------


def test_train_mode_takes_shift_and_scale_out_and_eval_mode_without_batches_hands_the_input_on():
    outputs = []
    for shift, scale in ((3, 2), (-2, 0.5)):
        explorer = BatchNormExplorer(mode="train", shift=shift, scale=scale)
        outputs.append(explorer.result["output"])
        explorer = BatchNormExplorer(mode="eval", seen=0, shift=shift, scale=scale)
        torch.testing.assert_close(explorer.result["output"], explorer.result["X"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(*outputs, rtol=1e-3, atol=1e-3)


def test_how_many_batches_close_the_gap():
    for momentum, tenth, hundredth in ((0.1, 22, 44), (0.5, 4, 7)):
        assert math.ceil(math.log(0.1) / math.log(1 - momentum)) == tenth
        assert math.ceil(math.log(0.01) / math.log(1 - momentum)) == hundredth


def test_momentum_one_follows_each_batch_and_momentum_zero_none():
    follower = BatchNormExplorer(seen=9, batch_size=4, momentum=1.0).result
    assert follower["running_means"][1:] == pytest.approx(follower["means"])
    still = BatchNormExplorer(seen=9, batch_size=4, momentum=0.0).result
    assert set(still["running_means"]) == {0} and set(still["running_variances"]) == {1}


def test_pairs_become_minus_one_and_one_and_one_value_is_refused_in_train_mode_only():
    pair = BatchNormExplorer(batch_size=2).result["output"]
    torch.testing.assert_close(pair.sort().values, torch.tensor([-1.0, 1.0]), rtol=1e-3, atol=1e-3)
    assert BatchNormExplorer(batch_size=1).result["output"] is None
    assert BatchNormExplorer(batch_size=1, mode="eval").result["output"] is not None


def test_a_negative_scale_mirrors_the_histogram():
    up, down = (BatchNormExplorer(gamma=gamma).result["output"] for gamma in (1.0, -1.0))
    torch.testing.assert_close(up, -down)


# LeNet ----------------------------------------------------------------------------------------------------


def test_the_net_is_that_of_helpers_with_452_numbers_more_to_learn_and_as_many_to_keep(lesson):
    net, plain = bn_lenet(), lenet()
    more = describe_net(net, (1, 1, 28, 28)).params - describe_net(plain, (1, 1, 28, 28)).params
    kept = sum(buffer.numel() for name, buffer in net.named_buffers() if "running" in name)
    assert more == kept == 2 * (6 + 16 + 120 + 84) == 452 and describe_net(plain, (1, 1, 28, 28)).params == 61_706
    assert recipe("bn_lenet").net == "bn_lenet"
    by_hand, X = copy.deepcopy(net), torch.randn(8, 1, 28, 28)
    for i, layer in enumerate(net):
        if isinstance(layer, lesson["NORMS"]):
            by_hand[i] = lesson["Norm"](layer.num_features)
    torch.testing.assert_close(by_hand(X), net(X), rtol=1e-3, atol=1e-3)


def test_update_bn_leaves_weights_and_mode_alone_and_gives_the_means_over_its_batches(lesson):
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784))
    batches = list(itertools.islice(lesson["few_train"], 5))
    anew = lesson["measured_anew"](net.train(), batches)
    X = torch.cat([X.flatten(1) for X, _ in batches])
    torch.testing.assert_close(anew[1].running_mean, X.mean(0), rtol=1e-3, atol=1e-3)
    assert not anew.training and anew[1].momentum == 0.1 and torch.equal(anew[1].weight, net[1].weight)
    assert net.training and not net[1].running_mean.any()  # a copy was measured
    update_bn(batches, net)
    assert net.training


def test_in_training_mode_looking_moves_the_averages_under_no_grad():
    norm = nn.BatchNorm1d(3)
    with torch.no_grad():
        norm(5 + torch.randn(8, 3))
    assert norm.running_mean.min() > 0.1


def test_subtracting_a_class_mean_takes_away_what_the_class_shares():
    shared, own = 4 * torch.randn(1, 5), torch.randn(50, 5)
    norm = nn.BatchNorm1d(5)
    torch.testing.assert_close(norm(shared + own), norm(own), rtol=1e-3, atol=1e-3)


def test_large_mixed_batches_hide_the_wrong_mode_and_pairs_and_sorted_ones_do_not(lesson):
    net = lesson["fresh"](0, batch_norm=True, **lesson["modern"])
    lesson["descend"](net, 0.3, 24)
    good, (X, y) = lesson["measured_anew"](net, lesson["few_train"]), lesson["few_train"].batch(range(500))
    right, careless, order = lesson["accuracy"](good, X, y), copy.deepcopy(good).train(), y.argsort()
    batches = ((X, y, 250), (X, y, 2), (X[order], y[order], 50))
    lower = [int(lesson["accuracy"](careless, *batch) < right - 0.1) for batch in batches]
    assert right > 0.7 and f"guess = {lower}" == find("12.p4").solution


# Why it works ---------------------------------------------------------------------------------------------


def test_ten_times_the_weights_get_a_tenth_of_the_gradient():
    torch.manual_seed(0)
    X, target, gradients, outputs = torch.randn(64, 20), torch.randn(64, 30), [], []
    for factor in (1, 10):
        W = (factor * torch.linspace(-1, 1, 600).sin().reshape(20, 30)).requires_grad_()
        outputs.append(F.batch_norm(X @ W, None, None, training=True, eps=1e-9))
        gradients.append(torch.autograd.grad((outputs[-1] * target).sum(), W)[0])
    torch.testing.assert_close(*outputs, atol=1e-3, rtol=0)
    torch.testing.assert_close(gradients[0], 10 * gradients[1], atol=1e-2, rtol=0)


def test_after_some_steps_the_gradient_is_shorter_with_the_norm(lesson):
    lengths = {False: [], True: []}
    for norm, found in lengths.items():
        for seed in range(3):
            net = lesson["fresh"](seed, batch_norm=norm, **lesson["modern"])
            lesson["descend"](net, 0.1, 40)
            loss = F.cross_entropy(net(lesson["probe"]), lesson["probe_labels"])
            parts = torch.autograd.grad(loss, list(net.parameters()))
            found.append(math.hypot(*(part.norm().item() for part in parts)))
    assert sum(lengths[True]) < sum(lengths[False]) / 1.3, lengths


def test_the_shaken_net_is_shaken_in_training_alone(lesson):
    net = lesson["wrapped"](lesson["fresh"](0, batch_norm=True), lesson["Shaken"])
    X = lesson["probe"]
    assert not torch.allclose(net(X), net(X), atol=0.1)
    assert torch.equal(net.eval()(X), net(X))


@pytest.mark.parametrize("size", [2, 16, 64, 128])
def test_fewer_pictures_make_more_noise(lesson, size):
    """The first picture's output moves with its neighbours, about as 1 / √size."""
    torch.manual_seed(0)
    X, norm = torch.randn(4096, 1), nn.BatchNorm1d(1, momentum=0.0)
    draws = torch.stack([norm(torch.cat((torch.ones(1, 1), X[torch.randint(4096, (size - 1,))])))[0]
                         for _ in range(400)])  # fmt: skip
    low, high = (0.1, 3) if size == 2 else (0.7 * size**-0.5, 2 * size**-0.5)
    assert low < draws.std() < high


def test_in_groups_is_a_norm_for_each_group_and_one_for_all_in_evaluation(lesson):
    norm, X = nn.BatchNorm1d(3), torch.randn(8, 3)
    grouped = lesson["InGroups"](norm, 4)
    torch.testing.assert_close(grouped(X), torch.cat((nn.BatchNorm1d(3)(X[:4]), nn.BatchNorm1d(3)(X[4:]))))
    assert torch.equal(grouped.eval()(X), norm.eval()(X))


def test_the_variants_have_their_norms_where_they_say(lesson):
    kinds = {name: [type(layer).__name__ for layer in lesson["variant"](name, 0)]
             for name in ("without", "16", "128, behind")}  # fmt: skip
    assert "InGroups" not in kinds["without"] and kinds["16"].count("InGroups") == 4
    assert kinds["16"][:3] == ["Conv2d", "InGroups", "ReLU"]
    assert kinds["128, behind"][:3] == ["Conv2d", "ReLU", "InGroups"] and kinds["128, behind"].count("InGroups") == 4


def test_the_last_picture_shows_layers_that_need_no_neighbours():
    X = torch.arange(16.0).reshape(2, 4, 1, 2)
    said = repr(show_norms(X, "batch", "layer", "group"))
    assert said.endswith("batch: 4 numbers share a mean; layer: 8 numbers share a mean; group: 4 numbers share a mean")
    X = torch.randn(6, 8, 5, 5)
    for layer in (nn.GroupNorm(2, 8), nn.GroupNorm(1, 8)):  # two groups; one group of all channels: layer norm
        torch.testing.assert_close(layer(X)[:1], layer(X[:1]))
        assert not list(layer.buffers()) and torch.equal(layer.eval()(X), layer.train()(X))
    norm = nn.BatchNorm2d(8)
    assert not torch.allclose(norm(X)[:1], norm(X[:1]), atol=1e-2)


# Questions learners ask -----------------------------------------------------------------------------------


def test_the_bias_in_front_of_a_norm_does_nothing():
    torch.manual_seed(0)
    layer, norm, X = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), torch.randn(8, 3, 6, 6)
    before = norm(layer(X))
    (before**3).sum().backward()
    assert layer.bias.grad.abs().max() < 1e-2 < layer.weight.grad.abs().max()
    layer.bias.data += 5
    torch.testing.assert_close(norm(layer(X)), before, atol=1e-4, rtol=0)


def test_the_skewness_stays():
    torch.manual_seed(0)
    lopsided = torch.rand(1000, 1) ** 3

    def skewness(x):
        return (((x - x.mean()) / x.std(correction=0)) ** 3).mean().item()

    assert skewness(lopsided) > 0.5
    assert skewness(nn.BatchNorm1d(1)(lopsided)) == pytest.approx(skewness(lopsided), abs=0.01)


def test_scale_sigma_and_shift_mu_give_the_input_back():
    X, norm = 3 + 2 * torch.randn(16, 5), nn.BatchNorm1d(5)
    norm.weight.data, norm.bias.data = (X.var(0, correction=0) + norm.eps).sqrt(), X.mean(0)
    torch.testing.assert_close(norm(X), X, atol=1e-5, rtol=1e-5)


def test_one_picture_behind_a_convolution_is_instance_normalisation():
    X, norm = torch.randn(1, 3, 8, 8), nn.BatchNorm2d(3)
    torch.testing.assert_close(norm(X), F.instance_norm(X), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(norm.eval()(X), F.instance_norm(X), atol=0.1)


def test_epsilon_makes_a_constant_channel_beta(lesson):
    constant, norm = torch.full((4, 1), 7.0), nn.BatchNorm1d(1)
    norm.bias.data.fill_(0.5)
    torch.testing.assert_close(norm(constant), torch.full((4, 1), 0.5), atol=0.01, rtol=0)
    assert ours(lesson["batch_norm"], constant, training=True, eps=0)[0].isnan().all()


def test_the_gradient_through_mean_and_variance_loses_two_parts():
    torch.manual_seed(0)
    X, above = torch.randn(16, 5, requires_grad=True), torch.randn(16, 5)
    (gradient,) = torch.autograd.grad(nn.BatchNorm1d(5, eps=1e-9)(X), X, above)
    deviation = X.std(0, correction=0)
    X_hat = (X - X.mean(0)) / deviation
    through = (above - above.mean(0) - X_hat * (above * X_hat).mean(0)) / deviation
    torch.testing.assert_close(gradient, through, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(gradient, above / deviation, atol=0.1)  # as if they were constants
    assert gradient.sum(0).abs().max() < 1e-4 and (gradient * X_hat).sum(0).abs().max() < 1e-4  # lift and stretch
