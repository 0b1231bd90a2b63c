"""The widgets of notebook 07 against PyTorch: feature maps, learning-rate lab, picture lab; and the job in a thread."""

import math
import re
import threading

import pytest
import torch
import torchvision.transforms.functional as TF
from torch import nn
from torch.nn import functional as F

from helpers.data import ImageBatches
from helpers.networks import bn_lenet
from helpers.widgets import FeatureMaps, LearningRateLab, PictureLab, svg, trainer
from helpers.widgets.background import Job, Stopped
from helpers.widgets.driver import drive
from helpers.widgets.picture_lab import DRAWN, TEST, transform
from helpers.widgets.run_picture import KEPT, style
from helpers.widgets.short_run import fresh_net

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


def pictures(count, *, standardize=True, shuffle=False, batch_size=20, side=28, seed=0):
    """A stand-in for Fashion-MNIST: one bright bar per class at its own height, and noise."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 10
    images = torch.randint(0, 60, (count, 1, side, side), generator=generator)
    for image, label in zip(images, labels, strict=True):
        image[0, 2 * label + 4 : 2 * label + 7, 3 : side - 3] += 180
    return ImageBatches(images.to(torch.uint8), labels, batch_size, classes=CLASSES, mean=0.2, std=0.3,
                        standardize=standardize, shuffle=shuffle, seed=seed)  # fmt: skip


def lenet_like():
    """Layers that behave differently in the two modes, in training mode."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 10),
    ).train()  # fmt: skip


@pytest.fixture
def net():
    return lenet_like()


@pytest.fixture(scope="module")
def test_iter():
    return pictures(40)


# Feature maps --------------------------------------------------------------------------------------------


