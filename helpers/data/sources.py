"""Where the bytes of the pictures come from: a folder, a download, or the digits inside scikit-learn.

The mirrors of the download stand in `download.py`.
"""

import gzip
import hashlib
import math
import os
import stat
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.place import course_folder

from .download import DownloadError, download

DATA = course_folder() / "data"
KAGGLE = Path("/kaggle/input")  # where a Kaggle notebook finds the data sets that were added to it
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
# Of the published files, unpacked (github.com/zalandoresearch/fashion-mnist).
SHA256 = {
    FILES[0]: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    FILES[1]: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    FILES[2]: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    FILES[3]: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
MOST_BYTES = 256_000_000  # of one file, unpacked; the largest has 47 million
PUBLISHED, OTHER = "Fashion-MNIST", "own files"  # what files of the right shape are called
FASHION = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_in_memory: dict = {}  # folder that could not be written -> the ImageSet downloaded for it


class SourceError(Exception):
    """Why a source cannot be used, as the rest of a sentence that begins with its name; no path of the machine."""


@dataclass(frozen=True)
class ImageSet:
    """A data set: images uint8 (N, 1, 28, 28), labels int64 (N,), mean and std of all training pixels (0 to 1).

    `source` is "Fashion-MNIST" for the published files, "own files" for others of their shape, of which `altered`
    names those that differ, or "digits".
    """

    source: str
    place: str
    classes: tuple
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    mean: float
    std: float
    altered: tuple = ()


def find_images(folder=None, allow_download: bool | None = None) -> tuple[ImageSet, list[str]]:
    """Return the first source that works, and one sentence for each before it that did not.

    Order: `folder`, the folder in CNN_COURSE_DATA, data/ in the repository, Kaggle's input, download, embedded digits.
    `None` allows the download unless CNN_COURSE_OFFLINE is set to something other than 0.
    """
    problems = []
    places = [("given folder", "the given folder", folder),
              ("CNN_COURSE_DATA", "the folder in CNN_COURSE_DATA", os.environ.get("CNN_COURSE_DATA")),
              ("data/", "data/", DATA if DATA.is_dir() else None)]  # fmt: skip
    for place, in_words, path in places:
        if path:
            try:
                return replace(read_folder(found_folder(path)), place=place), problems
            except SourceError as error:
                problems.append(f"{in_words} {error}")
    for raw in sorted({path.parent for path in KAGGLE.glob(f"**/{FILES[0]}")}):
        with suppress(SourceError):
            return replace(_read_raw(raw, stamp_of(raw)), place="Kaggle's input"), problems
    if allow_download is None:
        allow_download = os.environ.get("CNN_COURSE_OFFLINE", "0") in ("", "0")
    if not allow_download:
        return digits(), [*problems, "downloading is switched off"]
    try:
        return download_images(DATA), problems
    except DownloadError as error:
        return digits(), [*problems, str(error)]


def found_folder(path: str | os.PathLike) -> Path:
    """Return the folder of this path, "~" being the reader's own.

    Raises SourceError where there is no folder; a relative path is said with the folder that it counts from.
    """
    given = os.fspath(path)
    try:
        folder = Path(given).expanduser()
        there = folder.exists()
    except RuntimeError:
        raise SourceError(f"begins with {given.split(os.sep)[0]}, and there is no such user here") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot be reached ({getattr(error, 'strerror', None) or error})") from None
    if there and not folder.is_dir():
        raise SourceError("is a file and not a folder: name the folder that holds FashionMNIST/raw")
    if there:
        return folder
    if given[:1] in ("'", '"') and given[:1] == given[-1:]:
        raise SourceError("does not exist, its name stands in quotation marks: take them away")
    if given != given.strip():
        raise SourceError("does not exist, its name begins or ends with a space: take the space away")
    if folder.is_absolute():
        raise SourceError(f"does not exist: there is no {folder.name!r} in the folder above")
    raise SourceError(f"does not exist: the relative path {given!r} counts from the folder that Python runs in, which "
                      f"is {Path.cwd().name!r} now; in a notebook take an absolute one")


def read_folder(folder: Path) -> ImageSet:
    """Read Fashion-MNIST from `folder`/FashionMNIST/raw (plain or .gz); reading it once more is instant.

    Raises SourceError where a file is missing, cut short or of another kind.
    """
    raw = folder / "FashionMNIST" / "raw"
    try:
        stamp = stamp_of(raw)
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})") from error
    if not stamp:
        inside = folder.name in ("FashionMNIST", "raw") and ": name the folder that FashionMNIST lies in"
        raise SourceError(f"holds no FashionMNIST/raw with its four files{inside or ''}")
    return _read_raw(raw, stamp)


