"""The widgets of weights and costs, held by a real mouse and by keys in JupyterLab."""

import pytest

from .mouse import on

WIDGETS = {"ConvolutionIntegral": "", "DenseCost": "", "KernelLearner": "steps=10", "ChannelMixer": "",
           "ChannelWalk": "", "CostCalculator": ""}  # fmt: skip
CELLS = [f"from helpers.widgets import {name}\n{name}({values})" for name, values in WIDGETS.items()]
INTEGRAL, COST, LEARNER, MIXER, WALK, CALCULATOR = range(6)


@on(INTEGRAL)
@pytest.mark.timeout(300)
def test_g_is_dragged_along_x_and_so_is_the_moment(hand):
    hand.drag("g, flipped", (0.25, 0.5), (0.5, 0.5))  # a quarter of 16 hours
    hand.wait_for("At x = 7 h")
    hand.drag("the moment", (0.3, 0.5), (0.375, 0.5))
    hand.wait_for("At x = 7 h, food eaten at t = 2 h")
    hand.drag("now, x", (0.5, 0.5), (0.4375, 0.5))
    hand.wait_for("At x = 3 h")
    hand.press("g, flipped", "ArrowRight", "ArrowRight")
    hand.wait_for("At x = 3.2 h")
    hand.press("now, x", "ArrowLeft")
    hand.wait_for("At x = 3.1 h")
    hand.press("the moment", "Home")
    hand.wait_for("eaten at t = 0 h")


@on(COST)
@pytest.mark.timeout(300)
def test_a_bar_is_dragged(hand):
    hand.press("3×3 convolution, weights", "ArrowRight")
    hand.wait_for("the 5×5 convolution has 7,500")
    hand.press("5×5 convolution, memory", "ArrowLeft", "ArrowLeft")
    hand.wait_for("the 1×1 convolution has 300")
    hand.drag("dense layer, weights", (9.556 / 15, 0.5), (9 / 15, 0.5))  # from 3.6 billion to a billion
    megapixels = pytest.approx(1e9 / 300 / 1e6, abs=0.15)
    hand.until(lambda: float(hand.said().split(" megapixels")[0]) == megapixels)
    hand.press("dense layer, multiply-adds", "End")
    hand.wait_for("50 megapixels")


@on(LEARNER)
@pytest.mark.timeout(300)
def test_the_start_is_dragged_in_the_plane_of_the_weights(hand):
    hand.drag("start at", (1 / 3, 0.2), (5 / 9, 4 / 7))
    hand.wait_for("From [1, -1]")
    hand.press("start at", "ArrowRight", "ArrowUp", "ArrowUp")
    hand.wait_for("From [1.05, -0.9]")
    hand.press("start at", "PageDown")
    hand.wait_for("From [1.05, -1.4] with learning rate 0.030, after 10 steps")


@on(MIXER)
@pytest.mark.timeout(300)
def test_the_pixel_and_the_weights_are_dragged(hand):
    hand.drag("pixel in", (0.1, 0.1), (0.5025, 0.2525))
    hand.wait_for("The pixel in row 50, column 100")
    hand.press("output pixel", "ArrowDown", "ArrowLeft")
    hand.wait_for("The pixel in row 51, column 99")
    hand.drag("bias for output 0", (0.5, 0.6), (0.5, 0.1))
    hand.wait_for("values from 0.5")
    hand.press("bias for output 0", "ArrowDown", "PageDown")
    hand.wait_for("values from -0.0")
    assert hand.area("bias for output 0").get_attribute("aria-valuenow") == "-0.05"
    hand.press("weight of R", "Home")
    hand.wait_for("values from -3")
    hand.drag("weight of R", (0.5, 0.9), (0.5, -3.1))  # four times its height
    hand.until(lambda: float(hand.area("weight of R").get_attribute("aria-valuenow")) == 0)
    ghost = hand.widget.locator("[data-ghost=pixel]").last
    hand.to("pixel in", 0.2525, 0.1025)
    assert ghost.get_attribute("transform") == "translate(50,20)" and ghost.get_attribute("visibility") == "visible"


@on(WALK)
@pytest.mark.timeout(300)
def test_the_window_walks_by_hand(hand):
    hand.drag("window of channel 1", (0.1, 0.1), (0.5, 0.4))
    hand.wait_for("43 + 77 + bias 0 = 120")
    hand.area("output map 2").click()
    hand.wait_for("91 + 133 + bias 0 = 224")
    hand.press("element of output map 2", "ArrowUp", "ArrowLeft")
    hand.wait_for("= 96.")
    hand.press("output map 0", "Enter")
    hand.wait_for("19 + 37 + bias 0 = 56")


@on(CALCULATOR)
@pytest.mark.timeout(300)
def test_a_number_is_dragged_in_its_formula_and_a_bar_clicked(hand):
    hand.drag("output channels, cₒ = 100, in parameters", (0.5, 0.5), (0.5, -1.5))  # twice its height: 48
    hand.wait_for("100 to 148 channels")
    hand.press("kernel size, k = 5, in multiply-adds", "ArrowUp")
    hand.wait_for("kernel 7×7")
    hand.area("grouped in multiply-adds").click()
    hand.wait_for("grouped convolution, 4 groups")
    hand.press("depthwise-separable in activation memory", " ")
    hand.wait_for("depthwise-separable convolution")
    hand.press("input channels", "End")
    hand.wait_for("512 to 148 channels")
