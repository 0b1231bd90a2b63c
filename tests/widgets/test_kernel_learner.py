"""Learn-the-kernel: its run is gradient descent as written by hand and as autograd does it, and never ends in inf."""

import math
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.widgets import KernelLearner
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.kernel_learner import TOO_MUCH, X, Y, start_kernel
from helpers.widgets.layers.learner_picture import ACROSS, DOWN, LIMITS, LOSS, MOST_STEPS, OFF_SCALE, PLANE

from .looks import assert_texts_stand_apart, smallest_font
from .test_hand import moved


@pytest.fixture(autouse=True)
def _strict(monkeypatch):
    monkeypatch.setenv("CNN_COURSE_STRICT", "1")


@pytest.fixture(scope="module")
def learner():
    return KernelLearner()


def by_hand(seed, lr, steps):
    """Notebook 02's loop: autograd's gradient, the update written out. Returns the kernels and losses."""
    torch.manual_seed(seed)
    conv2d = nn.Conv2d(1, 1, (1, 2), bias=False)
    kernels, losses = [], []
    for _ in range(steps + 1):
        loss = ((conv2d(X.float()[None, None]) - Y.float()) ** 2).sum()
        kernels.append(conv2d.weight.detach().clone().reshape(1, 2))
        losses.append(loss.item())
        conv2d.zero_grad()
        loss.backward()
        conv2d.weight.data -= lr * conv2d.weight.grad
    return kernels, losses


def test_every_control_works():
    assert drive(KernelLearner()) > 12


@pytest.mark.parametrize("seed", [0, 3, 9])
@pytest.mark.parametrize("lr", [0.001, 0.02, 0.03])
def test_the_run_is_gradient_descent(learner, seed, lr):
    learner.update(seed=seed, lr=lr, steps=20)
    kernels, losses = by_hand(seed, lr, 20)
    assert learner.result["losses"] == pytest.approx(losses, rel=1e-3, abs=1e-5)
    shown = torch.stack(learner.result["kernels"]).float()
    torch.testing.assert_close(shown, torch.stack(kernels), atol=1e-4, rtol=1e-4)
    assert torch.equal(learner.result["K"], learner.result["kernels"][-1])


def test_the_output_shown_is_that_of_the_kernel(learner):
    learner.update(seed=0, lr=0.03, steps=5)
    output = F.conv2d(X[None, None], learner.result["K"][None, None])[0, 0]
    torch.testing.assert_close(learner.result["output"], output)
    assert ((output - Y) ** 2).sum().item() == pytest.approx(learner.result["loss"])


@pytest.mark.parametrize("seed", range(10))
def test_ten_steps_find_the_edge_detector_from_every_start(learner, seed):
    learner.update(seed=seed, lr=0.03, steps=10)
    assert learner.result["loss"] < 1
    torch.testing.assert_close(learner.result["K"], torch.tensor([[1.0, -1.0]]).double(), atol=0.1, rtol=0)


@pytest.mark.parametrize("seed", range(10))
def test_start_is_that_of_conv2d(seed):
    torch.manual_seed(seed)
    assert torch.equal(nn.Conv2d(1, 1, (1, 2), bias=False).weight.detach().reshape(1, 2).double(), start_kernel(seed))


def test_x_and_y_are_the_edge_picture():
    assert X.shape == (6, 8) and X[0].tolist() == [1, 1, 0, 0, 0, 0, 1, 1]
    assert Y.shape == (6, 7) and Y[0].tolist() == [0, 1, 0, 0, 0, -1, 0]


def test_buttons_step_and_reset(learner):
    learner.update(seed=0, lr=0.02, steps=0)
    learner.button["1 step"].click()
    assert learner.steps == learner.result["steps"] == learner.controls["steps"].value == 1
    learner.button["10 steps"].click()
    assert learner.steps == 11 and len(learner.result["losses"]) == 12
    for _ in range(6):
        learner.button["10 steps"].click()
    assert learner.steps == MOST_STEPS
    learner.button["reset"].click()
    assert learner.steps == 0 and learner.result["kernels"][0].equal(learner.result["K"])


