"""Data sets that sit in memory as bytes on the training device, and two photos."""

import ctypes
import operator
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .device import device_of
from .sources import ImageSet, find_images

PHOTOS = ("flower", "china")
COLUMNS = 80  # of what is printed
LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look, ITU-R BT.601


class ImageBatches:
    """Batches of pictures, grey or in colour: loops like a DataLoader, without worker processes.

    The whole set is held as bytes on one device. A batch is an index, a conversion and, where asked, a resize on
    that device: X float32 (N, C, H, W), C 1 or 3, y int64 (N,). Each loop shuffles anew if `shuffle`; several may run
    at once.

    Attributes: `images` uint8 (N, C, h, w), `labels` int64 (N,), `classes` (names), `source` ("Fashion-MNIST",
    "digits" or a folder's name), `mean` and `std` of the training pixels (0 to 1), `batch_size`, `resize`,
    `standardize`, `shuffle`, `generator` (of the order, or None: torch's own).
    """

    def __init__(self, images: Tensor, labels: Tensor, batch_size: int, *, classes, source: str = "", mean=0.0,
                 std=1.0, standardize: bool = True, resize=None, shuffle: bool = False, seed: int | None = None):
        """Hold `images` uint8 (N, C, h, w) and `labels` int64 (N,); with `seed` the order has its own generator.

        Raises ValueError where sizes clash or are not positive, TypeError where `images` are not bytes.
        """
        if images.dtype != torch.uint8:
            raise TypeError(f"images must be bytes (torch.uint8), not {images.dtype}: multiply pixels 0 to 1 by 255")
        if images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) != len(labels):
            raise ValueError(f"images {tuple(images.shape)} and labels {tuple(labels.shape)} do not fit: "
                             "they must be (N, 1, h, w), or (N, 3, h, w) in colour, and (N,)")
        self.images, self.labels, self.classes, self.source = images, labels, list(classes), source
        self.mean, self.std, self.standardize = mean, std, standardize
        self.batch_size, self.resize, self.shuffle = positive(batch_size, "batch_size"), resize, shuffle
        self._size = tuple(images.shape[2:]) if resize is None else pair(resize)
        self.generator = None if seed is None else torch.Generator().manual_seed(seed)

    @property
    def num_images(self) -> int:
        """How many pictures one loop gives."""
        return len(self.images)

    def __len__(self) -> int:
        """How many batches one loop gives; the last may be smaller."""
        return -(-self.num_images // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.arange(self.num_images)
        if self.shuffle:  # on the CPU, so that a seed means the same order on every device
            order = torch.randperm(self.num_images, generator=self.generator)
        return map(self._take, order.to(self.images.device).split(self.batch_size))

    def batch(self, rows) -> tuple[Tensor, Tensor]:
        """Return (X, y), shapes (N, C, H, W) and (N,), of the pictures in these rows: numbers, a slice or a mask.

        Raises IndexError for a row that is not there.
        """
        rows = rows.cpu() if isinstance(rows, Tensor) else rows
        return self._take(torch.arange(self.num_images)[rows].reshape(-1).to(self.images.device))

    def only(self, classes: list[int], each: int | None = None, seed: int = 0) -> "ImageBatches":
        """Return batches of the pictures of these classes alone, labelled 0, 1, … in that order, shuffled as these.

        `each` takes at most that many of a class, drawn by `seed`. Raises ValueError for a class without a picture.
        """
        generator, rows = torch.Generator().manual_seed(seed), []
        for c in classes:
            found = (self.labels.cpu() == c).nonzero()[:, 0]
            if not len(found):
                raise ValueError(f"there is no picture of class {c}: choose among {sorted(set(self.labels.tolist()))}")
            rows.append(found[torch.randperm(len(found), generator=generator)[:each]])
        labels = torch.cat([torch.full_like(part, i) for i, part in enumerate(rows)]).to(self.images.device)
        options = {name: getattr(self, name) for name in ("source", "mean", "std", "standardize", "resize", "shuffle")}
        return ImageBatches(self.images[torch.cat(rows).to(self.images.device)], labels, self.batch_size,
                            classes=[self.classes[c] for c in classes], **options)

    def _take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        X = self.images.index_select(0, rows).float()  # (N, C, h, w), 0 to 255
        X = X.sub_(255 * self.mean).div_(255 * self.std) if self.standardize else X.div_(255)
        stored = self.images.shape[2:]
        if self._size != tuple(stored):  # after the standardisation: both are linear, and the picture is small yet
            shrinks = self._size[0] < stored[0] or self._size[1] < stored[1]
            X = F.interpolate(X, size=self._size, mode="bilinear", antialias=shrinks)
        return X, self.labels.index_select(0, rows)

    @property
    def dataset(self) -> "Pictures":
        """The pictures one by one, in the stored order, as a DataLoader has them: len and [i] -> (X (C, H, W), y)."""
        return Pictures(self)

    def to_pixels(self, X: Tensor) -> Tensor:
        """Undo the standardisation: `X` of any shape comes back on the scale 0 (black) to 1 (white)."""
        return X * self.std + self.mean if self.standardize else X

    def from_pixels(self, X: Tensor) -> Tensor:
        """Standardise `X` of any shape, from 0 (black) to 1 (white), as these batches are: what `to_pixels` undoes."""
        return (X - self.mean) / self.std if self.standardize else X

    def __repr__(self) -> str:
        height, width = self._size
        batches = f"{len(self):,} batch{'es' * (len(self) != 1)} of {self.batch_size}"
        return (f"{self.num_images:,} images of {self.source or 'your own'} in {batches}, each "
                f"({self.images.shape[1]}, {height}, {width}), on {self.images.device}")


class Pictures(Sequence):
    """The pictures of `ImageBatches` as a sequence of (X, y): X float32 (C, H, W), y int64 without axes."""

    def __init__(self, batches: ImageBatches):
        self.batches = batches

    def __len__(self) -> int:
        return self.batches.num_images

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        X, y = self.batches.batch([operator.index(index)])
        return X[0], y[0]


def load_data_fashion_mnist(
    batch_size: int, resize=None, *, standardize: bool = True, device=None, folder: str | os.PathLike | None = None,
    num_train: int | None = None, num_test: int | None = None, seed: int | None = None, download: bool | None = None,
) -> tuple[ImageBatches, ImageBatches]:
    """Return Fashion-MNIST as (train_iter, test_iter), each giving X (N, 1, H, W) and y (N,); says where from.

    Called like the book's function (*Dive into Deep Learning*, section 3.5). First source that works: `folder`,
    the folder in CNN_COURSE_DATA, data/, a download (unless `download=False` or CNN_COURSE_OFFLINE=1), otherwise
    scikit-learn's digits at 28x28. `resize` is a side or (height, width) in pixels, None leaves 28x28.

    Pixels have mean 0 and standard deviation 1 over the training set, or lie in 0 to 1 with `standardize=False`.
    `num_train` and `num_test` take that many pictures, always the same ones, or all where there are fewer. With
    `seed` the order of training does not depend on torch's global seed. `device=None` is `try_gpu()`. Raises
    ValueError for a size that is not positive. On Linux the process from then on keeps up to 256 MB of memory that it
    has freed, for the next batches (`keep_freed_memory`).
    """
    device = device_of(device)
    sizes = [None if n is None else positive(n, name) for n, name in ((num_train, "num_train"), (num_test, "num_test"))]
    found, problems = find_images(folder, download)
    parts = [(found.train_images, found.train_labels), (found.test_images, found.test_labels)]
    options = {name: getattr(found, name) for name in ("classes", "source", "mean", "std")}
    keep_freed_memory()
    train_iter, test_iter = (
        ImageBatches(*subset(*part, size, device), batch_size, **options, standardize=standardize, resize=resize,
                     shuffle=shuffle, seed=seed)
        for part, size, shuffle in zip(parts, sizes, (True, False), strict=True))
    print(printable(origin(found, problems, train_iter.num_images, test_iter.num_images)))
    return train_iter, test_iter


def subset(images: Tensor, labels: Tensor, size: int | None, device) -> tuple[Tensor, Tensor]:
    """Copy the pictures (N, 1, h, w) and labels (N,) to the device: all, or the first `size` in a fixed shuffle."""
    if size is None or size >= len(images):
        return images.to(device, copy=True), labels.to(device, copy=True)
    rows = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:size]
    return images[rows].to(device), labels[rows].to(device)


