"""Exercises of notebook 02: sizes, kernels by design, the field of a stack, the loop turned round, a gradient step."""

import math

import torch

from helpers.ops import corr2d

from .compare import compare, equal, numbers, shown, tensor_of
from .core import Exercise, convolutions, names_in, prediction, table, torch_calls

BAR = torch.ones(6, 8)
BAR[:, 2:6] = 0


def check_shape(answer):
    """The output of a 5×3 kernel on 28×20."""
    shape = numbers(answer, 2)
    if shape is None:
        return f"a shape is a tuple of two whole numbers, such as (2, 3); this is {shown(answer)}."
    advice = {
        (24, 18): None,
        (26, 16): "rows and columns are swapped: the kernel has 5 rows and 3 columns.",
        (18, 24): "rows come first: a shape is (rows, columns).",
        (23, 17): "n − k is one too few: a kernel as large as the picture still has 1 position.",
        (28, 20): "without padding the kernel cannot be centred on the border: the output is smaller than the input.",
        (32, 22): "the output is smaller than the input, by k − 1 along each axis.",
    }
    wrong = "along each axis count the positions: the first, and one more for every step until the kernel hits the end."
    return advice.get(shape, wrong)


def check_edge_kernel(answer):
    """A kernel for horizontal edges: +1 from white above to black below, nothing at vertical edges."""
    K = tensor_of(answer)
    if K is None or K.dim() != 2 or not K.numel():
        return f"a kernel has two axes, rows and columns: write [[…], […]]. Yours is {shown(answer)}."
    flat = BAR.t()
    if K.shape[0] > flat.shape[0] or K.shape[1] > flat.shape[1]:
        return f"a {K.shape[0]}×{K.shape[1]} kernel does not fit into the 8×6 picture."
    Y = corr2d(flat, K)
    if not Y.any():
        return "its output on X.t() is 0 everywhere: it compares neighbours in a row, but the edges lie between rows."
    if corr2d(BAR, K).any():
        return "it also answers to the upright edges of X; there its output must be 0."
    want = corr2d(BAR, torch.tensor([[1.0, -1.0]])).t()
    if equal(Y, -want):
        return "the sign is the other way round: going down from white to black must give +1."
    return compare(Y, want, "the output on X.t()")


def check_line_kernel(answer):
    """A 1×3 kernel that ignores even areas and ramps, and gives -2 on a thin line."""
    K = tensor_of(answer)
    if K is None or K.shape != (1, 3):
        return f"the kernel should be 1×3, [[a, b, c]]; yours is {shown(answer)}."
    even, ramp, line = torch.ones(1, 5), torch.arange(5.0)[None], torch.tensor([[0.0, 0, 1, 0, 0]])
    if corr2d(even, K).abs().max() > 1e-5:
        return f"an even picture gives {corr2d(even, K)[0, 0]:g} instead of 0: the three weights must add up to 0."
    if corr2d(ramp, K).abs().max() > 1e-5:
        return f"the ramp 0, 1, 2, … gives {corr2d(ramp, K)[0, 0]:g} instead of 0: the outer two weights must be alike."
    peak = corr2d(line, K)[0, 1]
    return None if equal(peak, -2.0) else f"the thin line gives {peak:g}, not −2: only the middle weight meets it."


def check_field(field):
    """The receptive field of a stack of layers with stride 1."""
    known = (
        (sum, "adding the sizes counts the shared middle twice. Each layer adds k − 1."),
        (math.prod, "the windows of neighbours overlap, so the sizes do not multiply."),
        (lambda sizes: max(sizes, default=1), "the largest kernel alone does not count: each layer adds k − 1."),
        (lambda sizes: sum(k - 1 for k in sizes), "an element sees itself, too: the 1 is missing."),
    )
    cases = [([3],), ([3, 3],), ([3, 3, 3],), ([5, 3],), ([2, 2],), ([1, 7, 1],), ([],), ([9, 1, 4, 4, 2],)]
    return table(field, cases, lambda sizes: 1 + sum(k - 1 for k in sizes), known, call=lambda sizes: f"field({sizes})")