def test_activations_are_the_net_run_layer_by_layer(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    reference = lenet_like().eval()
    for index in (0, 17, 39):
        maps.index = index
        X, y = test_iter.batch([index])
        assert torch.equal(maps.result["X"], X) and maps.result["y"] == int(y)
        assert list(maps.result["activations"]) == [str(i) for i in range(12)]
        with torch.no_grad():
            for i, layer in enumerate(reference):
                X = layer(X.clone())
                if not isinstance(reference[min(i + 1, 11)], nn.ReLU):
                    torch.testing.assert_close(maps.result["activations"][str(i)], X[0])


def test_an_inplace_relu_does_not_overwrite_the_layer_before_it(net, test_iter):
    activations = FeatureMaps(net, test_iter).result["activations"]
    assert activations["4"].min() < 0 == activations["5"].min()
    assert torch.equal(activations["4"].relu(), activations["5"])


def test_the_callers_net_is_left_alone(net, test_iter):
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net(torch.randn(4, 1, 28, 28)).sum().backward()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    gradients, random = [p.grad.clone() for p in net.parameters()], torch.get_rng_state()
    net[8].eval()
    maps, lab = FeatureMaps(net, test_iter), PictureLab(net, test_iter)
    maps.update(index=5, layer=4, channel=3)
    lab.update(index=5, rotate=30)
    assert [module.training for module in net] == [i != 8 for i in range(12)]
    assert not any(module._forward_hooks for module in net.modules())
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert all(torch.equal(p.grad, g) for p, g in zip(net.parameters(), gradients, strict=True))
    assert all(p.requires_grad for p in net.parameters()) and torch.equal(torch.get_rng_state(), random)


def test_later_training_shows(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].bias.fill_(0.25)
    maps.refresh()
    assert (maps.result["activations"]["0"] == 0.25).all()


class Nested(nn.Module):
    """Modules in modules, one ReLU that runs twice, one channel per class at the end."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3))
        self.relu, self.head = nn.ReLU(), nn.Conv2d(4, 10, 1)
        self.pool, self.unused = nn.AdaptiveAvgPool2d(1), nn.Linear(2, 2)

    def forward(self, X):
        return self.pool(self.head(self.relu(self.stem[1](self.relu(self.stem[0](X)))))).flatten(1)


def test_any_module_in_the_order_of_its_run(test_iter):
    maps = FeatureMaps(Nested(), test_iter)
    shapes = {name: tuple(output.shape) for name, output in maps.result["activations"].items()}
    assert shapes == {"stem.0": (3, 26, 26), "relu": (3, 26, 26), "stem.1": (4, 24, 24), "relu (2)": (4, 24, 24),
                      "head": (10, 24, 24), "pool": (10,)}  # fmt: skip
    maps.layer = 5
    assert all(name in maps.picture for name in CLASSES), "ten numbers at the end are named by the classes"


@pytest.mark.parametrize("layer, channels", [(0, 6), (4, 16), (7, 400), (11, 10)])
def test_the_channel_slider_follows_the_layer(net, test_iter, layer, channels):
    maps = FeatureMaps(net, test_iter, layer=7, channel=399)
    maps.layer = layer
    assert maps.controls["channel"].max == channels - 1 == maps.channel == maps.result["channel"]


def test_the_sentence_has_the_numbers_of_the_layer_and_the_channel(net, test_iter):
    maps = FeatureMaps(net, test_iter, index=3, layer=4, channel=2)
    with torch.no_grad():
        output = lenet_like().eval()[:5](test_iter.batch([3])[0])[0]
    numbers = [svg.number(value.item()) for value in (output.min(), output.max(), output[2].min(), output[2].max())]
    said = maps.describe(maps.result)
    assert "picture 3 (dress), layer net[4] Conv2d: 16 maps of 10×10" in said
    assert f"from {numbers[0]} to {numbers[1]}; channel 2 from {numbers[2]} to {numbers[3]}" in said


def test_one_scale_for_all_channels_signed_only_where_something_is_negative(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    low, high = maps.result["activations"]["0"].aminmax()
    largest = svg.number(max(-low.item(), high.item()))
    assert f">-{largest}</text>" in maps.picture and f">{largest}</text>" in maps.picture
    maps.layer = 2  # behind the sigmoid
    assert f">{svg.number(maps.result['activations']['2'].max().item())}</text>" in maps.picture
    assert ">-" not in maps.picture


def test_every_layer_has_the_same_height(net, test_iter):
    maps = FeatureMaps(net, test_iter)
    sizes = set()
    for layer in range(12):
        maps.layer = layer
        sizes.add(svg.size(maps.picture))
    assert len(sizes) == 1


def test_a_long_net_shows_the_layers_around_the_chosen_one(test_iter):
    deep = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(30)])
    maps = FeatureMaps(deep, test_iter, layer=15)
    assert maps.picture.count(">Conv2d</text>") == 12 and "not shown: 9 before, 9 after" in maps.picture
    assert FeatureMaps(deep, test_iter).picture.count("not shown: 18 after") == 1


def test_a_module_of_one_layer_and_one_channel(test_iter):
    assert drive(FeatureMaps(nn.Conv2d(1, 1, 28), test_iter)) > 0
    maps = FeatureMaps(nn.Conv2d(1, 1, 3), test_iter)
    assert list(maps.result["activations"]) == ["net"] and maps.controls["channel"].max == 0


def test_every_control_of_the_feature_maps_works(net, test_iter):
    drive(FeatureMaps(net, test_iter))


def broken():
    net = lenet_like()
    nn.init.constant_(net[0].weight, math.nan)
    return net


class Sequences(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Flatten(2)

    def forward(self, X):
        return self.inner(X)


BAD_NETS = {
    "a loader first": (lambda data: FeatureMaps(data, data), TypeError, "must be a net"),
    "a DataLoader": (lambda _: FeatureMaps(nn.Flatten(), torch.utils.data.DataLoader([1])), TypeError, "test_iter"),
    "colour": (lambda data: FeatureMaps(nn.Conv2d(3, 6, 5), data), ValueError, "3 channels"),
    "diverged": (lambda data: FeatureMaps(broken(), data), ValueError, r"net\[0\].*diverged"),
    "lazy": (lambda data: FeatureMaps(nn.LazyConv2d(2, 3), data), ValueError, "run net.X. once"),
    "sequence": (lambda data: FeatureMaps(Sequences(), data), ValueError, r"inner gives shape \(1, 1, 784\)"),
    "lab: diverged": (lambda data: PictureLab(broken(), data), ValueError, "diverged"),
    "lab: classes": (lambda data: PictureLab(nn.Flatten(), data), ValueError, r"\(1, 784\).*10 classes"),
    "lab: a loader first": (lambda data: PictureLab(data, data), TypeError, "must be a net"),
    "rates: a list": (lambda data: LearningRateLab([1], data), TypeError, "train_iter and test_iter"),
}


@pytest.mark.parametrize("make, error, words", BAD_NETS.values(), ids=BAD_NETS)
def test_what_cannot_be_shown_is_named(test_iter, make, error, words):
    with pytest.raises(error, match=words):
        make(test_iter)


# Picture lab ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standardize", [True, False])
def test_probabilities_are_the_softmax_of_the_net(net, standardize):
    data = pictures(20, standardize=standardize)
    lab, reference = PictureLab(net, data), lenet_like().eval()
    for index in (0, 7, 19):
        lab.index = index
        X, y = data.batch([index])
        with torch.no_grad():
            expected = reference(X).softmax(1)[0]
        torch.testing.assert_close(lab.result["input"], X)
        torch.testing.assert_close(lab.result["probabilities"], expected)
        assert lab.result["true"] == int(y) and lab.result["predicted"] == int(expected.argmax())


def test_a_moved_picture_is_standardised_like_the_others(net, test_iter):
    lab = PictureLab(net, test_iter, index=4, right=3, down=-2)
    pixels = test_iter.to_pixels(test_iter.batch([4])[0])
    moved = F.pad(pixels, (3, -3, -2, 2))  # black comes in from the left and from below
    torch.testing.assert_close(lab.result["picture"], moved[0, 0])
    X = (moved - 0.2) / 0.3
    torch.testing.assert_close(lab.result["input"], X)
    with torch.no_grad():
        torch.testing.assert_close(lab.result["probabilities"], lenet_like().eval()(X).softmax(1)[0])


@pytest.mark.parametrize("right, down", [(0, 0), (1, 0), (0, -1), (-3, 5), (14, -14), (-14, 14)])
def test_a_shift_is_a_roll_with_a_black_background(right, down):
    X = torch.rand(2, 1, 28, 28)
    rolled = X.roll((down, right), (2, 3))
    rows, columns = torch.arange(28) - down, torch.arange(28) - right
    inside = ((rows >= 0) & (rows < 28))[:, None] & ((columns >= 0) & (columns < 28))
    assert torch.equal(transform(X, right=right, down=down), rolled * inside)


def test_a_quarter_turn_is_counter_clockwise():
    X = torch.rand(1, 1, 28, 28)
    torch.testing.assert_close(transform(X, rotate=90), X.rot90(1, (2, 3)))
    torch.testing.assert_close(transform(X, rotate=180), X.flip(2, 3))


@pytest.mark.parametrize("shape", [(1, 1, 28, 28), (2, 3, 20, 32)])
@pytest.mark.parametrize("rotate, scale, right, down", [(30, 1.0, 0, 0), (-75, 0.5, 4, -3), (10, 2.0, -9, 6)])
def test_the_moves_are_torchvisions(shape, rotate, scale, right, down):
    X = torch.rand(shape)
    expected = TF.affine(X, -rotate, [right, down], scale, [0.0], TF.InterpolationMode.BILINEAR)
    moved = transform(X, right=right, down=down, rotate=rotate, scale=scale)
    # Where a corner of the picture leaves the frame, torchvision cuts at the edge pixels instead of fading them out.
    inner = transform(torch.ones(shape), right=right, down=down, rotate=rotate, scale=scale) > 0.999
    torch.testing.assert_close(moved[inner], expected[inner], atol=1e-4, rtol=0)
    assert inner.float().mean() > 0.15 and moved.shape == X.shape


def test_undo_moves_gives_the_picture_back(net, test_iter):
    lab = PictureLab(net, test_iter, index=2, right=5, down=5, rotate=45, scale=1.5)
    lab.button["undo moves"].click()
    torch.testing.assert_close(lab.result["input"], test_iter.batch([2])[0])
    assert (lab.right, lab.down, lab.rotate, lab.scale) == (0, 0, 0, 1.0)


@pytest.fixture
def drawing(net, test_iter):
    return PictureLab(net, test_iter, source=DRAWN)


def inked(lab):
    """The cells (row, column) that are not black."""
    cells = F.max_pool2d(lab.pad.ink[None], 2)[0]
    return {tuple(place) for place in cells.nonzero().tolist()}


def test_the_pad_is_made_when_it_is_needed(net, test_iter):
    lab = PictureLab(net, test_iter)
    assert "pad" not in vars(lab)
    lab.source = DRAWN
    assert len(lab.pad.cells) == len(lab.pad.cells[0]) == 14 and lab.result["true"] is None
    assert torch.equal(lab.result["picture"], torch.zeros(28, 28))
    lab.source = TEST
    assert lab.result["true"] == 0


def test_a_click_draws_and_the_net_answers_at_once(drawing, net):
    before = drawing.result["probabilities"]
    drawing.pad.brush.value = 1
    drawing.pad.cells[3][4].click()
    assert inked(drawing) == {(3, 4)} and torch.equal(drawing.result["picture"][6:8, 8:10], torch.ones(2, 2))
    X = (drawing.pad.ink[None, None] - 0.2) / 0.3
    with torch.no_grad():
        expected = lenet_like().eval()(X).softmax(1)[0]
    torch.testing.assert_close(drawing.result["probabilities"], expected)
    assert not torch.equal(expected, before)


def test_lines_join_two_clicks_and_erase_takes_away(drawing):
    pad = drawing.pad
    pad.brush.value, pad.pen.value = 1, "lift"
    pad.cells[2][2].click()
    assert not inked(drawing)
    pad.pen.value = "lines"
    pad.cells[2][6].click()
    pad.cells[6][10].click()
    line = {(2, j) for j in range(2, 7)} | {(2 + i, 6 + i) for i in range(5)}
    assert inked(drawing) == line
    pad.pen.value = "erase"
    pad.cells[2][4].click()
    assert inked(drawing) == line - {(2, 4)}


def test_the_sliders_draw_too(drawing):
    pad = drawing.pad
    pad.brush.value, start = 1, (pad.row, pad.column)
    pad.up.value += 1
    pad.across.value += 1
    assert (pad.row, pad.column) == (start[0] - 1, start[1] + 1)
    assert inked(drawing) == {(start[0] - 1, start[1]), (start[0] - 1, start[1] + 1)}
    crosses = [(i, j) for i, row in enumerate(pad.cells) for j, cell in enumerate(row) if cell.description.strip()]
    assert crosses == [(pad.row, pad.column)]
    assert pad.cells[start[0]][start[1]].description, "an empty one would leave the old cross on the page"
    pad.cells[0][13].click()
    assert (pad.up.value, pad.across.value) == (13, 13)


@pytest.mark.parametrize("size, count", [(1, 1), (2, 4), (3, 9), (4, 16)])
def test_the_brush_has_a_size_and_is_cut_at_the_edge(drawing, size, count):
    drawing.pad.brush.value = size
    drawing.pad.visit(6, 6)
    assert len(inked(drawing)) == count
    drawing.pad.clear()
    drawing.pad.visit(13, 13)
    assert (13, 13) in inked(drawing) and len(inked(drawing)) <= count


def test_a_drawing_can_start_from_the_test_picture(drawing, test_iter):
    drawing.index = 6
    drawing.button["copy picture"].click()
    torch.testing.assert_close(drawing.result["input"], test_iter.batch([6])[0])
    shades = {cell.style.button_color for row in drawing.pad.cells for cell in row}
    assert len(shades) > 2, "the cells show the picture"
    drawing.button["clear"].click()
    assert not inked(drawing)


def test_a_drawing_is_moved_as_a_picture_is(drawing):
    drawing.pad.visit(5, 5)
    before = drawing.result["picture"]
    drawing.update(right=2, down=1)
    assert torch.equal(drawing.result["picture"], before.roll((1, 2), (0, 1)))


def test_every_control_of_the_picture_lab_works(net, test_iter):
    lab = PictureLab(net, test_iter)
    drive(lab)
    said = lab.describe(lab.result)
    assert said.startswith("test picture 0 (t-shirt), shifted 0 right and 0 down, rotated 0°, scaled 1.00: ")
    assert f"with probability {lab.result['probabilities'].max():.3f}" in said
    assert lab.picture.count(">◂ true<") == 1


# A job in a thread ---------------------------------------------------------------------------------------


def test_a_job_tells_how_far_it_is_and_that_it_has_ended():
    seen = []
    job = Job(lambda job: [job.report(i / 4) for i in range(5)], lambda job: seen.append((job.progress, job.running)))
    assert not job.running and job.wait(), "before its start there is nothing to wait for"
    assert job.start() is job and job.wait(10)
    assert seen[-1] == (1.0, False) and not job.stopped and job.error is None
    assert all(running for _, running in seen[:-1])


def test_a_job_stops_at_its_next_report():
    begun, go = threading.Event(), threading.Event()

    def work(job):
        begun.set()
        assert go.wait(10)
        job.report(0.5)
        raise AssertionError("not reached")

    job = Job(work).start()
    assert begun.wait(10) and job.running and not job.wait(0.01)
    job.stop()
    go.set()
    assert job.wait(10) and job.stopped and not job.running and job.error is None
    assert issubclass(Stopped, Exception)


def test_a_job_keeps_its_error():
    job = Job(lambda job: 1 / 0).start()
    assert job.wait(10) and isinstance(job.error, ZeroDivisionError) and not job.stopped


# Learning-rate lab ---------------------------------------------------------------------------------------


@pytest.fixture
def lab(monkeypatch):
    monkeypatch.setitem(trainer.BUDGETS, "quick", (640, 50))
    lab = LearningRateLab(pictures(200, shuffle=True), pictures(60, seed=9))
    yield lab
    lab.stop()
    lab.wait()


def finish(lab, **settings):
    """Run with these settings and return the `Run`."""
    lab.update(**settings)
    lab.button["run"].click()
    lab.wait()
    return lab.result["runs"][-1]


def test_a_run_is_plain_sgd(lab):
    run = finish(lab, lr=0.1, batch_size=64, activation="ReLU", pooling="max")
    net = fresh_net(lambda: lab.build(run.settings, 10), seed=0)
    optimizer, losses = torch.optim.SGD(net.parameters(), lr=0.1), []
    data = pictures(200, shuffle=True, batch_size=64)
    batches = [batch for _ in range(3) for batch in data][:10]
    for X, y in batches:
        loss = F.cross_entropy(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert (run.end, run.steps, run.images) == ("done", 10, sum(len(y) for _, y in batches))
    assert [loss for _, loss, _ in run.points] == pytest.approx(losses, rel=1e-4)
    X, y = pictures(60, seed=9).batch(range(50))
    assert run.points[-1][2] == pytest.approx((net(X).argmax(1) == y).float().mean().item())
    assert [type(layer).__name__ for layer in net[:3]] == ["Conv2d", "ReLU", "MaxPool2d"]


def test_the_same_settings_give_the_same_curve_and_another_seed_another(lab):
    first, second = finish(lab), finish(lab)
    assert first.points == second.points and first.slot != second.slot
    other = LearningRateLab(lab.train_iter, lab.test_iter, seed=1)
    assert finish(other).points != first.points


def test_no_global_random_number_is_drawn(lab):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    finish(lab)
    assert torch.equal(torch.get_rng_state(), before)
    expected = next(iter(pictures(200, shuffle=True)))[1]
    assert torch.equal(next(iter(lab.train_iter))[1], expected), "nor one of the loader's"


def test_a_fresh_net_follows_its_seed_and_starts_its_norms_anew():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    nets = [fresh_net(bn_lenet, seed) for seed in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    first, again, other = ([value for value in net.state_dict().values()] for net in nets)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True)) and not torch.equal(first[0], other[0])
    norm = nets[0][1]
    assert torch.equal(norm.running_mean, torch.zeros(6)) and torch.equal(norm.running_var, torch.ones(6))
    assert torch.equal(norm.weight, torch.ones(6)) and norm.num_batches_tracked == 0
    bound = (6 / (25 + 6 * 25)) ** 0.5
    assert 0.8 * bound < nets[0][0].weight.abs().max() <= bound and not nets[0][0].bias.any()


def test_a_run_leaves_the_page_free_and_stops_at_once(lab):
    lab.budget = 10**9
    lab.button["run"].click()
    assert lab.running and lab.button["run"].disabled and not lab.button["stop"].disabled
    lab.lr = 0.01  # the controls stay free; the run goes on as it began
    lab.button["run"].click()
    assert len(lab.result["runs"]) == 1 and lab.result["settings"]["lr"] == 0.01
    lab.button["clear"].click()
    assert len(lab.result["runs"]) == 1, "a run that is going is not forgotten"
    lab.button["stop"].click()
    lab.wait()
    run = lab.result["runs"][0]
    assert run.end == "stopped" and not run.points and 0 <= run.steps < 10**5 and not lab.running


def test_a_stopped_run_keeps_its_curve(lab):
    lab.budget, shown = 20_000, threading.Event()
    lab._picture.observe(lambda _: any(run.points for run in lab.result["runs"]) and shown.set(), "value")
    lab.button["run"].click()
    assert shown.wait(20), "the curve grows while the run is going"
    lab.button["stop"].click()
    lab.wait()
    run = lab.result["runs"][0]
    assert run.end == "stopped" and 0 < len(run.points) < 20 and run.settings["lr"] == 0.9
    assert len(run.points) * 15 <= run.steps < 20_000 // 64 and f"{run.steps} steps, stopped" in lab.picture
    assert "stopped" in lab.picture and not lab.running and lab.button["stop"].disabled
    lab.button["clear"].click()
    assert lab.result["runs"] == []


def test_a_diverged_run_says_so_and_the_axes_stay(lab):
    run = finish(lab, lr=10.0, activation="ReLU", pooling="max")
    assert run.end == "diverged" and run.images > 0
    assert "diverged: the loss became infinite or NaN by step" in lab.describe(lab.result) and "✕" in lab.picture
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"infinite or NaN", "", lab.picture))
    width, height = svg.size(lab.picture)
    for points in re.findall(r'points="([^"]*)"', lab.picture):
        for x, y in (map(float, point.split(",")) for point in points.split()):
            assert 0 <= x <= width and 0 <= y <= height
    assert not lab.errors


def test_the_last_six_runs_stay_each_with_its_own_line(lab):
    lab.budget = 64
    for rate in (0.001, 0.01, 0.1, 0.2, 0.5, 0.9, 2.0, 5.0):
        finish(lab, lr=rate)
    runs = lab.result["runs"]
    assert [run.settings["lr"] for run in runs] == [0.1, 0.2, 0.5, 0.9, 2.0, 5.0]
    looks = {(style(run.slot)["stroke"], style(run.slot)["dash"]) for run in runs}
    assert len(looks) == KEPT == len({run.slot for run in runs})
    assert lab.result["slot"] == runs[0].slot, "the next run takes the colour of the one it pushes out"


def test_an_error_in_the_thread_shows_under_the_picture(monkeypatch):
    monkeypatch.delenv("CNN_COURSE_STRICT")
    small = LearningRateLab(pictures(20, side=26), pictures(20, side=26))  # LeNet takes 28 x 28
    run = finish(small)
    assert run.end == "stopped" and isinstance(small.errors[-1], ValueError)
    assert 'role="alert"' in small._message.value and "(20, 1, 26, 26)" in small._message.value


def test_every_control_of_the_learning_rate_lab_works(lab):
    lab.budget = 64
    drive(lab)
    assert "no run is going. Next run: lr 0.9, batch 64, sigmoid, avg pooling. no run yet." in lab.describe(lab.result)
