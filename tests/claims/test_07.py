"""What lesson 07 says but does not show: claims that circulate, numbers in its text, answers to learners' questions."""

import copy
import itertools
import math
import sys
import time
from statistics import mean

import nbformat
import pytest
import scipy.stats
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from helpers import describe_net, load_data_fashion_mnist, train_ch6
from helpers import evaluate_accuracy as helpers_accuracy
from helpers.benchmark.nets import load_results
from helpers.exercises import find
from helpers.networks import lenet

from ..claims import NOTEBOOKS, definitions_of

LESSON = "07_lenet"
CPU = torch.device("cpu")
MODERN = dict(activation=nn.ReLU, pooling=nn.MaxPool2d)
HAND = [6 * (25 + 1), 16 * (6 * 25 + 1), 120 * (400 + 1), 84 * (120 + 1), 10 * (84 + 1)]
WORK = [6 * 25 * 28 * 28, 16 * 6 * 25 * 10 * 10, 120 * 400, 84 * 120, 10 * 84]


@pytest.fixture(scope="module")
def data():
    """Training pictures in batches of 64 and test pictures."""
    return load_data_fashion_mnist(64, num_train=20_000, num_test=1_000, device="cpu")


@pytest.fixture(scope="module")
def few():
    """As many training and test pictures as the lesson's few."""
    return load_data_fashion_mnist(64, num_train=5_000, num_test=1_000, device="cpu")


@pytest.fixture(scope="module")
def lesson(data, few):
    """What the lesson imports and defines, with its pictures."""
    names = definitions_of(LESSON)
    probe, labels = data[0].batch(range(200))
    names.update(train_iter=data[0], test_iter=data[1], few_train=few[0], few_test=few[1], device=CPU)
    names.update(probe=probe, probe_labels=labels, modern=MODERN)
    return names


@pytest.fixture(scope="module")
def trained(data):
    """LeNet off its plateau, and its logits for the test pictures."""
    torch.manual_seed(0)
    net = lenet()
    train_ch6(net, *data, 2 if data[0].source == "Fashion-MNIST" else 40, 0.9, "cpu", seed=0, live=False)
    with torch.no_grad():
        return net, torch.cat([net(X) for X, _ in data[1]])


def published(data):
    if data[0].source != "Fashion-MNIST":
        pytest.skip("the digits are here in place of Fashion-MNIST")


def first_losses(lesson, net, lr, num_steps):
    return torch.tensor(list(itertools.islice(lesson["losses"](net, lr), num_steps)))


def cell(beginning):
    """The source of the lesson's code cell that begins or contains these words."""
    cells = nbformat.read(NOTEBOOKS / f"{LESSON}.ipynb", as_version=4).cells
    (source,) = [cell.source for cell in cells if cell.cell_type == "code" and beginning in cell.source]
    return source


# The network ----------------------------------------------------------------------------------------------


def test_counting_by_hand_agrees_layer_by_layer():
    table = describe_net(lenet(), (1, 1, 28, 28))
    assert [row.params for row in table if row.params] == HAND and sum(HAND) == 61_706
    assert [row.multiply_adds for row in table if row.multiply_adds] == WORK and sum(WORK) == 416_520
    most = [1 + max(range(5), key=counts.__getitem__) for counts in (HAND, WORK)]
    assert f"guess = {most}" == find("07.p2").solution
    sides = [row.output_shape[-1] for row in table if row.type in ("Conv2d", "AvgPool2d")]
    assert f"guess = {sides}" == find("07.p1").solution and table[6].output_shape == (1, 400)


def test_convolutions_work_and_dense_layers_hold_the_parameters():
    shares = sum(WORK[:2]) / sum(WORK), sum(HAND[:2]) / sum(HAND), HAND[2] / sum(HAND)
    assert [round(100 * share) for share in shares] == [86, 4, 78]


def test_pictures_of_28_to_31_pixels_fit_and_no_others():
    assert {lenet()(torch.zeros(1, 1, side, side)).shape for side in range(28, 32)} == {(1, 10)}
    for side in (27, 32):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            lenet()(torch.zeros(1, 1, side, side))


