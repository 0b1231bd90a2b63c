"""What `LookInside` runs: pictures of any source, one by one, and the peaks of all units over many pictures."""

import threading
import time
from typing import NamedTuple

import torch
from torch import Tensor, nn

from helpers.inside.layers import first_tensor, in_front, lying_last, peaks, quiet_copy, watch

CHUNK = 16  # pictures that run together


class Shown(NamedTuple):
    """One picture: what is shown of it, what the net gets, and the name of its class, if that is known."""

    pixels: Tensor  # (C, H, W) from 0 to 1, C is 1 or 3
    X: Tensor  # (1, C, H, W)
    name: str


class Gallery:
    """Pictures from `ImageBatches`, a tensor (N, C, H, W) or a list of (H, W) or (C, H, W), 0 to 1 or bytes.

    `preprocess` makes of pixels (1, C, H, W) what the net gets; without it, that is the batch of `ImageBatches`, or the
    pixels themselves. Raises TypeError or ValueError, with what to do, for anything else.
    """

    def __init__(self, pictures, preprocess=None, classes=None):
        self.batches = pictures if hasattr(pictures, "batch") and hasattr(pictures, "to_pixels") else None
        self.pictures = None if self.batches else [_pixels(picture) for picture in _listed(pictures)]
        self.preprocess = preprocess
        self.classes = list(classes or getattr(pictures, "classes", []))
        if not len(self):
            raise ValueError("there is no picture to show: give at least one")

    def __len__(self):
        return self.batches.num_images if self.batches else len(self.pictures)

    def pixels(self, index) -> Tensor:
        """Return picture `index` as it was given, (C, H, W) from 0 to 1, without what `preprocess` makes of it."""
        if self.pictures:
            return self.pictures[index]
        return self.batches.to_pixels(self.batches.batch([index])[0])[0].cpu().clamp(0, 1)

    def __getitem__(self, index) -> Shown:
        name = ""
        if self.batches:
            X, y = self.batches.batch([index])
            pixels, name = self.batches.to_pixels(X)[0].cpu().clamp(0, 1), str(self.batches.classes[int(y)])
        else:
            pixels = self.pictures[index]
            X = pixels[None]
        if self.preprocess:
            X = self.preprocess(pixels[None].clone())
            X = X[None] if isinstance(X, Tensor) and X.ndim == 3 else X
            if not isinstance(X, Tensor) or X.ndim != 4 or len(X) != 1:
                found = tuple(X.shape) if isinstance(X, Tensor) else type(X).__name__
                raise ValueError(f"preprocess gives {found} for a picture {(1, *pixels.shape)}: it must give a tensor "
                                 "(1, C, H, W)")  # fmt: skip
        return Shown(pixels if X.shape[2:] == pixels.shape[1:] else _stretched(X[0]), X, name)


def _listed(pictures):
    if isinstance(pictures, Tensor) and pictures.ndim != 4:
        raise ValueError(f"pictures has shape {tuple(pictures.shape)}, must be (N, C, H, W); one picture: X[None]")
    if not isinstance(pictures, (Tensor, list, tuple)):
        raise TypeError("pictures must be the test_iter of load_data_fashion_mnist, a tensor (N, C, H, W) or a list of "
                        f"pictures, not {type(pictures).__name__}")  # fmt: skip
    return list(pictures)


def _pixels(picture):
    """One picture as floats (C, H, W) from 0 to 1 on the CPU."""
    if not isinstance(picture, Tensor):
        raise TypeError(f"a picture must be a tensor, not {type(picture).__name__}: torch.from_numpy makes one of an "
                        "array, channels in front")  # fmt: skip
    whole = picture.detach().cpu()
    whole = whole.float() / 255 if whole.dtype == torch.uint8 else whole.float()
    whole = whole[None] if whole.ndim == 2 else whole[0] if whole.ndim == 4 and len(whole) == 1 else whole
    if whole.ndim != 3 or whole.shape[0] not in (1, 3):
        raise ValueError(f"a picture has shape {tuple(picture.shape)}: give (H, W), (1, H, W) or (3, H, W)")
    low, high = whole.aminmax()
    if not (low >= -1e-3 and high <= 1.001):
        raise ValueError(f"the pixels of a picture go from {low:.3g} to {high:.3g}, must lie in 0 to 1: give it as it "
                         "looks, and what makes the net's input of it as preprocess")  # fmt: skip
    return whole.clamp(0, 1)


