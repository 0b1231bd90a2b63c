"""Exercises of notebook 01: counting weights, matrices that slide, sums of dice, equivariance."""

from .checks_01 import (
    check_as_convolution,
    check_free_numbers,
    check_gigabytes,
    check_shift_gap,
    check_sliding_matrix,
    check_sum_of_dice,
)
from .core import Exercise, prediction

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
            "def training_gigabytes(inputs, hidden, copies=3):\n    return (inputs + 1) * hidden * 4 * copies / 1e9":
                "the biases",
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
            "def free_numbers(n, delta):\n    return n**4, (2 * n) ** 2, (2 * delta + 1) ** 2": "2n − 1 offsets",
            "def free_numbers(n, delta):\n    return n**4, (2 * n + 1) ** 2, (2 * delta + 1) ** 2": "n − 1 away",
            "def free_numbers(n, delta):\n    return n**4, (2 * n - 1) ** 2, (2 * delta - 1) ** 2": "from −Δ to Δ",
            "def free_numbers(n, delta):\n    return (2 * delta + 1) ** 2, (2 * n - 1) ** 2, n**4": "the order is",
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
            """def sliding_matrix(K, n):
    (h, w), first = K.shape, torch.zeros(n, n)
    first[:h, :w] = K
    return torch.stack([first.flatten().roll(row) for row in range((n - h + 1) * (n - w + 1))])""": "a new line",
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
            "def shift_gap(layer, X, steps):\n"
            "    return (layer(X.roll(steps, -1)) - layer(X).roll(-steps, -1)).abs().max()": "shifted back",
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
