"""Counts and sizes in words."""

import pytest

from helpers.drawing.words import count, memory


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1"), (2700, "2,700"), (3.6e9, "3.6 billion"), (9.68e13, "96.8 trillion")]
)
def test_counts_in_words(number, words):
    assert count(number) == words


@pytest.mark.parametrize(("size", "words"), [(40, "40 B"), (32_400, "32.4 kB"), (43.2e9, "43.2 GB")])
def test_sizes_with_units(size, words):
    assert memory(size) == words
