"""The checks of notebook 06's exercises, which `notebook_06.py` states."""

from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from .compare import advice_on, compare, equal, numbers, shown, tensor_of
from .core import table

SHAPES = {
    (256, 75): "256 rows are the windows of one picture; the batch has 20.",
    (20, 256, 75): "im2col makes a matrix, with two axes: pictures and windows share the rows.",
    (5120, 25): "a window reaches through all channels: 5·5 numbers from each of the 3.",
    (3920, 75): "3920 = 20·14²: the padding adds 2 pixels on both sides, 4 in all.",
    (4500, 75): "4500 = 20·15²: the padding adds 2 pixels on both sides, 4 in all.",
    (15360, 25): "a window reaches through all channels: they lie in its row, not in rows of their own.",
    (20480, 75): "20480 = 20·32²: with stride 2 a window stands only at every second place.",
    (5120, 3): "the rows are right. 3 is the number of channels; a row holds a window, 5·5 numbers of each.",
    (75, 5120): "rows and columns have changed places: here a window is a row.",
}


def check_shape(answer):
    """The shape of im2col's matrix."""
    shape = numbers(answer)
    if shape is None:
        return f"the answer should be a tuple of two numbers, (rows, columns), but is {shown(answer)}."
    if shape == (5120, 75) or shape in SHAPES:
        return SHAPES.get(shape)
    general = "rows: pictures · places down · places across; columns: channels · 5 · 5."
    right = [name for name, got, want in zip(("rows", "columns"), shape, (5120, 75), strict=False) if got == want]
    return f"the {right[0]} are right, the rest is not: {general}" if right else general


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
        if said := advice_on(given, misplaced(col, shape, k, stride, pad)) if not equal(given, want) else None:
            return f"for {case} {said}"
        advice = compare(given, want, f"the result for {case}")
        if advice and got_shape == want.shape and equal(got[copies == 1], want[copies == 1]):
            return (f"for {case} pixels in one window are right, those in several are not: their copies add up, "
                    "so add (+=), do not overwrite (=).")  # fmt: skip
        if advice:
            return advice
    return None


def misplaced(col, shape, k, stride, pad):
    """Return pairs (array, advice): what comes of put_back where the numbers of col are taken in another order."""
    (N, C, H, W), size = shape, [(n + 2 * pad - k) // stride + 1 for n in shape[2:]]
    columns = torch.tensor(col).reshape(N, -1, C * k * k).mT  # (N, C·k·k, OH·OW)

    def fold(columns, size=(H, W), **where):
        return F.fold(columns, size, k, **where)

    whole = {"stride": stride, "padding": pad}
    dense = F.pad(fold(columns, [n + k - 1 for n in size]), (0, W, 0, H))[:, :, pad:pad + H, pad:pad + W]
    return (
        (fold(columns.reshape(N, C, k, k, -1).transpose(2, 3).flatten(1, 3), **whole),
         "rows and columns of the window have changed places: behind C come the row a, then the column b."),
        (fold(torch.tensor(col).reshape(N, C * k * k, -1), **whole),
         "the numbers are mixed up: reshape col to (N, OH, OW, C, k, k), its own order, before you move an axis."),
        (fold(torch.tensor(col).reshape(-1, N, C * k * k).permute(1, 2, 0), **whole),
         "the pictures are mixed up: the rows of col run through N first, then OH and OW."),
        (fold(columns.reshape(N, k * k, C, -1).transpose(1, 2).flatten(1, 2), **whole),
         "the channels are mixed up: a row of col runs through C first, then the k·k places."),
        (dense, "the windows lie side by side as with stride 1: place (a, b) goes to every `stride`-th pixel."),
        (fold(columns, (H + 2 * pad, W + 2 * pad), stride=stride)[:, :, :H, :W],
         "the padding is cut off on one side alone: the picture begins behind `pad` rows and columns."),
    )  # fmt: skip


def check_backward(answer):
    """The three gradients of a convolution, against autograd's."""
    generator = np.random.default_rng(0)
    for (h, w), k, stride in (((5, 5), 2, 1), ((7, 7), 3, 2), ((8, 6), 3, 2), ((4, 7), 1, 1)):
        x, W = generator.normal(size=(2, 3, h, w)), generator.normal(size=(4, 3, k, k))
        dout, dx, dW, db = loss_gradients(lambda *xWb, s=stride: F.conv2d(*xWb, stride=s), x, W, np.zeros(4))
        got = answer(x.copy(), W.copy(), dout.copy(), stride)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            return f"return three arrays, dW, db, dx; yours is {shown(got)}."
        shapes = [None if tensor_of(part) is None else tuple(tensor_of(part).shape) for part in got]
        if shapes != [W.shape, db.shape, x.shape] and {*shapes} == {W.shape, db.shape, x.shape}:
            return f"the order is dW, db, dx: yours have the shapes {', '.join(map(str, shapes))}."
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
        *((partial(error_of, step=step), "h is an argument: take the step that is given, not always the same.")
          for step in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12)),
        (partial(error_of, norm=lambda x: np.abs(x).sum()), "the norm is the root of the sum of squares (np.linalg."
         "norm), not the sum of the numbers without their signs."),
        (partial(error_of, norm=lambda x: np.abs(x).max()), "the norm is the root of the sum of squares (np.linalg."
         "norm), not the largest number."),
        (partial(error_of, norm=lambda x: (x**2).sum()), "a norm is the root of the sum of squares: the root is "
         "missing."),
        (partial(error_of, by=lambda *norms: norms[1] * norms[0]), "the larger of the two norms divides, not their "
         "product."),
        (one_by_one, "divide one norm by another, each over the whole array, not number by number."),
    )  # fmt: skip
    return table(answer, cases, error_of, known, atol=1e-6, rtol=1e-3, call=lambda f, x, gradient, h:
                 f"the error for x of shape {x.shape} and h = {h}", otherwise=lambda *case: "Two gradients as arrays, "
                 "the norm of their difference, divided by the larger of their norms.")  # fmt: skip


def slopes(f, x, h, step="2h"):
    """Return the numerical gradient of f at x, by central differences, or as a slip would: `step` names it or is h."""
    h, around = step if isinstance(step, float) else h, np.zeros((2, *x.shape))
    for side, place in ((s, p) for s in (0, 1) for p in np.ndindex(x.shape)):
        moved = x.copy()
        moved[place] += (h, 0 if step == "one side" else -h)[side]
        around[(side, *place)] = f(moved)
    return (around[0] - around[1]) / (h if step in ("one side", "h") else 2 * h)


def error_of(f, x, gradient, h=1e-5, by=max, step="2h", norm=np.linalg.norm):
    """Return the relative error of a gradient: the norm of the difference, divided by max, or another, of the two."""
    numerical = slopes(f, x, h, step)
    return norm(numerical - gradient) / by(norm(numerical), norm(gradient))


def one_by_one(f, x, gradient, h=1e-5):
    """Return the largest relative error of a single number, which is not what is asked."""
    numerical = slopes(f, x, h)
    return np.max(abs(numerical - gradient) / np.maximum(abs(numerical), abs(gradient)))