def check_taps(taps):
    """Cross-correlation as a loop over the kernel."""
    generator = torch.Generator().manual_seed(0)
    cases = [tuple(torch.randn(size, generator=generator) for size in sizes) for sizes in (
        ((3, 3), (2, 2)), ((5, 7), (1, 2)), ((6, 4), (3, 4)), ((2, 2), (2, 2)))]  # fmt: skip

    def last(X, K):
        return K[-1, -1] * X[K.shape[0] - 1:, K.shape[1] - 1:]

    known = (
        (lambda X, K: corr2d(X, K.flip(0, 1)),
         "this is the convolution of mathematics: tap (a, b) belongs to the slice that begins at (a, b)."),
        (last, "only the last tap is left: add to Y with +=, do not replace it."),
    )
    problem = table(taps, cases, corr2d, known, call=lambda X, K:
                    f"the output of a {K.shape[0]}×{K.shape[1]} kernel on {X.shape[0]}×{X.shape[1]}")  # fmt: skip
    if problem:
        return problem
    calls = torch_calls(taps, torch.ones(40, 40), torch.ones(2, 2))
    names = {*calls, *names_in(taps)} - {"corr2d_taps"}
    if ready := convolutions(names):
        return f"the numbers are right, but {', '.join(ready)} does the work: loop over the elements of K."
    if len(calls) > 40 * 40:
        return f"the numbers are right, but {len(calls)} calls for 4 weights still visit the pixels one by one."
    return None


def check_step(step):
    """One step of gradient descent on the sum of squared errors."""
    generator = torch.Generator().manual_seed(0)
    cases = [_problem(size, kernel, generator, lr) for size, kernel, lr in
             (((6, 8), (1, 2), 0.03), ((5, 5), (3, 2), 0.01), ((4, 6), (2, 2), 0.1))]  # fmt: skip

    def moved(factor):
        return lambda X, Y, K, lr: K + factor * lr * corr2d(X, 2 * (corr2d(X, K) - Y))

    known = [(moved(factor), advice) for factor, advice in STEPS.items()]
    known += [(lambda X, Y, K, lr: moved(-1 / Y.numel())(X, Y, K, lr),
               "this is the step for the mean of the squared errors; the loss here is their sum."),
              (lambda X, Y, K, lr: moved(-1)(X, Y, K, 1.0), "the learning rate is missing: the step is lr · gradient."),
              (lambda X, Y, K, lr: K - moved(-1)(X, Y, K, lr), "that is the step alone: take it away from K.")]
    return table(step, cases, moved(-1), known, call=lambda X, Y, K, lr: f"the new kernel for lr = {lr}")


def _problem(size, kernel, generator, lr):
    X, K = torch.randn(size, generator=generator), torch.randn(kernel, generator=generator)
    return X, corr2d(X, torch.randn(kernel, generator=generator)), K, lr


STEPS = {
    1: "the sign is wrong: this step climbs. The loss falls against the gradient, so subtract it.",
    -0.5: "the step is half as long as it should be: the derivative of a square has a factor 2.",
    0.0: "the kernel has not moved: is the gradient 0, or the update thrown away?",
}

