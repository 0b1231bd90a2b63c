"""kit/stage.js in a real JupyterLab: real mouse, keys, wheel, files, a kernel that goes away."""

import re

import pytest

from .mouse import Hand

CELL = """from helpers.drawing import svg, touch
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.parameters import slider, switch

class Hands(Explorer):
    row = slider(2, 0, 7, "row")
    column = slider(3, 0, 7, "column")
    height = slider(0.0, -5.0, 5.0, "height", step=0.5)
    tile = slider(0, 0, 3, "tile")
    at = slider(2.0, 0.0, 10.0, "at", step=0.5)
    angle = slider(0, -180, 180, "angle", step=5)
    size = slider(1.0, 0.5, 2.0, "size", step=0.1)
    many = slider(1, 1, 1000, "many")
    kind = slider(4, 1, 64, "kind")
    number = slider(12, 0, 40, "number")
    pen = switch(False, "pen")

    def __init__(self):
        self.strokes, self.drawn, self.dropped = [], 0, ""
        super().__init__()
        self._picture.drops = True

    def compute(self, **values):
        return values

    def describe(self, result):
        return " ".join(f"{name}={value:g}" for name, value in result.items()) + f" dropped={self.dropped}"

    def draw_stroke(self, name, points):
        self.strokes.append(points)

    def drop_picture(self, name, content):
        self.dropped = f"{name}:{len(content)}"
        self.refresh()

    def draw(self, r):
        self.drawn += 1
        across, down = touch.cells("column", r["column"], 8), touch.cells("row", r["row"], 8)
        parts = [svg.rect(10, 10, 9, 9)] * int(2 * r["at"]) + [  # in front of the areas, of a changing number
            touch.ghost("mark", svg.rect(200, 10, 20, 20, stroke=svg.ORANGE)),
            touch.linked(["a"], svg.rect(200, 190, 20, 20)), touch.linked(["a", "b"], svg.rect(230, 190, 20, 20)),
            touch.area(10, 10, 160, 160, across=across, down=down, label="grid", ghost=("mark", 20, 20)),
            touch.area(10, 190, 40, 40, label="weight",
                       down=touch.shift("height", r["height"], -5, 5, span=-4, step=0.5)),
            *[touch.button(60 + 30 * i, 190, 25, 25, label=f"tile {i}", pressed=r["tile"] == i, tile=i)
              for i in range(4)],
            touch.area(10, 250, 200, 20, across=touch.scale("at", r["at"], 0, 10, step=0.5), label="scale"),
            touch.pad(250, 10, 100, 100, name="ink", line=6, label="pad", across=across, down=down,
                      switch=("pen", r["pen"])),
            touch.area(290 + r["size"] * 50, 200, 20, 20, label="turn",  # it moves away while it is dragged
                       across=touch.turn("angle", r["angle"], -180, 180, about=(0.5 - 2.5 * r["size"], 0.5), step=5)),
            touch.area(340, 245, 20, 20, label="spread",
                       across=touch.spread("size", r["size"], 0.5, 2, about=(-2, -1.25), step=0.1)),
            touch.area(250, 250, 90, 20, across=touch.scale("many", r["many"], 1, 1000, step=1, log=True),
                       label="decades"),
            touch.area(420, 10, 90, 30, across=touch.steps("kind", r["kind"], (1, 4, 64)), label="kinds"),
            touch.ghost("held", svg.rect(420, 60, 20, 20, stroke=svg.ORANGE)),
            touch.area(420, 60, 80, 40, across=touch.tiles("number", r["number"], 7, 4, first=8, high=40),
                       label="tiles", ghost=("held", 20, 20)),
        ]
        return svg.picture(520, 290, *parts, label=self.describe(r))

hands = Hands()
hands"""


@pytest.fixture
def hand(open_notebook):
    opened = open_notebook("hands.ipynb", CELL)
    opened.run_all(120)
    yield Hand(opened)
    assert not opened.errors


