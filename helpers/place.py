"""Where things lie: the course, with its notebooks, data and pictures, and the files of packages."""

import importlib.util
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


def package_file(package: str, pattern: str) -> Path | None:
    """Return the first file of that pattern in a package, which is not imported; None where there is none."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else ()
    return next((path for folder in folders or () for path in sorted(Path(folder).glob(pattern))), None)
