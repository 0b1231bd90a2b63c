"""The widgets whose windows walk over pictures, by a real mouse and real keys in JupyterLab."""

import pathlib

from .mouse import on

CELLS = [f"""import sys
sys.path.insert(0, {str(pathlib.Path(__file__).parents[2])!r})
from helpers.widgets import Im2colExplorer, KernelExplorer, PaddingExplorer, PoolingExplorer, ReceptiveFieldBuilder
padding = PaddingExplorer()
padding""", """pooling = PoolingExplorer()
pooling""", """field = ReceptiveFieldBuilder()
field""", """im2col = Im2colExplorer()
im2col""", """kernel = KernelExplorer()
kernel"""]  # fmt: skip
PADDING, POOLING, FIELD, IM2COL, KERNEL = range(5)


@on(PADDING)
def test_the_window_is_dragged_an_output_clicked_the_padding_pulled_out(hand):
    hand.drag("window", (0.2, 0.2), (0.6, 0.4))  # of 5×5 pixels: the middle of the window
    hand.wait_for("row 1, column 2 is 25. It is the sum 1·0 + 2·1 + 4·2 + 5·3.")
    hand.to("output", 0.1, 0.9)
    ghost = hand.widget.locator('[data-ghost="window"]')
    assert ghost.get_attribute("visibility") == "visible" and "column 2 is 25." in hand.said()
    hand.mouse.down()
    hand.mouse.up()
    hand.wait_for("row 3, column 0 is 6.")
    hand.press("output", "ArrowRight", "ArrowUp")
    hand.wait_for("row 2, column 1 is 37.")
    hand.press("window", "ArrowLeft", "End")
    hand.wait_for("row 2, column 3 is 16.")
    cell = 330 / 9 / 16  # one of 9 in 330 px, in widths of the strip that is dragged
    hand.drag("edge of the padding, left", (0.5, 0.5), (0.5 - cell, 0.5))
    hand.wait_for("padding 2")
    hand.drag("edge of the padding, top", (0.5, 0.5), (0.5, 0.5 + 2 * cell))
    hand.wait_for("padding 0")
    hand.press("edge of the padding, right", "ArrowUp")
    hand.wait_for("padding 1, stride 1, dilation 1: output 4×4")
    hand.widget.get_by_role("checkbox", name="height and width apart").check()
    shown = "box => [...box.querySelectorAll('.noUi-target')].filter(node => node.offsetParent).length === 10"
    hand.page.wait_for_function(shown, arg=hand.widget.element_handle())
    assert not hand.opened.faults_of_look(), "with ten sliders their tracks are as long as each other, and long enough"
    hand.press("window", "Home")
    hand.widget.get_by_role("slider", name="width k").press("ArrowRight")
    hand.wait_for("kernel size (2, 3)")


@on(POOLING)
def test_the_picture_and_the_window_are_dragged(hand):
    hand.wait_for("Shifted right by 1 px, 15 of 30 outputs change")
    hand.drag("picture, shifted", (0.3, 0.5), (0.3 + 2 / 7, 0.5))
    hand.wait_for("Shifted right by 3 px")
    hand.press("picture, shifted", "ArrowLeft", "ArrowLeft")
    hand.wait_for("Shifted right by 1 px, 15 of 30")
    hand.drag("window", (0.1, 0.1), (3 / 7, 4 / 6))
    hand.wait_for("row 3, column 2 is 0 before and 1 after")
    hand.press("window", "ArrowRight", "ArrowUp")
    hand.wait_for("row 2, column 3 is 0 before and 0 after")
    hand.to("output after", 0.9, 0.9)
    assert hand.widget.locator('[data-ghost="window"]').first.get_attribute("visibility") == "visible"
    hand.mouse.down()
    hand.mouse.up()
    hand.wait_for("row 4, column 5")
    hand.press("output before", "Home")
    hand.wait_for("row 4, column 0 is 1 before and 0 after")
    hand.widget.locator(".widget-play button").first.click()
    hand.wait_for("row 4, column 2")
    hand.widget.locator(".widget-play button").first.click()
    hand.press("output before", "Home")
    hand.wait_for("row 4, column 0")
    hand.page.emulate_media(reduced_motion="reduce")
    hand.widget.locator(".widget-play button").first.click()
    hand.wait_for("row 4, column 1")
    hand.page.wait_for_timeout(1200)  # two more steps, if it played
    assert "row 4, column 1" in hand.said() and hand.ask("print(pooling.play.playing)").strip() == "False"
    hand.page.emulate_media(reduced_motion="no-preference")


