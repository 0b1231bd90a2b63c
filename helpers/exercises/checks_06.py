"""The checks of notebook 06's exercises, which `notebook_06.py` states."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from .compare import compare, equal, numbers, shown, tensor_of
from .core import table

SHAPES = {
    (256, 75): "256 rows are the windows of one picture; the batch has 20.",
    (20, 256, 75): "im2col makes a matrix, with two axes: pictures and windows share the rows.",
    (5120, 25): "a window reaches through all channels: 5·5 numbers from each of the 3.",
    (3920, 75): "3920 = 20·14²: the padding adds 2 pixels on both sides, 4 in all.",
    (4500, 75): "4500 = 20·15²: the padding adds 2 pixels on both sides, 4 in all.",
    (15360, 25): "a window reaches through all channels: they lie in its row, not in rows of their own.",
    (20480, 75): "20480 = 20·32²: with stride 2 a window stands only at every second place.",
    (75, 5120): "rows and columns have changed places: here a window is a row.",
}


def check_shape(answer):
    """The shape of im2col's matrix."""
    shape = numbers(answer)
    if shape is None:
        return f"the answer should be a tuple of two numbers, (rows, columns), but is {shown(answer)}."
    general = "rows: pictures · places down · places across; columns: channels · 5 · 5."
    return None if shape == (5120, 75) else SHAPES.get(shape, general)


def loss_gradients(function, *arrays):
    """Return a random dout for function(*tensors), and autograd's gradients by each of the arrays."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    Y = function(*tensors)
    dout = torch.tensor(np.random.default_rng(1).normal(size=Y.shape))
    return dout.numpy(), *(gradient.numpy() for gradient in torch.autograd.grad(Y, tensors, dout))


def check_to_maps(answer):
    """Rows of filters become maps; only reshape and transpose, in the right order."""
    generator = np.random.default_rng(0)
    cases = [(generator.normal(size=(N * h * w, filters)), N, h, w)
             for N, filters, h, w in ((2, 3, 4, 5), (3, 1, 2, 2), (1, 4, 3, 2), (3, 2, 5, 1))]  # fmt: skip

    def right(rows, N, h, w):
        return rows.reshape(N, h, w, -1).transpose(0, 3, 1, 2)

    known = (
        (lambda rows, N, h, w: rows.reshape(N, -1, h, w),
         "the shape is right and the numbers are mixed up: reshape alone cannot change the order of axes."),
        (lambda rows, N, h, w: rows.T.reshape(N, -1, h, w),
         "right for one picture only. rows.T has the axes FN, (N, oh, ow): reshape may split the second."),
        (lambda rows, N, h, w: rows.reshape(N, h, w, -1),
         "the filters are still the last axis: transpose after the reshape."),
        (lambda *case: right(*case).swapaxes(2, 3), "height and width have changed places."),
    )
    return table(answer, cases, right, known, call=lambda rows, N, h, w: f"to_maps(rows {rows.shape}, {N}, {h}, {w})")


def check_col2im(answer):
    """Each entry of col goes back to its pixel, where all copies add up; the padding is cut off."""
    generator = np.random.default_rng(0)
    for shape, k, stride, pad in (((1, 1, 3, 3), 2, 1, 0), ((2, 3, 5, 6), 3, 1, 0), ((2, 2, 6, 5), 3, 2, 1),
                                  ((2, 1, 7, 4), 2, 3, 2), ((1, 2, 4, 7), 1, 2, 0),
                                  ((1, 2, 5, 5), 2, 2, 2)):  # fmt: skip
        col_shape = F.unfold(torch.zeros(shape), k, stride=stride, padding=pad).shape  # (N, C·k·k, positions)
        col = generator.normal(size=(col_shape[0] * col_shape[2], col_shape[1]))
        columns = torch.tensor(col).reshape(shape[0], -1, col_shape[1]).mT

        def fold(columns, shape=shape, k=k, stride=stride, pad=pad):
            return F.fold(columns, shape[2:], k, stride=stride, padding=pad)

        want, case = fold(columns), f"input {shape}, window {k}×{k}, stride {stride}, pad {pad}"
        given = answer(col.copy(), shape, k, stride, pad)
        got, copies = tensor_of(given), fold(torch.ones_like(columns))
        got_shape = None if got is None else tuple(got.shape)
        if got_shape == (*shape[:2], shape[2] + 2 * pad, shape[3] + 2 * pad) and pad:
            return f"for {case} the result has shape {got_shape}: cut the padding off at the end."
        if got_shape == (*shape[:2], 0, 0):
            return "without padding nothing is left: pad:-pad is 0:0 then. Cut with pad:pad + H and pad:pad + W."
        if equal(given, want / copies.clamp(min=1)) and copies.max() > 1:
            return f"for {case} you average the copies of a pixel: add them."
        advice = compare(given, want, f"the result for {case}")
        if advice and got_shape == want.shape and equal(got[copies == 1], want[copies == 1]):
            return (f"for {case} pixels in one window are right, those in several are not: their copies add up, "
                    "so add (+=), do not overwrite (=).")  # fmt: skip
        if advice:
            return advice
    return None


def check_backward(answer):
    """The three gradients of a convolution, against autograd's."""
    generator = np.random.default_rng(0)
    for (h, w), k, stride in (((5, 5), 2, 1), ((7, 7), 3, 2), ((8, 6), 3, 2), ((4, 7), 1, 1)):
        x, W = generator.normal(size=(2, 3, h, w)), generator.normal(size=(4, 3, k, k))
        dout, dx, dW, db = loss_gradients(lambda *xWb, s=stride: F.conv2d(*xWb, stride=s), x, W, np.zeros(4))
        got = answer(x.copy(), W.copy(), dout.copy(), stride)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            return f"return three arrays, dW, db, dx; yours is {shown(got)}."
        if equal(got[1], db / 2):
            return "db is half of what it should be: the bias is in the outputs of both pictures. Add, do not average."
        if equal(got[0], dW / 2):
            return "dW is half of what it should be: each weight meets both pictures. Add, do not average."
        col = F.unfold(torch.tensor(x), k, stride=stride).mT.reshape(-1, 3 * k * k).numpy()
        if equal(got[0], (dout.reshape(-1, 4).T @ col).reshape(dW.shape)):  # no transpose
            return "dW mixes filters and places: transpose dout to (N, OH, OW, FN) before you reshape it."
        case = f"input {x.shape}, W {W.shape}, stride {stride}"
        for mine, want, name in zip(got, (dW, db, dx), ("dW", "db", "dx"), strict=True):
            if advice := compare(mine, want, f"{name} for {case}"):
                return advice
    return None


