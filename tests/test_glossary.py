"""The glossary: its rows, what it calls PyTorch, and that every term of the course is in it."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from helpers.course import LESSONS, NOTEBOOKS

PATHS = sorted(Path(NOTEBOOKS).glob("[0-9]*.ipynb"))
GLOSSARY = Path(NOTEBOOKS) / "glossary.ipynb"
CHINESE = "[\u4e00-\u9fff]+"


@cache
def texts(path):
    """Return the texts of a notebook's markdown cells."""
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


@cache
def glossary():
    """Return the rows of the glossary: (English, Chinese, symbol, PyTorch, number of the notebook)."""
    lines = "\n".join(texts(GLOSSARY)).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line[:2] == "| "]
    return [[*row[:4], row[4][1:3]] for row in rows if len(row) == 5 and row[0] != "English"]


def test_the_glossary_has_every_column_and_no_term_twice():
    rows = glossary()
    assert len(rows) >= 60
    assert len({row[0] for row in rows}) == len(rows)
    for english, chinese, _, _, number in rows:
        assert english and re.search(r"[\u4e00-\u9fff]", chinese), english
        assert number in {lesson.number for lesson in LESSONS}, english
    assert {row[4] for row in rows} == {lesson.number for lesson in LESSONS}


def test_each_row_links_the_notebook_that_it_names():
    links = re.findall(r"\[(\d\d)\]\((\w+)\.ipynb\) \|$", "\n".join(texts(GLOSSARY)), re.MULTILINE)
    assert len(links) == len(glossary()) and set(links) == {(lesson.number, lesson.stem) for lesson in LESSONS}


def test_what_the_glossary_calls_pytorch_is_there():
    names = {"torch": torch, "nn": nn, "F": F}
    found = [code for row in glossary() for code in re.findall(r"`([^`]+)`", row[3])]
    calls = [code for code in found if code.split(".")[0] in names]
    assert len(calls) >= 30
    for code in calls:
        name, _, arguments = code.partition("(")
        thing = eval(name, dict(names))
        for argument in re.findall(r"(\w+)=", arguments):
            assert re.search(rf"\b{argument}\b", (thing.__doc__ or "") + str(thing.__init__.__doc__)), code


def glossed(path):
    """Return the Chinese of every term that a notebook glosses as *term* (中文), in order."""
    brackets = [bracket for text in texts(path) for bracket in re.findall(rf"\(([^()]*{CHINESE}[^()]*)\)", text)]
    return [term for bracket in brackets for term in re.findall(CHINESE, bracket)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_term_of_a_notebook_is_in_the_glossary(path):
    known = {term for row in glossary() for term in re.findall(CHINESE, row[1])}
    unknown = [term for term in glossed(path) if not any(entry.startswith(term) for entry in known)]
    assert not unknown, f"{path.name} glosses terms that are not in the glossary: {unknown}"


def test_the_glossary_names_the_notebook_that_explains_the_term():
    by_notebook = {path.stem[:2]: " ".join(texts(path)) for path in PATHS}
    absent = [row[0] for row in glossary() if row[4] in by_notebook
              and not any(term in by_notebook[row[4]] for term in re.findall(CHINESE, row[1]))]  # fmt: skip
    assert not absent, f"the notebook that the glossary names does not gloss: {absent}"


def glossed_before(english, number):
    """Return the lessons before `number` that gloss the term as *term* (中文) and do not send the reader on to it."""
    word = re.split(r", | \(", english)[0]
    gloss = re.compile(rf"\*{re.escape(word)}s?\*\s\({CHINESE}")
    paragraphs = [(path.stem[:2], paragraph) for path in PATHS[1:] if path.stem[:2] < number
                  for text in texts(path) for paragraph in text.split("\n\n")]  # fmt: skip
    return [lesson for lesson, words in paragraphs if gloss.search(words) and f"otebook {number}" not in words]


def test_no_lesson_explains_a_term_before_the_one_that_the_glossary_names():
    early = {row[0]: glossed_before(row[0], row[4]) for row in glossary()}
    assert glossed_before("bias", "02") == ["01"], "the rule finds what is explained in 01"
    assert not {term: lessons for term, lessons in early.items() if lessons}
