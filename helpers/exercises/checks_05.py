"""The checks of notebook 05's exercises, which `notebook_05.py` states."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from .compare import advice_on, compare, equal, kind_of, numbers, shown, tensor_of
from .core import table
from .guard import run

ADVICE_SIZE = {
    55: "55 is the size without padding: ⌊(112 − 3)/2⌋ + 1. Padding adds 1 pixel on each side.",
    57: "57 is the size with ceil_mode=True; without it the division rounds down.",
    37: "37 is the size with stride 3 and no padding. The stride is the window's size only where none is given.",
    38: "38 is the size with stride 3. The stride is the window's size only where none is given.",
    110: "110 is the size with stride 1 and no padding.",
    112: "112 is the size with stride 1: then a 3×3 window with padding 1 keeps the size.",
}


def check_shape(answer):
    """The shape behind ResNet's first pooling."""
    shape = numbers(answer, 4)
    if shape is None:
        return f"the answer should be a tuple of four numbers, (N, C, H, W), but is {shown(answer)}."
    N, C, H, W = shape
    if C != 64:
        return f"the channels are pooled one by one: 64 go in, 64 come out, not {C}."
    if N != 8:
        return f"the pictures of a batch are pooled one by one: 8 go in, 8 come out, not {N}."
    if (H, W) == (56, 56):
        return None
    otherwise = "height and width are not right: put n = 112, P = 1, p = 3 and s = 2 into the formula."
    return ADVICE_SIZE.get(H, otherwise) if H == W else otherwise


def check_loop(answer):
    """Maximum and mean of windows that move `stride` pixels, on numbers of both signs."""
    X = torch.arange(30.0).reshape(5, 6).flip(1) - 12
    cases = [(X, (2, 3), "max", 2), (X, (2, 2), "avg", 3), (-X, (2, 2), "max", 1), (X.T, (3, 1), "avg", 1),
             (X.sin(), (1, 3), "max", 2), (X, (5, 6), "avg", 4)]  # fmt: skip

    def pooled(X, size, mode, stride):
        return (F.max_pool2d if mode == "max" else F.avg_pool2d)(X[None], size, stride)[0]

    def begins_densely(X, size, mode, stride):
        rows, columns = pooled(X, size, mode, stride).shape
        return pooled(X, size, mode, 1)[:rows, :columns]

    known = (
        (lambda X, size, mode, stride: pooled(X, size, mode, 1),
         "the output has the size of stride 1: the window moves `stride` pixels, so fewer fit."),
        (begins_densely,
         "the size is right, but the windows begin at i, j; with a stride they begin at i·stride, j·stride."),
        (lambda X, size, mode, stride: pooled(X, size, mode, size),
         "the window moves by its own size, as PyTorch's does where no stride is given: move it `stride` pixels."),
        (lambda X, size, mode, stride: pooled(X, size, mode, stride) * (1 if mode == "max" else size[0] * size[1]),
         "that is the sum of the window: divide by its p_h · p_w numbers."),
        (lambda X, size, mode, stride: pooled(X, size, "max", stride), "`mode` says which: the mean for \"avg\"."),
        (lambda X, size, mode, stride: pooled(X, size, "avg", stride), "`mode` says which: the maximum for \"max\"."),
        (lambda X, size, mode, stride: pooled(X, size[::-1], mode, stride),
         "height and width of the window have changed places: pool_size is (p_h, p_w)."),
        (lambda X, size, mode, stride: pooled(X.relu(), size, mode, stride),
         "numbers below 0 are lost: a maximum may be negative, do not begin with 0."),
    )  # fmt: skip
    return table(answer, cases, pooled, known, call=lambda X, size, mode, stride:
                 f"{mode} pooling {tuple(X.shape)} with window {size}, stride {stride},")  # fmt: skip


