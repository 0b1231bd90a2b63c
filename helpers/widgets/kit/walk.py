"""Places in rows and columns that the hand chooses on a picture, and the walk of a play button through them."""

import ipywidgets as W
import traitlets as T

from .base import Explorer
from .parameters import parameter
from .values import Whole


class Unseen(W.HBox):
    """The control of a parameter that is set on the picture or by code alone: it holds a tuple, and is not shown."""

    value = T.Tuple()


def place(default, label, *, samples=((0, 0), (0, 1), (1, 0)), help=""):
    """Declare a place (row, column), whole numbers from 0 on; an area sets them by the paths (0,) and (1,)."""
    trait = T.Tuple(Whole(min=0), Whole(min=0), default_value=default)
    return parameter(trait, lambda: Unseen(value=default), label, list(samples), help=help)


class Walk(Explorer):
    """An explorer of which one output is chosen: by its `place` (row, column), or by its `position`, row by row.

    A subclass declares `place` and the slider `position`, and says in `outputs` how many there are. Where there are
    fewer than before, the place moves to the nearest one.
    """

    def outputs(self, **values):
        """Return (rows, columns) of the outputs for these parameters, each at least 1."""
        raise NotImplementedError

    def limits(self, **values):
        """Keep the position among the outputs."""
        rows, columns = self.outputs(**values)
        return {"position": (0, rows * columns - 1)}

    @T.observe("position")
    def _take_position(self, change):
        rows, columns = self.outputs(**self.values)
        with self._held_back():
            self.place = divmod(min(change["new"], rows * columns - 1), columns)

    def _set_all(self, values):
        """Set the place last: how many places there are depends on the others."""
        super()._set_all(dict(sorted(values.items(), key=lambda value: value[0] in ("position", "place"))))

    def _apply_limits(self):
        rows, columns = self.outputs(**self.values)
        with self._held_back():
            self.place = min(self.place[0], rows - 1), min(self.place[1], columns - 1)
            self.position = self.place[0] * columns + self.place[1]
        super()._apply_limits()
