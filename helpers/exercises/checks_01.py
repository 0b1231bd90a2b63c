"""The checks of notebook 01's exercises, which `notebook_01.py` states."""

import torch
from torch import nn
from torch.nn import functional as F

from .compare import advice_on, compare, equal, kind_of, numbers, shown, tensor_of
from .core import table


def check_gigabytes(answer):
    """Weights, bytes, copies: counted for several layers, as any of the three may have been left fixed."""
    known = (
        (lambda n, h, c=3: n * h * c / 1e9, "every number takes 4 bytes in fp32: your answer counts numbers."),
        (lambda n, h, c=3: n * h * 4 / 1e9, "this is one copy: the gradients and the momentum are as large as the "
         "weights, so `copies` times."),
        (lambda n, h, c=3: n * h / 1e9, "this counts weights in billions: each takes 4 bytes, and training keeps "
         "`copies` of them."),
        (lambda n, h, c=3: n * h * 4 * c / 2**30, "a gigabyte is 10**9 bytes here; dividing by 2**30 gives GiB."),
        (lambda n, h, c=3: (n + 1) * h * 4 * c / 1e9, "the weights alone are asked for: you count the biases, too."),
        (lambda n, h, c=3: n * h * 12 / 1e9, "multiply by `copies`, not by a fixed number: copies=4 must give more."),
        (lambda n, h, c=3: 43.2, "that is the layer of the text, whatever the arguments say: use `inputs` and "
         "`hidden`, not numbers or names from outside."),
    )  # fmt: skip
    cases = ((36_000_000, 100), (36_000_000, 100, 4), (784, 10, 3), (9, 10_000), (1000, 1000, 1), (7, 2_000_000, 4))
    return table(answer, cases, lambda n, h, c=3: n * h * 4 * c / 1e9, known, atol=0)


def check_free_numbers(answer):
    """Dense n⁴, shared (2n − 1)², local (2Δ + 1)²."""
    known = (
        (0, lambda n, d: n**2, "each of the n² outputs has its own weight for each of the n² inputs."),
        (1, lambda n, d: (2 * n) ** 2, "from −(n − 1) to n − 1 there are 2n − 1 offsets, the 0 among them."),
        (1, lambda n, d: (2 * n + 1) ** 2, "a pixel is at most n − 1 away: count from −(n − 1) to n − 1, with the 0."),
        (2, lambda n, d: (2 * d - 1) ** 2, "from −Δ to Δ there are Δ offsets on each side, and the 0."),
        (1, lambda n, d: n**2, "the offset a = k − i runs from −(n − 1) to n − 1, and so does b; that is more than n."),
        (2, lambda n, d: (2 * d) ** 2, "an offset may be −Δ … Δ; the 0 in the middle counts too."),
        (2, lambda n, d: d**2, "an offset may be −Δ … Δ; the 0 in the middle counts too."),
    )
    for case in ((5, 2), (6, 1), (3, 1), (8, 3), (4, 0)):
        got = numbers(answer(*case), 3)
        if got is None:
            return "return three counts: (dense, shared, local)."
        n, delta = case
        want = (n**4, (2 * n - 1) ** 2, (2 * delta + 1) ** 2)
        if got != want and sorted(map(str, got)) == sorted(map(str, want)):
            return f"free_numbers({n}, {delta}) is {shown(got)}: the order is (dense, shared, local)."
        for i, wrong, advice in known:
            if got[i] == wrong(n, delta) != want[i]:
                return f"free_numbers({n}, {delta}) is {shown(got)}: {('dense', 'shared', 'local')[i]}: {advice}"
        if wrong := compare(got, want, f"free_numbers({n}, {delta}), the counts (dense, shared, local),"):
            return wrong
    return None


def check_sliding_matrix(answer):
    """The matrix times the flattened picture is the flattened cross-correlation."""
    for n, (h, w) in ((3, (2, 2)), (5, (3, 3)), (4, (2, 3)), (4, (1, 2))):
        K = torch.arange(1.0, h * w + 1).sub(2).reshape(h, w) * 0.75
        units = torch.eye(n * n).reshape(-1, 1, n, n)
        want, got = F.conv2d(units, K[None, None]).flatten(1).T, tensor_of(answer(K, n))
        if got is not None and got.shape == want.T.shape:
            return ("the shape should be one row per output, one column per pixel; "
                    f"yours, {tuple(got.shape)}, is turned over.")
        if got is not None and got.shape == (n * n, n * n):
            return "this has n² rows: without padding the kernel fits at (n − k + 1)² places only."
        if equal(got, F.conv2d(units, K.flip(0, 1)[None, None]).flatten(1).T):
            return "this convolves: the kernel is turned by 180°. A cross-correlation takes it as it is."
        if equal(got, torch.stack([want[0].roll(row) for row in range(len(want))])):
            return ("every row is the one above moved right by one. Where the window begins a new line of outputs, it "
                    f"moves on by as many pixels as the kernel has columns: by {w} here.")
        if wrong := compare(got, want, f"sliding_matrix for a {h}×{w} kernel and n = {n}"):
            return wrong
    return None


