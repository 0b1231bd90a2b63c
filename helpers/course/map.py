"""The map of the course: sixteen lessons as a picture, those that are here as links."""

import base64
import html
from pathlib import Path

from helpers.drawing import svg
from helpers.place import course_folder

from .lessons import LESSONS, Lesson
from .standing import solved_by_lesson

NOTEBOOKS = course_folder() / "notebooks"
BOX, GAP = (186, 74), 24  # a lesson (width, height) and the room for an arrow, in px
ROWS = (  # lessons drawn in one row, the name of the part they belong to, its colour: white reads on each
    (range(0, 4), "Layer by layer", "#1f66ad"),
    (range(4, 7), "", "#1f66ad"),
    (range(7, 11), "Network by network", "#b0560f"),
    (range(11, 14), "", "#b0560f"),
    (range(14, 16), "Inside, and at full size", "#7d3c98"),
)


class CourseMap:
    """The map as a notebook shows it: a picture with a text alternative, and links to the lessons in `folder`."""

    def __init__(self, folder: str | Path = NOTEBOOKS, solved: dict[str, tuple[int, int]] | None = None):
        self.solved = solved or {}
        self.here = [lesson for lesson in LESSONS if (Path(folder) / f"{lesson.stem}.ipynb").is_file()]

    @property
    def svg(self) -> str:
        """The picture: a lesson that is here in full colour, one to come as a dashed outline."""
        height = len(ROWS) * BOX[1] + sum(30 if name else 12 for _, name, _ in ROWS) + 8
        width = 4 * BOX[0] + 3 * GAP + 4
        parts, top = [], 0
        for numbers, name, color in ROWS:
            top += 30 if name else 12
            parts.append(svg.text(2, top - 9, name, anchor="start", bold=True, size=13))
            parts += [self.draw_box(LESSONS[n], 2 + i * (BOX[0] + GAP), top, color) for i, n in enumerate(numbers)]
            parts += [self.draw_arrow(i, top) for i in range(len(numbers) - 1)]
            top += BOX[1]
        picture = svg.picture(width, height, *parts, label=self.describe())
        # As an image the picture does not see the page's colour; the grey reads on a light and on a dark one.
        return picture.replace("currentColor", svg.GREY)

    def draw_box(self, lesson: Lesson, x: float, y: float, color: str) -> str:
        """Return one lesson as a box."""
        here = lesson in self.here
        ink = "#ffffff" if here else "currentColor"
        box = svg.rect(x, y, *BOX, fill=color if here else "none", stroke=color if here else "currentColor",
                       line=1 if here else 1.2, dash="" if here else "5 4")  # fmt: skip
        top = y + (26 if here else 20)
        title = svg.text(x + 10, top, f"{lesson.number} {lesson.title}", anchor="start", bold=True, color=ink)
        about = [svg.text(x + 10, top + 17 + 14 * i, line, size=11, anchor="start", color=ink)
                 for i, line in enumerate(lesson.about)]  # fmt: skip
        note = self.note(lesson) if here else "to come"
        mark = svg.text(x + BOX[0] - 10, y + BOX[1] - 8, note, size=11, anchor="end", color=ink) if note else ""
        return "".join([box, title, *about, mark])

    def note(self, lesson: Lesson) -> str:
        """Return how many exercises of a lesson are solved, "3 of 6 ✓"; nothing where none is."""
        return "{} of {} ✓".format(*self.solved[lesson.number]) if lesson.number in self.solved else ""

    @staticmethod
    def draw_arrow(column: int, top: float) -> str:
        """Return the arrow from the box in a column to the next in its row."""
        x, y = 2 + (column + 1) * BOX[0] + column * GAP, top + BOX[1] / 2
        return svg.arrow(x + 5, y, x + GAP - 5, y)

    def describe(self) -> str:
        """Return the text alternative."""
        to_come = [lesson.title for lesson in LESSONS if lesson not in self.here]
        here = ", ".join(f"{lesson.number} {lesson.title}" for lesson in self.here) or "none yet"
        said = f"Map of the course, {len(LESSONS)} lessons. Here: {here}."
        if self.solved:
            said += " Solved: " + ", ".join(f"{n} {done} of {all}" for n, (done, all) in self.solved.items()) + "."
        return f"{said} To come: {', '.join(to_come)}." if to_come else said

    def __repr__(self) -> str:
        return self.describe()

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        links = " · ".join(f'<a href="{lesson.stem}.ipynb">{lesson.number} {html.escape(lesson.title)}</a>'
                           for lesson in self.here)  # fmt: skip
        alt = html.escape(self.describe())
        image = f'<img alt="{alt}" src="data:image/svg+xml;base64,{data}" style="max-width:100%">'
        return f"{image}<p>Open: {links}</p>"


def course_map(folder: str | Path = NOTEBOOKS) -> CourseMap:
    """Return the map of the course, with links to the notebooks that are in `folder` and what one has solved."""
    return CourseMap(folder, solved_by_lesson())
