"""Bring the course up to date and keep one's answers: python3 helpers/start.py update

    python3 helpers/start.py update                 in a clone: asks git for the newest version
    python3 helpers/start.py update --from FOLDER   in an unpacked ZIP: takes the answers from the older folder

Notebooks that one has changed are copied, whole, into a folder under `work/`; then the answers in them, the cells that
call `check("NN.i", ...)`, are put into the new notebooks. All else that one has written stays in the copy.
"""
# Standard library only: it runs before there is an environment, and without it.

import argparse
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHECKED = re.compile(r'^check\("(\d\d\.p?\d+)"', re.MULTILINE)
# A line `name = ...`, `a, b = [..., ...]`, `...`, or `raise NotImplementedError`.
STUB = re.compile(r"^\s*(?:(?:[\w, ]+ = )?[\[(]*\.\.\.(?:, \.\.\.)*[\])]*|raise NotImplementedError)\s*(?:#.*)?$", re.M)


FROM = "python3 helpers/start.py update --from"


class UpdateError(Exception):
    """Why nothing was changed, in one sentence for the reader."""


def read(path: Path) -> dict:
    """Return the notebook in a file; UpdateError where it is none."""
    return notebook_in(path.read_text(encoding="utf-8", errors="replace"), str(path))


def notebook_in(text: str, name: str) -> dict:
    """Return the notebook that a text holds; UpdateError where it holds none."""
    try:
        notebook = json.loads(text)
        sources(notebook)[0]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UpdateError(f"{name} is no notebook: move it away and start again.") from error
    return notebook


def sources(notebook: dict) -> list[str]:
    """Return the cells' sources as texts."""
    return ["".join(cell["source"]) for cell in notebook["cells"]]


def answers(notebook: dict, original: list[str]) -> dict[str, str]:
    """Return {exercise: source of its cell} for the cells with a check, without a stub, and not in the original."""
    changed = [text for text in sources(notebook) if text not in original and not STUB.search(text)]
    return {CHECKED.search(text)[1]: text for text in changed if CHECKED.search(text)}


def put_back(kept: dict[str, str], path: Path) -> list[str]:
    """Write the answers into the notebook file, in the place of the stubs; return the exercises that it has."""
    notebook, done = read(path), []
    for cell, text in zip(notebook["cells"], sources(notebook), strict=True):
        asked = CHECKED.search(text) if cell["cell_type"] == "code" and STUB.search(text) else None
        if asked and asked[1] in kept:
            cell.update(source=kept[asked[1]].splitlines(keepends=True), outputs=[], execution_count=None)
            done.append(asked[1])
    if done:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return done


def git(root: Path, *words: str, encoding: str = "utf-8") -> str:
    """Return what git prints; UpdateError with its reason, and a way that needs no git, where it fails."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, encoding=encoding,
                              errors="replace", env={**os.environ, "LC_ALL": "C"})  # fmt: skip
    except OSError as error:
        raise UpdateError(f"git cannot be started ({error.strerror}): see the README for ZIPs.") from error
    if done.returncode:
        raise UpdateError(f"git {words[0]} failed: {reason(done.stderr or done.stdout)}\nNothing has changed. Where it "
                          f"stays so, get the course anew into another folder, and run there `{FROM} {root}`.")
    return done.stdout


def reason(text: str) -> str:
    """Return what git says of an error, from its first word on and without its hints, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("hint:")]
    first = next((i for i, line in enumerate(lines) if line.startswith(("fatal:", "error:"))), 0)
    return " ".join(lines[first:])


def keep(paths: list[Path], root: Path) -> Path:
    """Copy the notebooks into a new folder under work/ and return it."""
    folder = root / "work" / datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S_%f")
    folder.mkdir(parents=True)
    for path in paths:
        shutil.copy2(path, folder / path.name)
    return folder


def pull(root: Path) -> dict[Path, list[str]]:
    """Bring a clone to the newest version; return {copy of a changed notebook: sources of its original}.

    Where git cannot, the notebooks are as they were, and UpdateError says why.
    """
    if not (root / ".git").exists():
        raise UpdateError(
            f"This folder is no clone of git: unpack the new version beside it, and run `{FROM} {root}` there."
        )
    names = git(root, "diff", "--name-only", "-z", "--diff-filter=M", "HEAD", "--", ":(glob)notebooks/*.ipynb",
                encoding=sys.getfilesystemencoding())  # fmt: skip
    originals = {root / name: sources(notebook_in(git(root, "show", f"HEAD:{name}"), f"{name} as committed"))
                 for name in names.split("\0") if name}  # fmt: skip
    changed = [path for path, original in originals.items() if sources(read(path)) != original]
    folder = keep(list(originals), root) if originals else None
    try:
        for path in originals:
            git(root, "checkout", "HEAD", "--", str(path))
        git(root, "pull", "--ff-only")
    except BaseException:  # a press of Ctrl-C too
        for path in originals:
            shutil.copy2(folder / path.name, path)
        raise
    return {folder / path.name: originals[path] for path in changed}


def take(old: Path, root: Path) -> dict[Path, list[str]]:
    """Copy the notebooks of an older folder that differ from those here; return {copy: sources of the one here}."""
    paths = sorted((old / "notebooks").glob("*.ipynb"))
    if not paths or old.resolve() == root.resolve():
        raise UpdateError(f"{old} holds no older version of the course: name the folder that holds its notebooks/.")
    here = {path: root / "notebooks" / path.name for path in paths}
    originals = {path: sources(read(new)) if new.exists() else [] for path, new in here.items()}
    changed = [path for path, original in originals.items() if sources(read(path)) != original]
    folder = keep(changed, root) if changed else None
    return {folder / path.name: originals[path] for path in changed}


def update(root: Path, old: Path | None = None) -> list[str]:
    """Update the course in `root`, with the answers in it or in the older folder; return what to tell the reader."""
    copies, done, lost, closed = take(old, root) if old else pull(root), [], [], []
    for copy in sorted(copies, key=lambda copy: not (root / "notebooks" / copy.name).exists()):
        kept, put = answers(read(copy), copies[copy]), []
        for new in homes(copy.name, root) if kept else ():
            try:
                put += put_back(kept, new)
            except OSError as error:
                closed.append(f"{new} cannot be written ({error.strerror}).")
        done += put
        lost += sorted(kept.keys() - set(put))
    said = ["The course is up to date."]
    said += [f"Kept whole, as you had it: {copy.relative_to(root).as_posix()}." for copy in copies]
    said += [f"Answers put back: {', '.join(done)}."] if done else []
    said += [*closed, f"Answers without a place, in the copies alone: {', '.join(lost)}."] if lost else []
    return said


def homes(name: str, root: Path) -> list[Path]:
    """Return where the answers of a notebook go: to the one of its name, or where there is none, of its number."""
    same, number = root / "notebooks" / name, re.match(r"\d\d_", name)
    return [same] if same.exists() else sorted(same.parent.glob(f"{number[0]}*.ipynb")) if number else []


def main(words: list[str]) -> int:
    """Do what the command line asks; return the exit status."""
    parser = argparse.ArgumentParser(prog="start.py update", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--from", dest="old", type=Path, metavar="FOLDER", help="an older folder of the course")
    sys.stdout.reconfigure(errors="backslashreplace")  # a name that the console has no letters for
    try:
        print("\n".join(update(ROOT, parser.parse_args(words).old)))
    except UpdateError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{error.filename} cannot be used ({error.strerror}): see to it and start again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
