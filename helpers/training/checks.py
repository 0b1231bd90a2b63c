"""What train_ch6 and evaluate_accuracy ask of their arguments: a sentence for what is wrong, before training."""

import math
import numbers
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from .advice import check_module
from .guards import check_any, clear_errors, first_convolution, forked_random, try_out, unseen


def check_arguments(net, train_iter, test_iter, num_epochs, lr, seed=None, on_progress=None) -> None:
    """Raise TypeError or ValueError for what cannot be trained, trained on, tested on, or trained by."""
    check_net(net)
    check_length(train_iter, "train_iter")
    check_length(test_iter, "test_iter")
    if isinstance(num_epochs, bool) or not isinstance(num_epochs, numbers.Integral):
        raise TypeError(f"num_epochs must be a whole number, not {num_epochs!r}")
    if num_epochs < 1:
        raise ValueError(f"num_epochs must be at least 1, not {num_epochs}")
    rate_at(lr, 0.0)
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral | None):
        raise TypeError(f"seed must be a whole number or None, not {repr(seed)[:60]}")
    if seed is not None and not -(2**63) <= seed < 2**64:
        raise ValueError(f"seed must lie between -2**63 and 2**64, and is {repr(seed)[:60]}")
    if on_progress is not None and not callable(on_progress):
        raise TypeError(f"on_progress must be a function of the History, not {repr(on_progress)[:60]}")


def rate_at(lr: float | Callable[[float], float], share: float) -> float:
    """Return the learning rate once this share of the training is done.

    Raises TypeError or ValueError unless it is a number from 0 on.
    """
    rate, what = (lr(share), f"lr({share:g})") if callable(lr) else (lr, "lr")
    if isinstance(rate, bool) or not isinstance(rate, numbers.Real):
        ways = "" if callable(lr) else ", or a function of the share of training that is done"
        raise TypeError(f"{what} must be a number{ways}, not {repr(rate)[:60]}")
    try:
        number = float(rate)
    except OverflowError:  # a whole number beyond all floats
        number = math.inf
    if not 0 <= number < math.inf:
        raise ValueError(f"{what} must be finite and not negative, not {repr(rate)[:60]}")
    return number


def check_net(net) -> None:
    """Raise TypeError for anything but a net, ValueError for one with nothing to learn."""
    check_module(net)
    weights = list(net.parameters())
    if not weights:
        raise ValueError(f"{type(net).__name__} has no weights to learn: put at least one layer with weights into it")
    if not any(weight.requires_grad for weight in weights):
        raise ValueError("all weights are frozen: net.requires_grad_(True) lets them learn again")
    if any(weight.is_meta for weight in weights):
        raise ValueError("the net has weights on the device meta, which hold no numbers: make it on another device")


def check_length(batches: Iterable, name: str) -> None:
    """Raise TypeError for what gives no batches, or has no length; ValueError where there is none."""
    if isinstance(batches, (torch.utils.data.Dataset, dict, str, Tensor)):
        raise TypeError(f"{name} is a {type(batches).__name__}, must give batches (X, y): put a Dataset into a "
                        "DataLoader(…, batch_size=…), two tensors into a list [(X, y)]")
    try:
        length = len(batches)
    except TypeError:  # a generator, or a DataLoader over an IterableDataset
        raise TypeError(f"{name} needs a length, the number of its batches: give a list, or a DataLoader over a set "
                        f"with a length, not a {type(batches).__name__}") from None
    if length == 0:
        raise ValueError(f"{name} is empty: it must give at least one batch (X, y)")


def pair_of(batch) -> tuple[Tensor, Tensor]:
    """Return X, y of a batch; raises ValueError where it is no pair, TypeError where they are no tensors."""
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        parts = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else f"a {type(batch).__name__}"
        raise ValueError(f"a batch must be a pair (X, y), pictures and class numbers, and is {parts}")
    X, y = batch
    if not isinstance(X, Tensor) or not isinstance(y, Tensor):
        raise TypeError(f"a batch must be two tensors, not {type(X).__name__} and {type(y).__name__}: "
                        "torch.from_numpy turns an array into one")
    return X, y


def first_of(batches: Iterable) -> tuple[Tensor, Tensor] | None:
    """Return X, y of the first batch, or None; random numbers, a loader's own too, go on as if nobody had asked."""
    with unseen(batches):
        return next((pair_of(batch) for batch in batches), None)


def check_batch(net: nn.Module, X: Tensor, y: Tensor, device) -> int:
    """Return the number of the net's classes, after a try with this batch, X (N, C, H, W), y (N,).

    Raises ValueError if the net cannot learn from it; lazy layers get their size. Raises TypeError for
    anything but tensors, and for pictures of another dtype than the net's weights.
    """
    X, y = pair_of((X, y))
    check_form(y, len(X))
    check_layout(net, X)
    logits = try_out(net, X, device)
    check_logits(logits, len(X[:2]))
    check_labels(y, logits.shape[1])
    return logits.shape[1]