@pytest.mark.parametrize("lr", [0.034, 0.045, 0.06])
def test_a_rate_too_large_diverges_in_view(learner, lr):
    learner.update(seed=2, lr=lr, steps=MOST_STEPS)
    losses = learner.result["losses"]
    assert losses[-1] > losses[len(losses) // 2] and all(map(math.isfinite, losses))
    assert losses[-1] < 20 * TOO_MUCH and (lr < 0.04 or learner.result["diverged"])
    for word in ("nan", "inf"):
        assert word not in learner.picture.lower()
    assert ("diverges" in learner.picture) == learner.result["diverged"]


def test_the_edge_of_divergence_is_two_over_the_largest_curvature(learner):
    """Hessian 2·WᵀW over all windows: eigenvalues 12 and 60, so rates below 2/60 shrink the loss, above it grows."""
    windows = X.unfold(1, 2, 1).reshape(-1, 2)
    curvature = 2 * torch.linalg.eigvalsh(windows.T @ windows)
    assert curvature.tolist() == pytest.approx([12, 60])
    learner.update(seed=2, lr=0.033, steps=MOST_STEPS)
    assert learner.result["loss"] < learner.result["losses"][0] / 10
    learner.update(lr=0.034)
    assert learner.result["loss"] > learner.result["losses"][-10]


def test_nothing_jumps(learner):
    boxes = set()
    for values in (dict(steps=0), dict(steps=50), dict(lr=0.06), dict(lr=0.001)):
        learner.update(**values)
        boxes.add(learner.picture.split("viewBox")[1].split('"')[1])
    assert len(boxes) == 1


def squares(picture, panel):
    """The middles of the squares of a run in a panel, as shares of its size; the last point's is the last."""
    found = re.findall(r'<rect x="(\S+)" y="(\S+)" width="([58])" height="\3" fill="(?:#1f5af0|#ad5800)"', picture)
    middles = [((float(x) + int(side) / 2 - panel["x"]) / panel["width"],
                1 - (float(y) + int(side) / 2 - panel["y"]) / panel["height"]) for x, y, side in found]  # fmt: skip
    return [(u, v) for u, v in middles if -0.02 < u < 1.02 and -0.02 < v < 1.02]


@pytest.mark.parametrize("lr", [0.005, 0.028, 0.03, 0.034])
def test_the_loss_is_drawn_where_it_is(learner, lr):
    """The whole run stays on the scale: at 0.03 the loss falls to 4e-10 within 50 steps, at 0.028 to 1e-16."""
    learner.update(seed=0, lr=lr, steps=MOST_STEPS)
    low, high = LIMITS
    drawn = [low + share * (high - low) for _, share in squares(learner.picture, LOSS)]
    assert drawn == pytest.approx([math.log10(loss) for loss in learner.result["losses"]], abs=0.05)


@pytest.mark.parametrize("seed", range(10))
def test_no_loss_of_any_rate_is_below_the_scale(learner, seed):
    for lr in range(1, 61):
        learner.update(seed=seed, lr=lr / 1000, steps=MOST_STEPS)
        assert LIMITS[0] < math.log10(learner.result["loss"]) < LIMITS[1]


@pytest.mark.parametrize(("lr", "steps"), [(0.03, 20), (0.034, 50), (0.06, 3), (0.06, 50)])
def test_a_kernel_is_drawn_where_it_is_or_said_to_be_off_the_scale(learner, lr, steps):
    learner.update(seed=2, lr=lr, steps=steps)
    shares = [[(weight - low) / (high - low) for weight, (low, high) in zip(K[0].tolist(), (ACROSS, DOWN), strict=True)]
              for K in learner.result["kernels"]]  # fmt: skip
    seen = [all(0 <= share <= 1 for share in point) for point in shares]
    drawn = squares(learner.picture, PLANE)
    wanted = [point for point, inside in zip(shares, seen, strict=True) if inside]
    assert len(drawn) == len(wanted) > 0
    for point, want in zip(drawn, wanted, strict=True):
        assert point == pytest.approx(want, abs=0.01)
    assert (OFF_SCALE in learner.picture) == (not seen[-1])
    x, y = PLANE["x"] - 1, PLANE["y"] - 1
    for line in re.findall(r'<polyline points="([^"]*)"', learner.picture):
        ends = [tuple(map(float, pair.split(","))) for pair in line.split()]
        if ends[0][0] > x and ends[0][1] > y:  # below the tables, on the right: the plane and its ticks
            assert all(a <= x + PLANE["width"] + 9 and b <= y + PLANE["height"] + 9 for a, b in ends)


def test_the_hand_drags_the_start(learner):
    learner.update(seed=1, lr=0.03, steps=8)
    moved(learner, ("first", [], -0.5), ("second", [], 0.25))
    assert learner.result["kernels"][0].tolist() == [[-0.5, 0.25]]
    K = torch.tensor([[-0.5, 0.25]], dtype=torch.float64, requires_grad=True)
    for _ in range(8):
        loss = ((F.conv2d(X[None, None], K[None, None]) - Y) ** 2).sum()
        K = (K - 0.03 * torch.autograd.grad(loss, K)[0]).detach().requires_grad_()
    torch.testing.assert_close(learner.result["K"], K.detach())
    moved(learner, ("first", [], 99), ("second", [], 99))
    assert (learner.first, learner.second) == (ACROSS[1], DOWN[1])
    learner.button["another start"].click()
    assert learner.seed == 2 and learner.result["kernels"][0].equal(start_kernel(2))


def test_a_start_of_ones_own_and_one_drawn():
    assert KernelLearner(seed=3).result["K"].equal(start_kernel(3))
    own = KernelLearner(seed=3, first=1.0, second=-1.0)
    assert own.result["loss"] == 0 and OFF_SCALE in own.picture, "a loss of 0 is on no scale of powers"


@pytest.mark.parametrize("values", [dict(steps=0), dict(steps=10), dict(lr=0.06, steps=50), dict(lr=0.034, steps=50),
                                    dict(steps=9, first=3.0, second=1.0), dict(first=-1.5, second=-2.5, lr=0.034)])
def test_its_texts_are_readable(values):
    picture = KernelLearner(**values).picture
    assert smallest_font(picture) >= 11
    tables, plane = picture.split("the loss before", 1)
    assert_texts_stand_apart(tables + "</text></svg>")
