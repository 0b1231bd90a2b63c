"""drawing/padding.py: which cells are padding, and that they look like nothing else."""

import re

import numpy as np

from helpers.drawing.padding import padding_cells, ring


def test_a_ring_around_the_picture():
    assert ring((2, 3), (1, 2)).astype(int).tolist() == [[0] * 7, [0, 0, 1, 1, 1, 0, 0], [0, 0, 1, 1, 1, 0, 0], [0] * 7]
    assert ring((2, 2), (0, 0)).all()


def test_each_cell_outside_is_dashed_and_holds_the_value_where_there_is_room():
    cells = padding_cells(ring((1, 2), (1, 1)), 10, 20, 24, value="−∞")
    assert cells.count("<rect") == cells.count("stroke-dasharray") == cells.count(">−∞<") == 3 * 4 - 2
    places = set(re.findall(r'<rect x="(\d+)" y="(\d+)" width="24"', cells))
    assert places == {(str(10 + 24 * j), str(20 + 24 * i)) for i in range(3) for j in range(4)} - {
        ("34", "44"), ("58", "44")}  # fmt: skip
    assert "<text" not in padding_cells(ring((1, 2), (1, 1)), 0, 0, 9)
    assert padding_cells(np.ones((2, 2), dtype=bool), 0, 0, 24) == ""