EXERCISES = [
    Exercise(
        "02.1", "shape", check_shape,
        ("Take rows and columns one at a time.", "28 rows and a kernel with 5: it can begin in rows 0 to 23."),
        "shape = (28 - 5 + 1, 20 - 3 + 1)",
        {
            "shape = (26, 16)": "swapped", "shape = (23, 17)": "one too few", "shape = (28, 20)": "without padding",
            "shape = 24 * 18": "tuple", "shape = (18, 24)": "rows come first",
        },
    ),
    Exercise(
        "02.2", "K_flat", check_edge_kernel,
        ("Which two pixels must be compared?", "[1, -1] compares a pixel with the one to its right. Turn it."),
        "K_flat = torch.tensor([[1.0], [-1.0]])",
        {
            "K_flat = torch.tensor([[1.0, -1.0]])": "0 everywhere",
            "K_flat = torch.tensor([[-1.0], [1.0]])": "other way round",
            "K_flat = torch.tensor([[1.0, 0.0], [0.0, -1.0]])": "upright edges",
            "K_flat = torch.tensor([1.0, -1.0])": "two axes",
        },
    ),
    Exercise(
        "02.3", "K_line", check_line_kernel,
        ("An even picture: what must the weights add up to?",
         "Apply [1, -1] twice: the difference of the differences."),
        "K_line = torch.tensor([[1.0, -2.0, 1.0]])",
        {
            "K_line = torch.tensor([[1.0, 0.0, -1.0]])": "outer two",
            "K_line = torch.tensor([[1.0, 1.0, 1.0]])": "add up to 0",
            "K_line = torch.tensor([[-1.0, 2.0, -1.0]])": "thin line",
            "K_line = torch.tensor([[1.0], [-2.0], [1.0]])": "1×3",
        },
    ),
    Exercise(
        "02.4", "field", check_field,
        ("Begin with one pixel of the output and walk back, layer by layer.",
         "A field of r pixels, seen through a k×k kernel, grows to r + k − 1."),
        "def field(kernel_sizes):\n    return 1 + sum(k - 1 for k in kernel_sizes)",
        {
            "def field(kernel_sizes):\n    return sum(kernel_sizes)": "twice",
            "def field(kernel_sizes):\n    return math.prod(kernel_sizes)": "do not multiply",
            "def field(kernel_sizes):\n    return max(kernel_sizes, default=1)": "largest kernel alone",
        },
    ),
    Exercise(
        "02.5", "corr2d_taps", check_taps,
        ("Swap the loops: which pixels of X does the weight K[a, b] meet while the window moves?",
         "They form the slice X[a:a + H_out, b:b + W_out], as large as the output."),
        """
def corr2d_taps(X, K):
    height, width = X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1
    Y = torch.zeros(height, width)
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            Y += K[a, b] * X[a:a + height, b:b + width]
    return Y
""",
        {
            """
def corr2d_taps(X, K):
    height, width = X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1
    for a in range(K.shape[0]):
        for b in range(K.shape[1]):
            Y = K[a, b] * X[a:a + height, b:b + width]
    return Y
""": "only the last tap",
            "def corr2d_taps(X, K):\n    return corr2d(X, K.flip(0, 1))": "convolution of mathematics",
            """
def corr2d_taps(X, K):
    Y = torch.zeros(X.shape[0] - K.shape[0] + 1, X.shape[1] - K.shape[1] + 1)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + K.shape[0], j:j + K.shape[1]] * K).sum()
    return Y
""": "one by one",
            "def corr2d_taps(X, K):\n    return K[0, 0] * X": "has shape",
        },
    ),
    Exercise(
        "02.6", "step", check_step,
        ("Autograd may do the work: K = K.clone().requires_grad_(), then loss.backward().",
         "By hand: with E = corr2d(X, K) - Y, the gradient is corr2d(X, 2 * E). Check it against K.grad."),
        """
def step(X, Y, K, lr):
    K = K.clone().requires_grad_()
    loss = ((corr2d(X, K) - Y) ** 2).sum()
    loss.backward()
    return (K - lr * K.grad).detach()
""",
        {
            "def step(X, Y, K, lr):\n    return K + lr * corr2d(X, 2 * (corr2d(X, K) - Y))": "climbs",
            "def step(X, Y, K, lr):\n    return K - lr * corr2d(X, corr2d(X, K) - Y)": "factor 2",
            "def step(X, Y, K, lr):\n    return K - lr * corr2d(X, 2 * (corr2d(X, K) - Y)) / Y.numel()": "mean",
            "def step(X, Y, K, lr):\n    K -= lr * corr2d(X, 2 * (corr2d(X, K) - Y))\n    return K": "changes K itself",
        },
    ),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "02.p1", [-4, -4, -4, -4],
        [([4, 4, 4, 4], "the sign is the other way round: the lower right pixel is taken away."),
         ([19, 25, 37, 43], "those are the outputs of the kernel with 0, 1, 2 and 3."),
         ([4, 6, 10, 12], "the weight in the lower right is −1, so that pixel is taken away, not added.")],
        "The first window holds 0, 1, 3 and 4, and two of the weights are 0.",
    ),
    prediction(
        "02.p2", [-1, 5, 17, 23],
        [([19, 25, 37, 43], "that is the output without the bias."),
         ([39, 45, 57, 63], "the bias is −20: it is added, so the numbers fall.")],
        "The bias is added to every element.",
    ),
]  # fmt: skip
