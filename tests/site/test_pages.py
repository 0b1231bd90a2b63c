"""The pages of the web edition, as files: what they hold, what they weigh, where their links lead."""

import html
import re

import nbformat
import pytest

from helpers.course.address import is_fetching
from helpers.course.index import course_index
from helpers.course.lessons import LESSONS
from helpers.data import find_images
from helpers.site import build, starts
from helpers.site.pages import Page

NAMES = [lesson.stem for lesson in LESSONS] + ["index", "glossary", "claims"]


def text_of(site, name):
    return (site.folder / f"{name}.html").read_text(encoding="utf-8")


def article(site, name):
    return re.search(r'<article class="bd-article".*?</article>', text_of(site, name), re.S)[0]


def test_sphinx_has_nothing_to_say_and_leaves_nothing_beside_the_site(site):
    assert not site.warnings
    assert [path.name for path in site.folder.parent.iterdir()] == [site.folder.name]


def test_every_lesson_has_its_neighbours_and_says_how_to_run_it(site):
    for before, lesson, after in zip([None, *LESSONS], LESSONS, [*LESSONS[1:], None], strict=False):
        page = text_of(site, lesson.stem)
        assert f"python3 helpers/start.py lab notebooks/{lesson.stem}.ipynb" in html.unescape(page)
        assert 'href="https://example.org/course"' in page
        assert (site.folder / "notebooks" / f"{lesson.stem}.ipynb").is_file()
        for neighbour, way in ((before, "left-prev"), (after, "right-next")):
            link = re.search(rf'<a class="{way}"\s+href="([^"]+)"', page)
            assert not neighbour or link[1] == f"{neighbour.stem}.html"


def test_the_cell_that_fetches_the_course_is_not_shown_and_names_what_was_built(site):
    for lesson in LESSONS:
        assert "urlopen" not in text_of(site, lesson.stem)
        offered = nbformat.read(site.folder / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
        (cell,) = filter(is_fetching, offered.cells)
        assert 'address, version = "https://example.org/course", "v9"' in cell.source


def test_a_page_of_a_repository_on_github_opens_in_hosted_kernels():
    notebook = {"metadata": {}, "cells": [{"cell_type": "markdown", "source": "# A", "metadata": {}}]}
    page = Page("01_a", notebook, repository="https://github.com/a/b", version="c0ffee").notebook["cells"][0]["source"]
    assert "github/a/b/blob/c0ffee/notebooks/01_a.ipynb" in page and ">Binder</a>" in page
    assert "Colab" not in Page("01_a", notebook, repository="https://example.org/b").notebook["cells"][0]["source"]


def test_every_link_of_every_page_leads_somewhere(site):
    pages = {name: text_of(site, name) for name in NAMES}
    marks = {name: set(re.findall(r'\bid="([^"]+)"', page)) for name, page in pages.items()}
    broken = []
    for name, page in pages.items():
        for link in map(html.unescape, re.findall(r'(?:href|src)="([^"]+)"', page)):
            path, _, mark = link.partition("#")
            if re.match(r"\w+:", link) or not (path or mark):
                continue
            target = path.partition("?")[0]
            there = not target or (site.folder / target).exists()
            page_of_mark = target.removesuffix(".html") if target else name
            if not there or mark and page_of_mark in marks and html.escape(mark) not in marks[page_of_mark]:
                broken.append((name, link))
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site):
    for name in NAMES:
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(\w+:)?//', text_of(site, name))
        assert not loaded, name


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.number)
def test_live_pictures_start_as_the_notebook_stores_them(site, lesson):
    page = next(page for page in site.pages if page.stem == lesson.stem)
    stored = starts.stored_sentences(build.course_folder() / "notebooks" / f"{lesson.stem}.ipynb")
    for table in page.tables.values():
        assert table.sentence(0) in stored
    assert len(page.tables) + len(page.stills) == len(stored)