def check_forward(answer):
    """The right size for every pad, and padding that never wins a maximum."""
    generator = np.random.default_rng(0)
    for pool, stride, pad, sign in ((2, 2, 0, 1), (2, 2, 1, 1), (3, 2, 1, 1), (3, 1, 1, -1), (3, 3, 1, -1e9),
                                    (5, 2, 2, -1e200), (4, 3, 2, 1), (2, 3, 0, -1)):  # fmt: skip
        x = sign * generator.uniform(1, 2, size=(2, 3, 7, 8))
        case, padded = f"window {pool}, stride {stride}, pad {pad}", F.pad(torch.tensor(x), (pad,) * 4)
        want = F.max_pool2d(torch.tensor(x), pool, stride, pad)
        try:
            given = answer(x.copy(), pool, stride, pad)
        except ValueError as error:
            if "reshape" not in str(error) or not pad:
                raise
            return f"with {case}: {error}. Is the H from before np.pad widened by 2·pad, once, in out_h? And W?"
        got = tensor_of(given)
        shape = None if got is None else tuple(got.shape)
        if pad and shape != want.shape and shape and shape[2:] == tuple((n - pool) // stride + 1 for n in (7, 8)):
            return f"with {case} the output is {shape}, as without padding: 2·pad belongs into its size."
        advice = compare(given, want, f"the output for input (2, 3, 7, 8), {case},")
        if advice and shape == want.shape and sign < 0 < pad:
            filler = got.max()  # what the padding must have held, if it has won
            padded = F.pad(torch.tensor(x), (pad,) * 4, value=float(filler))
            if filler > x.max() and equal(got, F.max_pool2d(padded, pool, stride)):
                won = f"the output has {shown(filler)}: padding has won a maximum. Pad with −∞."
                return f"with {case} and only negative input {won}"
        if advice:
            return advice
    return None


def check_average_kernel(answer):
    """One kernel of k·k equal weights, 1/k² each, for every channel."""
    for channels, k in ((1, 2), (3, 2), (4, 3), (2, 1), (3, 5)):
        weight, call = answer(channels, k), f"average_kernel({channels}, {k})"
        shape = (channels, 1, k, k)
        if not isinstance(weight, torch.Tensor):
            return f"{call} should be a tensor, but is {kind_of(weight)}."
        if weight.shape == (channels, channels, k, k) and channels > 1:
            return f"{call} has shape {tuple(weight.shape)}: with groups={channels} each kernel has one input channel."
        if k > 1 and equal(weight, torch.ones(shape)):
            return "with ones the windows are summed: a mean also divides by their number of pixels."
        if k > 1 and equal(weight, torch.full(shape, 1 / k)):
            return f"{call} holds 1/k everywhere: a window has k·k numbers, not k."
        if advice := compare(weight, torch.full(shape, 1 / k**2), call):
            return advice
    return None


def check_blur(answer):
    """Maximum, then a fixed blur that takes the stride and goes where the layer goes."""
    layer, X = answer(3), torch.randn(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    if not isinstance(layer, nn.Module):
        return f"MaxBlurPool(3) should be an nn.Module, but is {kind_of(layer)}."
    if any(parameter.requires_grad for parameter in layer.parameters()):
        return "the blur is fixed, but your layer has parameters: an optimiser would change it. Use register_buffer."
    blur = torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([1.0, 2.0, 1.0])).expand(3, 1, 3, 3) / 16
    want = F.conv2d(F.max_pool2d(X, 2, 1), blur, stride=2, groups=3)
    got = run(layer, X)
    if not isinstance(got, torch.Tensor):
        return f"the layer should return a tensor, but what it returns is {kind_of(got)}."
    if got.shape == F.conv2d(F.max_pool2d(X, 2, 2), blur, groups=3).shape != want.shape:
        return "the maximum has taken the stride: it throws 3 of 4 numbers away before the blur. Let the blur take it."
    if got.shape == F.conv2d(F.max_pool2d(X, 2, 1), blur, groups=3).shape:
        return f"the output has shape {tuple(got.shape)}: stride 2 is missing."
    known = (
        (F.conv2d(F.max_pool2d(X, 2, 2), blur, groups=3), "the maximum has taken the stride: it throws 3 of 4 numbers "
         "away before the blur. Let the blur take it."),
        (16 * want, "the output is 16 times too large: the nine weights of the blur must add up to 1."),
        (F.max_pool2d(F.conv2d(X, blur, groups=3), 2),
         "the blur comes first in your layer: blur what the maximum leaves, not the picture."),
    )  # fmt: skip
    advice = advice_on(got, known) or compare(got, want, "the output")
    two, part = answer(2), X[:1, :2, 1:]
    want = F.conv2d(F.max_pool2d(part, 2, 1), blur[:2], stride=2, groups=2)
    return advice or compare(two(part), want, "the output for 2 channels") or stays_behind(layer, X, got)


def stays_behind(layer, X, got):
    """Return what to do where a tensor of the layer does not go with `.to(…)`, be it to a type or to a device."""
    advice = "the numbers are right, but `.to(device)` leaves a plain tensor behind. Use register_buffer."
    held = {id(value) for value in (*layer.parameters(), *layer.buffers())}
    for module in layer.modules():
        for value in vars(module).values():
            parts = value if isinstance(value, (list, tuple)) else [value]
            if any(isinstance(part, torch.Tensor) and id(part) not in held for part in parts):
                return advice
    try:
        moved, X = equal(layer.double()(X.double()), got), X.to("meta")
        layer.to("meta")  # not watched: a Parameter that moves is compared with its place of before
        with Devices() as devices:
            moved = layer(X).is_meta and moved
    except (RuntimeError, NotImplementedError):
        return advice
    return None if moved and not devices.mixed else advice


class Devices(TorchFunctionMode):
    """Notes whether a torch function gets tensors of two devices at once: here the CPU and `meta`."""

    mixed = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        found = {value.device for value in args if isinstance(value, torch.Tensor) and value.dim()}
        self.mixed = self.mixed or len(found) > 1
        return func(*args, **(kwargs or {}))
