"""The map of the course: all lessons as boxes in rows, each that is here a link."""

import html
from pathlib import Path

from helpers.place import course_folder

from .lessons import LESSONS, Lesson
from .standing import solved_by_lesson

NOTEBOOKS = course_folder() / "notebooks"
COLUMNS = 4
ROWS = (  # lessons in one row, the name of the part they belong to, its colour: white reads on each
    (range(0, 4), "Layer by layer", "#1f66ad"),
    (range(4, 7), "", "#1f66ad"),
    (range(7, 11), "Network by network", "#b0560f"),
    (range(11, 14), "", "#b0560f"),
    (range(14, 17), "Inside, and at full size", "#7d3c98"),
)
TABLE = "border-collapse:separate;border-spacing:0 8px"
BOX = "width:190px;padding:6px 10px;text-align:left;vertical-align:top;border-radius:4px"


class CourseMap:
    """The map as a notebook shows it: a table of boxes; a lesson that is in `folder` is coloured, and a link."""

    def __init__(self, folder: str | Path = NOTEBOOKS, solved: dict[str, tuple[int, int]] | None = None):
        self.solved = solved or {}
        self.here = [lesson for lesson in LESSONS if (Path(folder) / f"{lesson.stem}.ipynb").is_file()]

    def note(self, lesson: Lesson) -> str:
        """Return how many exercises of a lesson are solved, "3 of 6 ✓"; "to come" where it is not here."""
        if lesson not in self.here:
            return "to come"
        return "{} of {} ✓".format(*self.solved[lesson.number]) if lesson.number in self.solved else ""

    def describe(self) -> str:
        """Return the map in words."""
        to_come = [lesson.title for lesson in LESSONS if lesson not in self.here]
        here = ", ".join(f"{lesson.number} {lesson.title}" for lesson in self.here) or "none yet"
        said = f"Map of the course, {len(LESSONS)} lessons. Here: {here}."
        if self.solved:
            said += " Solved: " + ", ".join(f"{n} {done} of {all}" for n, (done, all) in self.solved.items()) + "."
        return f"{said} To come: {', '.join(to_come)}." if to_come else said

    def __repr__(self) -> str:
        return self.describe()

    def _repr_html_(self) -> str:
        rows = "".join(_heading(name) + self._row(numbers, color) for numbers, name, color in ROWS)
        return f'<table aria-label="Map of the course" style="{TABLE}">{rows}</table>'

    def _row(self, numbers, color):
        boxes = [self._box(LESSONS[number], color) for number in numbers]
        arrow = '<td style="padding:0 2px">→</td>'
        return f'<tr style="background:none">{arrow.join(boxes)}</tr>'

    def _box(self, lesson, color):
        title, ink = html.escape(f"{lesson.number} {lesson.title}"), ""
        look = f"{BOX};border:1px dashed currentColor"
        if lesson in self.here:
            ink = "color:#ffffff"
            look = f"{BOX};background:{color};{ink}"
            title = f'<a href="{lesson.stem}.ipynb" style="{ink}">{title}</a>'
        lines = [f"<b>{title}</b>", html.escape(lesson.about), html.escape(self.note(lesson))]
        return f'<td style="{look}">{"<br>".join(line for line in lines if line)}</td>'


def _heading(name):
    head = f'<th colspan="{2 * COLUMNS - 1}" style="text-align:left;background:none">{name}</th>'
    return f'<tr style="background:none">{head}</tr>' if name else ""


def course_map(folder: str | Path = NOTEBOOKS) -> CourseMap:
    """Return the map of the course, with links to the notebooks that are in `folder` and what one has solved."""
    return CourseMap(folder, solved_by_lesson())
