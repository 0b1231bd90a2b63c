"""What the README promises beside the notebooks, from nothing: python3 tests/promises.py [NAME ...]

    start     JupyterLab by `start.py` and uv, out of an empty cache: seconds, bytes, the PyTorch that came
    cpu       the same with --cpu, PyTorch's index for CPUs replaced by stand-ins here: all but PyTorch itself, no CUDA
    update    a clone with an answered exercise is brought to a newer version: the answer and the new text are there
    progress  what was solved is shown to the learner, and of two learners to their lecturer
    site      the web edition is built and served; every link of every page is followed
    colab     Colab's IPython and ipywidgets and nothing of the course: notebooks alone in a folder fetch it and run

Without names all. `start`, `cpu` and `colab` need a network, from which uv comes where it is missing; all but `start`
need this Python with the course in it. Nothing is written but in folders for the moment. Prints a line for each; fails
where one fails.
"""

import argparse
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urldefrag, urljoin

from cpu_index import write_index
from newcomer import ROOT, clone, open_lab
from serving import served

COLAB = ["ipython==7.34.0", "ipykernel==6.17.1", "ipywidgets==7.7.1", "nbclient", "pip", "torch", "torchvision",
         "matplotlib", "scikit-learn", "pillow", "platformdirs"]  # fmt: skip
ALONE = ("00_start_here", "02_convolution_layer", "07_lenet")
IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.org"]


def said(command: list, folder: Path, **settings: str) -> str:
    """Return what a command prints, run in the folder; RuntimeError with its last lines where it fails."""
    done = subprocess.run([str(word) for word in command], cwd=folder, env={**os.environ, **settings}, text=True,
                          encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)  # fmt: skip
    if done.returncode:
        raise RuntimeError("\n".join(done.stdout.splitlines()[-20:]))
    return done.stdout


def size(folder: Path) -> str:
    """Return the size of all files in a folder, each counted once however many names it has."""
    found = {(entry.st_dev, entry.st_ino): entry.st_size
             for entry in (path.lstat() for path in folder.rglob("*") if path.is_file())}  # fmt: skip
    return f"{sum(found.values()) / 1e9:.2f} GB"


def find_uv(scratch: Path) -> None:
    """Have uv on the PATH: that of this machine, or one installed by pip into a folder of its own."""
    if not shutil.which("uv"):
        said([sys.executable, "-m", "venv", scratch / "uv"], scratch)
        said([scratch / "uv/bin/python", "-m", "pip", "install", "--quiet", "uv"], scratch)
        os.environ["PATH"] = f"{scratch / 'uv/bin'}{os.pathsep}{os.environ['PATH']}"


def start(scratch: Path, *words: str) -> str:
    """A first start by uv, with nothing fetched before."""
    find_uv(scratch)
    environment, cache = scratch / "env", scratch / "cache"
    os.environ.update(CNN_COURSE_VENV=str(environment), UV_CACHE_DIR=str(cache))
    seconds = open_lab(clone(scratch / "course"), *words)
    torch = said([environment / "bin/python", "-c", "import torch; print(torch.__version__)"], scratch).strip()
    return f"JupyterLab answers after {seconds:.0f} s; environment {size(environment)}, torch {torch}"


def cpu(scratch: Path) -> str:
    """A first start for CPUs, with an index of stand-ins: what comes, and what does not, beside PyTorch."""
    versions = write_index(scratch / "index")
    with served(scratch / "index") as address:
        os.environ["CNN_COURSE_CPU_INDEX"] = address
        told = start(scratch, "--cpu")
    installed = said(["uv", "pip", "freeze", "--python", scratch / "env/bin/python"], scratch)
    assert all(f"{name}=={version}\n" in installed for name, version in versions.items()), installed
    assert not re.search(r"^(cuda|nvidia|triton)", installed, re.M), installed
    return f"{told} (a stand-in without its bytes); nothing of CUDA came"


def update(scratch: Path) -> str:
    """An answer of the learner's, a change of the course, `start.py update`."""
    published = clone(scratch / "published")
    said(["git", "checkout", "--quiet", "-B", "main"], published)
    mine = scratch / "mine"
    said(["git", "clone", "--quiet", published, mine], scratch)
    name = "notebooks/00_start_here.ipynb"
    change(mine / name, 'answer = ...\ncheck("00.1", answer)', 'answer = 43\ncheck("00.1", answer)')
    change(published / name, "# Start here", "# Start here, once more")
    said(["git", *IDENTITY, "commit", "--quiet", "--all", "--message", "newer"], published)
    told = said([sys.executable, "helpers/start.py", "update"], mine).splitlines()[-1]
    text = (mine / name).read_text(encoding="utf-8")
    assert "answer = 43" in text and "# Start here, once more" in text
    return told


