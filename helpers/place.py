"""Where the course lies: the folder that holds its notebooks, its data and its pictures."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def course_folder(package: Path = PACKAGE) -> Path:
    """Return the clone that `package` lies in; installed apart from one, the folder above the notebook that runs.

    Jupyter runs a notebook in its own folder: the course is above it where that is called notebooks, else it is there.
    """
    if (package.parent / "notebooks").is_dir():
        return package.parent
    here = Path.cwd()
    return here.parent if here.name == "notebooks" else here
