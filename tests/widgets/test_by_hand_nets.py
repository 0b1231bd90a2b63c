"""The widgets on whole nets, by a real mouse and real keys in JupyterLab."""

import pathlib

import pytest

from .mouse import on

CELLS = [f"""import sys
sys.path.insert(0, {str(pathlib.Path(__file__).parents[2])!r})
import torch
from torch import nn
from tests.examples import lenet_like, pictures
from helpers.widgets import AugmentationExplorer, ClassMaps, FeatureMaps, InceptionExplorer, LookInside, VGGBuilder
feature_maps = FeatureMaps(lenet_like(), pictures(40))
feature_maps""", """look = LookInside(lenet_like(), pictures(40))
look""", """torch.manual_seed(0)
mean = nn.Sequential(nn.Conv2d(1, 10, 7, stride=7), nn.AdaptiveAvgPool2d(1), nn.Flatten())
class_maps = ClassMaps(mean, pictures(40))
class_maps""", """builder = VGGBuilder(pictures(64, side=32, shuffle=True), pictures(20, side=32))
builder""", """block = InceptionExplorer()
block""", """augmented = AugmentationExplorer(lenet_like(), pictures(40))
augmented"""]  # fmt: skip


@on(0)
@pytest.mark.timeout(200)
def test_click_a_layer_a_map_a_pixel_and_a_picture(hand):
    hand.click("layers", (4.5 / 6, 0.25))  # the fifth of twelve layers, in two rows
    hand.wait_for("layer net[4] Conv2d: 16 maps")
    hand.click("maps", (0.9, 0.1))
    hand.wait_for("channel 5 ")  # six of sixteen in a row
    hand.drag("pixel", (0.05, 0.05), (0.75, 0.35))
    hand.wait_for("at row 3, column 7")
    hand.drag("window", (0.5, 0.5), (0.95, 0.95))
    hand.wait_for("at row 9, column 9")
    hand.click("test pictures", (3.5 / 18, 0.5))
    hand.wait_for("picture 3 (dress; the net says")
    hand.area("later test pictures").click()
    hand.wait_for("picture 18 ")

    hand.press("test pictures", "ArrowRight", "PageDown")
    hand.wait_for("picture 37 ")
    hand.press("pixel", "ArrowUp", "ArrowLeft")
    hand.wait_for("at row 8, column 8")
    hand.press("maps", "ArrowRight", "ArrowDown")
    hand.wait_for("channel 12 ")
    hand.press("layers", "End")
    hand.wait_for("layer net[11] Linear: 10 values")
    hand.click("values", (0.5, 0.75))
    hand.wait_for("unit 7:")
    hand.press("values", "ArrowUp")
    hand.wait_for("unit 6:")
    hand.press("layers", "ArrowUp", "Home")
    hand.wait_for("layer net[0]")
    hand.ask("r = feature_maps.result")
    hand.ask("value = r['activations']['0'][r['channel']][r['place']]")
    assert hand.ask("print(float(value) == r['value'])").strip() == "True"


@on(1)
@pytest.mark.timeout(200)
def test_look_at_a_layer_a_unit_a_pixel_and_drag_the_cover(hand):
    hand.click("layers", (4.5 / 6, 0.25))
    hand.wait_for("layer net[4] Conv2d 16×10×10")
    hand.click("maps", (0.9, 0.1))
    hand.wait_for("unit 5:")
    hand.drag("pixel", (0.05, 0.05), (0.75, 0.35))
    hand.wait_for("at row 3, column 7")
    hand.press("pixel", "ArrowDown")
    hand.wait_for("at row 4, column 7")
    hand.press("maps", "Home")
    hand.wait_for("unit 0:")
    hand.widget.get_by_role("button", name="Grad-CAM").click()
    hand.click("values", (2.5 / 16, 0.5))
    hand.wait_for("unit 2: for")
    hand.press("values", "ArrowRight")
    hand.wait_for("unit 3: for")
    hand.widget.get_by_role("button", name="occlusion").click()
    hand.wait_for("covering 7×7 pixels")
    hand.drag("cover", (0.5, 0.5), (0.02, 0.98))
    hand.wait_for("window at row 10, column 0")
    hand.press("cover", "ArrowRight", "ArrowUp")
    hand.wait_for("window at row 9, column 1")
    hand.widget.get_by_role("button", name="top pictures").click()
    hand.wait_for("strongest of 40 pictures")
    strongest = hand.ask("print(look.result['numbers'][1])").strip()
    hand.area("strongest 2").click()
    hand.wait_for(f"picture {strongest} ")
    hand.press("strongest 3", "Enter")
    third = hand.ask("print(look.result['numbers'][2])").strip()
    hand.wait_for(f"picture {third} ")
    hand.press("pictures", "Home")
    hand.wait_for("picture 0 ")


