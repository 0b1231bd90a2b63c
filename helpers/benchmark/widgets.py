"""How long a widget takes from a move of its slider to the new picture: python -m helpers.benchmark widgets

Once in Python alone, and once as a reader sees it: in JupyterLab and headless Chromium, from a key press on the
slider to the new pixels.
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
CELL = "from helpers.widgets import KernelExplorer\nKernelExplorer(**{values!r})"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)"}
HANDLE = ".cnn-course [role=slider]"  # the first one: the centre weight
# From the key press until the changed picture is decoded and the browser has come round to painting it.
WATCH = """() => {
  const box = document.querySelector(".cnn-course"), seen = window.seen = {times: [], heights: new Set(), empty: 0};
  let start = null;
  box.addEventListener("keydown", () => { start = performance.now(); }, true);
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  new MutationObserver(async changes => {
    const svg = box.querySelector("svg[aria-label]");
    if (start === null || !changes.some(change => change.target.contains(svg))) return;
    const began = start;
    start = null;
    await Promise.all([...svg.querySelectorAll("image")].map(image => image.decode()));
    await painted();
    seen.times.push(performance.now() - began);
  }).observe(box, {childList: true, subtree: true});
  const look = () => {
    const svg = box.querySelector("svg[aria-label]");
    if (svg && svg.getBoundingClientRect().height) seen.heights.add(box.getBoundingClientRect().height);
    else seen.empty += 1;
    requestAnimationFrame(look);
  };
  look();
}"""


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
        for name, values in CASES.items():
            times = in_browser(values, updates)["times"]
            rows.append(_timing(f"kernel explorer, {name}: key press to pixels", times))
    except Unavailable as reason:
        print(f"Not measured in the browser: {reason}", file=sys.stderr)
    return rows


def in_browser(values: dict, updates: int) -> dict:
    """Move the slider by `updates` key presses in JupyterLab; returns what the page saw.

    `times` in ms, `heights` the different heights of the widget in px, `empty` the frames without a picture. Raises
    Unavailable where Playwright, Chromium or the repository's tests are missing.
    """
    browser = _browser_tools()
    with contextlib.ExitStack() as stack:
        folder, profile = (pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        (folder / "notebooks").mkdir()
        cells = [nbformat.v4.new_code_cell(CELL.format(values=values))]
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, folder / "notebooks/one.ipynb")
        lab = stack.enter_context(browser.jupyterlab(folder / "lab", folder / "notebooks"))
        page = browser.Page(stack.enter_context(browser.chromium_context(profile)), lab, "one.ipynb")
        page.run_all()
        return _press(page.page, updates)


def _press(page, updates, warm_up=5):
    page.locator(f"{HANDLE}").first.wait_for()
    page.wait_for_timeout(1000)
    page.evaluate(WATCH)
    page.locator(HANDLE).first.focus()
    for i in range(updates + warm_up):
        page.keyboard.press("ArrowRight" if i // 20 % 2 == 0 else "ArrowLeft")
        page.wait_for_function("count => window.seen.times.length > count", arg=i)
        page.wait_for_timeout(20)
    seen = page.evaluate("({...window.seen, heights: [...window.seen.heights]})")
    return {**seen, "times": seen["times"][warm_up:]}


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