@on(IM2COL)
def test_a_row_and_its_window_are_pointed_at(hand):
    hand.to("matrix", 0.9, 0.6)
    hand.wait_for("Row 2 is the window at row 1, column 0 of picture 0: 3 4 6 7. Pixel 7 is in 2 windows.")
    hand.to("picture 0, channel 0", 0.9, 0.1)
    hand.wait_for("Row 1 is the window at row 0, column 1 of picture 0: 1 2 4 5. Pixel 2 is in 1 window.")
    hand.press("matrix", "ArrowDown", "ArrowDown", "Home")
    hand.wait_for("Row 3 is the window at row 1, column 1 of picture 0: 4 5 7 8. Pixel 4 is in 4 windows.")
    hand.press("picture 0, channel 0", "ArrowLeft", "ArrowUp")
    hand.wait_for("Row 0 is the window at row 0, column 0 of picture 0: 0 1 3 4. Pixel 0 is in 1 window.")


@on(FIELD)
def test_the_unit_is_dragged_and_layers_are_clicked(hand):
    hand.drag("output", (0.5, 0.5), (0.06, 0.94))
    hand.wait_for("row 6, column 0 of 7×7 sees rows 110 to 223 and columns 0 to 112")
    hand.press("output", "ArrowUp", "ArrowRight")
    hand.wait_for("row 5, column 1 of 7×7")
    hand.area("layer 2").hover()
    lit = hand.widget.locator(".cnn-lit")
    assert lit.count() == 2 and {part.get_attribute("data-link") for part in lit.all()} == {"layer2"}
    hand.area("layer 2").click()
    hand.widget.get_by_text("layer 2: stride s").wait_for()
    hand.press("layer 1", "Enter")
    hand.widget.get_by_text("layer 1: stride s").wait_for()
    assert hand.area("layer 1").get_attribute("aria-pressed") == "true"
    assert hand.ask("print(field.layer, field.stride)") == "1 4\n"


DROP = """async box => {
  const canvas = new OffscreenCanvas(60, 40), ink = canvas.getContext("2d"), data = new DataTransfer();
  ink.fillStyle = "#888";
  ink.fillRect(0, 0, 30, 40);
  data.items.add(new File([await canvas.convertToBlob()], "mine.png", {type: "image/png"}));
  const dropped = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  box.querySelector(".cnn-view").dispatchEvent(dropped);
}"""


@on(KERNEL)
def test_the_window_and_a_weight_are_dragged_and_a_picture_is_dropped(hand):
    hand.drag("window", (0.1025, 0.1025), (0.5025, 0.2525))  # of 200×200 pixels: the middle of the window
    hand.wait_for("At row 49, column 99 the 9 products")
    hand.to("output element", 0.1, 0.9)
    assert hand.widget.locator('[data-ghost="window"]').get_attribute("visibility") == "visible"
    hand.drag("output element", (0.1, 0.9), (0.2513, 0.5013))  # of 198×198
    hand.wait_for("At row 99, column 49 the 9 products")
    hand.press("window", "ArrowRight", "ArrowUp")
    hand.wait_for("At row 98, column 50")
    hand.press("output element", "Home", "PageDown")
    hand.wait_for("At row 108, column 0")
    middle = "weight in row 1, column 1"
    hand.drag(middle, (0.5, 0.5), (0.5, -1.0))  # one and a half times its height upwards: 3
    value = lambda number: hand.widget.locator(f'[aria-label="{middle}"][aria-valuenow="{number}"]')  # noqa: E731
    value(3).wait_for()
    hand.press(middle, "ArrowDown", "ArrowRight", "ArrowDown")
    now = "print(kernel.preset, kernel.weights[1], kernel.centre)"
    hand.until(lambda: hand.ask(now).strip() == "own (-2.0, 2.75, 2.0) 2.75")
    hand.widget.evaluate(DROP)
    hand.wait_for("cross-correlation of your own (200×200) with a 3×3 kernel")
    assert "At row 108, column 0" in hand.said() and hand.ask("print(kernel.weights[1][1])").strip() == "2.75"
