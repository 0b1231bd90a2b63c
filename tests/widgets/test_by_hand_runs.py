"""The widgets that draw, train and measure, by a real mouse and real keys in JupyterLab."""

import pathlib

import pytest

from .mouse import on

CELLS = [f"""import sys
sys.path.insert(0, {str(pathlib.Path(__file__).parents[2])!r})
from tests.examples import lenet_like, pictures
from helpers.widgets import PictureLab
picture_lab = PictureLab(lenet_like(), pictures(40))
picture_lab""", """from helpers.widgets import BatchNormExplorer
BatchNormExplorer(seen=5)""", """from helpers.widgets import RooflineExplorer
RooflineExplorer("cpu")""", """from helpers.widgets import DepthLab, LearningRateLab
from tests.widgets.test_depth_lab import pictures as small
from helpers.widgets.kit import trainer
trainer.BUDGETS["quick"] = trainer.BUDGETS["cpu"] = trainer.BUDGETS["gpu"] = (640, 50)
lab = LearningRateLab(pictures(200, shuffle=True), pictures(60, seed=9))
for lr in (0.9, 0.01, 0.1):
    lab.lr = lr
    lab.run()
    lab.wait()
lab""", "DepthLab(small(200, shuffle=True), small(60, seed=9), blocks=3)"]  # fmt: skip


@on(0)
@pytest.mark.timeout(200)
def test_draw_drag_turn_and_scale(hand):
    """A stroke shows before Python knows of it; the picture is moved by its handles; keys do all of it."""
    hand.to("drawing pad", 0.1, 0.5)
    hand.mouse.down()
    hand.to("drawing pad", 0.9, 0.5, steps=10)
    line = hand.widget.locator("polyline[stroke-linecap]")
    points = line.get_attribute("points").split()
    hand.mouse.up()
    assert len(points) > 8, "each move is in the line at once"
    hand.wait_for("the drawing")
    line.wait_for(state="detached")
    assert float(hand.ask("print(picture_lab.pad.ink[13:15, 4:24].min().item())")) > 0.99

    hand.drag("picture,", (0.5, 0.5), (0.5 + 3 / 28, 0.5 - 2 / 28))
    hand.wait_for("shifted 3 right and -2 down")
    far = 124 / 26  # px between the knob and the middle of the picture, in sides of the knob
    hand.drag("turn", (0.5, 0.5), (0.5 - far, 0.5 + far))
    hand.wait_for("rotated 90°")
    hand.widget.get_by_role("button", name="undo moves").click()
    hand.wait_for("shifted 0 right and 0 down, rotated 0°, scaled 1.00")
    hand.drag("scale", (0.5, 0.5), (0.5 - 126 / 26 / 2, 0.5 - 126 / 26 / 2))
    hand.wait_for("scaled 0.50")

    hand.press("picture,", "ArrowRight", "ArrowDown")
    hand.wait_for("shifted 1 right and 1 down")
    hand.press("turn", "ArrowUp")
    hand.wait_for("rotated 5°")
    hand.press("scale", "End")
    hand.wait_for("scaled 2.00")
    hand.widget.get_by_role("button", name="clear").click()
    fast = "Home", " ", "ArrowRight", "ArrowRight", " ", "ArrowRight", "ArrowRight", " ", " "
    hand.press("drawing pad", *fast)  # faster than pictures come: none of these steps may be lost or overtaken
    hand.area("drawing pad, the pen up at row 14, column 4").wait_for()
    inked = "print((picture_lab.pad.ink[14, :8] > 0.9).int().tolist())"
    hand.until(lambda: hand.ask(inked).strip() == "[1, 1, 1, 0, 1, 0, 0, 0]")  # a line of three, then a dot


@on(1)
@pytest.mark.timeout(200)
def test_drag_a_histogram_its_ends_and_the_number_of_batches(hand):
    """Shift and scale of the input, beta and gamma of the output, the batches seen: each by mouse and by keys."""
    shift = 4 / 20  # of the width of the plot, which shows 20 units
    hand.drag("input", (0.5, 0.5), (0.5 - shift, 0.5))
    hand.area("input, shift -1").wait_for()  # where the drag ends: the handle of the scale goes along with it
    hand.drag("scale", (0.5, 0.5), (0.5 - 1.5 / 20 * 330 / 20, 0.5))
    hand.area("scale 0.5").wait_for()
    hand.drag("output", (0.5, 0.5), (0.5 + 2 / 20, 0.5))
    hand.wait_for("after it mean 2, standard deviation 1.")
    hand.drag("gamma", (0.5, 0.5), (0.5 - 2 / 20 * 330 / 20, 0.5))
    hand.area("gamma -1").wait_for()
    hand.drag("running variance", (0.1, 0.5), (40 / 61, 0.5))
    hand.wait_for("After 41 training batches")
    keys = [("input", "ArrowRight", "input, shift -0.5"), ("scale", "End", "scale 2.5"),
            ("gamma", "ArrowUp", "gamma -0.75"), ("output", "Home", "output, beta -3"),
            ("running mean", "PageDown", "running mean, 30")]  # fmt: skip
    for label, key, said in keys:
        hand.press(label, key)
        hand.area(said).wait_for()
    hand.widget.get_by_role("button", name="eval").click()
    hand.wait_for("eval mode")


@on(2)
@pytest.mark.timeout(200)
def test_point_at_a_layer_of_resnet18(hand):
    """A dot, a bar, the own square: what lies under the pointer gives the numbers; arrow keys go through the net."""
    assert hand.said().startswith("Your layer, 3×3, 32 to 32 channels")
    hand.to("dot, convolution 1 ", 0.5, 0.5)
    hand.wait_for("Convolution 1 of ResNet-18, 7×7, 1 to 64 channels, 96×96 pixels, stride 2")
    hand.to("times of ResNet-18", 7.5 / 20, 0.5)
    hand.wait_for("Convolution 8 of ResNet-18, 1×1, 64 to 128 channels")
    hand.press("times of ResNet-18", "ArrowRight")
    hand.wait_for("Convolution 9 of ResNet-18")
    hand.press("times of ResNet-18", "End")
    hand.wait_for("Convolution 20 of ResNet-18, 3×3, 512 to 512 channels")
    hand.to("square, your layer", 0.5, 0.5)
    hand.wait_for("Your layer")


@on(3)
@pytest.mark.timeout(200)
def test_take_the_settings_of_a_named_run(hand):
    """Pointing at a run lights its curves; a click, or Enter, sets the controls as they were in it."""
    assert "Next run: lr 0.1," in hand.said()
    hand.to("run A", 0.5, 0.5)
    assert hand.widget.locator(".cnn-lit").count() == 2, "the row and the curves"
    hand.area("run A").click()
    hand.wait_for("Next run: lr 0.9, batch 64, sigmoid, avg pooling")
    hand.press("run B", "Enter")
    hand.wait_for("Next run: lr 0.01,")
    hand.widget.get_by_role("button", name="run", exact=True).click()
    hand.area("run D").wait_for()
    hand.page.wait_for_function("box => !box.querySelector('svg[aria-label]').getAttribute('aria-label').startsWith("
                                "'running')", arg=hand.widget.element_handle())  # fmt: skip


@on(4)
@pytest.mark.timeout(200)
def test_drag_the_depth(hand):
    hand.drag("length of the gradient", (3 / 24, 0.5), (10 / 24, 0.5))
    hand.wait_for("10 blocks, plain, with batch norm: 22 layers")
    hand.press("cosine between", "ArrowLeft")
    hand.wait_for("9 blocks, plain")
    hand.press("cosine between", "Home")
    hand.wait_for("1 block, plain")