@pytest.mark.timeout(300)
def test_the_mouse(hand):
    """Press, drag, point, click, wheel: each sets what its area says, ends on the last place, sends nothing twice."""
    hand.drag("grid", (0.05, 0.05), (0.95, 0.45))
    hand.wait_for("row=3 column=7")
    drawn = int(hand.ask("print(hands.drawn)"))
    hand.to("grid", 0.9, 0.4)
    hand.mouse.down()
    for _ in range(20):  # within one cell: no message
        hand.to("grid", 0.95, 0.42)
        hand.to("grid", 0.92, 0.45)
    hand.mouse.up()
    assert int(hand.ask("print(hands.drawn)")) == drawn
    ghost = hand.widget.locator("[data-ghost=mark]")
    hand.to("grid", 0.3, 0.6)
    assert ghost.get_attribute("transform") == "translate(40,80)" and ghost.get_attribute("visibility") == "visible"
    assert int(hand.ask("print(hands.drawn)")) == drawn, "pointing is the browser's alone"
    hand.to("tile 0", 0.5, 3)
    assert ghost.get_attribute("visibility") == "hidden"

    hand.drag("weight", (0.5, 0.9), (0.5, -0.6))  # one and a half times its height upwards: six
    hand.wait_for("height=5")
    hand.drag("scale", (0.1, 0.5), (1.4, 0.5))
    hand.wait_for("at=10")
    hand.drag("turn", (0.5, 0.5), (-2, -2))  # a quarter of a circle, anticlockwise
    hand.wait_for("angle=90")
    hand.drag("turn", (0.5, 0.5), (-2, 3))
    hand.wait_for("angle=0 ")
    hand.drag("spread", (0.5, 0.5), (3.0, 2.25))  # twice as far from (-2, -1.25)
    hand.wait_for("size=2")
    hand.to("decades", 2 / 3, 0.5)
    hand.mouse.down()
    hand.mouse.up()
    hand.until(lambda: 90 < int(hand.said().split("many=")[1].split()[0]) < 110)  # two thirds of three decades
    for share, value in ((0.9, 64), (0.1, 1)):
        hand.drag("kinds", (0.5, 0.5), (share, 0.5))
        hand.wait_for(f"kind={value} ")
    for place, value in (((0.6, 0.2), 10), ((0.1, 0.8), 12), ((0.9, 0.8), 14)):  # the last row has three of four
        hand.drag("tiles", (0.1, 0.2), place)
        hand.wait_for(f"number={value} ")
    assert hand.widget.locator("[data-ghost=held]").get_attribute("transform") == "translate(40,20)"
    hand.area("tile 2").click()
    hand.wait_for("tile=2")
    assert hand.area("tile 2").get_attribute("aria-pressed") == "true"

    hand.area("grid").focus()
    hand.to("grid", 0.5, 0.5)
    hand.mouse.wheel(0, -100)
    hand.wait_for("row=2")
    lit = hand.widget.locator(".cnn-lit")
    box = hand.widget.locator("[data-link='a']").bounding_box()
    hand.mouse.move(box["x"] + 10, box["y"] + 0.5)
    assert lit.count() == 2
    hand.to("grid", 0.5, 0.5)
    assert lit.count() == 0

    hand.drag("pad", (0.2, 0.2), (0.8, 0.8))
    hand.until(lambda: hand.widget.locator("polyline").count() == 0)  # the browser's line: Python has drawn its own
    assert "pen=0" in hand.said(), "the pen of the keys"
    strokes = eval(hand.ask("print(hands.strokes)"))
    assert strokes[0][0] == pytest.approx((0.2, 0.2), abs=0.03)
    assert strokes[-1][-1] == pytest.approx((0.8, 0.8), abs=0.03)