def test_with_five_seeds_less_than_three_standard_errors_is_no_result():
    beyond = float(scipy.stats.t.ppf(0.975, df=5 - 1))  # pairs of five seeds, one mean taken from them
    assert 2 < beyond < 3


# A loop to trust ------------------------------------------------------------------------------------------


def test_the_pixels_are_standardised(data):
    X, y = data[0].batch(range(1000))
    assert X.shape == (1000, 1, 28, 28) and y.shape == (1000,)
    assert X.mean().abs() < 0.1 and 0.9 < X.std() < 1.1
    pixels = data[0].to_pixels(X)
    assert 0 <= pixels.min() < 1e-6 and 1 - 1e-6 < pixels.max() <= 1 + 1e-6


def test_guessing_gets_a_tenth_right(data):
    counts = data[1].labels.bincount()
    assert len(counts) == 10 and 0.09 < counts.max() / counts.sum() < 0.13


def test_its_evaluation_is_that_of_helpers(lesson, few):
    net = lesson["fresh"]()
    assert lesson["evaluate_accuracy"](net, few[1]) == helpers_accuracy(net, few[1]) < 0.3


def test_its_loop_prints_and_learns_what_train_ch6_does(lesson, capsys):
    short = [lesson["few_train"].batch(range(i, i + 64)) for i in range(0, 320, 64)]
    nets = [net := lenet(), copy.deepcopy(net)]
    torch.manual_seed(3)
    lesson["train"](nets[0], short, short, 2, 0.9)
    torch.manual_seed(3)
    history = train_ch6(nets[1], short, short, 2, 0.9, "cpu", live=False, channels_last=False)
    for ours, theirs in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    printed = capsys.readouterr().out.splitlines()
    last = [f"{values[-1]:.3f}" for values in (history.loss, history.train_acc, history.test_acc)]
    assert len(printed) == 2 and printed[1] == "loss {}, train acc {}, test acc {}".format(*last)


def test_where_d2l_is_missing_the_cell_says_so_in_a_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "d2l", None)
    names = {"weights_after": lambda *args, **options: torch.zeros(3), "train": None, "train_ch6": None}
    exec(cell("from d2l import"), names)
    assert capsys.readouterr().out.splitlines()[1:] == ["d2l is not installed: the book's own loop is left out"]


def test_seeds_differ_by_some_points_around_83_percent():
    accuracies = next(row for row in load_results().rows if row.net == "lenet").accuracies
    assert 0.81 < mean(accuracies) < 0.85 and 0.02 < max(accuracies) - min(accuracies) < 0.1


# The plateau ----------------------------------------------------------------------------------------------


def test_the_loss_of_not_looking():
    alike = torch.zeros(10, 10)
    assert F.cross_entropy(alike, torch.arange(10)).item() == pytest.approx(math.log(10), abs=1e-6)
    assert f"guess = {[math.log(10)]}" == find("07.p3").solution


@pytest.mark.parametrize("seed", [0, 2])
def test_sigmoids_rest_on_the_plateau_while_the_spread_grows_faster_and_faster(lesson, data, seed):
    published(data)
    _, loss, spread = lesson["watch"](lesson["fresh"](seed), 0.9, 500).T
    assert (loss[2:6] - math.log(10)).abs().max() < 0.4 and loss[-3:].mean() < 1.7
    assert spread[0] < spread[-1] / 1000
    first, second = ((spread > factor * spread.min()).nonzero()[0] for factor in (10, 100))
    assert second - first < first - spread.argmin()


def test_the_slow_run_stays_on_it_and_relu_never_is_there(lesson, data):
    published(data)
    slow = first_losses(lesson, lesson["fresh"](), 0.01, 200)
    assert (slow[-100:] - math.log(10)).abs().max() < 0.2
    assert first_losses(lesson, lesson["fresh"](**MODERN), 0.1, 100)[60:].mean() < 1.2


