"""Look inside a trained net: what a layer gives, what excites a unit, and which pixels an answer rests on.

Every function takes any nn.Module and leaves it alone: what runs is a copy in evaluation mode that shares the weights.
`layer` is a module of the net or its name in `net.named_modules()`, "relu (2)" being the second run of a module that
runs twice; of an output that is a tuple, list or dict the first tensor counts. A unit is a channel of a layer
(N, C, H, W), or (N, H, W, C) as in Swin, or a number of a layer (N, F). Gradients are taken whatever the caller has
switched off.
"""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .fields import field_boxes, measured_field
from .layers import channels_last, first_tensor, peaks, quiet_copy, run, tap, whole, with_gradients

__all__ = ["TopImages", "Windows", "activations", "ascend", "features", "grad_cam", "image_windows", "measured_field",
           "occlusion_map", "top_images"]  # fmt: skip


class TopImages(NamedTuple):
    """The pictures with the strongest response of one unit, strongest first."""

    numbers: list[int]  # which pictures of the loader, counted from 0
    values: Tensor  # (k,)
    positions: list[tuple[int, int]] | None  # (row, column) of the maximum in the layer's map; None for (N, F)
    images: Tensor  # (k, C, H, W), as the net got them


class Windows(NamedTuple):
    """The parts of pictures that a unit saw."""

    images: Tensor  # (k, C, h, w), 0 where the window hangs over the edge of the picture
    boxes: list[tuple[int, int, int, int]]  # (top, left, bottom, right) in pixels, bottom and right not included


def activations(net: nn.Module, X: Tensor | tuple | dict, layer: str | nn.Module) -> Tensor:
    """Return what `layer` gives for X (N, C, H, W): usually (N, C, H, W) or (N, F), without gradient.

    It is the layer's own output, also where an in-place ReLU behind it overwrites that. For a net of several inputs X
    is a tuple of them, or a dict by the names that `forward` has. Raises ValueError, with the nearest names, where the
    net has no such layer, and where it does not run or X does not fit.
    """
    return tap(net, layer)(X)[1]


def features(net: nn.Module, data_iter: Iterable, layer: str | nn.Module) -> tuple[Tensor, Tensor]:
    """Return what `layer` gives for all pictures of a loader as rows (N, F), maps flattened, and their labels (N,).

    Both lie on the CPU, ready for PCA or t-SNE. `data_iter` gives (X, y); `ImageBatches` are taken in their stored
    order, even where they shuffle.
    """
    listen, rows, labels = tap(net, layer), [], []
    for X, y in _in_order(data_iter):
        rows.append(listen(X)[1].flatten(1).cpu())
        labels.append(y.cpu())
    if not rows:
        raise ValueError("data_iter gave no batch: a generator can be used once, make a new one")
    return torch.cat(rows), torch.cat(labels)


def top_images(net: nn.Module, data_iter: Iterable, layer: str | nn.Module, unit: int, k: int = 9) -> TopImages:
    """Return the k pictures of a loader, or all where there are fewer, that excite a unit most (Zeiler, Fergus 2013).

    The response of a unit to a picture is its largest activation over H and W; among equals the earlier picture leads.
    `data_iter` gives (X, y), one batch of which is held at a time, `ImageBatches` in their stored order. Raises
    ValueError for a unit that is not there, k below 1, or a layer that is neither (N, C, H, W) nor (N, F).
    """
    if whole(k, "k") < 1:
        raise ValueError(f"k is {k}, must be at least 1")
    listen, best, start, last = tap(net, layer), None, 0, False
    for X, _ in _in_order(data_iter):
        maps = listen(X)[1]
        last = channels_last(listen, X, maps) if best is None else last
        values, places = peaks(maps.permute(0, 3, 1, 2) if last else maps)
        _check_unit(unit, values.shape[1])
        found = torch.arange(start, start + len(X)), values[:, unit].cpu(), places[:, unit].cpu(), X.cpu()
        best = found if best is None else [torch.cat(both) for both in zip(best, found, strict=True)]
        order = best[1].argsort(descending=True, stable=True)[:k]
        best, start = [part[order] for part in best], start + len(X)
    if best is None:
        raise ValueError("data_iter gave no batch: a generator can be used once, make a new one")
    positions = [tuple(place) for place in best[2].tolist()]
    return TopImages(best[0].tolist(), best[1], positions if positions[0][0] >= 0 else None, best[3])


