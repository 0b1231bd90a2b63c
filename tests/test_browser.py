"""Notebooks in a real JupyterLab: cells run, sliders moved by keyboard change every widget's picture."""

import pytest

from .browser import faults_of_access

PICTURE = "svg[aria-label]"
NOTEBOOKS = [
    "01_from_dense_to_convolution.ipynb", "02_convolution_layer.ipynb", "03_padding_and_stride.ipynb",
    "04_channels.ipynb", "05_pooling.ipynb", "06_cnn_from_scratch.ipynb", "07_lenet.ipynb",
    "08_alexnet.ipynb", "09_vgg.ipynb", "10_nin.ipynb", "11_googlenet.ipynb", "12_batch_norm.ipynb", "13_resnet.ipynb",
    "14_seeing_inside.ipynb", "15_scaling_up.ipynb",
    "16_your_own_pictures.ipynb",
]  # fmt: skip


def changed(page, widget, move):
    """Do `move` and return (label, pixels) before and after; the wait ends when the label has changed.

    A key pressed while JupyterLab still lays out the page can be lost: then it is pressed once more.
    """
    from playwright.sync_api import TimeoutError

    picture = widget.locator(PICTURE).first
    picture.scroll_into_view_if_needed()
    before = picture.get_attribute("aria-label"), picture.screenshot()
    other = "([node, before]) => node.querySelector('svg[aria-label]').getAttribute('aria-label') !== before"
    for seconds in (15, 60):
        move()
        try:
            page.wait_for_function(other, arg=[widget.element_handle(), before[0]], timeout=1000 * seconds)
            break
        except TimeoutError:
            if seconds == 60:
                raise
    return before, (picture.get_attribute("aria-label"), picture.screenshot())


def failed_cells(page):
    """Return the sources of the notebook's cells whose output is an error."""
    return page.evaluate(
        "window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.toJSON())"
        ".filter(cell => (cell.outputs || []).some(output => output.output_type === 'error')).map(cell => cell.source)"
    )


def movable(widget):
    """Return the handles of the sliders of a widget that are shown."""
    handles = widget.locator("[role=slider]")
    return [handles.nth(i) for i in range(handles.count()) if handles.nth(i).is_visible()]


def step(page, handle):
    """Move a slider by one key, away from the end it may stand on."""
    at, end = handle.get_attribute("aria-valuenow"), handle.get_attribute("aria-valuemax")
    handle.focus()
    page.keyboard.press("ArrowLeft" if float(at) >= float(end) else "ArrowRight")


def go_to_the_end(page, handle):
    """Press End on a slider until it stands at the end of its range, which may still be growing from the last key."""
    for _ in range(40):
        handle.focus()
        page.keyboard.press("End")
        page.wait_for_timeout(50)
        at, end = handle.get_attribute("aria-valuenow"), handle.get_attribute("aria-valuemax")
        if at == end:
            return
    raise AssertionError(f"the End key leaves a slider at {at}, its range ends at {end}")


def serious_faults(page):
    """Return what axe-core calls serious or critical in the widgets of a page, one line each."""
    return [
        f"{fault['id']}: {node['html'][:200]} {node['failureSummary']}"
        for fault in faults_of_access(page, {"include": [[".cnn-course"]]})
        if fault["impact"] in ("serious", "critical") for node in fault["nodes"]
    ]  # fmt: skip


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_sliders_moved_by_keyboard_change_the_pictures(open_notebook, name):
    opened = open_notebook(name)
    opened.run_all(300)
    assert not failed_cells(opened.page), "these cells ended in an error"
    page, widgets = opened.page, opened.widgets()
    declared = page.evaluate("window.jupyterapp.shell.currentWidget.content.model.getMetadata('cnn_course').widgets")
    assert declared > 0
    widgets.nth(declared - 1).wait_for()  # the last one may still be on its way to the page
    assert widgets.count() == declared
    assert not serious_faults(page) and not opened.faults_of_look()
    moved = 0
    for i in range(declared):
        widget = widgets.nth(i)
        for handle in movable(widget)[:1]:
            height = widget.bounding_box()["height"]
            before, after = changed(page, widget, lambda handle=handle: step(page, handle))
            assert before[0] and before[1] != after[1], f"widget {i}: the label changed, the pixels did not"
            assert widget.bounding_box()["height"] == height, f"widget {i} jumps"
            moved += 1
        for handle in movable(widget):
            go_to_the_end(page, handle)
    assert moved > 0 and not opened.alerts() and not opened.errors


RATE = """from helpers.drawing import svg
from helpers.widgets.kit.base import Explorer
from helpers.widgets.kit.parameters import slider

class Rate(Explorer):
    lr = slider(0.03, 0.001, 0.06, "lr", step=0.001)
    def compute(self, lr):
        return {"lr": lr}
    def describe(self, result):
        return f"rate {result['lr']!r}"
    def draw(self, result):
        return svg.picture(100, 40, svg.text(50, 25, result["lr"]), label=self.describe(result))

rate = Rate()
rate"""


def test_a_float_slider_keeps_what_code_has_set_and_moves_by_whole_steps(open_notebook):
    """The browser answers 0.03 with 0.030000000000000006, late: after the cells that set other values."""
    opened = open_notebook("rate.ipynb", RATE, "rate.lr = 0.033", "rate.lr = 0.034")
    opened.run_all(120)
    widget = opened.widgets().first
    widget.wait_for()
    opened.page.wait_for_timeout(2000)  # for all that the browser has to say
    handle = movable(widget)[0]
    before, after = changed(opened.page, widget, lambda: step(opened.page, handle))
    assert (before[0], after[0]) == ("rate 0.034", "rate 0.035")


def test_a_box_of_the_map_opens_its_lesson(open_notebook):
    opened = open_notebook("map.ipynb", "from helpers.course import course_map\ncourse_map()")
    opened.run_all(120)
    opened.page.locator(".jp-OutputArea-output").get_by_text("05 Pooling", exact=True).click()
    opened.page.wait_for_function("window.jupyterapp.shell.currentWidget?.context?.path === 'root/05_pooling.ipynb'")
    assert not opened.errors


def test_a_dark_page_keeps_text_readable(open_notebook):
    """Text of a widget takes the page's ink: light on JupyterLab's dark theme."""
    opened = open_notebook("rate_dark.ipynb", RATE)
    opened.run_all(120)
    text = opened.page.locator(f".cnn-course {PICTURE} text[fill=currentColor]").first
    for theme, light in (("Dark", False), ("Light", True)):
        opened.theme(theme)
        ink = text.evaluate("node => getComputedStyle(node).fill")
        paper = opened.page.locator(".jp-Notebook").evaluate("node => getComputedStyle(node).backgroundColor")
        assert abs(brightness(ink) - brightness(paper)) > 120, (ink, paper)
        assert (brightness(paper) > 128) == light


def brightness(color):
    """Return the brightness 0..255 of a CSS colour "rgb(r, g, b)"."""
    r, g, b = (float(part) for part in color[color.index("(") + 1 : -1].split(",")[:3])
    return 0.299 * r + 0.587 * g + 0.114 * b
