"""An index in place of PyTorch's for CPUs, which not every machine reaches: python -m tests.cpu_index FOLDER

Its wheels stand in for the true ones: names, versions and what they ask for. Their code is a version and the class that
SciPy looks for; how the true build installs and runs, they cannot show.
"""

import re
import sys
from importlib.metadata import requires
from pathlib import Path
from zipfile import ZipFile

LOCK = Path(__file__).parents[1] / "requirements.lock"
PACKAGES = ("torch", "torchvision")
CUDA = r"(cuda|nvidia|triton)\b"  # how the names of packages begin that the build for CPUs does not ask for


def write_index(folder):
    """Write pages and wheels of an index into the folder; return {package: its version, as 2.14.1+cpu}."""
    lock = LOCK.read_text(encoding="utf-8")
    versions = {name: re.search(rf"^{name}==(\S+)", lock, re.M)[1] + "+cpu" for name in PACKAGES}
    for name, version in versions.items():
        write_wheel(Path(folder) / name, name, version, [line for line in requires(name) if not re.match(CUDA, line)])
    return versions


def write_wheel(folder, name, version, asks):
    """Write a wheel, and the page of the index that leads to it."""
    wheel, info = f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": f'__version__ = "{version}"\n\n\nclass Tensor: ...\n',
        f"{info}/METADATA": "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}",
                                       *(f"Requires-Dist: {line}" for line in asks), ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }  # fmt: skip
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    folder.mkdir(parents=True)
    with ZipFile(folder / wheel, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    (folder / "index.html").write_text(f'<a href="{wheel.replace("+", "%2B")}">{wheel}</a>\n', encoding="utf-8")


if __name__ == "__main__":
    print(write_index(sys.argv[1]))
