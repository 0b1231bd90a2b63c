"""Checkpoints of a training run: a file that is there whole or not at all, and is read without running code."""

import contextlib
import errno
import glob
import os
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import torch

from helpers.place import written_whole

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt

PATIENCE = 3.0  # seconds that a run waits for the file's lock: the processes of one that was killed may still be ending
TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # what the systems say of a lock that another process holds
FAR = 1 << 30  # the byte that Windows locks, behind all that is written: the name in front of it stays readable


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be taken up; the sentence names the file and says what to do."""


@contextlib.contextmanager
def sole_writer(path: str | os.PathLike, patience: float = PATIENCE) -> Iterator[None]:
    """Be the one run that writes `path`, by a lock on the file `path` and ".lock"; clear what killed writers left.

    The system takes the lock from a process that ends, in whatever way. Raises CheckpointError, with the holder's
    name, where another run still has it after `patience` seconds, or where the disk knows no locks; OSError where the
    folder cannot be written.
    """
    path = Path(path).resolve()  # of a link the file that it leads to: two names of one file have one lock
    path.parent.mkdir(parents=True, exist_ok=True)
    name, end = path.with_name(f"{path.name}.lock"), time.monotonic() + patience
    while (file := locked(name)) is None:
        if time.monotonic() > end:
            with contextlib.suppress(OSError):  # it ends just now: once more
                holder = name.read_text(encoding="utf-8")
                raise CheckpointError(f"{path} is being written by another run, {holder}: wait for its end, stop it, "
                                      "or take another file")
        time.sleep(0.05)
    try:
        for part in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
            part.unlink(missing_ok=True)
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            name.unlink()
        file.close()


def locked(name: Path):
    """Return the file of this name, open and locked, with this process's name in it; None if another one has it."""
    file = open(name, "a+", encoding="utf-8")  # noqa: SIM115  (held until the run ends)
    try:
        lock(file)
        if not os.path.samestat(os.stat(name), os.fstat(file.fileno())):
            raise FileNotFoundError("its last holder has just taken the name away")
    except OSError as error:
        file.close()
        if error.errno in TAKEN or isinstance(error, FileNotFoundError):
            return None
        raise CheckpointError(f"{name.parent} knows no locks ({error.strerror}), so that two runs could write "
                              "the same checkpoint: take a folder of another disk") from error
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}")
    file.flush()
    return file


def lock(file) -> None:
    """Lock the open file for this process; OSError, with a number of TAKEN, where another one has it."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        file.seek(FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


def save_checkpoint(state: dict, path: str | os.PathLike) -> None:
    """Write `state`, a dictionary of tensors, numbers, texts, lists and dictionaries, to `path`.

    The file is written beside `path`, under a name that no other writer has, brought to the disk, and then renamed in
    one step: of two writers one has the last word, and neither harms the other. Whoever is killed meanwhile leaves
    the former file whole. Raises OSError where the folder cannot be written.
    """
    path = Path(path).resolve()
    with written_whole(path) as part, open(part, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    if os.name == "posix":  # the new name, too, has to reach the disk
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_checkpoint(path: str | os.PathLike) -> dict:
    """Return the state that `save_checkpoint` wrote, its tensors on the CPU.

    The checksum of every part is compared first: torch alone would take a damaged weight for a good one. Raises
    CheckpointError for a file that is damaged or something else, FileNotFoundError where there is none.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            damaged = parts.testzip()
        if damaged is None:
            state = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(state, dict):
                return state
        reason = f"its part {damaged} is damaged" if damaged else "it holds no dictionary"
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile, pickle and torch each have their own way to refuse a file
        reason = str(error).split("\n")[0].split(". ")[0] or type(error).__name__
    raise CheckpointError(f"{path} is no whole checkpoint ({reason}): delete it to start anew, or put back a copy")


def compare_settings(stored: dict, wanted: dict, path: str | os.PathLike) -> None:
    """Raise CheckpointError if the settings in a checkpoint are not those of this run; it lists the differences."""
    names = [name for name in {**stored, **wanted} if stored.get(name) != wanted.get(name)]
    if names:
        listed = "; ".join(f"{name} is {stored.get(name)} there and {wanted.get(name)} here" for name in names)
        raise CheckpointError(f"{path} belongs to another run ({listed}): take its settings, or another file")