def test_most_widgets_are_live_and_the_others_say_so(site):
    kinds = {kind for page in site.pages for kind in page.kinds.values()}
    for page in site.pages:
        assert text_of(site, page.stem).count('class="cnn-still"') == len(page.stills)
    assert len(kinds) >= 16 and "RooflineExplorer" not in kinds, sorted(kinds)  # it shows the times of one machine
    if find_images(None, False)[0].source == "Fashion-MNIST":
        told = "nets are kept that are not those of the notebooks: python -m helpers.site.train NUMBER"
        assert len(kinds & {"ClassMaps", "FeatureMaps", "LearningRateLab", "LookInside", "PictureLab"}) >= 2, told


HINTS = {"a weight": "weights", "draw on": "ink", "the pen": "ink", "press run": "run", "the cover": "across"}


def test_hints_name_only_what_the_hand_can_do_in_a_page(site):
    for page in site.pages:
        for key, table in page.tables.items():
            texts = {piece.rpartition(">")[2] for part in table.parts for piece in part.split("</text>")[:-1]}
            for words in map(html.unescape, texts):
                assert not [hint for hint, name in HINTS.items() if hint in words and name not in table.names], key


def test_a_page_promises_no_answers_to_exercises(site):
    """Running a cell checks an answer, and `hint` and `solution` are called, in the notebook alone."""
    for lesson in LESSONS[1:]:
        page = article(site, lesson.stem)
        assert "The notebook checks the answers" in page and "checks the answer;" not in page, lesson.stem
        assert 'solution("' not in html.unescape(re.sub("<.*?>", "", page)), lesson.stem


def test_tables_have_something_to_choose_and_are_small(site):
    for page in site.pages:
        for key, table in page.tables.items():
            sentences = {table.sentence(number) for number in range(len(table.states))}
            assert len(sentences) >= 4 and all(len(options) > 1 for options in table.options.values()), key
            labels = [table.labels[name] for name in table.options]
            assert len({*labels}) == len(labels), f"{key}: two controls of one name among {labels}"
            assert len(table.states) <= 170 and (site.folder / f"_tables/{key}.js").stat().st_size < 1.1e6, key


def test_claims_and_glossary_are_whole(site):
    claims, entries = article(site, "claims"), course_index(build.course_folder() / "notebooks").entries
    assert len(re.findall(r"<li>", claims)) == len(entries) > 100
    glossary = article(site, "glossary")
    assert glossary.count("<tr") > 100 and 'id="感受野"' in glossary and 'href="02_convolution_layer.html"' in glossary
    assert 'href="glossary.html#感受野"' in article(site, "02_convolution_layer")


def test_where_a_check_waits_for_an_answer_the_page_has_hints(site):
    for name in NAMES:
        assert not re.search(r"– \d\d\.p?\d+: not attempted yet", article(site, name))
    said = article(site, "05_pooling")
    assert said.count("<summary>Hint</summary>") > 5 and "N and C pass through." in said


def test_a_page_says_what_it_is_about(site):
    said = {name: re.search(r'<meta name="description" content="([^"]+)"', text_of(site, name)) for name in NAMES[:-2]}
    assert all(said.values()) and len({one[1] for one in said.values()}) == len(said)


def test_a_widget_that_is_not_as_stored_stays_still(capsys):
    def notebook(said):
        output = {"output_type": "execute_result", "data": {"text/plain": f"DenseCost: {said}", "image/png": PIXEL}}
        return {"metadata": {}, "cells": [
            {"cell_type": "markdown", "source": "# A", "metadata": {}},
            {"cell_type": "code", "source": "DenseCost()", "metadata": {}, "outputs": [output]},
        ]}  # fmt: skip

    from helpers.widgets import DenseCost

    said = DenseCost().describe(DenseCost().result)
    assert Page("01_a", notebook(said)).tables and not capsys.readouterr().err
    other = Page("01_a", notebook("something else"))
    assert not other.tables and other.stills == ["DenseCost"] and "DenseCost" in capsys.readouterr().err
    assert not Page("01_a", notebook(said), is_live=lambda name: False).tables


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="another folder"):
        build.build(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("source, made", [
    ("DenseCost()", True), ("DenseCost(channels=1)", True), ("x = DenseCost()\nx", True), ("widgets.DenseCost()", True),
    ("DenseCost(channels=n)", False), ("DenseCost(net)", False), ("maps", False),
])  # fmt: skip
def test_a_widget_is_made_from_its_cell(source, made):
    assert bool(starts.widget_of(source, "DenseCost")) is made


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
