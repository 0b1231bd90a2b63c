"""The web edition in a browser: pages without errors, pictures that answer, search, phone, print, screen readers."""

import json

import pytest

from helpers.course.lessons import LESSONS

from ..browser import faults_of_access
from .looking import CUT, DESK, PHONE, SMALL, UNTOLD, label, open_page, wake

NAMES = [lesson.stem for lesson in LESSONS] + ["index", "glossary", "claims"]
HEAVIEST = 3e6  # bytes of a page with all that it loads, tables too
WEIGHT = """() => ["resource", "navigation"].flatMap(kind => performance.getEntriesByType(kind))
            .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_light_and_fits_a_phone(page, site, name):
    open_page(page, site, name)
    wake(page)
    assert page.evaluate(WEIGHT) < HEAVIEST
    assert page.evaluate("() => [...document.images].every(image => image.naturalWidth > 0)")
    assert not page.locator("mjx-merror").count()
    assert not page.evaluate(CUT, ".bd-article table, .cell_output .highlight pre")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert not page.evaluate(CUT, "table[aria-label='Map of the course'], #glossary table, .cell_output .highlight pre")
    assert not page.evaluate(UNTOLD)
    assert not page.evaluate(SMALL)
    assert not page.problems


@pytest.mark.parametrize("name, theme, size", [
    ("index", "dark", DESK), ("05_pooling", "light", DESK), ("07_lenet", "dark", DESK), ("04_channels", "dark", PHONE),
])  # fmt: skip
def test_axe_finds_nothing(page, site, name, theme, size):
    open_page(page, site, name, size, theme)
    wake(page)
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    code = {"exclude": [[".highlight"]]}  # hundreds of coloured words, in the theme's own style for good contrast
    found = faults_of_access(page, code, rules)
    assert not found, [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in found]


def test_search_finds_the_receptive_field(page, site):
    page.goto(f"{site.address}/search.html?q=receptive+field")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert any("03_padding_and_stride" in link for link in found) and not page.problems


@pytest.mark.parametrize("word, where", [
    ("感受野", "glossary"), ("卷积", "glossary"), ("im2col", "06_cnn_from_scratch"),
])  # fmt: skip
def test_search_finds_a_term_in_chinese_and_a_name(page, site, word, where):
    page.goto(f"{site.address}/search.html?q={word}")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert any(where in link for link in found), found


def test_a_term_leads_to_its_row_and_back(page, site):
    open_page(page, site, "03_padding_and_stride")
    term = page.locator("a.cnn-term:visible").last
    word = term.inner_text()
    term.click()
    row = page.locator("tr:has(:target)")
    assert word in row.inner_text() and row.bounding_box()["y"] < DESK["height"]
    page.go_back()
    page.wait_for_function("() => location.pathname.endsWith('03_padding_and_stride.html') && scrollY > 0")


def test_a_table_that_does_not_come_is_told_and_leaves_the_start(chromium, site):
    page, problems = chromium.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.route("**/_tables/*", lambda route: route.abort())
    page.goto(f"{site.address}/05_pooling.html")
    figure = page.locator(".cnn-live").first
    figure.scroll_into_view_if_needed()
    figure.get_by_text("could not be loaded").wait_for()
    assert figure.locator("svg").first.is_visible() and figure.locator(".cnn-controls").is_hidden() and not problems
    page.close()


def test_a_slider_changes_the_picture_and_what_it_says(page, site):
    open_page(page, site, "05_pooling")
    wake(page)
    figure = page.locator(".cnn-live").first
    before, slider = label(figure), figure.locator('input[data-name="pool_size"]')
    assert "window 2×2" in before
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert "window 3×3" in label(figure) and slider.get_attribute("aria-valuetext") == "3"
    figure.get_by_text("avg", exact=True).click()
    assert label(figure).startswith("avg pooling") and "window 3×3" in label(figure)
    assert figure.locator(".cnn-nearest").inner_text() == ""


def test_a_drag_on_the_picture_moves_the_window_and_the_controls(page, site):
    open_page(page, site, "02_convolution_layer")
    wake(page)
    figure = page.locator(".cnn-live").last
    area = figure.locator('[data-touch*="row"]').first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert "At row 60, column 84" in label(figure)
    page.mouse.move(box["x"] + box["width"] * 0.42, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.8, steps=4)
    page.mouse.up()
    assert "At row 170, column 140" in label(figure)
    assert figure.locator('input[data-name="row"] + output').inner_text() == "170"
    assert "the nearest" in figure.locator(".cnn-nearest").inner_text()


def test_an_arrow_key_reaches_the_next_stored_state(page, site):
    open_page(page, site, "02_convolution_layer")
    wake(page)
    figure = page.locator(".cnn-live").last
    figure.locator('[data-touch*="row"]').first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert "At row 120, column 140" in label(figure)
    page.keyboard.press("ArrowUp")
    assert "At row 60, column 140" in label(figure)


def find_live(site, kind):
    """Return (page, key) of the first live picture of a kind of widget; skips where none is live, as on the digits."""
    found = [(one.stem, key) for one in site.pages for key, made in one.kinds.items() if made == kind]
    if not found:
        pytest.skip(f"no {kind} is live without Fashion-MNIST")
    return found[0]


def test_a_setting_of_the_lab_brings_its_run(page, site):
    stem, key = find_live(site, "LearningRateLab")
    open_page(page, site, stem)
    wake(page)
    figure = page.locator(f'[data-table="{key}"]')
    assert label(figure).count("test accuracy") == 2
    figure.get_by_text("ReLU", exact=True).first.click()
    assert label(figure).count("test accuracy") == 3 and "lr 0.1, batch 64, ReLU" in label(figure)


def test_a_click_on_a_layer_of_a_kept_net_shows_its_maps(page, site):
    stem, key = find_live(site, "FeatureMaps")
    open_page(page, site, stem)
    wake(page)
    figure = page.locator(f'[data-table="{key}"]')
    strip = figure.locator('[data-touch*="layer"]').first
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    page.mouse.click(box["x"] + 0.32 * box["width"], box["y"] + box["height"] / 4)
    assert "layer net[0] " not in label(figure) and figure.locator(".cnn-nearest").inner_text() == ""


def test_numbers_are_those_of_the_table(page, site):
    """Each picture that the page can show is one that PyTorch gave: the page and the table agree, state by state."""
    open_page(page, site, "03_padding_and_stride")
    wake(page)
    table = next(one for one in site.pages if one.stem == "03_padding_and_stride").tables["03-1"]
    figure = page.locator(".cnn-live").first
    for name, value in (("stride", 2), ("padding", 2), ("kernel_size", 3)):
        options = table.options[name]
        figure.locator(f'input[data-name="{name}"]').fill(str(options.index(value)))
        values = {key: json.loads(json.dumps(now)) for key, now in shown(figure, table)}
        assert values[name] == value


def shown(figure, table):
    """The parameters of the state whose sentence the figure says."""
    said = label(figure)
    number = next(number for number in range(len(table.states)) if table.sentence(number) == said)
    return zip(table.names, table.states[number][0], strict=True)


def test_without_javascript_the_start_is_there(chromium, site):
    page = chromium.new_page()
    page.route("**/*.js*", lambda route: route.abort())
    page.goto(f"{site.address}/05_pooling.html")
    assert page.locator(".cnn-live svg").first.is_visible() and not page.locator(".cnn-controls").first.is_visible()
    page.close()


def test_it_works_where_it_is_opened_without_a_server(chromium, site):
    page = chromium.new_page()
    page.goto((site.folder / "05_pooling.html").as_uri())
    wake(page)
    assert page.locator("mjx-container").count() and page.locator(".cnn-controls").first.is_visible()
    page.close()


def test_a_page_can_be_printed(page, site):
    open_page(page, site, "05_pooling", theme="dark")
    wake(page)
    page.emulate_media(media="print")
    width = page.evaluate("document.querySelector('.bd-article').getBoundingClientRect().width")
    hidden = page.locator(".cnn-controls").first.is_hidden()
    assert hidden and width > 0.8 * DESK["width"] * 0.5
    assert len(page.pdf()) > 50_000


def test_a_prediction_is_answered_on_the_page(page, site):
    open_page(page, site, "02_convolution_layer")
    form = page.locator(".cnn-guess").first
    fields, out, check = form.locator("input"), form.locator("output"), form.get_by_role("button", name="Check")
    check.click()
    assert out.inner_text().startswith("– a number in each field, please")
    assert form.locator('[aria-invalid="true"]').count() == 4
    for place in range(4):
        fields.nth(place).fill("4")
    check.click()
    assert out.inner_text().startswith("✗ the sign is the other way round")
    for place in range(4):
        fields.nth(place).fill("−4")
    fields.nth(3).press("Enter")
    assert out.inner_text() == "✓ right." and not form.locator('[aria-invalid="true"]').count() and not page.problems
