"""LearningRateLab: a run is plain SGD, repeatable, and leaves the page free."""

import html
import json
import re
import threading

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.drawing import svg
from helpers.networks import bn_lenet
from helpers.widgets import LearningRateLab
from helpers.widgets.kit import trainer
from helpers.widgets.kit.driver import drive
from helpers.widgets.kit.run_picture import KEPT, style
from helpers.widgets.kit.short_run import fresh_net

from ..examples import pictures


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


class NanInTests(nn.Module):
    """Hands on its input in training and nan in evaluation, as weights do that the last steps have blown up."""

    def forward(self, X):
        return X if self.training else X * float("nan")


def test_a_run_whose_answers_are_no_numbers_has_diverged(lab, monkeypatch):
    net = nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 10), NanInTests())
    monkeypatch.setattr(LearningRateLab, "build", lambda self, settings, num_classes: net)
    run = finish(lab, lr=0.1)
    assert run.end == "diverged" and run.points == [] and not lab.errors


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_test_pictures_that_do_not_fit_are_no_divergence(lab):
    lab.test_iter.labels[0] = 11  # no class of the net
    lab.button["run"].click()
    lab.wait()
    assert "labels are no class of the net" in str(lab.errors[-1]) and lab.runs[-1].end != "diverged"


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


def test_a_loss_beyond_the_axis_is_marked_and_not_drawn_as_if_it_were_three(lab):
    finish(lab, lr=0.1)
    assert "▲" not in lab.picture
    run = finish(lab, lr=0.9, activation="ReLU")
    high = sum(loss > 3 for _, loss, _ in run.points)
    assert high and lab.picture.count('stroke="none"') == high and "▲ loss above 3, beyond the axis" in lab.picture


def test_a_click_on_a_run_takes_its_settings_and_the_next_run_says_whether_it_is_new(lab):
    lab.budget = 64
    finish(lab, lr=0.5, batch_size=16, activation="ReLU", pooling="max")
    assert "next run: the same as A, change a setting" in lab.picture
    finish(lab, lr=0.01, batch_size=64)
    sets = [json.loads(html.unescape(told))["set"] for told in re.findall(r'data-touch="([^"]*)"', lab.picture)]
    assert sets == [{**run.settings} for run in lab.runs]
    lab._picture.send = lambda told: None
    moves = [[name, [], value] for name, value in sets[0].items()]
    lab._picture._handle_custom_msg({"id": 1, "do": "set", "values": moves}, [])
    assert lab.values == lab.runs[0].settings and lab.controls["lr"].value == 0.5
    lab.lr = 0.2
    assert "next run: press run" in lab.picture and not lab.errors


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
