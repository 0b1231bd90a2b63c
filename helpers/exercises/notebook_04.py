"""Exercises of notebook 04, channels. Their checks are in `checks_04.py`."""

from .checks_04 import check_cost, check_grouped, check_mix, check_plain_weights, check_reds, check_shapes
from .core import Exercise, prediction

GROUPED = "def corr2d_grouped(X, K, groups):\n    return "
EACH_GROUP = "corr2d_multi_in_out(x, k) for x, k in zip(X.chunk(groups), K.chunk(groups))"

EXERCISES = [
    Exercise(
        id="04.1", name="shapes", check=check_shapes,
        hints=(
            "The weight has four axes: output channels, input channels, rows and columns of the kernel.",
            "A kernel of 3 rows fits into 20 rows at 18 heights, one of 5 columns into 30 columns at 26 places.",
        ),
        solution="shapes = (32, 16, 3, 5), (32,), (8, 32, 18, 26)",
        wrong={
            "shapes = (16, 32, 3, 5), (32,), (8, 32, 18, 26)": "begins with the output channels",
            "shapes = (32, 16, 3, 5), (32, 16), (8, 32, 18, 26)": "one number per output channel",
            "shapes = (32, 16, 3, 5), 32, (8, 16, 18, 26)": "as many channels as there are kernels",
            "shapes = (32, 16, 3, 5), (16,), (8, 32, 18, 26)": "one number per output channel",
            "shapes = (32, 16, 3, 5), (32,), (8, 32, 26, 18)": "height first",
            "shapes = (8, 32, 16, 3, 5), 32, (8, 32, 18, 26)": "no axis for the batch",
            "shapes = (32, 16, 3, 5), None, (8, 32, 18, 26)": "should be a tuple of numbers",
        },
    ),
    Exercise(
        id="04.2", name="cost", check=check_cost,
        hints=(
            "How many slices have all kernels together, and how many weights has each?",
            "Each output element needs c_i · k² multiply-adds, and there are c_o · m² of them.",
        ),
        solution="""
def cost(c_i, c_o, k, m):
    weights = c_o * c_i * k ** 2
    return weights + c_o, weights * m ** 2
""",
        wrong={
            "def cost(i, o, k, m):\n    return o * i * k**2, o * i * k**2 * m**2": "biases are missing",
            "def cost(i, o, k, m):\n    return o * i * (k**2 + 1), o * i * k**2 * m**2": "not one per pair",
            "def cost(i, o, k, m):\n    return o * i * k**2 + i, o * i * k**2 * m**2": "not one per input",
            "def cost(i, o, k, m):\n    n = o * i * k**2 + o\n    return n, n * m**2": "added, not multiplied",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n + o, n * (m + k - 1)**2": "m × m elements",
            "def cost(i, o, k, m):\n    return o * i * k**2 + o, o * m**2": "meets each output position",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n * m**2, n + o": "wrong order",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n + o, 2 * n * m**2": "count as one",
            "def cost(i, o, k, m):\n    n = o * i * k**2\n    return n + o, n * (m - k + 1)**2": "already made smaller",
        },
    ),
    Exercise(
        id="04.3", name="w", check=check_reds,
        hints=(
            "Grey is (g, g, g) and becomes g · (sum of the weights). What must the sum be?",
            "The weight of red is 1. The other two are equal, and with it they add up to 0.",
        ),
        solution="w = [1, -0.5, -0.5]",
        wrong={
            "w = [1, 0, 0]": "must add up to 0",
            "w = [1, -1, 0]": "should come out alike",
            "w = [float('nan')] * 3": "must add up to 0",
            "w = torch.tensor([2, -1, -1])": "pure red",
        },
    ),
    Exercise(
        id="04.4", name="mix", check=check_mix,
        hints=(
            "A matrix product `… @ W.T` acts on the last axis. Where must the channels be for it?",
            "`X.permute(0, 2, 3, 1)` is (N, H, W, Ci). Or one line: `torch.einsum('oi, nihw -> nohw', W, X)`.",
        ),
        solution="def mix(X, W):\n    return (X.permute(0, 2, 3, 1) @ W.T).permute(0, 3, 1, 2)",
        wrong={
            "def mix(X, W):\n    return F.conv2d(X, W[:, :, None, None])": "without a convolution function",
            "def mix(X, W):\n    n, c, h, w = X.shape\n    return (W @ X.reshape(c, -1)).reshape(n, -1, h, w)":
                "different pictures",
            "def mix(X, W):\n    return X.permute(0, 2, 3, 1) @ W.T": "channels are the last axis",
            "def mix(X, W):\n    return torch.tensordot(W, X, dims=([1], [1]))": "the pictures come first",
            "def mix(X, W):\n    return (X.reshape(2, 4, 5, 3) @ W.T).reshape(2, 6, 4, 5)": "permute does",
            "def mix(X, W):\n    return (X.permute(0, 2, 3, 1) @ W.T).reshape(2, 6, 4, 5)": "permute does",
        },
    ),
    Exercise(
        id="04.5", name="corr2d_grouped", check=check_grouped,
        hints=(
            "Cut X into groups of neighbouring channels, and K into as many groups of kernels; treat each pair alone.",
            "`X.chunk(groups)` and `K.chunk(groups)` cut; `corr2d_multi_in_out` takes a pair, `torch.cat` joins.",
        ),
        solution="""
def corr2d_grouped(X, K, groups):
    pairs = zip(X.chunk(groups), K.chunk(groups))
    return torch.cat([corr2d_multi_in_out(x, k) for x, k in pairs])
""",
        wrong={
            f"{GROUPED}torch.stack([{EACH_GROUP}])": "joins along the old one",
            f"{GROUPED}torch.cat([corr2d_multi_in_out(X[g::groups], k) for g, k in enumerate(K.chunk(groups))])":
                "neighbouring channels",
            f"{GROUPED}sum({EACH_GROUP})": "not added up",
            f"{GROUPED}[{EACH_GROUP}]": "join the groups' maps",
            f"{GROUPED}corr2d_multi_in_out(X, K)": "give K one",
            f"{GROUPED}corr2d_multi_in_out(X[:K.shape[1]], K)": "where zip stopped",
            f"{GROUPED}torch.cat([corr2d_multi_in_out(x, K) for x in X.chunk(groups)])": "not only its own",
            f"{GROUPED}F.conv2d(X[None], K, groups=groups)[0]": "without F.conv2d",
        },
    ),
    Exercise(
        id="04.6", name="plain_weights", check=check_plain_weights,
        hints=(
            "Output o takes P[o, i] of the map of channel i, and that map is channel i under D[i].",
            "Slice (o, i) is P[o, i] · D[i]. Two axes of size 1 behind P let the product broadcast.",
        ),
        solution="def plain_weights(D, P):\n    return P[:, :, None, None] * D",
        wrong={
            "def plain_weights(D, P):\n    return torch.tensordot(P, D, dims=1)": "added up",
            "def plain_weights(D, P):\n    return P.T[:, :, None, None] * D[:, None]": "output channels come first",
            "def plain_weights(D, P):\n    return D.expand(len(P), *D.shape)": "weights of P are missing",
        },
    ),
]

