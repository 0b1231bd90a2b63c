"""How long a widget takes from a move of the hand to the new picture: python -m helpers.benchmark widgets

Once in Python alone, and once as a reader sees it, in JupyterLab and headless Chromium: from a key press on the slider
to the new pixels, and how many pictures a drag shows. Beside the course's widget stand an empty round trip (slider →
Python → a tiny SVG) and `interact` with pyplot, in one run and in turns: what disturbs the machine disturbs all.
"""

import contextlib
import pathlib
import sys
import tempfile
import time
from statistics import median
from typing import NamedTuple

import nbformat

from helpers.place import course_folder
from helpers.widgets import KernelExplorer

ROOT = course_folder()
CASES = {"photo, 200×200": {"picture_name": "flower"}, "digit, 8×8 with numbers": {"picture_name": "digit"}}
SETUP = """import ipywidgets as W, torch
from helpers import corr2d, load_photo, show_matrix
from helpers.widgets import KernelExplorer
X = load_photo("flower")"""
EMPTY = """slider, shown = W.IntSlider(0, -100, 100), W.HTML()
picture = "<svg width='9' height='9'><title>{}</title></svg>".format
slider.observe(lambda change: setattr(shown, "value", picture(change["new"])), "value")
W.VBox([slider, shown]).add_class("case")"""
PYPLOT = """def drawn(centre):
    show_matrix(corr2d(X, torch.tensor([[-1.0, 0, 1], [-2, centre / 10, 2], [-1, 0, 1]])), numbers=False)

W.interactive(drawn, centre=W.IntSlider(0, -100, 100)).add_class("case")"""
OURS = "KernelExplorer(**{values!r}).add_class('case')"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
# From the key press until the changed picture is decoded and the browser has come round to painting it.
WATCH = """picture => {
  window.seen = [...document.querySelectorAll(".case")].map(box => {
    const seen = {times: [], heights: [], changes: 0, start: null};
    box.addEventListener("keydown", () => { seen.start = performance.now(); }, true);
    const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    new MutationObserver(async changes => {
      if (!changes.some(({target}) => (target.closest ? target : target.parentElement)?.closest(picture))) return;
      seen.changes += 1;
      if (seen.start === null) return;
      const began = seen.start;
      seen.start = null;
      await Promise.all([...box.querySelectorAll("image, img")].map(image => image.decode().catch(() => 0)));
      await painted();
      seen.times.push(performance.now() - began);
      if (!seen.heights.includes(box.offsetHeight)) seen.heights.push(box.offsetHeight);
    }).observe(box, {childList: true, subtree: true, attributes: true, characterData: true});
    return seen;
  });
}"""
PICTURE = ".cnn-view, .widget-html-content, .jupyter-widgets-output-area, .widget-output"


class Timing(NamedTuple):
    """One line of the table: what was timed, median and 95 % point in milliseconds, and how often."""

    what: str
    median: float
    late: float
    updates: int


class Unavailable(Exception):
    """There is no browser to measure in; the text says what is missing."""


def widgets_table(updates: int = 100) -> list[Timing]:
    """Updates of the kernel explorer, in Python and in the browser: timings in milliseconds."""
    rows = [_timing(f"kernel explorer, {name}: Python", _in_python(values, updates)) for name, values in CASES.items()]
    try:
        seen = in_browser(updates)
    except Unavailable as reason:
        print(f"Not measured in the browser: {reason}", file=sys.stderr)
        return rows
    rows += [_timing(f"{name}: key press to pixels", times) for name, times in seen["times"].items()]
    gaps = seen["drag"]
    return [*rows, _timing("kernel explorer, photo: from picture to picture in a drag", gaps)]


