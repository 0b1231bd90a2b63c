"""The picture of a widget in the page: shows the SVG and hands on what the hand does with it."""

import pathlib

import anywidget
import traitlets as T

FOLDER = pathlib.Path(__file__).parent


class Stage(anywidget.AnyWidget):
    """Shows the SVG text `value`; `on_touch(content, buffers)` gets each message of stage.js, in turn.

    A message is a dict with `do` and what belongs to it: "set" has `values`, a list of [parameter, path, value];
    "stroke" has `name` and `points`, shares (across, down) of the area drawn on; "drop" has `files`, dicts with
    `name`, `type` and `size`, and, where it is one picture that is not too large, its bytes in `buffers`; "still" has
    `reduced`, whether the reader asks for no motion.
    """

    _esm = FOLDER / "stage.js"
    _css = FOLDER / "stage.css"
    value = T.Unicode("").tag(sync=True)
    drops = T.Bool(False).tag(sync=True)

    def __init__(self, on_touch, **values):
        super().__init__(**values)
        self._on_touch = on_touch
        self.on_msg(self._take)

    def _take(self, _, content, buffers):
        """Hand a message on, and tell the browser when the next one may come."""
        try:
            self._on_touch(content, buffers)
        finally:
            self.send({"done": content.get("id")})
