"""Where the course is to be had: python -m helpers.course.address [https://github.com/OWNER/NAME]

Writes the repository's address into pyproject.toml, its one place, and from there into what needs it: the notebooks'
first cells, which fetch the course where it is missing, and the README's badges. Without an address it does the second
half alone, after a change of the version, or for a new notebook.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat

from helpers.place import course_folder

FETCHES = "remove-cell"  # the tag of the cell, by which the web edition leaves it out
GITHUB = "https://github.com/"
STATED = re.compile(r'^\[project\.urls\]\nRepository = "(.*)"\n\n', re.MULTILINE)
BADGES = re.compile(r"(<!-- badges: .* -->\n).*?(<!-- end of badges -->)", re.DOTALL)
CELL = '''\
# @title Fetches the course where it is missing: in Colab, in Kaggle, or if this notebook was opened alone
import importlib.util
from pathlib import Path

found = importlib.util.find_spec("helpers")  # of the course, not some other module of that name
if not any(Path(place, "hosted.py").exists() for place in found and found.submodule_search_locations or ()):
    import io, runpy, urllib.request, zipfile

    address, version = "ADDRESS", "VERSION"
    course = Path("..") if Path("../helpers/hosted.py").exists() else Path(f"cnn_course_{version}")
    if not course.exists():
        if not address:
            raise SystemExit("The rest of the course is missing here: get its whole folder, as its README says.")
        try:
            archive = urllib.request.urlopen(f"{address}/archive/{version}.zip", timeout=60).read()
        except OSError as error:
            raise SystemExit(f"{address} was not reached ({error}). On Kaggle, switch the internet on.") from None
        zipfile.ZipFile(io.BytesIO(archive)).extractall("cnn_course_part")
        Path("cnn_course_part").rename(course)
    hosted = [*course.glob("helpers/hosted.py"), *course.glob("*/helpers/hosted.py")]
    runpy.run_path(str(hosted[0]))["prepare"]()'''
IMAGES = {
    "Colab": "https://colab.research.google.com/assets/colab-badge.svg",
    "Kaggle": "https://kaggle.com/static/images/open-in-kaggle.svg",
    "Binder": "https://mybinder.org/badge_logo.svg",
    "Codespaces": "https://github.com/codespaces/badge.svg",
}


def stated(root: str | Path) -> str:
    """Return the address that pyproject.toml states, or ""."""
    found = STATED.search(Path(root, "pyproject.toml").read_text(encoding="utf-8"))
    return found[1] if found else ""


def version(root: str | Path) -> str:
    """Return what to fetch there: the tag of the version, or HEAD, the newest, while a version is being made."""
    number = re.search(r'^version = "(.*)"', Path(root, "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
    return "HEAD" if ".dev" in number else f"v{number}"


def here(root: str | Path) -> tuple[str, str]:
    """Return (address, version) of what is here. A workflow of GitHub knows its own, so that a fork names itself."""
    server, name, commit = map(os.environ.get, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA"))
    return (f"{server}/{name}", commit) if server and name and commit else (stated(root), version(root))


def hosts(address: str, version: str, stem: str) -> dict[str, str]:
    """Return {name of a host: where it opens the notebook `stem`}; {} for a repository that is not on GitHub."""
    if not address.startswith(GITHUB):
        return {}
    name = address.removeprefix(GITHUB)
    page = f"{name}/blob/{version}/notebooks/{stem}.ipynb"
    return {
        "Colab": f"https://colab.research.google.com/github/{page}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src={GITHUB}{page}",
        "Binder": f"https://mybinder.org/v2/gh/{name}/{version}?labpath=notebooks/{stem}.ipynb",
        "Codespaces": f"https://codespaces.new/{name}",
    }


def is_fetching(cell: dict) -> bool:
    """Whether a cell is the one that fetches the course; readers do not see it."""
    return cell["cell_type"] == "code" and FETCHES in cell.get("metadata", {}).get("tags", [])


def put_cell(notebook: dict, address: str, version: str) -> None:
    """Put the fetching cell, with this address and version, before the first code cell of a notebook that has any."""
    cells = notebook["cells"]
    place = next((i for i, cell in enumerate(cells) if cell["cell_type"] == "code"), None)
    if place is None:
        return
    if not is_fetching(cells[place]):
        cells.insert(place, nbformat.v4.new_code_cell(id="fetch-the-course"))
    # Folded in JupyterLab, and in Colab, which shows its title.
    cells[place]["metadata"] = {"tags": [FETCHES], "jupyter": {"source_hidden": True}, "cellView": "form"}
    cells[place]["source"] = CELL.replace("ADDRESS", address).replace("VERSION", version)


def badges(address: str, version: str) -> str:
    """Return the README's line of badges, one for each host; "" without an address."""
    places = hosts(address, version, "00_start_here")
    return "".join(f"[![Open in {host}]({IMAGES[host]})]({place})\n" for host, place in places.items())


def write(root: str | Path, address: str | None = None) -> None:
    """Write the address into pyproject.toml, where one is given, and what it states into notebooks and README."""
    root = Path(root)
    if address is not None:
        project = root / "pyproject.toml"
        section = f'[project.urls]\nRepository = "{address}"\n\n' if address else ""
        text = STATED.sub("", project.read_text(encoding="utf-8"))
        text = text.replace("[project.optional-dependencies]", f"{section}[project.optional-dependencies]", 1)
        project.write_text(text, encoding="utf-8", newline="\n")
    place = stated(root), version(root)
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        put_cell(notebook, *place)
        nbformat.write(notebook, path)
    readme = root / "README.md"
    text = BADGES.sub(lambda found: found[1] + badges(*place) + found[2], readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8", newline="\n")


def main(words: list[str]) -> int:
    """Do what the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", nargs="?", help='the page of the repository; "" for none')
    address, root = parser.parse_args(words).address, course_folder()
    if address and not re.fullmatch(r'https?://[^\s"\\]+', address):
        parser.error(f"{address} is no address of a page")
    write(root, address.removesuffix("/").removesuffix(".git") if address else address)
    print(f"The address is {stated(root) or 'not known'}; first cells fetch {version(root)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
