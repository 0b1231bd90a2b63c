"""For a lecturer: how far each of many learners has come, from their files: python -m helpers.course.progress *.json

The files are easily changed by hand: they say what someone says to have solved. Without files, one's own progress.
"""

import glob
import sys
from collections import Counter
from pathlib import Path

from helpers.drawing import Table
from helpers.exercises.solved import read_solved

from .lessons import LESSONS
from .standing import exercises_in, progress


class Learners(Table):
    """The standing of several learners, a line each: (name, {exercise: moment})."""

    def lines(self) -> list[list[str]]:
        """Return the headings, then for each learner the exercises solved in each lesson and in all."""
        ids = {lesson.number: set(exercises_in(lesson.number)) for lesson in LESSONS}
        lines = [["name", "all", *(f"{number} (of {len(those)})" for number, those in ids.items())]]
        for name, solved in self.rows:
            counts = [len(solved.keys() & those) for those in ids.values()]
            lines.append([name, str(sum(counts)), *map(str, counts)])
        return lines


def compare_learners(files: list[str | Path]) -> Learners:
    """Return a table of progress files, one line a file, named after it; files of one name are told by their folders.

    Raises ValueError for a file of another kind, or one that is not there.
    """
    paths = [Path(file) for file in files]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise ValueError(f"there is no file {missing[0]}")
    count = Counter(path.stem for path in paths)
    return Learners((path.stem if count[path.stem] == 1 else path.with_suffix("").as_posix(), read_solved(path))
                    for path in paths)  # fmt: skip


def main(files: list[str]) -> int:
    """Print the table of the files, or one's own progress; return the exit status."""
    sys.stdout.reconfigure(errors="backslashreplace")  # a name that the console has no letters for
    # Windows hands "*.json" on as it stands.
    files = [path for file in files for path in (sorted(glob.glob(file)) if not Path(file).exists() else ()) or [file]]
    try:
        print(compare_learners(files) if files else progress())
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