def check_sum_of_dice(answer):
    """Dice whose faces are not equally likely tell a convolution from a cross-correlation."""
    generator = torch.Generator().manual_seed(0)
    dice = [(torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.2, 0.3, 0.4]))]
    dice += [tuple(torch.rand(n, generator=generator).softmax(0) for n in sizes) for sizes in ((4, 2), (1, 3), (1, 1))]
    for p, q in dice:
        m, n = len(p), len(q)
        want, turned = (F.conv1d(p[None], x[None, None], padding=n - 1)[0] for x in (q.flip(0), q))
        wrapped = torch.stack([sum(p[i] * q[s - i] for i in range(m) if s - i < n and s - i >= -n)
                               for s in range(m + n - 1)])  # fmt: skip
        got = tensor_of(answer(p, q))
        if got is not None and got.dim() > 1 and got.shape[-1:] == want.shape:
            return f"return one axis: yours has shape {tuple(got.shape)}; take [0, 0] of what conv1d gives."
        if got is not None and got.shape != want.shape:
            return (f"for {m} and {n} faces the sum has {m} + {n} − 1 = {m + n - 1} values, 0 to {m + n - 2}; yours "
                    f"has shape {tuple(got.shape)}. Where only part of the faces overlap, zeros (padding) stand for "
                    "the rest.")  # fmt: skip
        if advice := advice_on(got, ((want, None), (turned, TURNED), (turned.flip(0), TURNED), (wrapped, WRAPPED))):
            return advice
        if advice := compare(got, want, f"sum_of_dice for {m} and {n} faces"):
            return advice
    return None


TURNED = "this slides one die without flipping it, a cross-correlation: fair dice would have hidden that."
WRAPPED = "q[s - i] with s − i < 0 counts from the end in Python: take the terms with 0 ≤ s − i < len(q) only."


def check_shift_gap(answer):
    """Zero for a circular convolution; for other layers, the difference of the two orders."""
    generator = torch.Generator().manual_seed(0)
    ring, zeros = (nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode) for mode in ("circular", "zeros"))
    picture, cases = torch.randn(2, 1, 5, 7, generator=generator), []
    with torch.no_grad():
        for layer in (ring, zeros):
            layer.weight.copy_(torch.randn(1, 1, 3, 3, generator=generator))
        cases = [(layer, X, steps) for layer, X in ((ring, picture), (zeros, picture), (zeros, -picture),
                                                    (zeros, 2 * picture[:1])) for steps in (2, 1, 3, -2)]  # fmt: skip

        def gaps(layer, X, steps):
            return layer(X.roll(steps, -1)) - layer(X).roll(steps, -1)

        known = (
            (lambda layer, X, steps: (layer(X.roll(steps, -1)) - layer(X)).abs().max(),
             "this measures invariance: it compares with layer(X) as it was. Shift that output too."),
            (lambda layer, X, steps: (layer(X.roll(steps, -1)) - layer(X).roll(-steps, -1)).abs().max(),
             "the output is shifted back: shift it by `steps`, in the direction of the picture."),
            (lambda *case: gaps(*case).max(), "a large negative difference counts as well: take the absolute value."),
            (lambda layer, X, steps: gaps(layer, X, 2).abs().max(), "that is the gap for 2 steps: use `steps`."),
            (lambda layer, X, steps: gaps(layer, X, 1).abs().max(), "that is the gap for 1 step: use `steps`."),
            (lambda *case: gaps(*case).abs().mean(), "that is the mean difference: the largest is asked for."),
            (lambda layer, X, steps: (layer(X.roll(steps, -2)) - layer(X).roll(steps, -2)).abs().max(),
             "the picture moves along its rows, axis −2: shift along the last axis, −1."),
        )  # fmt: skip
        if (first := tensor_of(answer(*cases[0]))) is not None and first.dim():
            return f"return one number, the largest difference; yours has shape {tuple(first.shape)}."
        return table(answer, cases, lambda *case: gaps(*case).abs().max(), known, call=lambda layer, X, steps:
                     f"the gap of a convolution with padding_mode={layer.padding_mode!r}, {steps} steps")  # fmt: skip


def check_as_convolution(answer):
    """The convolution has the weights and the bias of the dense layer, and gives what it gives."""
    return _as_convolution(answer, 2, 3, 4) or _as_convolution(answer, 1, 4, 2) or _as_convolution(answer, 3, 5, 5)


def _as_convolution(answer, c, h, w):
    linear, X = nn.Linear(c * h * w, 5), torch.randn(6, c, h, w)
    kept = [value.clone() for value in linear.state_dict().values()]
    layer, right = answer(linear, c, h, w), linear.weight.reshape(5, c, h, w)
    if not isinstance(layer, nn.Conv2d):
        return f"return an nn.Conv2d, but this is {kind_of(layer)}."
    if linear.weight.shape != (5, c * h * w) or not all(map(equal, linear.state_dict().values(), kept)):
        return "the dense layer that was given has changed: copy its numbers, and leave it as it is."
    if layer.kernel_size != (h, w):
        return f"each unit sees the whole picture: the kernel must be {(h, w)} here, yours is {layer.kernel_size}."
    if layer.weight.shape != right.shape:
        return f"the weight has shape {tuple(layer.weight.shape)}, but {tuple(right.shape)} is needed."
    if not equal(layer.weight, right) and equal(layer.weight.flatten().sort().values, right.flatten().sort().values):
        return "the numbers of linear.weight are there, in another order: flatten(1) runs through channels, rows, " \
               "columns, and so does reshape((out, channels, height, width))."
    if not equal(layer.weight, right):
        return "the layer has weights of its own: copy linear.weight, reshaped, into them."
    if layer.bias is None:
        return "the bias is missing: copy linear.bias too."
    if not equal(layer.bias, linear.bias):
        return "the bias is the layer's own: copy linear.bias too."
    if layer.stride != (1, 1):
        return f"the stride is {layer.stride}: on a larger picture the layer would leave out places; leave it at 1."
    if layer.padding not in ((0, 0), "valid") or layer.dilation != (1, 1):
        return "without padding and dilation the kernel fits at one place: leave both as they are."
    return compare(layer(X), linear(X.flatten(1))[:, :, None, None], "the convolution's output")