def image_windows(
    net: nn.Module, images: Tensor, layer: str | nn.Module, positions: Sequence[tuple[int, int]] | None
) -> Windows:
    """Cut from each picture (k, C, H, W) the window that `layer` sees at its position (row, column).

    `images` and `positions` are those of `top_images`, for one. The window is the receptive field, followed by
    `receptive_field` or else measured by `measured_field`, as far as it lies on the picture; with `positions` None
    all of it. Raises ValueError where pictures and positions differ in number.
    """
    height, width = images.shape[2:]
    if positions is None:
        boxes = [(0, 0, height, width)] * len(images)
    else:
        boxes = field_boxes(net, (1, *images.shape[1:]), layer, positions)
    if len(boxes) != len(images):
        raise ValueError(f"{len(images)} pictures and {len(boxes)} positions: give one (row, column) for each picture")
    boxes = [(max(0, top), max(0, left), min(height, bottom), min(width, right)) for top, left, bottom, right in boxes]
    h, w = max(box[2] - box[0] for box in boxes), max(box[3] - box[1] for box in boxes)
    parts = torch.zeros(len(images), images.shape[1], h, w, dtype=images.dtype, device=images.device)
    for part, image, (top, left, bottom, right) in zip(parts, images, boxes, strict=True):
        part = part[:, h - bottom + top :] if top == 0 else part[:, : bottom - top]
        part = part[..., w - right + left :] if left == 0 else part[..., : right - left]
        part.copy_(image[:, top:bottom, left:right])
    return Windows(parts, boxes)


@torch.inference_mode(False)
@torch.enable_grad()
def ascend(
    net: nn.Module, layer: str | nn.Module, unit: int, shape: Sequence[int], steps: int = 128, lr: float = 0.1, *,
    decay: float = 0.01, jitter: int = 2, seed: int = 0,
) -> Tensor:  # fmt: skip
    """Return pictures of `shape` (N, C, H, W) that climb towards a large mean activation of one unit.

    Activation maximisation (Erhan et al. 2009; Simonyan et al. 2013): from faint noise, each step adds `lr` times the
    gradient divided by its root mean square, then shrinks the picture by the share `decay`. `jitter` shifts the
    picture by up to so many pixels before each gradient, which keeps fine stripes away. Random numbers come from
    `seed` alone. Raises ValueError where the unit is not there or does not respond to any pixel.
    """
    listen, generator, steps = tap(net, layer), torch.Generator().manual_seed(seed), whole(steps, "steps")
    weight = next((p for p in net.parameters() if p.is_floating_point()), torch.zeros(()))
    X = (0.1 * torch.randn(tuple(shape), generator=generator)).to(weight.device, weight.dtype)
    moved, last = 0.0, channels_last(listen, X, maps := listen(X)[1])
    if maps.ndim not in (2, 4):
        raise ValueError(f"the layer gives shape {tuple(maps.shape)}: take one that gives (N, C, H, W) or (N, F)")
    for _ in range(steps):
        shift = tuple(torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist())
        picture = X.roll(shift, (2, 3)).requires_grad_()
        output = listen(picture, grad=True)[1]
        output = output.permute(0, 3, 1, 2) if last else output
        _check_unit(unit, output.shape[1])
        objective = output[:, unit].flatten(1).mean(1).sum() if output.ndim > 2 else output[:, unit].sum()
        (gradient,) = torch.autograd.grad(objective, picture)
        size = gradient.square().mean((1, 2, 3), keepdim=True).sqrt()
        moved = max(moved, float(size.max()))
        step = (gradient / size.clamp_min(1e-12)).roll((-shift[0], -shift[1]), (2, 3))
        X = (1 - decay) * (X + lr * step)
    if steps and not moved > 0:
        raise ValueError(f"unit {unit} does not respond to any pixel, as behind a ReLU that gives 0: take the layer "
                         "before it, another unit or another seed")  # fmt: skip
    return X


