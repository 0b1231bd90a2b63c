"""A real mouse on the picture of a widget, for the browser tests of the widgets."""

import time

import pytest

# A point of an area, found in the same moment, as a redraw may replace it. Its bounding box would count the edge.
INSIDE = """(widget, [label, u, v]) => {
  const area = widget.querySelector(`[data-touch][aria-label^="${label}"]`);
  const {x, y, width, height} = area.getBBox(), at = new DOMPoint(x + u * width, y + v * height);
  const {x: left, y: top} = at.matrixTransform(area.getScreenCTM());
  return [left, top];
}"""


class Hand:
    """A mouse on the areas of a widget of a page, found by their labels or the beginning of them."""

    def __init__(self, opened, number=0):
        self.opened, self.page, self.mouse = opened, opened.page, opened.page.mouse
        self.widget = opened.widgets().nth(number)
        self.widget.locator("[data-touch]").first.wait_for()
        self.widget.scroll_into_view_if_needed()

    def area(self, label):
        return self.widget.locator(f'[data-touch][aria-label^="{label}"]').first

    def point(self, label, u, v):
        self.area(label).wait_for()
        return self.widget.evaluate(INSIDE, [label, u, v])

    def to(self, label, u, v, **options):
        self.mouse.move(*self.point(label, u, v), **options)

    def drag(self, label, start, end, steps=12):
        self.to(label, *start)
        self.mouse.down()
        self.to(label, *end, steps=steps)
        self.mouse.up()

    def click(self, label, place):
        self.drag(label, place, place)

    def press(self, label, *keys):
        self.area(label).focus()
        for key in keys:
            self.page.keyboard.press(key)

    def said(self):
        return self.widget.locator("svg[aria-label]").first.get_attribute("aria-label")

    def wait_for(self, part):
        self.page.wait_for_function(
            "([box, part]) => box.querySelector('svg[aria-label]').getAttribute('aria-label').includes(part)",
            arg=[self.widget.element_handle(), part], timeout=15_000,
        )  # fmt: skip

    def until(self, holds):
        """Return as soon as `holds()`; AssertionError after 15 seconds."""
        end = time.monotonic() + 15
        while not holds():
            assert time.monotonic() < end, self.said()
            self.page.wait_for_timeout(50)

    def ask(self, code):
        """Return the text that a line of Python prints in the notebook's kernel."""
        return self.page.evaluate(
            """async code => {
              const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
              const future = kernel.requestExecute({code, store_history: false});
              let text = "";
              future.onIOPub = message => { text += message.content.text ?? ""; };
              await future.done;
              return text;
            }""",
            code,
        )


def on(number):
    """Run a test with `hand` on the widget of that number in the notebook of its module's CELLS."""
    return pytest.mark.parametrize("hand", [number], indirect=True)