def check_training(net: nn.Module, X: Tensor, device) -> None:
    """Raise ValueError where a net that answers rightly in evaluation mode fails or gives no logits in training mode.

    Tried on up to two pictures X (N, C, H, W); modes, buffers (running means) and random numbers are as before.
    """
    modes = [(module, module.training) for module in net.modules()]
    kept = [(buffer, buffer.clone()) for buffer in net.buffers()]
    try:
        net.train()
        with forked_random(), torch.no_grad(), clear_errors(net, X):
            answer = net(X[:2].to(device))
    finally:
        for buffer, before in kept:
            buffer.copy_(before)
        for module, training in modes:
            module.training = training
    if not isinstance(answer, Tensor):
        raise ValueError(f"in training the net returns a {type(answer).__name__}, not logits (N, classes): build it "
                         "without further heads (aux_logits=False)")
    check_logits(answer, len(X[:2]))


def check_logits(logits, count: int) -> None:
    """Raise ValueError unless a net has returned a tensor (count, classes) for so many pictures."""
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(f"the net must return logits of shape (N, classes), and returns {found}: "
                         "end it with a Linear layer, or with Flatten")
    if len(logits) != count:
        raise ValueError(f"the net returns {len(logits)} rows of logits for {count} pictures, one each is due: look at "
                         "what its forward reshapes; X.flatten(1) keeps the pictures apart")


def check_form(y: Tensor, count: int) -> None:
    """Raise ValueError unless y holds one class number for each of `count` pictures."""
    if y.dtype != torch.int64 or y.shape != (count,):
        raise ValueError(f"y must hold one class number (int64) for each of {count} pictures, and is {y.dtype} of "
                         f"shape {tuple(y.shape)}")


def check_labels(y: Tensor, classes: int, strange: Tensor | int = 0, name: str = "") -> None:
    """Raise ValueError for labels (N,) outside 0 to classes - 1, or if pictures of `name` are `strange`: not finite."""
    facts = torch.stack([*y.aminmax(), torch.as_tensor(strange, device=y.device)]) if len(y) else torch.zeros(3)
    lowest, highest, strange = map(int, facts.tolist())
    if strange:
        raise ValueError(f"{strange:,} of {len(y):,} pictures of {name} hold nan or infinite numbers: look at how they "
                         "were made")
    if lowest < 0 or highest >= classes:
        raise ValueError(f"the labels go from {lowest} to {highest} and the net has {classes} outputs, for "
                         f"labels 0 to {classes - 1}: build it with one output per class")


def check_layout(net: nn.Module, X: Tensor) -> None:
    """Raise ValueError for pictures whose axes are not those that the net's first convolution takes."""
    first = first_convolution(net)
    if first is None or isinstance(first, nn.LazyConv2d):
        return
    shape, channels = tuple(X.shape), first.in_channels
    if X.ndim == 4 and shape[1] != channels == shape[3]:
        raise ValueError(f"X has shape {shape}, channels last; a net takes (N, C, H, W): X.permute(0, 3, 1, 2)")
    side = math.isqrt(shape[1] // channels) if X.ndim == 2 else 0
    if side and side * side * channels == shape[1]:
        raise ValueError(f"X has shape {shape}, pictures laid out in rows; a net of convolutions takes (N, C, H, W): "
                         f"X.reshape(-1, {channels}, {side}, {side})")


def check_rest(net: nn.Module, batches: Iterable, name: str, classes: int, device, *, look: bool) -> None:
    """Check what lies behind the first batch: all of a list, and where a loader has them (`labels`) all its labels.

    With `look`, any other loader is gone through once, without the net: a bad batch late in it must not cost an epoch.
    Raises ValueError or TypeError.
    """
    if isinstance(getattr(batches, "labels", None), Tensor):
        check_labels(batches.labels, classes)
        return
    if not look and type(batches) not in (list, tuple):
        return
    labels, kinds, strange = [], set(), 0
    with unseen(batches):
        for X, y in map(pair_of, batches):
            check_any(X)
            check_form(y, len(X))
            if kinds and (X.shape[1:], X.dtype) not in kinds:  # the first batch was tried already
                check_layout(net, X)
                try_out(net, X, device)
            kinds.add((X.shape[1:], X.dtype))
            labels.append(y)
            strange = strange + (~X.isfinite()).reshape(len(X), -1).any(1).sum()
    if labels:
        check_labels(torch.cat(labels), classes, strange, name)  # one wait for the device, not one a batch


def size_of_last(batches: Iterable) -> int | None:
    """Return how many pictures the last batch of an epoch holds, or None where nobody knows."""
    if type(batches) in (list, tuple):
        return len(pair_of(batches[-1])[0])
    size = getattr(batches, "batch_size", None)
    count = getattr(batches, "num_images", None)
    if count is None and size and not getattr(batches, "drop_last", False):
        dataset = getattr(batches, "dataset", None)
        count = len(dataset) if hasattr(dataset, "__len__") else None
    return (count - 1) % size + 1 if size and count else None


def check_last_batch(net: nn.Module, train_iter: Iterable, X: Tensor, device) -> None:
    """Raise ValueError if the last batch holds one picture and a batch norm of the net would have one number of it."""
    if size_of_last(train_iter) != 1:
        return
    alone = []

    def look(module, inputs):
        if inputs[0].numel() == inputs[0].shape[0] * inputs[0].shape[1]:
            alone.append(module)

    norms = [module for module in net.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    hooks = [module.register_forward_pre_hook(look) for module in norms]
    try:
        try_out(net, X, device)
    finally:
        for hook in hooks:
            hook.remove()
    if alone:
        raise ValueError("the last batch holds a single picture, and batch normalisation needs two at least: take "
                         "another batch_size, or leave that picture out (drop_last=True)")
