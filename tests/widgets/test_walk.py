"""kit/walk.py: place and position say the same, whichever is set, by code, by hand or by the play button."""

import pytest
import traitlets as T

from helpers.drawing import svg
from helpers.widgets.kit.parameters import slider
from helpers.widgets.kit.walk import Walk, place

from .test_hand import moved


class Table(Walk):
    """A table of rows × columns."""

    rows, columns = slider(3, 0, 9, "rows"), slider(4, 0, 9, "columns")
    place = place((0, 0), "place")
    position = slider(0, 0, 80, "position")

    def outputs(self, rows, columns, **_):
        return max(rows, 1), max(columns, 1)

    def compute(self, **values):
        return values

    def describe(self, result):
        return str(result)

    def draw(self, result):
        return svg.picture(10, 10, label=self.describe(result))


@pytest.fixture
def table():
    return Table(position=5)


def test_it_can_be_given_either_way(table):
    assert table.place == (1, 1) == table.result["place"] and Table(place=(2, 3)).position == 11
    table.place = (2, 0)
    assert table.position == table.controls["position"].value == 8
    table.position = 7
    assert table.place == (1, 3) == table.controls["place"].value


def test_the_hand_sets_one_coordinate_and_stops_at_the_edge(table):
    moved(table, ("place", [1], 3))
    assert table.place == (1, 3) and table.position == 7
    moved(table, ("place", [0], 99), ("place", [1], 2))
    assert table.place == (2, 2) and table.position == 10 and not table.errors


def test_the_place_stays_where_the_table_changes_and_moves_to_the_nearest_where_it_must(table):
    table.columns = 6
    assert table.place == (1, 1) and table.position == 7 and table.controls["position"].max == 17
    table.update(rows=1)
    assert table.place == (0, 1) and table.position == 1
    table.update(rows=0, columns=0)
    assert table.place == (0, 0) and table.controls["position"].max == 0


def test_in_an_update_the_order_of_the_names_does_not_matter(table):
    table.update(position=70, rows=8, columns=9)
    assert table.place == (7, 7) and table.position == 70
    table.update(place=(8, 8), rows=9)
    assert table.place == (8, 8) and table.position == 80


def test_a_place_that_is_not_there_is_the_nearest(table):
    table.position = 80
    assert (table.place, table.position, table.controls["position"].value) == ((2, 3), 11, 11)
    table.place = (9, 9)
    assert (table.place, table.position) == ((2, 3), 11)


@pytest.mark.parametrize("wrong", [(1,), (1, -1), (0.5, 0), "ab", (True, 0), None])
def test_what_is_no_place_is_refused(table, wrong):
    with pytest.raises(T.TraitError):
        table.update(rows=2, place=wrong)
    assert table.rows == 3 and table.place == (1, 1) and table.position == 5