def in_browser(updates: int, rounds: int = 5) -> dict:
    """Move the slider of each case by key presses in JupyterLab, in turns, then drag the window over the photo.

    Returns `times`, {case: [ms]}, `heights`, {case: [px]} that the box had, and `drag`, the ms between one picture and
    the next of the drag. Raises Unavailable where Playwright, Chromium or the repository's tests are missing.
    """
    browser = _browser_tools()
    sources = {"empty round trip": EMPTY, "interact with pyplot, photo": PYPLOT}
    sources |= {f"kernel explorer, {name}": OURS.format(values=values) for name, values in CASES.items()}
    with contextlib.ExitStack() as stack:
        folder, profile = (pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        (folder / "notebooks").mkdir()
        cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, *sources.values())]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, folder / "notebooks/one.ipynb")
        lab = stack.enter_context(browser.jupyterlab(folder / "lab", folder / "notebooks"))
        page = browser.Page(stack.enter_context(browser.chromium_context(profile)), lab, "one.ipynb")
        page.run_all()
        page.page.locator(".case [role=slider]").nth(len(sources) - 1).wait_for()
        page.page.wait_for_timeout(1500)
        page.page.evaluate(WATCH, PICTURE)
        for turn in range(rounds + 1):  # the first one warms up
            for i in range(len(sources)):
                _press(page.page, i, max(1, updates // rounds), turn)
            if turn == 0:
                page.page.evaluate("window.seen.forEach(seen => { seen.times = []; seen.heights = []; })")
        seen = page.page.evaluate("window.seen")
        return {"times": {name: one["times"] for name, one in zip(sources, seen, strict=True)},
                "heights": {name: one["heights"] for name, one in zip(sources, seen, strict=True)},
                "drag": _drag(page.page)}  # fmt: skip


def _press(page, case, updates, turn):
    page.locator(".case").nth(case).locator(".widget-inline-hbox [role=slider]").first.focus()
    for _ in range(updates):
        before = page.evaluate("i => window.seen[i].times.length", case)
        page.keyboard.press("ArrowRight" if turn % 2 == 0 else "ArrowLeft")
        page.wait_for_function("([i, n]) => window.seen[i].times.length > n", arg=[case, before])
        page.wait_for_timeout(20)


def _drag(page, seconds=3.0):
    """Drag the window over the photo in circles; returns the ms between one changed picture and the next."""
    area = page.locator('.case [data-touch][aria-label^="window"]').first
    area.scroll_into_view_if_needed()
    box, start, step = area.bounding_box(), time.monotonic(), 0
    page.evaluate("""() => {
      const svg = document.querySelector('.case .cnn-view svg'), times = window.drawn = [];
      const drawn = new MutationObserver(() => times.push(performance.now()));
      drawn.observe(svg, {attributes: true, attributeFilter: ["aria-label"]});
    }""")
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    while time.monotonic() - start < seconds:
        step += 1
        page.mouse.move(box["x"] + 20 + step * 7 % (box["width"] - 40), box["y"] + 20 + step * 3 % (box["height"] - 40))
    page.mouse.up()
    page.wait_for_timeout(500)
    drawn = page.evaluate("window.drawn")
    return [after - before for before, after in zip(drawn, drawn[1:], strict=False)]


def _browser_tools():
    """Return the module that the browser tests use."""
    if not (ROOT / "tests/browser.py").exists():
        raise Unavailable("tests/browser.py is missing: run this in a clone of the repository.")
    sys.path.insert(0, str(ROOT))
    try:
        import playwright  # noqa: F401

        from tests import browser
    except ImportError as error:
        raise Unavailable(f"{error.name} is not installed: pip install -e '.[test]'") from None
    if not browser.CHROMIUM:
        raise Unavailable("no Chromium was found: install it, or name it in the environment variable CHROMIUM.")
    return browser


def _in_python(values, updates):
    explorer, times = KernelExplorer(**values), []
    for i in range(updates):
        start = time.perf_counter()
        explorer.centre = (i % 40 - 20) / 10
        times.append(1000 * (time.perf_counter() - start))
    return times


def _timing(what, times):
    return Timing(what, median(times), sorted(times)[int(0.95 * (len(times) - 1))], len(times))


def as_table(rows: list[Timing]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | median | 95 % | updates |", "|---|---:|---:|---:|"]
    lines += [f"| {row.what} | {row.median:.1f} ms | {row.late:.1f} ms | {row.updates} |" for row in rows]
    return "\n".join(lines)