def _stretched(X):
    """What the net gets (C, H, W) as a picture from 0 to 1: where preprocess cuts or scales, its pixels are others."""
    X = X.detach().cpu().float()
    X = X if len(X) in (1, 3) else X.mean(0, keepdim=True)
    low, high = X.aminmax()
    return (X - low) / (high - low).clamp_min(1e-12)


class Sweep:
    """The strongest response of all units to `count` pictures, `take(i)` being the i-th as (C, H, W), chunk by chunk.

    `done` says whether it has seen them all. Then `values[name]` is (count, C), `places[name]` (count, C, 2) the row
    and column, -1 in a dense layer, for each layer by its name, and `logits` (count, classes) or None.
    """

    def __init__(self, net: nn.Module, take, count: int):
        self.net, self.take, self.count = quiet_copy(net), take, count
        self.done, self.values, self.places, self.logits = False, {}, {}, None
        self._parts, self._next, self._lock = [], 0, threading.Lock()
        self._last = {}  # shape of the pictures -> names of the layers with maps (N, H, W, C)

    @property
    def progress(self):
        """The share of the pictures that it has seen."""
        return self._next / self.count

    def advance(self, seconds):
        """Go on for so many seconds, or to the end."""
        until = time.monotonic() + seconds
        while not self.done and time.monotonic() < until:
            self._step()

    def work(self, job):
        """Go on to the end as the work of a `Job`."""
        while not self.done:
            self._step()
            job.report(self.progress)

    def _step(self):
        with self._lock:  # a thread that was asked to stop may still be in its last chunk
            if self.done:
                return
            chunk = [self.take(self._next)]
            while len(chunk) < CHUNK and self._next + len(chunk) < self.count:
                picture = self.take(self._next + len(chunk))
                if picture.shape != chunk[0].shape:
                    break
                chunk.append(picture)
            X = torch.stack(chunk)
            output, calls = watch(self.net, X)
            if X.shape[1:] not in self._last:
                self._last[X.shape[1:]] = lying_last(self.net, X, calls)
            last = self._last[X.shape[1:]]
            units = {call.name: peaks(in_front(call, last)) for call in calls if drawable(call.output, len(chunk))}
            scores = first_tensor(output)
            self._parts.append((units, scores.cpu() if has_classes(output, len(chunk)) else None))
            self._next += len(chunk)
            if self._next == self.count:
                self._join()

    def _join(self):
        units = [part for part, _ in self._parts]
        for name in set.intersection(*(set(part) for part in units)):
            if len({part[name][0].shape[1] for part in units}) == 1:
                self.values[name] = torch.cat([part[name][0].cpu() for part in units])
                self.places[name] = torch.cat([part[name][1].to("cpu", torch.int16) for part in units])
        scores = [logits for _, logits in self._parts]
        self.logits = None if any(part is None for part in scores) else torch.cat(scores)
        self.done, self._parts = True, []


def drawable(output, count):
    """Whether a layer's output for so many pictures has the axes that are shown, (N, C, H, W) or (N, F)."""
    return output.ndim in (2, 4) and len(output) == count and output.numel() > 0 and output.is_floating_point()


def has_classes(output, count=1):
    """Whether a net's output for so many pictures holds one number per class, (N, classes)."""
    logits = first_tensor(output)
    return logits is not None and logits.ndim == 2 and len(logits) == count
