"""ConvolutionIntegral: curve and area are the closed forms."""

import math
import statistics

import pytest
import torch

from helpers.drawing import svg
from helpers.widgets import ConvolutionIntegral
from helpers.widgets.kit.driver import drive
from helpers.widgets.layers.convolution_integral import EATEN, LEFT_OVER

from .looks import assert_texts_stand_apart, smallest_font
from .test_hand import moved


def test_every_control_moves_the_picture():
    assert drive(ConvolutionIntegral()) > 10


def area(g, s):
    """Return the integral of the share g from 0 to s, in closed form."""
    s = max(s, 0.0)
    short = min(s, 4.0)
    return {"fades": 2 - 2 * math.exp(-s / 2), "shrinks": short - short**2 / 8, "stays 3 hours": min(s, 3.0)}[g]


def volume(g, s):
    """Return the integral of `area` from 0 to s, in closed form."""
    s = max(s, 0.0)
    short, three = min(s, 4.0), min(s, 3.0)
    return {
        "fades": 2 * s - 4 + 4 * math.exp(-s / 2),
        "shrinks": short**2 / 2 - short**3 / 24 + 2 * (s - short),
        "stays 3 hours": three**2 / 2 + 3 * (s - three),
    }[g]


def portions_left(f, g, x):
    """Return (f ∗ g)(x) in closed form: a meal from a to b leaves area(x − a) − area(x − b); the ramp by parts."""
    if f == "more and more":
        return (volume(g, x) - volume(g, x - 4)) / 4 - area(g, x - 4)
    meals = {"one meal": [(0, 2)], "three meals": [(0, 1), (4, 5), (8, 9)]}[f]
    return sum(area(g, x - start) - area(g, x - end) for start, end in meals)


@pytest.mark.parametrize("g", LEFT_OVER)
@pytest.mark.parametrize("f", EATEN)
def test_the_curve_is_the_closed_form(f, g):
    result = ConvolutionIntegral(f=f, g=g).result
    exact = torch.tensor([portions_left(f, g, x) for x in result["xs"].tolist()], dtype=torch.float64)
    torch.testing.assert_close(result["curve"], exact, atol=2e-4, rtol=0)
    assert exact.max() > 0.5


@pytest.mark.parametrize("g", LEFT_OVER)
@pytest.mark.parametrize("f", EATEN)
def test_the_area_is_the_closed_form_at_every_stop_of_the_slider(f, g):
    widget = ConvolutionIntegral(f=f, g=g)
    for tenths in range(0, 121, 5):
        widget.x = tenths / 10
        assert widget.result["amount"] == pytest.approx(portions_left(f, g, tenths / 10), abs=2e-4)


def test_the_point_lies_on_the_curve():
    widget = ConvolutionIntegral(f="three meals", g="shrinks")
    for x in (0.3, 4.7, 12.0):
        widget.x = x
        at = (widget.result["xs"] - x).abs().argmin()
        assert widget.result["curve"][at].item() == pytest.approx(widget.result["amount"], abs=1e-9)


def test_g_is_flipped_and_starts_at_x():
    result = ConvolutionIntegral(x=5.0, g="shrinks").result
    inside = (result["times"] > 1) & (result["times"] < 5)
    seen = result["flipped"][inside]
    assert (seen.diff() > 0).all() and not result["flipped"][result["times"] > 5].any()


@pytest.mark.parametrize(("x", "t", "words"), [(3.0, 1.0, "1 and 2 add up to 3"), (2.0, 5.0, "5 and -3 add up to 2")])
def test_the_arguments_add_up(x, t, words):
    widget = ConvolutionIntegral(x=x, t=t)
    assert words in widget.describe(widget.result)
    share = math.exp(-(x - t) / 2) if x >= t else 0.0
    assert widget.result["g(x-t)"] == pytest.approx(share)


def test_a_whole_meal_counts_before_anything_is_lost():
    widget = ConvolutionIntegral(f="one meal", g="stays 3 hours", x=2.5)
    assert widget.result["amount"] == pytest.approx(2.0)
    assert statistics.fmean(widget.result["eaten"].tolist()) * 16 == pytest.approx(2.0)


def test_the_hand_drags_g_and_the_moment_of_eating():
    widget = ConvolutionIntegral()
    moved(widget, ("x", [], 5.5), ("t", [], 0.4))
    assert (widget.x, widget.t) == (5.5, 0.4)
    assert widget.result["amount"] == pytest.approx(portions_left("one meal", "fades", 5.5), abs=2e-4)
    moved(widget, ("x", [], -3), ("t", [], 20))
    assert (widget.x, widget.t) == (0.0, 12.0)
    assert [widget.picture.count(f'"name": "{name}"'.replace('"', "&quot;")) for name in "xt"] == [2, 1]


def test_x_walks_by_itself():
    widget = ConvolutionIntegral(x=0.0)
    assert widget.play.max == 120
    widget.play.value = 31
    assert widget.x == widget.result["x"] == 3.1


@pytest.mark.parametrize("g", LEFT_OVER)
@pytest.mark.parametrize(("x", "t"), [(3.0, 1.0), (0.0, 12.0), (12.0, 0.0), (10.1, 11.9)])
def test_its_texts_are_readable_and_stand_apart(x, t, g):
    picture = ConvolutionIntegral(x=x, t=t, g=g).picture
    assert smallest_font(picture) >= 11 and "-0.000" not in picture
    assert svg.size(picture) == svg.size(ConvolutionIntegral().picture)
    assert_texts_stand_apart(picture)
