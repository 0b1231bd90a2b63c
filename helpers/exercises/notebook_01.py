"""Exercises of notebook 01: counting weights, matrices that slide, sums of dice, equivariance."""

import torch
from torch import nn
from torch.nn import functional as F

from .core import Exercise, compare


def check_gigabytes(answer):
    """36 million inputs and 100 units take 43.2 GB; another number of copies counts in proportion."""
    got = float(answer(36_000_000, 100))
    known = {
        10.8: "every number takes 4 bytes in fp32: your answer counts numbers, not bytes.",
        14.4: "this is one copy: the gradients and the momentum are as large as the weights, so `copies` times.",
        3.6: "this counts weights in billions: each takes 4 bytes, and training keeps `copies` of them.",
        43.2e9 / 2**30: "a gigabyte is 10**9 bytes here; dividing by 2**30 gives gibibytes (GiB).",
    }
    for value, advice in known.items():
        if abs(got / value - 1) < 1e-6:
            return advice
    adam = float(answer(36_000_000, 100, copies=4))
    wrong = compare(got, 43.2, "training_gigabytes(36_000_000, 100)")
    if not wrong and got == adam:
        return "copies=4 gives the same as copies=3: multiply by `copies`, not by a fixed number."
    return wrong or compare(adam, 57.6, "with copies=4 it")


def check_free_numbers(answer):
    """Dense n⁴, shared (2n − 1)², local (2Δ + 1)²."""
    got = answer(5, 2)
    if not isinstance(got, (tuple, list)) or len(got) != 3:
        return "return three counts: (dense, shared, local)."
    if got[0] == 5**2:
        return "dense: each of the n² outputs has its own weight for each of the n² inputs."
    if got[1] == 5**2:
        return "shared: the offset a = k − i runs from −(n − 1) to n − 1, and so does b; that is more than n."
    if got[2] in ((2 * 2) ** 2, 2**2):
        return "local: an offset may be −Δ … Δ; the 0 in the middle counts too."
    return compare(tuple(got), (625, 81, 25), "free_numbers(5, 2)") or compare(answer(6, 1)[2], 9, "local for Δ = 1")


def check_sliding_matrix(answer):
    """The matrix times the flattened picture is the flattened cross-correlation."""
    for n, k in ((3, 2), (5, 3)):
        K = torch.arange(float(k * k)).reshape(k, k)
        units = torch.eye(n * n).reshape(-1, 1, n, n)
        want = F.conv2d(units, K[None, None]).flatten(1).T
        got = torch.as_tensor(answer(K, n))
        if got.shape == want.T.shape:
            return ("the shape should be one row per output, one column per pixel; "
                    f"yours, {tuple(got.shape)}, is turned over.")
        if got.shape == (n * n, n * n):
            return "this has n² rows: without padding the kernel fits at (n − k + 1)² places only."
        if got.shape == want.shape and torch.equal(got, F.conv2d(units, K.flip(0, 1)[None, None]).flatten(1).T):
            return "this convolves: the kernel is turned by 180°. A cross-correlation takes it as it is."
        wrong = compare(got, want, f"sliding_matrix for a {k}×{k} kernel and n = {n}")
        if wrong:
            return wrong
    return None


def check_sum_of_dice(answer):
    """Dice whose faces are not equally likely tell a convolution from a cross-correlation."""
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.2, 0.3, 0.4])
    want, turned = torch.tensor([[0.05, 0.13, 0.23, 0.33, 0.18, 0.08], [0.20, 0.27, 0.27, 0.17, 0.07, 0.02]])
    got = torch.as_tensor(answer(p, q)).float()
    if got.shape[-1:] == want.shape and got.dim() > 1:
        return f"return one axis: yours has shape {tuple(got.shape)}; take [0, 0] of what conv1d gives."
    if got.shape != want.shape:
        return (
            f"for 3 and 4 faces the sum has 3 + 4 − 1 = 6 values, 0 to 5; yours has shape {tuple(got.shape)}. "
            "Where only part of the faces overlap, zeros (padding) stand for the rest."
        )
    if torch.allclose(got, turned) or torch.allclose(got, turned.flip(0)):
        return "this slides one die without flipping it, a cross-correlation: fair dice would have hidden that."
    if torch.allclose(got, torch.tensor([0.23, 0.21, *want[2:]])):
        return "q[s - i] with s − i < 0 counts from the end in Python: take the terms with 0 ≤ s − i < len(q) only."
    return compare(got, want, "sum_of_dice")


def check_shift_gap(answer):
    """Zero for a circular convolution; for other layers, the difference of the two orders."""
    ring, zeros = (nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode) for mode in ("circular", "zeros"))
    picture = torch.randn(2, 1, 5, 7)
    with torch.no_grad():
        for layer, X in ((ring, picture), (zeros, picture), (zeros, -picture)):
            got, Y, moved = torch.as_tensor(answer(layer, X, 2)), layer(X), layer(X.roll(2, -1))
            gaps = moved - Y.roll(2, -1)
            wrong = compare(got, gaps.abs().max(), f"the gap of a convolution with padding_mode={layer.padding_mode!r}")
            if wrong and got.dim():
                return f"return one number, the largest difference; yours has shape {tuple(got.shape)}."
            if wrong and torch.isclose(got, (moved - Y).abs().max()):
                return "this measures invariance: it compares with layer(X) as it was. Shift that output too."
            if wrong and torch.isclose(got, gaps.max()):
                return "a large negative difference counts as well: take the absolute value first."
            if wrong:
                return wrong
    return None


def check_as_convolution(answer):
    """The convolution has the weights and the bias of the dense layer, and gives what it gives."""
    linear, X = nn.Linear(2 * 3 * 4, 5), torch.randn(6, 2, 3, 4)
    layer = answer(linear, 2, 3, 4)
    if not isinstance(layer, nn.Conv2d):
        return f"return an nn.Conv2d, not {type(layer).__name__}."
    if layer.kernel_size != (3, 4):
        return f"each unit sees the whole picture: the kernel must be (3, 4) here, yours is {layer.kernel_size}."
    if layer.weight.shape == (5, 2, 3, 4) and not torch.allclose(layer.weight.flatten(1), linear.weight):
        return "the layer has weights of its own: copy linear.weight, reshaped, into them."
    if layer.bias is None or (layer.bias.shape == (5,) and not torch.allclose(layer.bias, linear.bias)):
        return "the bias is missing or its own: copy linear.bias too."
    if layer.stride != (1, 1):
        return f"the stride is {layer.stride}: on a larger picture the layer would leave out places; leave it at 1."
    return compare(layer(X).detach(), linear(X.flatten(1)).detach()[:, :, None, None], "the convolution's output")


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
        ("For n = 6 and Δ = 1 the section counted 1296, 121 and 9.",
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
