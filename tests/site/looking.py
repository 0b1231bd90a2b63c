"""A page of the web edition, opened and looked at as a phone or a desk shows it."""

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1300, "height": 1000}

# What scrolls in its own place and does not show it by a shadow, and labels of pictures that no eye can read,
# or pictures that are blown up.
UNTOLD = """() => [...document.querySelectorAll(".bd-article *")].filter(one => one.scrollWidth > one.clientWidth + 1
            && /auto|scroll/.test(getComputedStyle(one).overflowX)
            && !getComputedStyle(one).backgroundImage.includes("gradient")).map(one => one.outerHTML.slice(0, 80))"""
SMALL = """() => [
    ...[...document.querySelectorAll(".cnn-live text")].filter(
        one => parseFloat(getComputedStyle(one).fontSize) * one.getCTM().a < 8.7).map(one => one.textContent),
    ...[...document.querySelectorAll("img[width]")].filter(one => one.width < 0.79 * one.getAttribute("width")
                                          || one.width > 1.01 * one.getAttribute("width")).map(one => one.src)]"""
CUT = """where => [...document.querySelectorAll(where)].filter(one => one.scrollWidth > one.clientWidth + 1)
         .map(one => one.innerText.slice(0, 60))"""


def open_page(page, site, name, size=DESK, theme="light"):
    """Open a page of the site and wait until its formulas and the pictures in view are there."""
    page.set_viewport_size(size)
    page.goto(f"{site.address}/{name}.html")
    page.add_style_tag(content="* { transition: none !important }")  # colours half way to the other theme are no fault
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.wait_for_function("() => document.readyState === 'complete' && (!window.MathJax?.startup || "
                           "window.MathJax.startup.promise?.then)")  # fmt: skip
    page.evaluate("() => window.MathJax?.startup?.promise")


def wake(page):
    """Have every live picture of the page load its table, and every stored one itself."""
    page.evaluate("""async () => {
        for (const image of document.querySelectorAll("img[loading]")) image.loading = "eager";
        for (const figure of document.querySelectorAll(".cnn-live")) {
            figure.scrollIntoView();
            while (!("ready" in figure.dataset)) await new Promise(done => setTimeout(done, 20));
        }
        await Promise.all([...document.images].map(image => image.decode().catch(() => null)));
    }""")


def label(figure):
    return figure.locator(".cnn-view > svg").get_attribute("aria-label")