def check_average(answer):
    """Every pixel of a window gets an equal share of its gradient."""
    generator = np.random.default_rng(1)
    cases = [(generator.normal(size=size), k) for size, k in (((2, 3, 2, 3), 2), ((1, 2, 3, 1), 3), ((1, 1, 2, 2), 1))]

    def right(dout, k):
        return dout.repeat(k, axis=2).repeat(k, axis=3) / k**2

    def one_pixel(dout, k):
        dx = np.zeros((*dout.shape[:2], k * dout.shape[2], k * dout.shape[3]))
        dx[:, :, ::k, ::k] = dout
        return dx

    known = (
        (lambda dout, k: right(dout, k) * k * k,
         "k·k times too large: each pixel of a window gets an equal share of its gradient."),
        (lambda dout, k: right(dout, k) * k, "k times too large: a window has k·k pixels, not k."),
        (lambda dout, k: np.tile(dout, (1, 1, k, k)) / k**2,
         "the right sum, but the wrong pixels: np.repeat keeps neighbours together, np.tile does not."),
        (one_pixel, "one pixel gets all: that is how a maximum is done. In a mean each of the k·k gets its share."),
    )
    return table(answer, cases, right, known, call=lambda dout, k: f"average_backward(dout {dout.shape}, {k})")


def check_error(answer):
    """The relative error of a gradient, for arrays of any shape and any step."""
    generator, cases = np.random.default_rng(0), []
    for shape, h in (((2, 2), 1e-5), ((3,), 1e-5), ((1, 2, 3), 0.1), ((2, 3), 0.3)):
        x, factors = generator.normal(size=shape), generator.normal(size=shape)
        right, bent = 3 * np.cos(3 * x) * factors, generator.normal(size=shape)
        for gradient in (right, 1.25 * right, 0.5 * right, -right, right + 0.1 * bent):
            cases.append((lambda x, factors=factors: float((np.sin(3 * x) * factors).sum()), x, gradient, h))
    known = (
        (partial(error_of, step="one side"), "take (f(x + h) − f(x − h)) / 2h, from both sides: from one side the "
         "error is of the size of h."),
        (partial(error_of, step="h"), "the numerical gradient is twice as large: x + h and x − h lie 2h apart."),
        (partial(error_of, by=lambda *norms: 1), "divide by the size of the gradients."),
        (partial(error_of, by=min), "the larger of the two norms divides, not the smaller."),
        (partial(error_of, by=lambda *norms: norms[0]), "the larger of the norms divides, not the numerical one's."),
        (partial(error_of, by=lambda *norms: norms[1]), "the larger of the norms divides, not the given one's."),
        (partial(error_of, by=lambda *norms: sum(norms)), "the larger of the two norms divides, not their sum."),
        (partial(error_of, step="fixed"), "h is an argument: take the step that is given, not always 1e-5."),
        (one_by_one, "divide one norm by another, each over the whole array, not number by number."),
    )  # fmt: skip
    return table(answer, cases, error_of, known, atol=1e-8, rtol=1e-3, call=lambda f, x, gradient, h:
                 f"the error for x of shape {x.shape} and h = {h}")  # fmt: skip


def slopes(f, x, h, step="2h"):
    """Return the numerical gradient of f at x, by central differences, or as a slip of this name would."""
    h, around = 1e-5 if step == "fixed" else h, np.zeros((2, *x.shape))
    for side, place in ((s, p) for s in (0, 1) for p in np.ndindex(x.shape)):
        moved = x.copy()
        moved[place] += (h, 0 if step == "one side" else -h)[side]
        around[(side, *place)] = f(moved)
    return (around[0] - around[1]) / (h if step in ("one side", "h") else 2 * h)


def error_of(f, x, gradient, h=1e-5, by=max, step="2h"):
    """Return the relative error of a gradient: the norm of the difference, divided by max, or another, of the two."""
    numerical = slopes(f, x, h, step)
    return np.linalg.norm(numerical - gradient) / by(np.linalg.norm(numerical), np.linalg.norm(gradient))


def one_by_one(f, x, gradient, h=1e-5):
    """Return the largest relative error of a single number, which is not what is asked."""
    numerical = slopes(f, x, h)
    return np.max(abs(numerical - gradient) / np.maximum(abs(numerical), abs(gradient)))
