"""Counts and sizes in words."""

import pathlib

import pytest

import helpers
from helpers.drawing.words import count, memory, minus


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1"), (2700, "2,700"), (3.6e9, "3.6 billion"), (9.68e13, "96.8 trillion")]
)
def test_counts_in_words(number, words):
    assert count(number) == words


@pytest.mark.parametrize(("size", "words"), [(40, "40 B"), (32_400, "32.4 kB"), (43.2e9, "43.2 GB")])
def test_sizes_with_units(size, words):
    assert memory(size) == words


@pytest.mark.parametrize(
    ("words", "signed"),
    [("-0.5", "−0.5"), ("(-1)·(-2) = 2", "(−1)·(−2) = 2"), ("row 2, -inf", "row 2, −inf"), ("×-3", "×−3"),
     ("-.5 to -4", "−.5 to −4"), ("1e-05", "1e-05"), ("2026-11-29", "2026-11-29"), ("multiply-adds", "multiply-adds"),
     ("x-1", "x-1")]
)  # fmt: skip
def test_a_negative_number_has_a_minus_and_no_hyphen(words, signed):
    assert minus(words) == signed


def test_every_picture_writes_its_text_by_the_one_function_that_minds_the_minus():
    sources = pathlib.Path(helpers.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if "<text" in path.read_text(encoding="utf-8")] == ["svg.py"]