def stamp_of(raw: Path) -> tuple:
    """Return what changes when one of the four files in a folder does: () where there is none of them."""
    present = [path for name in FILES for path in (raw / name, raw / f"{name}.gz") if path.is_file()]
    return tuple((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in present)


@lru_cache(maxsize=2)
def _read_raw(raw: Path, stamp: tuple) -> ImageSet:
    return fashion([read_file(raw, name) for name in FILES], "a folder")


def download_images(folder: Path, keep_whole: bool = True) -> ImageSet:
    """Download Fashion-MNIST into `folder`, or into memory where it cannot be written.

    `keep_whole` fetches only what is missing or damaged. Raises DownloadError where no mirror delivers.
    """
    if folder in _in_memory:
        return _in_memory[folder]
    raw = folder / "FashionMNIST" / "raw"
    arrays = whole_files(raw) if keep_whole else {}
    contents, obstacle = download(raw, [name for name in FILES if name not in arrays])
    arrays.update({name: parse_idx(content, name) for name, content in contents.items()})
    place = f"download, kept in memory as data/ cannot be written: {obstacle}" if obstacle else "download"
    try:
        found = fashion([arrays[name] for name in FILES], place)
    except SourceError:
        if not keep_whole:
            raise
        return download_images(folder, keep_whole=False)  # whole files, but not of one data set
    if obstacle:
        _in_memory[folder] = found
    return found


def whole_files(raw: Path) -> dict[str, np.ndarray]:
    """Those of the four files that the folder `raw` holds whole, by name."""
    arrays = {}
    for name in FILES:
        with suppress(SourceError):
            arrays[name] = read_file(raw, name)
    return arrays


def read_file(raw: Path, name: str) -> np.ndarray:
    """Read one idx file, uint8: (N, H, W) for images, (N,) for labels.

    A plain file goes before its .gz, which still serves where unpacking it was interrupted. Raises SourceError.
    """
    problems = []
    for path in (raw / name, raw / f"{name}.gz"):
        try:
            return parse_idx(content_of(path), name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            problems.append(f"has a {path.name} that cannot be read ({reason})")
        except SourceError as error:
            problems.append(str(error))
    raise SourceError(problems[0] if problems else f"lacks the file {name}")


def content_of(path: Path) -> bytes:
    """Return the content of a file, unpacked where its name ends in .gz.

    Raises SourceError for what has no end, as a named pipe, and for more than MOST_BYTES.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise SourceError(f"has a {path.name} that is no ordinary file")
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise SourceError(f"has a {path.name} that is too long: more than {MOST_BYTES / 1e6:.0f} MB")
    return content


def parse_idx(content: bytes, name: str) -> np.ndarray:
    """Turn the content of an idx file of bytes into a uint8 array, (N, H, W) for images or (N,) for labels.

    The format: two zero bytes, 8 for uint8, the number of axes, each size as a big-endian int32, then the data.
    Raises SourceError where the magic number or the length is wrong.
    """
    axes = 3 if "idx3" in name else 1
    start = 4 + 4 * axes
    if len(content) < start or content[:4] != bytes([0, 0, 8, axes]):
        raise SourceError(f"has a {name} that is no idx file of bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", content[4:start])
    wanted = start + math.prod(shape)
    if len(content) != wanted:
        fault = "truncated" if len(content) < wanted else "too long"
        raise SourceError(f"has a {name} that is {fault}: {len(content):,} of {wanted:,} bytes")
    return np.frombuffer(bytearray(content), np.uint8, offset=start).reshape(shape)


def idx_bytes(array: np.ndarray) -> bytes:
    """The content of the idx file that holds this uint8 array: the inverse of `parse_idx`."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def fashion(arrays, place: str) -> ImageSet:
    """Join the arrays of the four files, in the order of FILES, and say whether they are the published ones.

    Raises SourceError where images and labels cannot belong together.
    """
    sums = [hashlib.sha256(idx_bytes(array)).hexdigest() for array in arrays]
    altered = tuple(name for name, found in zip(FILES, sums, strict=True) if found != SHA256[name])
    return replace(image_set(arrays, OTHER if altered else PUBLISHED, place, FASHION), altered=altered)


def image_set(arrays, source: str, place: str, classes: tuple) -> ImageSet:
    """Join images (N, 28, 28) and labels (N,) for training, then for test, all uint8, into an ImageSet.

    Raises SourceError where images and labels cannot belong together.
    """
    for images, labels in (arrays[:2], arrays[2:]):
        if images.shape != (len(labels), 28, 28) or len(labels) == 0:
            raise SourceError(f"holds {len(labels):,} labels for images {images.shape}, which should be (N, 28, 28)")
        if labels.max() >= len(classes):
            raise SourceError(f"holds a label {labels.max()} where 0 to {len(classes) - 1} are possible")
    tensors = [torch.from_numpy(a).unsqueeze(1) if a.ndim == 3 else torch.from_numpy(a).long() for a in arrays]
    share = torch.bincount(tensors[0].flatten(), minlength=256).double() / tensors[0].numel()
    level = torch.arange(256).double() / 255
    mean = share @ level
    std = (share @ (level - mean) ** 2).sqrt()
    return ImageSet(source, place, classes, *tensors, mean.item(), std.item())


@lru_cache(maxsize=1)
def digits() -> ImageSet:
    """scikit-learn's 1,797 handwritten digits, 8x8 enlarged to 28x28 bytes, split by class into 1,437 and 360."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    small = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1)  # (1797, 1, 8, 8), 0 to 16
    large = F.interpolate(small, size=(28, 28), mode="bilinear").squeeze(1)
    images = (large * (255 / 16)).round().to(torch.uint8).numpy()
    labels = data.target.astype(np.uint8)
    split = train_test_split(images, labels, test_size=360, stratify=labels, random_state=0)
    return image_set([split[0], split[2], split[1], split[3]], "digits", "scikit-learn", tuple("0123456789"))