@on(2)
@pytest.mark.timeout(200)
def test_drag_two_pictures_and_click_a_class(hand):
    hand.drag("picture,", (0.5, 0.5), (0.5 + 5 / 28, 0.5))
    hand.wait_for("shifted 5 px to the right")
    hand.click("second pictures", (7.5 / 18, 0.5))
    hand.wait_for("beside it picture 7 (sneaker)")
    hand.drag("second picture,", (0.5, 0.5), (0.5 - 9 / 28, 0.5))
    hand.wait_for("picture 7 (sneaker), shifted 9 px to the left")
    hand.click("class maps", (1.5 / 3, 2.5 / 4))
    hand.wait_for("Class map of sneaker")
    hand.click("probabilities", (0.5, 0.85))
    hand.wait_for("Class map of bag")
    hand.click("pictures", (2.5 / 18, 0.5))
    hand.wait_for("picture 2 (pullover)")

    hand.press("class maps", "ArrowRight")
    hand.wait_for("Class map of ankle boot")
    hand.press("probabilities", "ArrowUp")
    hand.wait_for("Class map of bag")
    hand.press("second picture,", "ArrowRight")
    hand.wait_for("shifted 8 px to the left")
    hand.press("picture,", "Home")
    hand.wait_for("picture 2 (pullover), beside")
    hand.press("enlarge the answer", " ")
    hand.area("enlarge the answer").wait_for(state="detached")
    hand.press("second pictures", "Home")
    hand.page.wait_for_function(
        "box => !box.querySelector('svg[aria-label]').getAttribute('aria-label').includes('beside')",
        arg=hand.widget.element_handle(),
    )
    assert hand.ask("r = class_maps.result; print(r['chosen'] == r['order'][0])").strip() == "True"


@on(3)
@pytest.mark.timeout(200)
def test_click_the_numbers_of_a_net(hand):
    hand.click("block 3, convolutions", (0.9, 0.5))
    hand.wait_for("1×8 1×16 3×32 2×64 2×64 →128")
    hand.drag("block 3, channels", (0.1, 0.5), (0.9, 0.5))
    hand.wait_for("3×256 ")
    hand.click("dense layers", (0.5, 0.5))
    hand.wait_for("→256")
    hand.press("block 5, convolutions", "Home")
    hand.wait_for("3×256 2×64 →256")
    hand.press("block 1, channels", "ArrowRight", "ArrowRight")
    hand.wait_for("1×32 ")
    hand.press("dense layers", "ArrowLeft")
    hand.wait_for("→128")
    params = int(hand.ask("print(sum(stage.params for stage in builder.result['stages']))"))
    assert f"{params:,} parameters" in hand.said()


@on(4)
@pytest.mark.timeout(200)
def test_drag_the_numbers_of_an_inception_block(hand):
    label = "path 2, 1×1"
    hand.drag(label, (0.2, 0.5), (0.2 + 69 / 256, 0.5), steps=30)
    hand.until(lambda: abs(int(hand.ask("print(block.reduce3)")) - 165) <= 2 and "own block" in hand.said())
    hand.drag("height and width", (0.1, 0.5), (0.9, 0.5))
    hand.area("height and width, size 47").wait_for()
    hand.press(label, "PageDown", "ArrowLeft")
    hand.press("input,", "ArrowRight")
    hand.wait_for("193×47×47 in")
    hand.press("path 4, 1×1", "End")
    hand.wait_for("+ 256 = 480 channels out")
    hand.widget.get_by_role("button", name="5b").click()
    hand.wait_for("block 5b: 832×7×7 in")


@on(5)
@pytest.mark.timeout(200)
def test_draw_anew_by_a_click_and_set_both_ends_of_a_range(hand):
    hand.wait_for("variants of test picture 0, seed 0")
    hand.area("another random draw").click()
    hand.wait_for("seed 1:")
    hand.press("another random draw", "Enter")
    hand.wait_for("seed 2:")
    hand.click("test pictures", (3.5 / 18, 0.5))
    hand.wait_for("variants of test picture 3")
    hand.press("test pictures", "ArrowRight")
    hand.wait_for("variants of test picture 4")
    lower, upper = (hand.widget.get_by_role("slider", name="rotate").nth(i) for i in (0, 1))
    lower.press("ArrowLeft")
    hand.wait_for("rotation -5 to 0,")
    upper.press("ArrowRight")
    hand.wait_for("rotation -5 to 5,")
    assert hand.ask("print(augmented.rotation)").strip() == "(-5.0, 5.0)"
    knob = upper.bounding_box()
    hand.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    hand.mouse.down()
    hand.mouse.move(knob["x"] + knob["width"] / 2 + 40, knob["y"] + knob["height"] / 2, steps=8)
    hand.mouse.up()
    hand.page.wait_for_function("knob => Number(knob.getAttribute('aria-valuenow')) >= 30", arg=upper.element_handle())
    turned = "print(augmented.rotation[0] == -5 and augmented.rotation[1] >= 30)"
    hand.until(lambda: hand.ask(turned).strip() == "True")
    right = "print(sum(a == augmented.result['true'] for a, _ in augmented.result['answers'][1:]))"
    hand.until(lambda: f"the net gets {hand.ask(right).strip()} of 8 right" in hand.said())