def change(path: Path, old: str, new: str) -> None:
    """Replace the source of the cell that begins with `old`, as an editor of notebooks would."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in notebook["cells"] if "".join(cell["source"]).startswith(old))
    cell["source"] = "".join(cell["source"]).replace(old, new)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def progress(scratch: Path) -> str:
    """Two learners solve exercises of 00; each sees their own, the lecturer both."""
    solve = "from helpers import check, progress\ncheck('00.1', 43)\n{}print(progress()[0].exercises)"
    shown = []
    for learner, more in (("one", ""), ("two", "check('00.2', (256, 1, 28, 28))\n")):
        file = scratch / f"{learner}.json"
        shown += said([sys.executable, "-c", solve.format(more)], ROOT, CNN_COURSE_PROGRESS=str(file)).split("\n")[:1]
    files = sorted(map(str, scratch.glob("*.json")))
    table = said([sys.executable, "-m", "helpers.course.progress", *files], ROOT)
    assert shown == ["1 of 4", "2 of 4"] and "one" in table and "two" in table, (shown, table)
    return f"lesson 00: {' and '.join(shown)}; both in the lecturer's table"


def site(scratch: Path) -> str:
    """The web edition, and all that its pages lead to."""
    begun, folder = time.monotonic(), scratch / "site"
    said([sys.executable, "helpers/start.py", "site", folder, "--here"], ROOT)
    seconds, seen = time.monotonic() - begun, {}
    with served(folder) as address:
        waiting = [f"{address}/index.html"]
        while waiting:
            page = waiting.pop()
            if page in seen or not page.startswith(address):
                continue
            with urllib.request.urlopen(page, timeout=60) as answer:  # HTTPError where a link is broken
                seen[page] = answer.read()
            if page.endswith(".html"):
                links = re.findall(r'(?:href|src)="([^"]+)"', seen[page].decode())
                waiting += [urldefrag(urljoin(page, html.unescape(link)))[0].partition("?")[0] for link in links]
    pages = sum(page.endswith(".html") for page in seen)
    return f"built in {seconds:.0f} s, {size(folder)}; {pages} pages and {len(seen) - pages} other files were opened"


def colab(scratch: Path) -> str:
    """Colab's versions in an environment of their own, and notebooks in a folder that holds nothing else."""
    find_uv(scratch)
    environment = scratch / "env"
    python = environment / "bin/python"
    said(["uv", "venv", "--quiet", environment], scratch)
    said(["uv", "pip", "install", "--quiet", "--python", python, *COLAB], scratch)
    before = said(["uv", "pip", "freeze", "--python", python], scratch).splitlines()
    course = clone(scratch / "packed/cnn-HEAD")
    shutil.rmtree(course / ".git")
    shutil.make_archive(str(scratch / "archive/HEAD"), "zip", course.parent)
    alone = scratch / "alone"
    alone.mkdir()
    for stem in ALONE:
        text = (ROOT / f"notebooks/{stem}.ipynb").read_text(encoding="utf-8")
        place = r'    address, version = \"SCRATCH\", \"HEAD\"\n'.replace("SCRATCH", scratch.as_uri())
        told = re.sub(r'    address, version = \\".*?\\", \\".*?\\"\\n', lambda _, place=place: place, text)
        assert told != text, f"{stem} has no cell that fetches the course"
        (alone / f"{stem}.ipynb").write_text(told, encoding="utf-8")
    run = [environment / "bin/jupyter-execute", "--timeout=1200", *(f"{stem}.ipynb" for stem in ALONE)]
    said(run, alone, CNN_COURSE_PROFILE="quick", PYTHONPATH="")
    after = said(["uv", "pip", "freeze", "--python", python], scratch).splitlines()
    assert not set(before) - set(after), "what was there has stayed"
    return f"{', '.join(ALONE)} ran; installed besides: {', '.join(sorted(set(after) - set(before)))}"


STEPS = {step.__name__: step for step in (start, cpu, update, progress, site, colab)}


def main() -> int:
    """Read the command line; return how many steps failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*STEPS, []], metavar="NAME")
    failures = 0
    for name in parser.parse_args().names or STEPS:
        before = dict(os.environ)
        try:
            with tempfile.TemporaryDirectory() as scratch:
                print(f"{name}: {STEPS[name](Path(scratch))}", flush=True)
        except Exception as error:
            print(f"{name} FAILED: {error}", flush=True)
            failures += 1
        os.environ.clear()
        os.environ.update(before)
    return failures


if __name__ == "__main__":
    sys.exit(main())
