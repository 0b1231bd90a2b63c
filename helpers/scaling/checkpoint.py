"""Checkpoints of a training run: a file that is there whole or not at all, and is read without running code."""

import os
import zipfile
from pathlib import Path

import torch


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be taken up; the sentence names the file and says what to do."""


def save_checkpoint(state: dict, path: str | os.PathLike) -> None:
    """Write `state`, a dictionary of tensors, numbers, texts, lists and dictionaries, to `path`.

    The file is written beside `path`, under its name and ".part", brought to the disk, and then renamed in one step.
    Whoever is killed meanwhile leaves the former file whole. Raises OSError where the folder cannot be written.
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(part, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
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
