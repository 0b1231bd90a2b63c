"""Exercises of notebook 01: counting weights, matrices that slide, sums of dice, equivariance."""

import torch
from torch import nn
from torch.nn import functional as F

from .compare import advice_on, compare, equal, kind_of, numbers, shown, tensor_of
from .core import Exercise, prediction, table


def check_gigabytes(answer):
    """Weights, bytes, copies: counted for several layers, as any of the three may have been left fixed."""
    known = (
        (lambda n, h, c=3: n * h * c / 1e9, "every number takes 4 bytes in fp32: your answer counts numbers."),
        (lambda n, h, c=3: n * h * 4 / 1e9, "this is one copy: the gradients and the momentum are as large as the "
         "weights, so `copies` times."),
        (lambda n, h, c=3: n * h / 1e9, "this counts weights in billions: each takes 4 bytes, and training keeps "
         "`copies` of them."),
        (lambda n, h, c=3: n * h * 4 * c / 2**30, "a gigabyte is 10**9 bytes here; dividing by 2**30 gives GiB."),
        (lambda n, h, c=3: n * h * 12 / 1e9, "multiply by `copies`, not by a fixed number: copies=4 must give more."),
        (lambda n, h, c=3: 43.2, "that is the layer of the text, whatever the arguments say: use `inputs` and "
         "`hidden`, not numbers or names from outside."),
    )  # fmt: skip
    cases = ((36_000_000, 100), (36_000_000, 100, 4), (784, 10, 3), (1000, 1000, 1), (7, 2_000_000, 4))
    return table(answer, cases, lambda n, h, c=3: n * h * 4 * c / 1e9, known, atol=0)