def test_the_slope_of_the_sigmoid_is_a_quarter_at_most():
    x = torch.linspace(-8, 8, 1001, requires_grad=True)
    torch.sigmoid(x).sum().backward()
    assert x.grad.max().item() == pytest.approx(0.25)


@pytest.mark.parametrize("seed", range(3))
def test_sigmoids_take_the_difference_away_and_the_gradient(lesson, seed):
    spreads, gradients = lesson["forth_and_back"](lesson["fresh"](seed), lesson["probe"], lesson["probe_labels"])
    assert spreads[-1] < spreads[0] / 100
    for before in (1, 4, 8, 10):  # the outputs that go into a sigmoid
        assert spreads[before + 1] < spreads[before] / 2
    assert gradients == sorted(gradients) and 50 * gradients[0] < gradients[-1]
    assert 0.25 < spreads[1] / spreads[0] < 0.85  # Xavier: 25 inputs and 150 outputs, "about" their size
    spreads, gradients = lesson["forth_and_back"](
        lesson["fresh"](seed, **MODERN), lesson["probe"], lesson["probe_labels"]
    )
    assert spreads[-1] > 0.03 * spreads[0] and 50 * gradients[0] > gradients[-1]


@pytest.mark.parametrize("seed", range(3))
def test_the_ripple_is_hundreds_of_times_smaller_than_the_constant_and_can_be_read(lesson, seed):
    net, modern = lesson["fresh"](seed), lesson["fresh"](seed, **MODERN)
    with torch.no_grad():
        last = net[:11](lesson["probe"])
    assert last.mean() / last.std(dim=0).mean() > 200
    read, read_modern = lesson["read_out"](net), lesson["read_out"](modern)
    assert read > 0.5 and read > read_modern > 0.35
    assert f"guess = {[2, int(read_modern > read)]}" == find("07.p4").solution


def test_steps_times_rate_is_about_constant_and_ten_epochs_of_the_book_lie_on_the_plateau(lesson, data):
    published(data)
    high, middle, low = (lr * lesson["steps_to_leave"](lr) for lr in (0.9, 0.3, 0.1))
    assert 0.6 < middle / low < 1.7 and high > middle
    book = 10 * math.ceil(60_000 / 256)
    assert book == 2_350 and 3_500 < low / 0.01 < 10_000


def test_the_activation_ends_the_plateau_and_not_the_pooling(lesson, data):
    published(data)
    assert first_losses(lesson, lesson["fresh"](activation=nn.ReLU), 0.1, 60)[-20:].mean() < 2
    assert 2.2 < first_losses(lesson, lesson["fresh"](pooling=nn.MaxPool2d), 0.9, 60)[-20:].mean() < 2.5


def test_five_is_too_much_for_the_sigmoid(lesson, data):
    published(data)
    assert first_losses(lesson, lesson["fresh"](), 5.0, 200)[-50:].mean() > 2


# What does it answer? -------------------------------------------------------------------------------------


def test_softmax_is_positive_with_the_sum_1_and_sure_answers_are_right_more_often(trained, data):
    _, logits = trained
    probabilities = logits.softmax(dim=1)
    assert probabilities.min() > 0
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(len(logits)))
    confidence, predicted = probabilities.max(dim=1)
    surer, less_sure = ((predicted == data[1].labels)[half].float().mean()
                        for half in confidence.argsort(descending=True).chunk(2))  # fmt: skip
    assert surer > less_sure + (0.1 if data[1].source == "Fashion-MNIST" else 0)


def test_most_mistakes_are_made_among_upper_bodies_and_among_shoes(trained, data):
    published(data)
    predicted, labels, classes = trained[1].argmax(dim=1), data[1].labels, data[1].classes
    confusion = torch.bincount(10 * labels + predicted, minlength=100).reshape(10, 10)
    assert confusion.trace() == (predicted == labels).sum()
    mistakes = confusion - confusion.diag().diag()
    upper = [classes.index(name) for name in ("t-shirt", "pullover", "dress", "coat", "shirt")]
    shoes = [classes.index(name) for name in ("sandal", "sneaker", "ankle boot")]
    assert mistakes[upper][:, upper].sum() > mistakes.sum() / 2
    assert mistakes[shoes][:, shoes].sum() > mistakes[shoes].sum() / 2