@pytest.mark.timeout(300)
def test_the_keyboard_names_and_the_live_region(hand):
    """Every area is reached and moved by keys, the focus stays, what changed is announced, controls have names."""
    keys = [("grid", "ArrowDown", "row=3"), ("grid", "ArrowRight", "column=4"), ("grid", "Home", "column=0"),
            ("grid", "PageDown", "row=7"), ("weight", "ArrowUp", "height=0.5"), ("weight", "ArrowLeft", "height=0"),
            ("scale", "ArrowUp", "at=2.5"), ("scale", "End", "at=10"), ("tile 3", "Enter", "tile=3"),
            ("turn", "ArrowUp", "angle=5"), ("spread", "ArrowDown", "size=0.9"), ("pad", "ArrowUp", "row=6"),
            ("pad", " ", "pen=1"), ("pad", "Enter", "pen=0"), ("tile 1", " ", "tile=1"),
            ("kinds", "ArrowUp", "kind=64"), ("kinds", "ArrowLeft", "kind=4 "), ("kinds", "Home", "kind=1 "),
            ("tiles", "ArrowRight", "number=13"), ("tiles", "ArrowDown", "number=17"),
            ("tiles", "ArrowUp", "number=13"), ("tiles", "PageDown", "number=20"), ("tiles", "Home", "number=0"),
            ("tiles", "End", "number=40")]  # fmt: skip
    for label, key, said in keys:
        hand.area(label).focus()
        hand.page.keyboard.press(key)
        hand.wait_for(said)
        assert hand.page.evaluate("document.activeElement.getAttribute('aria-label')") == label
    cells = "window.jupyterapp.shell.currentWidget.content.widgets.length"
    hand.area("grid").focus()
    before = hand.page.evaluate(cells)
    hand.page.keyboard.press("x")
    hand.widget.locator("[role=slider]:not([data-touch])").first.focus()
    hand.page.keyboard.press("x")
    assert hand.page.evaluate(cells) == before, "x on the picture is not JupyterLab's 'cut the cell'"
    hand.page.wait_for_function(
        "() => document.querySelector('.cnn-unseen').textContent.includes('tile=1')", timeout=10_000
    )
    for handle in hand.widget.locator("[role=slider]:not([data-touch])").all():
        names = "row", "column", "height", "tile", "at", "angle", "size", "many", "kind", "number"
        assert handle.get_attribute("aria-label") in names


@pytest.mark.timeout(300)
def test_a_fast_drag_never_lags_and_ends_on_the_last_place(hand):
    """While Python works on one place, only the newest one waits: 200 moves are few messages, the last is held."""
    hand.ask("import time\ndef slow(**values):\n    time.sleep(0.1)\n    return values\nhands.compute = slow")
    before = int(hand.ask("print(hands.drawn)"))
    hand.to("grid", 0.05, 0.05)
    hand.mouse.down()
    for i in range(200):
        hand.to("grid", 0.06 + 0.88 * (i % 20) / 20, 0.06 + 0.88 * (i // 20) / 10)
    hand.to("grid", 0.4, 0.95)
    hand.mouse.up()
    hand.wait_for("row=7 column=3")
    hand.page.wait_for_timeout(400)
    assert "row=7 column=3" in hand.said() and 2 < int(hand.ask("print(hands.drawn)")) - before < 120


DROP = """([names, size]) => {
  const data = new DataTransfer();
  for (const name of names) data.items.add(new File([new Uint8Array(size)], name, {type: "image/png"}));
  const view = document.querySelector(".cnn-view");
  for (const type of ["dragover", "drop"]) {
    view.dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
  }
}"""


@pytest.mark.timeout(300)
def test_dropped_files_and_a_lost_kernel(hand):
    hand.page.evaluate(DROP, [["a.png"], 1000])
    hand.wait_for("dropped=a.png:1000")
    cases = ((["a.png", "b.png"], 10, "2 files were dropped"), (["big.png"], 9_000_000, "9 MB, more than 8"))
    for names, size, said in cases:
        hand.page.evaluate(DROP, [names, size])
        hand.widget.locator("[role=alert]", has_text=re.compile(re.escape(said))).wait_for()
        assert "dropped=a.png:1000" in hand.said()
    hand.page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    note = hand.widget.locator(".cnn-note")
    note.wait_for(state="visible")
    assert "run the cell again" in note.inner_text() and hand.widget.locator("svg[aria-label]").is_visible()
