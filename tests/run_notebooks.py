"""Run notebooks in fresh kernels, some at a time, and leave their files as they are: run_notebooks.py JOBS PATH ...

Prints a line of JSON a notebook as it ends: its path, the seconds, and why it failed or "". tests/newcomer.py starts it
with the Python of the environment it has made.
"""

import asyncio
import json
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

SECONDS = 20 * 60  # at most for one cell


def misnamed(notebook: nbformat.NotebookNode) -> str:
    """Return what a notebook that ran on the digits says of Fashion-MNIST or its classes, "" if nothing.

    It may say that the digits stand in, and show what was measured on another machine, with its cores.
    """
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [text for output in outputs for text in (output.get("text"), *output.get("data", {}).values())]
    texts = [text for text in shown if isinstance(text, str)]
    if not any(text.startswith("digits (") for text in texts):
        return ""
    false = (text for text in texts if re.search("Fashion-MNIST|t-shirt|pullover|ankle boot", text)
             and not re.search(r"digits|\d cores", text))  # fmt: skip
    return next((f"on the digits it says: {text[:500]}" for text in false), "")


async def run(path: Path, places: asyncio.Semaphore) -> None:
    """Run one notebook as soon as there is a place, in its own folder; print how it went."""
    notebook, why = nbformat.read(path, as_version=4), ""
    async with places:
        start = time.monotonic()
        client = NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(path.parent)}})
        try:
            await client.async_execute()
            why = misnamed(notebook)
        except Exception as error:  # a cell's, or a kernel that has died
            why = str(error) or repr(error)
        print(json.dumps([str(path), time.monotonic() - start, why]), flush=True)


async def main(jobs: int, paths: list[str]) -> None:
    """Run all notebooks, `jobs` at a time."""
    places = asyncio.Semaphore(jobs)
    await asyncio.gather(*(run(Path(path), places) for path in paths))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2:]))
