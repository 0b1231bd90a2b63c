"""Make a Python that others look after ready for the course: what it lacks is installed, what it has stays as it is.

The first cell of a notebook that was opened alone (Colab, Kaggle, a download) fetches the course and calls `prepare`.
"""
# Standard library only: it runs before the course's packages are there.

import importlib
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_NEEDED = {"jupyterlab", "nbval", "d2l"}  # the host shows the notebook; without the book's functions lessons run too
PUBLIC = re.compile(r"(?:\d+!)?\d+(?:\.\d+)*(?:(?:a|b|rc)\d+)?(?:\.post\d+)?(?:\.dev\d+)?(?:\+[a-z0-9.]+)?")


def missing(lists: str) -> list[str]:
    """Return the requirements in the text of requirements.txt that lessons need and that have no version here."""
    lines = [line.partition("#")[0].strip() for line in lists.splitlines()]
    wanted = [line for line in lines if re.match(r"\w", line)]
    return [line for line in wanted if name(line) not in NOT_NEEDED and not installed(name(line))]


def name(requirement: str) -> str:
    """Return the package that a requirement names."""
    return re.match(r"[\w.-]+", requirement)[0]


def installed(package: str) -> str:
    """Return the version of a package here, or ""."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def constraints() -> str:
    """Return the text of a file that holds every package to the version that is here."""
    here = {dist.metadata["Name"]: dist.version for dist in metadata.distributions()}
    return "".join(f"{package}=={version}\n" for package, version in sorted(here.items(), key=str)
                   if package and PUBLIC.fullmatch(version or ""))  # fmt: skip


def install(requirements: list[str]) -> None:
    """Install requirements by pip, changing no package that is here; SystemExit with pip's last line if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder, "here.txt")
        here.write_text(constraints(), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run([*command, "--constraint", str(here), *requirements], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", errors="replace")  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["pip said nothing"]
        raise SystemExit(f"{', '.join(map(name, requirements))} could not be installed: {said[0]}")


def prepare() -> None:
    """Let this process, and those that it starts, import the course; install what is missing; say what was done."""
    if sys.version_info < (3, 10):  # noqa: UP036 - whatever Python a host has reads this
        raise SystemExit("The course needs Python 3.10 or newer; this is {}.{}.".format(*sys.version_info))
    lacking = missing((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    if lacking:
        install(lacking)
    for module in [module for module in sys.modules if module.partition(".")[0] == "helpers"]:
        del sys.modules[module]  # another module of that name, or an older course
    sys.path.insert(0, str(ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    importlib.invalidate_caches()
    print(f"The course is in {ROOT.name}" + (f"; installed: {', '.join(map(name, lacking))}." if lacking else "."))