def keep_freed_memory(size: int = 1 << 28) -> bool:
    """Let the process keep up to `size` bytes that it has freed, for the next batch; return whether it could.

    glibc otherwise gives the memory of a batch back to the system and fetches it anew for the next one, which at
    96 pixels takes as long as the resize. Elsewhere than on Linux with glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    trim_threshold, mmap_threshold = -1, -3  # names of malloc.h; blocks up to 32 MiB come from the kept memory
    return bool(mallopt(trim_threshold, size) and mallopt(mmap_threshold, 1 << 25))


def origin(found: ImageSet, problems: list[str], num_train: int, num_test: int) -> str:
    """Say in one line what was loaded from where; in further ones, if need be, why it is not Fashion-MNIST.

    No line is longer than COLUMNS, so that none breaks inside a word in a notebook.
    """
    counts = [f"{taken:,}" if taken == len(whole) else f"{taken:,} of {len(whole):,}"
              for taken, whole in ((num_train, found.train_labels), (num_test, found.test_labels))]
    said = [f"{found.source} ({found.place}): train {counts[0]}, test {counts[1]}"]
    reasons = "; ".join(problems)
    if found.altered:
        said.append(f"Not the published files of Fashion-MNIST: other content in {', '.join(found.altered)}.")
    if found.source == "digits":
        said.append("These stand in for Fashion-MNIST" + (f": {reasons}." if reasons else "."))
        said.append("To get Fashion-MNIST: connect to the internet and run this cell again, or set CNN_COURSE_DATA to "
                    "a folder that holds FashionMNIST/raw.")
    elif reasons:
        said.append(f"Passed over: {reasons}.")
    return "\n".join(textwrap.fill(line, COLUMNS, break_on_hyphens=False) for line in said)


def printable(text: str) -> str:
    """Return the text with \\u… for what the console cannot show: words of the system, names of files."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def load_photo(name: str = "flower", size: int = 200, color: bool = False) -> Tensor:
    """Return a photo, its middle square scaled to `size` pixels: (size, size), with `color` (3, size, size), 0 to 1.

    Photos "flower" (by vultilion) and "china" (by danielbuechele), CC BY 2.0, from scikit-learn. Raises ValueError
    for another name or a size below 1.
    """
    from sklearn.datasets import load_sample_image

    if name not in PHOTOS:
        raise ValueError(f"there is no photo {name!r}: choose one of {', '.join(PHOTOS)}")
    photo = torch.tensor(load_sample_image(f"{name}.jpg")).permute(2, 0, 1).float() / 255  # (3, H, W)
    height, width = photo.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = photo[None, :, top:top + side, left:left + side]
    photo = F.interpolate(square, size=pair(positive(size, "size")), mode="bilinear", antialias=True)[0].clamp(0, 1)
    return photo if color else torch.tensordot(torch.tensor(LUMA), photo, dims=1)


def positive(number, name: str) -> int:
    """Return `number` if it is a whole number above 0, else raise ValueError."""
    try:
        whole = 0 if isinstance(number, bool) else operator.index(number)
    except TypeError:
        whole = 0
    if whole < 1:
        raise ValueError(f"{name} must be a whole number above 0, not {repr(number)[:60]}")
    return whole


def pair(size) -> tuple[int, int]:
    """Return a side, or (height, width), as (height, width) in pixels; raises ValueError if not positive."""
    sides = size if isinstance(size, (tuple, list)) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"resize must be a side or (height, width), not {repr(size)[:60]}")
    height, width = sides
    return positive(height, "resize"), positive(width, "resize")