PREDICTIONS = [
    prediction(
        "04.p1", [72, 104, 120],
        [([25, 37, 43], "those are the outputs of channel 0 alone."),
         ([47, 67, 77], "those are the outputs of channel 1 alone."),
         ([104, 72, 120], "row by row: after the first element comes its right neighbour.")],
        "Add the two maps of the channels, place by place.",
    ),
    prediction(
        "04.p2", [76, 96],
        [([57, 58], "each weight grows, and each is multiplied by a pixel before it is added."),
         ([64, 72], "that adds each step once for each of the weights: they are multiplied by the pixels."),
         ([76, 76], "the second kernel's weights have grown by two.")],
        "Each step adds the sum of the pixels under the kernel, in both channels.",
    ),
    prediction(
        "04.p3", [8, 3, 3, 3, 4, 8, 30, 30],
        [([3, 8, 3, 3, 4, 8, 30, 30], "the weight begins with the output channels."),
         ([8, 3, 3, 3, 4, 8, 32, 32], "without padding the kernel does not stand over the border."),
         ([8, 3, 3, 3, 8, 4, 30, 30], "the output begins with the pictures, then come its channels."),
         ([8, 3, 3, 3, 4, 3, 30, 30], "the output has a channel for each kernel.")],
        "The weight is (out, in, rows, columns), the output (pictures, channels, rows, columns).",
    ),
    prediction(
        "04.p4", [17, 1],
        [([17, -1], "in the second row the first channel has the weight −1, the second 1."),
         ([1, 17], "the first row of W makes the first output.")],
        "Each row of W is multiplied by the pair, element by element, and added up.",
    ),
    prediction(
        "04.p5", [100 * 100 * 5**2 * 64**2],
        [([100 * 100 * 5**2], "those are the weights: each is used once at every place of the output."),
         ([100 * 5**2 * 64**2], "that is the work for one output channel: there are more."),
         ([100 * 100 * 5**2 * 60**2], "the maps given are those of the output: the kernel has already been there."),
         ([2 * 100 * 100 * 5**2 * 64**2], "a multiplication and the addition behind it count as one.")],
        "Weights in all kernels, times the places of the output.",
    ),
    prediction(
        "04.p6", [1, 4],
        [([4, 1], "first the multiply-adds, then the parameters."),
         ([0.25, 1], "that would be so if the number of channels stayed."),
         ([0.5, 2], "both numbers of channels double, and with each the number of slices.")],
        "How many more pairs of channels are there, and how many fewer places?",
    ),
]  # fmt: skip
