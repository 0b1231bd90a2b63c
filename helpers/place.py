"""Where things lie: the course, its notebooks, data and pictures, the files of packages; and a file written whole."""

import contextlib
import importlib.util
import os
import uuid
from collections.abc import Iterator
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


@contextlib.contextmanager
def written_whole(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a name beside `path` to write a file under, which takes the place of `path` when the block has ended well.

    No other writer has that name. Whoever reads `path` finds the old file or the new one, and never a part; of two
    writers one has the last word. A link stays one; folders that are missing are made. Raises OSError where the folder
    cannot be written; what the block raises leaves no file behind.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