def check_free_numbers(answer):
    """Dense n⁴, shared (2n − 1)², local (2Δ + 1)²."""
    known = (
        (0, lambda n, d: n**2, "each of the n² outputs has its own weight for each of the n² inputs."),
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
    if layer.padding != (0, 0) or layer.dilation != (1, 1):
        return "without padding and dilation the kernel fits at one place: leave both as they are."
    return compare(layer(X), linear(X.flatten(1))[:, :, None, None], "the convolution's output")


EXERCISES = [
    Exercise(
        "01.1", "training_gigabytes", check_gigabytes,
        ("How many weights are there? How many bytes has each, and how often is each kept?",
         "inputs * hidden numbers, 4 bytes each, `copies` of them; 1 GB is 10**9 bytes."),
        "def training_gigabytes(inputs, hidden, copies=3):\n    return inputs * hidden * 4 * copies / 10**9",
        {
            "def training_gigabytes(inputs, hidden, copies=3):\n    return inputs * hidden * copies / 10**9": "4 bytes",
            "def training_gigabytes(inputs, hidden, copies=3):\n    return inputs * hidden * 4 / 10**9": "one copy",
            "def training_gigabytes(inputs, hidden, copies=3):\n    return inputs * hidden * 4 * copies / 2**30": "GiB",
            "def training_gigabytes(inputs, hidden, copies=3):\n    return inputs * hidden * 12 / 1e9": "fixed number",
        },
    ),
    Exercise(
        "01.2", "free_numbers", check_free_numbers,
        ("For n = 6 and Δ = 1 the lesson counted 1296, 121 and 9.",
         "How many values can the offset a = k − i take when i and k both run from 0 to n − 1?"),
        "def free_numbers(n, delta):\n    return n**4, (2 * n - 1) ** 2, (2 * delta + 1) ** 2",
        {
            "def free_numbers(n, delta):\n    return n**2, (2 * n - 1) ** 2, (2 * delta + 1) ** 2": "dense",
            "def free_numbers(n, delta):\n    return n**4, n**2, (2 * delta + 1) ** 2": "−(n − 1)",
            "def free_numbers(n, delta):\n    return n**4, (2 * n - 1) ** 2, (2 * delta) ** 2": "middle",
        },
    ),
    Exercise(
        "01.3", "sliding_matrix", check_sliding_matrix,
        ("What does the matrix do with a picture that is 1 at one pixel and 0 elsewhere? That is one column.",
         "torch.eye(n * n) holds all those pictures: reshape it, cross-correlate each, flatten and stack."),
        """def sliding_matrix(K, n):
    units = torch.eye(n * n).reshape(-1, n, n)
    return torch.stack([corr2d(unit, K).flatten() for unit in units], dim=1)""",
        {
            """def sliding_matrix(K, n):
    units = torch.eye(n * n).reshape(-1, n, n)
    return torch.stack([corr2d(unit, K).flatten() for unit in units])""": "turned over",
            """def sliding_matrix(K, n):
    units = torch.eye(n * n).reshape(-1, n, n)
    return torch.stack([corr2d(unit, K.flip(0, 1)).flatten() for unit in units], dim=1)""": "180°",
            "def sliding_matrix(K, n):\n    return torch.eye(n * n)": "n² rows",
        },
    ),
    Exercise(
        "01.4", "sum_of_dice", check_sum_of_dice,
        ("The sum is s with the probability Σ p[i] * q[s − i], over all i: the two indices add up to s.",
         "A face i of the first die, with probability p[i], moves all of q up by i places."),
        """def sum_of_dice(p, q):
    total = torch.zeros(len(p) + len(q) - 1)
    for i in range(len(p)):
        total[i:i + len(q)] += p[i] * q
    return total""",
        {
            "def sum_of_dice(p, q):\n    return F.conv1d(p[None, None], q[None, None], padding=len(q) - 1)[0, 0]":
                "without flipping",
            "def sum_of_dice(p, q):\n    return F.conv1d(q[None, None], p.flip(0)[None, None])[0, 0]": "padding",
            "def sum_of_dice(p, q):\n"
            "    return F.conv1d(q[None, None], p.flip(0)[None, None], padding=len(p) - 1)": "one axis",
            "def sum_of_dice(p, q):\n    total, m = [], len(q)\n    for s in range(len(p) + m - 1):\n"
            "        total.append(sum(p[i] * q[s - i] for i in range(len(p)) if s - i < m))\n    return total":
                "from the end",
        },
    ),
    Exercise(
        "01.5", "shift_gap", check_shift_gap,
        ("Go both ways: shift, then layer; layer, then shift. How far apart do they end?",
         "`X.roll(steps, -1)` moves a picture to the right; what leaves on the right comes back on the left."),
        "def shift_gap(layer, X, steps):\n"
        "    return (layer(X.roll(steps, -1)) - layer(X).roll(steps, -1)).abs().max()",
        {
            "def shift_gap(layer, X, steps):\n    return (layer(X.roll(steps, -1)) - layer(X)).abs().max()":
                "invariance",
            "def shift_gap(layer, X, steps):\n    return (layer(X.roll(steps, -1)) - layer(X).roll(steps, -1)).abs()":
                "one number",
            "def shift_gap(layer, X, steps):\n    return (layer(X.roll(steps, -1)) - layer(X).roll(steps, -1)).max()":
                "absolute",
        },
    ),
    Exercise(
        "01.6", "as_convolution", check_as_convolution,
        ("A kernel as large as the picture fits at one place only, so its output is 1×1.",
         "linear.weight (out, channels·height·width) holds the same numbers as a kernel stack "
         "(out, channels, height, width): reshape it. Wrap the copying in torch.no_grad()."),
        """def as_convolution(linear, channels, height, width):
    layer = nn.Conv2d(channels, linear.out_features, (height, width))
    with torch.no_grad():
        layer.weight.copy_(linear.weight.reshape(layer.weight.shape))
        layer.bias.copy_(linear.bias)
    return layer""",
        {
            "def as_convolution(linear, channels, height, width):\n"
            "    return nn.Conv2d(channels, linear.out_features, (height, width))": "weights of its own",
            "def as_convolution(linear, channels, height, width):\n"
            "    layer = nn.Conv2d(channels, linear.out_features, (height, width))\n"
            "    layer.weight.data = linear.weight.data.reshape(layer.weight.shape)\n    return layer": "bias",
            "def as_convolution(linear, channels, height, width):\n"
            "    return nn.Conv2d(channels, linear.out_features, 3)": "whole picture",
            "def as_convolution(linear, channels, height, width):\n"
            "    layer = nn.Conv2d(channels, linear.out_features, (height, width), stride=(height, width))\n"
            "    layer.weight.data = linear.weight.data.reshape(layer.weight.shape)\n"
            "    layer.bias.data = linear.bias.data\n    return layer": "stride",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "01.p1", [3.6, 43.2],
        [([1.2, 14.4], "a colour photo has three numbers for each pixel."),
         ([3.6, 14.4], "that is the weights alone: training keeps three numbers for each of them."),
         ([3.6, 10.8], "those are billions of numbers: each takes 4 bytes."),
         ([3.6e9, 43.2e9], "the counts are right: give them in billions.")],
        "Weights: inputs · units. Memory: three numbers of 4 bytes for each weight.",
    ),
    prediction(
        "01.p2", [0, 0, 1, 0, 2, 3, 0, 0, 0],
        [([0, 1, 0, 2, 3, 0, 0, 0, 0], "that is the row of the window in the upper left corner."),
         ([0, 0, 1, 2, 3, 0, 0, 0, 0], "the second line of the picture begins with pixel 3: count on from there."),
         ([0, 0, 0, 0, 1, 0, 2, 3, 0], "that is the row of the window below: this one has moved to the right.")],
        "Which four pixels lie under the window? Write the kernel's weights at their places, 0 elsewhere.",
    ),
    prediction(
        "01.p3", [-2, 4],
        [([2, -4], "that leads from the pixel to the unit: a = k − i, b = l − j."),
         ([4, -2], "rows come first: a counts rows, b columns."),
         ([2, 4], "the pixel lies above the unit: a counts rows downwards.")],
        "The unit is at (i, j), the pixel at (k, l), and (a, b) = (k − i, l − j).",
    ),
    prediction(
        "01.p4", [1, 4, 6],
        [([3, 1, 6], "the map has one score for each place of the window, and the man has moved."),
         ([5, 4, 6], "2 rows up: row numbers grow downwards."),
         ([4, 1, 6], "the page moves 2 rows and 3 columns: rows come first.")],
        "Where is the man's window now? Has its score changed?",
    ),
    prediction(
        "01.p5", [0, 1],
        [([1, 0], "think again: which of the two nets knows which pixels are neighbours?"),
         ([1, 1], "one of them could scramble its first weights like the pixels and be the same net as before."),
         ([0, 0], "one of them slides small windows: what does it find in a window of scattered pixels?")],
        "Write 1 for a net whose accuracy falls, 0 for one whose accuracy stays.",
    ),
    prediction(
        "01.p6", [5, 11, 23, 29],
        [([19, 25, 37, 43], "that is the cross-correlation: turn the kernel by 180° first."),
         ([7, 13, 25, 31], "that is the kernel with its rows swapped: swap its columns, too."),
         ([17, 23, 35, 41], "that is the kernel with its columns swapped: swap its rows, too.")],
        "Turned by 180°, the kernel has the rows 3, 2 and 1, 0.",
    ),
]  # fmt: skip
