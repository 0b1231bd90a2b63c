"""A long measurement in steps, each in a process of its own: what one breaks or draws out costs the others nothing."""

import json
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.place import written_whole


def run_step(pieces: Callable[..., Iterator[dict]], args: tuple, seconds: float, keep: Callable[[dict], object]) -> str:
    """Run the generator `pieces(*args)` in a new process, for so many seconds at most; `keep` each piece as it comes.

    Returns "" if it came to its end, else why not in a line: the time, its exception, or the code that it died with.
    """
    spawn = multiprocessing.get_context("spawn")  # a forked process cannot use CUDA
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_hand_over, args=(theirs, pieces, args))
    process.start()
    theirs.close()  # so that the pipe ends with the process
    end = time.monotonic() + seconds
    try:
        while ours.poll(max(0.0, end - time.monotonic())):
            piece = ours.recv()
            if isinstance(piece, str):
                return piece
            keep(piece)
        return f"stopped after {seconds:.0f} s"
    except EOFError:
        process.join(10)
        return f"its process ended with code {process.exitcode}"
    finally:
        process.kill()
        process.join(10)


def _hand_over(connection, pieces: Callable[..., Iterator[dict]], args: tuple) -> None:
    """Send each piece, then "", or the last line of an error."""
    try:
        for piece in pieces(*args):
            connection.send(piece)
        connection.send("")
    except Exception as error:
        connection.send(traceback.format_exception_only(error)[-1].strip())


def merge(found: dict, piece: dict) -> None:
    """Put a piece into the results, dict by dict."""
    for key, value in piece.items():
        if isinstance(value, dict):
            merge(found.setdefault(key, {}), value)
        else:
            found[key] = value


def write(found: dict, path: Path) -> None:
    """Write the results as JSON, the whole file or none of it."""
    with written_whole(path) as part:
        part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