def occlusion_map(
    net: nn.Module, X: Tensor, target: int | None = None, *, size: int = 7, stride: int = 2, value=0.0,
    of: str = "logit", batch_size: int = 128,
) -> Tensor:  # fmt: skip
    """Return (h, w): by how much the score of a class drops where a window of the picture is covered.

    X is one picture (1, C, H, W) or (C, H, W), `target` a class, by default the net's answer. Element (i, j) belongs
    to the square of `size` pixels with its corner at (i·stride, j·stride), filled with `value`, a number or one per
    channel; h and w are those of `output_size`. `of` is 'logit' or 'probability' (Zeiler, Fergus 2013, section 4.2).
    Raises ValueError for a window that does not fit, or an output that is not (N, classes).
    """
    if of not in ("logit", "probability"):
        raise ValueError(f"of is {of!r}, must be 'logit' or 'probability'")
    X, silent = _one_picture(X), quiet_copy(net)

    def scores(batch):
        logits = class_scores(run(silent, batch))
        return logits if of == "logit" else logits.softmax(1)

    whole = scores(X)
    target = _checked(target, whole)
    corners, parts = window_corners(X, size, stride), []
    for i in range(0, len(corners), batch_size):
        batch = torch.stack([covered(X, size, corner, value) for corner in corners[i : i + batch_size]])
        parts.append(scores(batch)[:, target])
    return (whole[0, target] - torch.cat(parts)).reshape(-1, (X.shape[3] - size) // stride + 1).cpu()


def window_corners(X: Tensor, size: int, stride: int) -> list[tuple[int, int]]:
    """Return (top, left) of every window of `size` pixels in X (1, C, H, W), row by row; ValueError if none fits."""
    height, width = X.shape[2:]
    if not 1 <= whole(size, "size") <= min(height, width) or whole(stride, "stride") < 1:
        raise ValueError(f"a window of {size} pixels with stride {stride} does not fit a picture of {height}×{width}: "
                         f"take a size from 1 to {min(height, width)} and a stride of at least 1")  # fmt: skip
    return list(itertools.product(range(0, height - size + 1, stride), range(0, width - size + 1, stride)))


def covered(X: Tensor, size: int, corner: tuple[int, int], value=0.0) -> Tensor:
    """Return a copy (C, H, W) of X (1, C, H, W) with `value`, a number or one per channel, in one window."""
    (top, left), picture = corner, X[0].clone()
    fill = torch.as_tensor(value, dtype=X.dtype, device=X.device).reshape(-1, 1, 1)
    picture[:, top : top + size, left : left + size] = fill
    return picture


@torch.inference_mode(False)
@torch.enable_grad()
def grad_cam(
    net: nn.Module, X: Tensor | tuple | dict, layer: str | nn.Module, target: int | None = None, *, relu: bool = True
) -> Tensor:
    """Return Grad-CAM (h, w) of one picture: the layer's maps, each weighted by what a class's logit gains from it.

    A map's weight is the mean over h and w of the logit's gradient with respect to it; the weighted sum goes through a
    ReLU, unless `relu` is False, which also shows what speaks against the class (Selvaraju et al. 2016). X is
    (1, C, H, W) or (C, H, W), or several inputs as for `activations`, one picture each; `target` is a class, by
    default the net's answer. Raises ValueError for a layer that does not give (1, C, h, w) or (1, h, w, C), or on which
    the logit does not depend, and for an output that is not (N, classes).
    """
    X, listen = with_gradients(_one_picture(X) if isinstance(X, Tensor) else X), tap(net, layer)
    output, maps = listen(X, grad=True)
    logits = class_scores(output)
    if maps.ndim != 4:
        raise ValueError(f"the layer gives shape {tuple(maps.shape)}, which has no rows and columns: Grad-CAM needs a "
                         "layer that gives maps (N, C, h, w)")  # fmt: skip
    logit, gradient = logits[0, _checked(target, logits)], None
    if logit.requires_grad and maps.requires_grad:
        (gradient,) = torch.autograd.grad(logit, maps, allow_unused=True)
    if gradient is None:
        raise ValueError("the class's logit does not depend on this layer, or the net switches gradients off behind "
                         "it: take one that the answer passes through")  # fmt: skip
    rows, channels = ((1, 2), 3) if channels_last(listen, X, maps) else ((2, 3), 1)
    cam = (gradient.mean(rows, keepdim=True) * maps).sum(channels)[0].detach().cpu()
    return cam.relu() if relu else cam


def class_scores(output) -> Tensor:
    """Return the logits (N, classes) of a net's output, the first tensor of a tuple; ValueError for other axes."""
    logits = first_tensor(output)
    if logits is None or logits.ndim != 2:
        found = type(output).__name__ if logits is None else tuple(logits.shape)
        raise ValueError(f"the net gives {found}: a class's score needs an output of shape (N, classes)")
    return logits


def _one_picture(X):
    if not isinstance(X, Tensor):
        raise TypeError(f"X is {type(X).__name__}, must be a tensor: torch.from_numpy makes one of an array")
    X = X[None] if X.ndim == 3 else X
    if X.ndim != 4 or len(X) != 1:
        raise ValueError(f"X has shape {tuple(X.shape)}: give one picture, (1, C, H, W) or (C, H, W)")
    return X


def _checked(target, logits):
    """The class itself, or the likeliest one where it is None."""
    if target is None:
        return int(logits[0].argmax())
    if not 0 <= whole(target, "target") < logits.shape[1]:
        raise ValueError(f"target is {target}, the net has the classes 0 to {logits.shape[1] - 1}")
    return int(target)


def _check_unit(unit, count):
    if not 0 <= whole(unit, "unit") < count:
        raise ValueError(f"unit is {unit}, the layer has the units 0 to {count - 1}")


def _in_order(data_iter):
    """The batches (X, y); those of `ImageBatches`, which may shuffle, in the stored order."""
    if not hasattr(data_iter, "batch"):
        return iter(data_iter)
    size, count = data_iter.batch_size, data_iter.num_images
    return (data_iter.batch(slice(i, i + size)) for i in range(0, count, size))
