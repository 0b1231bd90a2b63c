"""The reader's own pictures: a folder with one sub-folder for each class becomes batches in colour."""

import os
import textwrap
from pathlib import Path

import torch
from torch import Tensor

from .batches import COLUMNS, ImageBatches, positive, printable
from .device import device_of
from .pictures import open_picture

FEWEST_CLASSES = 2
NAMED = 3  # files that are left out are named, the rest are counted


def load_data_folder(
    folder: str | os.PathLike, batch_size: int, size: int = 64, *, test: float = 0.25, seed: int = 0,
    standardize: bool = True, device=None,
) -> tuple[ImageBatches, ImageBatches]:  # fmt: skip
    """Return the pictures of a folder as (train_iter, test_iter), each giving X (N, 3, size, size) and y (N,).

    Each sub-folder is a class; classes are numbered by name. What lies directly in a class, a file or again a folder,
    is never divided: put pictures that belong together, such as tiles of one photo, into a folder of their own. Of
    each class the share `test` of these goes to the test, at least one, drawn by `seed`. A picture is its middle
    square, scaled. Pixels have mean 0 and standard deviation 1 over the training set, or lie in 0 to 1 with
    `standardize=False`. `device=None` is `try_gpu()`. A `~` is the user's home, links are followed.

    Says what it found, which files it leaves out as no picture, and how many pictures of the test it has seen in the
    training, pixel for pixel; what has a name that begins with a dot is passed over. Raises ValueError for no folder,
    fewer than two classes, a class with fewer than two things that can be read, and numbers out of range.
    """
    folder = Path(folder).expanduser()
    batch_size, size = positive(batch_size, "batch_size"), positive(size, "size")
    if not 0 < test < 1:
        raise ValueError(f"test must be a share between 0 and 1, not {test!r}")
    classes, problems = list_classes(folder), []
    parts = ([], []), ([], [])  # (pictures, labels) to train on and to test on
    generator = torch.Generator().manual_seed(seed)
    for label, where in enumerate(classes):
        groups = [group for group in read_groups(where, size, problems) if group]
        if len(groups) < 2:
            raise ValueError(few_groups(where, len(groups), problems))
        held = min(len(groups) - 1, max(1, round(test * len(groups))))
        for rank, number in enumerate(torch.randperm(len(groups), generator=generator).tolist()):
            pictures, labels = parts[rank < held]
            pictures += groups[number]
            labels += [label] * len(groups[number])
    device = device_of(device)
    train, tested = ((torch.stack(pictures), torch.tensor(labels)) for pictures, labels in parts)
    std, mean = torch.std_mean(train[0] / 255)
    options = {"classes": [where.name for where in classes], "source": folder.resolve().name, "mean": mean.item(),
               "std": max(std.item(), 1 / 255), "standardize": standardize}  # fmt: skip
    said = found(options["source"], options["classes"], len(train[0]), len(tested[0]), problems)
    print(printable(said + leak(train[0], tested[0])))
    return tuple(ImageBatches(images.to(device), labels.to(device), batch_size, shuffle=shuffle, **options)
                 for (images, labels), shuffle in ((train, True), (tested, False)))  # fmt: skip


def list_classes(folder: Path) -> list[Path]:
    """Return the sub-folders of `folder` by name; ValueError where there are fewer than two."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: name one that holds a sub-folder for each class")
    classes = [path for path in visible(folder) if path.is_dir()]
    if len(classes) < FEWEST_CLASSES:
        have = f"only one sub-folder, {classes[0].name}" if classes else "no sub-folder"
        raise ValueError(f"{folder} has {have}: make one for each class, at least two, and put its pictures there")
    return classes


def read_groups(where: Path, size: int, problems: list[str]) -> list[list[Tensor]]:
    """Return the pictures of a class, uint8 (3, size, size), a list for each file or folder in it.

    A file that cannot be read adds a sentence to `problems`.
    """
    groups, around = [], {os.path.realpath(folder) for folder in (where, *where.parents)}
    for entry in visible(where):
        group = []
        for file in files_in(entry, around, problems):
            try:
                pixels = open_picture(file, file.relative_to(where.parent).as_posix(), size, color=True)
                group.append((255 * pixels).round().to(torch.uint8))
            except ValueError as problem:
                problems.append(str(problem))
        groups.append(group)
    return groups


def files_in(entry: Path, known: set[str], problems: list[str]) -> list[Path]:
    """Return a file itself, or the files of a folder and of those in it, by name.

    A folder whose real path is `known`, a link to one that was read or that holds it, adds a sentence to `problems`.
    """
    if not entry.is_dir():
        return [entry]
    real = os.path.realpath(entry)
    if real in known:
        problems.append(f"{entry.parent.name}/{entry.name} is a link to a folder that is read already.")
        return []
    known.add(real)
    return [file for inner in visible(entry) for file in files_in(inner, known, problems)]


def visible(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name, without what systems hide there; ValueError where it may not be read."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ValueError(f"{folder} cannot be read ({error.strerror}): change its rights, or take it away") from None


def few_groups(where: Path, count: int, problems: list[str]) -> str:
    """Return the sentence for a class from which nothing is left to train on once something is tested on."""
    own = [problem for problem in problems if problem.startswith(f"{where.name}/")]
    why = f" ({own[0].rstrip('.')})" if own else ""
    return (
        f"class {where.name} has {count or 'no'} picture{'s' if count != 1 else ''} that can be read{why}: give it "
        "at least two, one to train on and one to test on"
    )


def found(source: str, classes: list[str], num_train: int, num_test: int, problems: list[str]) -> str:
    """Say in one line what was found, and in further ones which files were left out and why; none is long."""
    names = ", ".join(classes)
    said = [f"{source}: {len(classes)} classes ({names}), train {num_train:,}, test {num_test:,}"]
    said += [f"Left out: {problem}" for problem in problems[:NAMED]]
    if (more := len(problems) - NAMED) > 0:
        said.append(f"Left out as well: {more} more file{'s' * (more > 1)}.")
    return "\n".join(textwrap.fill(line, COLUMNS, break_on_hyphens=False) for line in said)


def leak(train: Tensor, tested: Tensor) -> str:
    """Return a line on how many pictures of the test (M, 3, h, w) are in the training (N, 3, h, w), or nothing."""
    known = {picture.numpy().tobytes() for picture in train}
    if not (count := sum(picture.numpy().tobytes() in known for picture in tested)):
        return ""
    many = f"{count} pictures of the test are" if count > 1 else "A picture of the test is"
    return f"\n{many} in the training as well: keep one copy of each."