def test_bars_along_the_borders_come_from_the_padding_which_is_a_mean_grey(data):
    X, _ = data[0].batch(range(1))
    blank, layer = torch.full_like(X, X.min()), lenet()[0]  # background alone
    shades = {}
    for name, value in (("grey", 0.0), ("background", X.min().item())):
        maps = F.conv2d(F.pad(blank, [2] * 4, value=value), layer.weight, layer.bias)
        shades[name] = (maps - maps[..., 14:15, 14:15]).abs()
        assert shades[name][..., 2:-2, 2:-2].max() < 1e-5
    assert 0.2 < data[0].to_pixels(torch.zeros(1)) < 0.4
    assert shades["background"].max() < 1e-5 < 0.1 < shades["grey"][..., [0, 1, -2, -1], :].max()


def test_the_ripple_has_become_a_signal(lesson, trained):
    untrained, after = (lesson["forth_and_back"](copy.deepcopy(net), lesson["probe"], lesson["probe_labels"])[0][-2]
                        for net in (lesson["fresh"](), trained[0]))  # fmt: skip
    assert after > 20 * untrained


def test_a_few_pixels_cost_accuracy(lesson, trained, data):
    right = [helpers_accuracy(trained[0], [(lesson["shifted"](X, n), y) for X, y in data[1]]) for n in (0, 4, 8)]
    assert right[2] < right[1] < right[0] - 0.05
    X = torch.arange(28.0).expand(1, 1, 28, 28)
    assert lesson["shifted"](X, 3)[0, 0, 0, :5].tolist() == [0, 0, 0, 0, 1]


# Four numbers to mistrust ---------------------------------------------------------------------------------


