"""The web edition under a finger: what is scrolled, dragged and typed on a phone."""

from .looking import PHONE, label, open_page, wake


def swipe(page, area, start, end):
    """Move a finger between two places of an area, each a share of its width and height, as slowly as a hand does."""
    box, touch = area.bounding_box(), page.context.new_cdp_session(page)

    def at(share):
        u, v = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        return [{"x": box["x"] + u * box["width"], "y": box["y"] + v * box["height"]}]

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": at(0)})
    for step in range(1, 9):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": at(step / 8)})
        page.wait_for_timeout(16)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(200)


def at_rest(page):
    """Return how far the page is scrolled, once it has come to rest: a swipe goes on after the finger has left."""
    while True:
        before = page.evaluate("scrollY")
        page.wait_for_timeout(150)
        if page.evaluate("scrollY") == before:
            return before


def test_a_finger_scrolls_across_a_picture_and_drags_it_once_it_was_tapped(page, site):
    open_page(page, site, "02_convolution_layer", PHONE)
    wake(page)
    figure = page.locator(".cnn-live").last
    area = figure.locator('[data-touch*="row"]').first
    area.evaluate("area => area.scrollIntoView({block: 'center'})")
    before, top = label(figure), at_rest(page)
    swipe(page, area, (0.5, 0.9), (0.5, 0.1))
    assert at_rest(page) > top + 50 and label(figure) == before
    area.evaluate("area => area.scrollIntoView({block: 'center'})")
    top = at_rest(page)
    swipe(page, area, (0.2, 0.6), (0.7, 0.6))
    assert "At row 120, column 140" in label(figure)
    swipe(page, area, (0.42, 0.3), (0.7, 0.9))
    assert "At row 170, column 140" in label(figure) and abs(at_rest(page) - top) < 5  # a pixel, as the picture changes


def test_on_a_phone_a_finger_finds_fields_and_controls(page, site):
    """Fields have 44 px and letters of 16 px, below which a phone enlarges the page; a row's four are a row."""
    open_page(page, site, "04_channels", PHONE)
    wake(page)
    sizes = page.locator(".cnn-guess input, .cnn-guess button").evaluate_all(
        "all => all.map(one => [one.offsetHeight, parseFloat(getComputedStyle(one).fontSize)])"
    )
    assert sizes and all(height >= 44 and letters >= 16 for height, letters in sizes)
    assert page.evaluate("""() => [...document.querySelectorAll(".cnn-slider input, .cnn-buttons label")]
                            .every(one => one.offsetHeight >= 36)""")
    rows = page.locator(".cnn-guess div:has(label:nth-child(4))").evaluate_all(
        "all => all.map(row => [...row.querySelectorAll('input')].map(field => field.offsetTop))"
    )
    assert rows and all(len({*row}) == 1 for row in rows)
