"""How far a learner has come, lesson by lesson."""

from html import escape
from pathlib import Path
from typing import NamedTuple

from helpers.drawing import Table
from helpers.exercises import exercise_ids
from helpers.exercises.solved import progress_file, read_solved

from .lessons import LESSONS


class Standing(NamedTuple):
    """A lesson, and how many of its exercises and of its predictions are solved."""

    lesson: str
    exercises: str
    predictions: str


class Progress(Table):
    """The standing in each lesson; `solved` is {exercise: the moment when it was first right}, `file` its place."""

    def __init__(self, solved: dict[str, str], file: Path | None):
        self.solved, self.file = solved, file
        super().__init__(_standing(lesson, solved) for lesson in LESSONS)

    def __repr__(self):
        return f"{super().__repr__()}\n{self._where()}"

    def _repr_html_(self):
        return f"{super()._repr_html_()}<p>{escape(self._where())}</p>"

    def _where(self):
        if self.file is None:
            return "Nothing is noted, since CNN_COURSE_PROGRESS is empty."
        home = Path.home()
        place = Path("~", self.file.relative_to(home)) if self.file.is_relative_to(home) else self.file
        return f"{len(self.solved)} solved. What you solve is noted in {place}, and nowhere else."


def progress(file: str | Path | None = None) -> Progress:
    """Return how many exercises are solved in each lesson, from one's own progress file or another.

    `check` notes an exercise when its answer is first right. Raises ValueError for a file of another kind.
    """
    place = progress_file() if file is None else Path(file)
    return Progress(read_solved(place), place)


def solved_by_lesson() -> dict[str, tuple[int, int]]:
    """Return {"02": (solved, exercises)} for the lessons in which one has solved something; {} without a file."""
    try:
        solved = read_solved()
    except (ValueError, OSError):  # `progress` says it; a picture of the course is shown all the same
        return {}
    begun = {id[:2] for id in solved}
    totals = {lesson.number: exercises_in(lesson.number) for lesson in LESSONS if lesson.number in begun}
    counts = {number: (sum(id in solved for id in ids), len(ids)) for number, ids in totals.items()}
    return {number: count for number, count in counts.items() if count[0]}


def _standing(lesson, solved):
    ids = exercise_ids(lesson.number)
    guesses = [id for id in ids if ".p" in id]
    said = [f"{sum(id in solved for id in group)} of {len(group)}" for group in (exercises_in(lesson.number), guesses)]
    return Standing(f"{lesson.number} {lesson.title}", *said)


def exercises_in(number: str) -> list[str]:
    """Return the ids of a lesson's exercises, without the predictions."""
    return [id for id in exercise_ids(number) if ".p" not in id]