def bytes_kept(net, X):
    """How many bytes a forward pass keeps for the backward pass."""
    kept = {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(X)
    return sum(kept.values())


def test_evaluation_mode_keeps_every_byte_for_a_backward_pass(data):
    net, (X, _) = lenet(), data[1].batch(range(256))
    kept = [bytes_kept(net.train(), X), bytes_kept(net.eval(), X)]
    with torch.no_grad():
        kept.append(bytes_kept(net, X))
    assert kept[0] == kept[1] > 1_000_000 and kept[2] == 0
    assert f"guess = {[int(size > 0) for size in kept]}" == find("07.p5").solution


def test_the_mode_changes_dropout_and_nothing_in_lenet():
    net, X = lenet(), torch.randn(8, 1, 28, 28)
    assert torch.equal(net.train()(X), net.eval()(X))
    dropout = nn.Dropout(0.5)
    assert set(dropout.train()(torch.ones(100)).tolist()) == {0, 2} and dropout.eval()(torch.ones(8)).sum() == 8


def test_the_train_accuracy_of_an_epoch_belongs_to_worse_nets(lesson, data):
    published(data)
    gains = []
    for seed in range(3):  # the last steps can lose: of 8 draws one gained .003, on average they gained .04
        net = lesson["fresh"](seed, **MODERN)
        history = train_ch6(net, *data, 1, 0.1, "cpu", seed=seed, live=False)
        gains.append(helpers_accuracy(net, data[0]) - history.train_acc[0])
    assert mean(gains) > 0


class Slow(list):
    """Batches that take their time to come."""

    def __iter__(self):
        for batch in super().__iter__():
            time.sleep(0.05)
            yield batch


def test_the_books_clock_starts_when_the_batch_is_there_and_ours_before(monkeypatch, capsys, few):
    d2l = pytest.importorskip("d2l.torch")
    monkeypatch.setattr(d2l, "Animator", lambda **kwargs: type("Silent", (), {"add": lambda *args: None})())
    batches = Slow(few[0].batch(range(i, i + 64)) for i in range(0, 640, 64))
    d2l.train_ch6(lenet(), batches, batches[:1], 1, 0.1, CPU)
    printed = float(capsys.readouterr().out.splitlines()[-1].split()[0])
    history = train_ch6(lenet(), batches, batches[:1], 1, 0.1, "cpu", live=False)
    most = 64 / 0.05  # images a second, if the arithmetic took no time
    assert history.images_per_second < most < printed


def test_pictures_one_by_one_cost_more_than_a_set_in_memory(few):
    def seconds(loader):
        started = time.perf_counter()
        for _ in loader:
            pass
        return time.perf_counter() - started

    assert seconds(DataLoader(few[0].dataset, batch_size=64)) > 2 * seconds(few[0])


def test_pairs_start_alike_as_pooling_has_no_weights(lesson):
    for seed in range(2):
        pair = lesson["fresh"](seed, activation=nn.ReLU), lesson["fresh"](seed, **MODERN)
        assert all(torch.equal(a, b) for a, b in zip(*(net.parameters() for net in pair), strict=True))


# LeNet-5 of 1998 ------------------------------------------------------------------------------------------


def test_c3_has_1516_parameters_and_the_old_net_60000():
    threes = [{(i + k) % 6 for k in range(3)} for i in range(6)]
    fours = [{(i + k) % 6 for k in range(4)} for i in range(6)] + [{0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}]
    c3 = [*threes, *fours, set(range(6))]
    assert [len(maps) for maps in c3] == [3] * 6 + [4] * 9 + [6] and len(set(map(frozenset, c3))) == 16
    partial = 25 * sum(map(len, c3)) + 16
    assert (partial, HAND[1]) == (1_516, 2_416)
    assert HAND[0] + 2 * 6 + partial + 2 * 16 + HAND[2] + HAND[3] == 60_000


def test_its_padding_its_activation_and_its_code():
    assert nn.Conv2d(1, 6, 5)(torch.zeros(1, 1, 32, 32)).shape == nn.Conv2d(1, 6, 5, padding=2)(
        torch.zeros(1, 1, 28, 28)).shape  # fmt: skip
    old = 1.7159 * torch.tanh(2 * torch.arange(-4.0, 5) / 3)
    assert old[4] == 0 and old.diff().min() > 0 and old[-1] < 1.7159 and 7 * 12 == 84


def test_the_gaussian_output_is_a_dense_layer_with_fixed_codes():
    torch.manual_seed(0)
    codes = torch.randn(10, 84).sign()
    features = codes[3] + torch.randn(84)  # close to the code of class 3, with noise
    distances = ((features - codes) ** 2).sum(dim=1)
    assert distances.argmin() == 3
    torch.testing.assert_close((-distances / 2).softmax(dim=0), (codes @ features).softmax(dim=0), atol=1e-5, rtol=0)


# Questions learners ask -----------------------------------------------------------------------------------


def test_the_jitter_falls_with_the_root_of_the_batch_size(trained, data):
    torch.manual_seed(0)
    net, jitter = trained[0], {}
    for size in (16, 256):
        rows = [torch.randint(data[0].num_images, (size,)) for _ in range(150)]
        with torch.no_grad():
            jitter[size] = torch.stack([F.cross_entropy(net(X), y) for X, y in map(data[0].batch, rows)]).std()
    assert 2.5 < jitter[16] / jitter[256] < 6.5


def test_four_times_the_rate_makes_up_for_four_times_the_batch(few):
    def after(batch_size, lr):
        batches = copy.copy(few[0])
        batches.batch_size = batch_size
        dense = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        train_ch6(dense, batches, few[1], 1, lr, "cpu", seed=0, live=False)
        X, y = few[1].batch(slice(None))
        with torch.no_grad():
            return F.cross_entropy(dense(X), y).item()

    small, large, faster = after(64, 0.004), after(256, 0.004), after(256, 0.016)
    assert large > small and abs(faster - small) < (large - small) / 2


@pytest.mark.parametrize("seed", range(3))
def test_relu_at_nine_tenths_explodes_or_falls_silent(lesson, data, seed):
    published(data)
    slow = first_losses(lesson, lesson["fresh"](seed, **MODERN), 0.1, 120)[-20:].mean()
    fast = first_losses(lesson, lesson["fresh"](seed, **MODERN), 0.9, 120)[-20:].mean()
    assert not fast < slow + 0.5  # nan counts as not smaller


def test_less_arrives_without_xavier_and_without_standardising(lesson, data):
    torch.manual_seed(0)
    default, xavier = lenet(), lesson["fresh"]()
    narrower = [(a.weight.std() < b.weight.std()).item() for a, b in zip(default, xavier, strict=True)
                if hasattr(a, "weight")]  # fmt: skip
    assert narrower == [False, True, True, True, True]

    def arrives(net, X):
        with torch.no_grad():
            return net(X).std(dim=0).mean()

    assert arrives(default, lesson["probe"]) < arrives(xavier, lesson["probe"]) / 3
    assert arrives(xavier, data[0].to_pixels(lesson["probe"])) < arrives(xavier, lesson["probe"]) / 2
    if data[0].source == "Fashion-MNIST":
        assert first_losses(lesson, default, 0.9, 350)[-20:].mean() > 2.2
        assert first_losses(lesson, xavier, 0.9, 350)[-20:].mean() < 1.7


def test_it_learns_as_well_without_its_236_biases(lesson, few):
    gains = []
    for seed in range(2):
        with_biases, without = lesson["fresh"](seed, **MODERN), lesson["fresh"](seed, **MODERN)
        biases = [p for name, p in without.named_parameters() if name.endswith("bias")]
        assert sum(bias.numel() for bias in biases) == 236
        for bias in biases:
            bias.requires_grad_(False).zero_()
        ends = [train_ch6(net, *few, 2, 0.1, "cpu", seed=seed, init=False, live=False).test_acc[-1]
                for net in (with_biases, without)]  # fmt: skip
        assert not any(bias.any() for bias in biases) and ends[1] > 0.2
        gains.append(ends[1] - ends[0])
    assert abs(mean(gains)) < 0.1


def test_a_second_softmax_leaves_a_loss_of_1_46():
    certain = F.one_hot(torch.tensor([3]), 10).float()  # what a softmax at the end would give
    assert F.cross_entropy(1000 * certain, torch.tensor([3])) == 0
    assert F.cross_entropy(certain, torch.tensor([3])).item() == pytest.approx(math.log(math.e + 9) - 1, abs=1e-5)
    assert round(math.log(math.e + 9) - 1, 2) == 1.46
    assert torch.isfinite(F.cross_entropy(torch.tensor([[1e4, 0.0]]), torch.tensor([1])))


def test_one_dense_layer_is_as_good_and_the_modern_form_better(lesson, data):
    published(data)
    train_iter, test_iter = load_data_fashion_mnist(64, num_test=4_000, device="cpu")
    dense = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    simple = train_ch6(dense, train_iter, test_iter, 1, 0.01, "cpu", seed=0, live=False).test_acc[-1]
    better = train_ch6(lesson["fresh"](**MODERN), train_iter, test_iter, 1, 0.1, "cpu", seed=0, live=False).test_acc[-1]
    assert 0.79 < simple < better


def test_the_best_of_twenty_guessers_is_worse_on_other_pictures():
    torch.manual_seed(0)
    seen_by_all, kept_aside = torch.randint(10, (2, 30, 1, 1000))
    guesses = torch.randint(10, (30, 20, 1000))  # thirty times twenty guessers
    accuracies, again = ((guesses == truth).float().mean(dim=2) for truth in (seen_by_all, kept_aside))
    best = accuracies.argmax(dim=1, keepdim=True)
    assert accuracies.mean() < 0.105 and accuracies.gather(1, best).mean() > 0.11 > 0.105 > again.gather(1, best).mean()


def test_a_kept_net_answers_as_before(trained, lesson, tmp_path):
    net, path = trained[0], tmp_path / "lenet.pt"
    torch.save(net.state_dict(), path)
    assert 4 * 61_706 < path.stat().st_size < 4 * 61_706 + 20_000
    restored = lenet().eval()
    restored.load_state_dict(torch.load(path))
    with torch.no_grad():
        assert torch.equal(restored(lesson["probe"]), net(lesson["probe"]))
