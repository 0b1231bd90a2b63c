"""What the index of notebook 00 finds, and that its links lead somewhere."""

import json
import re

import pytest

from helpers.course import LESSONS, NOTEBOOKS
from helpers.course.index import KINDS, as_html, course_index, first_words

STEM = LESSONS[3].stem


def notebook(folder, *texts, stem=STEM):
    cells = [{"cell_type": "markdown", "source": text.splitlines(keepends=True)} for text in texts]
    cells.append({"cell_type": "code", "source": ["# **Open question:** not prose"], "outputs": []})
    (folder / f"{stem}.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")


def test_what_a_notebook_claims_and_asks(tmp_path):
    notebook(
        tmp_path,
        "# A lesson\n\nText about **Claim that circulates:** in the middle.",
        "## Two ways & more\n\n**Claim that circulates:** “all\nwindows `overlap`.” They do not.",
        "### Why\n\n**Open question:** what about the rest? Nothing.",
        "## Questions learners ask\n\n**Is it *fast*?** Yes.\n\n**Bold** and no question.",
        "**And\nhere?** Too.\n\n<details><summary><b>Folded?</b></summary>\n\nAs well.\n\n</details>",
        "## Exercises\n\n**What is 2?** A number.",
    )
    found = [(entry.kind, entry.words, entry.heading) for entry in course_index(tmp_path).entries]
    assert found == [
        ("claim", "“All windows `overlap`.”", "Two ways & more"),
        ("question", "What about the rest?", "Why"),
        ("asked", "Is it *fast*?", "Questions learners ask"),
        ("asked", "And here?", "Questions learners ask"),
        ("asked", "Folded?", "Questions learners ask"),
    ]
    shown = course_index(tmp_path)._repr_html_()
    assert f'<a href="{STEM}.ipynb#Two-ways-&amp;-more">03</a> “All windows <code>overlap</code>.”' in shown
    assert "Is it <i>fast</i>?" in shown and "Questions learners ask (3)" in shown
    assert repr(course_index(tmp_path)) == "Claims that circulate: 1\nOpen questions: 1\nQuestions learners ask: 3"


@pytest.mark.parametrize("text, words", [
    ("“one. two” and more", "“One. two”"), ("a sentence. Another.", "A sentence."), ("why so: because", "Why so"),
    ("`net.eval()` does it. No.", "`net.eval()` does it."),
])  # fmt: skip
def test_first_words(text, words):
    assert first_words(text) == words


def test_markdown_in_a_line():
    assert as_html("**b** *i* `a<b` $x_i$ & c") == "<b>b</b> <i>i</i> <code>a&lt;b</code> $x_i$ &amp; c"


def test_the_course_has_claims_and_questions_and_every_link_leads_to_a_heading():
    index = course_index()
    assert len(index.of_kind("claim")) >= 30 and len(index.of_kind("question")) >= 8
    assert {entry.stem for entry in index.of_kind("asked")} >= {
        lesson.stem for lesson in LESSONS[2:] if (NOTEBOOKS / f"{lesson.stem}.ipynb").is_file()}  # fmt: skip
    headings = {}
    for entry in index.entries:
        if entry.stem not in headings:
            cells = json.loads((NOTEBOOKS / f"{entry.stem}.ipynb").read_text(encoding="utf-8"))["cells"]
            text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
            headings[entry.stem] = [found.replace(" ", "-") for found in re.findall(r"^#+ (.*)$", text, re.M)]
        stem, place = entry.link.split(".ipynb#")
        assert stem == entry.stem and place in headings[stem], entry
        assert entry.kind in KINDS and 8 < len(entry.words) < 240, entry


def test_no_claim_is_told_twice():
    words = [entry.words for entry in course_index().of_kind("claim")]
    assert len(set(words)) == len(words)
