"""Exercises of notebook 06, a CNN from scratch: answers are NumPy arrays and functions of them."""

import numpy as np
import torch
from torch.nn import functional as F

from .core import Exercise, compare

SHAPES = {
    (256, 75): "256 rows are the windows of one picture; the batch has 20.",
    (20, 256, 75): "im2col makes a matrix, with two axes: pictures and windows share the rows.",
    (5120, 25): "a window reaches through all channels: 5·5 numbers from each of the 3.",
    (3920, 75): "3920 = 20·14²: the padding adds 2 pixels on both sides, 4 in all.",
    (20480, 75): "20480 = 20·32²: with stride 2 a window stands only at every second place.",
    (75, 5120): "rows and columns have changed places: here a window is a row.",
}


def check_shape(answer):
    if not isinstance(answer, (tuple, list)):
        return "the answer should be a tuple of two numbers: (rows, columns)."
    general = "rows: pictures · places down · places across; columns: channels · 5 · 5."
    return None if tuple(answer) == (5120, 75) else SHAPES.get(tuple(answer), general)


def agree(got, want):
    """Do two arrays agree in shape and numbers?"""
    return np.shape(got) == np.shape(want) and np.allclose(got, want)


def loss_gradients(function, *arrays):
    """Return a random dout for function(*tensors), and autograd's gradients by each of the arrays."""
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    Y = function(*tensors)
    dout = torch.tensor(np.random.default_rng(1).normal(size=Y.shape))
    return dout.numpy(), *(gradient.numpy() for gradient in torch.autograd.grad(Y, tensors, dout))


def check_to_maps(answer):
    N, FN, OH, OW = 2, 3, 4, 5
    want = np.arange(120.0).reshape(N, FN, OH, OW)
    rows = want.transpose(0, 2, 3, 1).reshape(-1, FN)
    got = np.asarray(answer(rows.copy(), N, OH, OW))
    if agree(got, rows.reshape(want.shape)):
        return "the shape is right and the numbers are mixed up: reshape alone cannot change the order of axes."
    if agree(got, rows.T.reshape(want.shape)):
        return "right for one picture only. rows.T has the axes FN, (N, oh, ow): reshape may split the second."
    if got.shape == (N, OH, OW, FN):
        return "the filters are still the last axis: transpose after the reshape."
    if got.shape == (N, FN, OW, OH):
        return f"the output has shape {got.shape}: height and width have changed places."
    return compare(got, want, "the output")


def check_col2im(answer):
    generator = np.random.default_rng(0)
    for shape, k, stride, pad in (((1, 1, 3, 3), 2, 1, 0), ((2, 3, 5, 6), 3, 1, 0), ((2, 2, 6, 5), 3, 2, 1)):
        col_shape = F.unfold(torch.zeros(shape), k, stride=stride, padding=pad).shape  # (N, C·k·k, positions)
        col = generator.normal(size=(col_shape[0] * col_shape[2], col_shape[1]))
        columns = torch.tensor(col).reshape(shape[0], -1, col_shape[1]).mT
        want = F.fold(columns, shape[2:], k, stride=stride, padding=pad)
        case = f"input {shape}, window {k}×{k}, stride {stride}, pad {pad}"
        got = np.asarray(answer(col.copy(), shape, k, stride, pad))
        if got.shape == (*shape[:2], shape[2] + 2 * pad, shape[3] + 2 * pad) and pad:
            return f"for {case} the result has shape {got.shape}: cut the padding off at the end."
        if got.shape == (*shape[:2], 0, 0):
            return "without padding nothing is left: pad:-pad is 0:0 then. Cut with pad:pad + H and pad:pad + W."
        alone = F.fold(torch.ones_like(columns), shape[2:], k, stride=stride, padding=pad) == 1
        if got.shape == want.shape and np.allclose(got[alone], want[alone]) and not agree(got, want):
            return f"for {case} pixels in one window are right, the others are not: add (+=), do not overwrite (=)."
        if advice := compare(got, want, f"the result for {case}"):
            return advice
    return None


def check_backward(answer):
    generator = np.random.default_rng(0)
    for size, k, stride in ((5, 2, 1), (7, 3, 2), (8, 3, 2)):
        x, W = generator.normal(size=(2, 3, size, size)), generator.normal(size=(4, 3, k, k))
        dout, dx, dW, db = loss_gradients(lambda *xWb, s=stride: F.conv2d(*xWb, stride=s), x, W, np.zeros(4))
        got = answer(x.copy(), W.copy(), dout.copy(), stride)
        if not isinstance(got, (tuple, list)) or len(got) != 3:
            return "return three arrays: dW, db, dx."
        if agree(got[1], db / 2):
            return "db is half of what it should be: the bias is in the outputs of both pictures. Add, do not average."
        col = F.unfold(torch.tensor(x), k, stride=stride).mT.reshape(-1, 3 * k * k).numpy()
        if agree(got[0], (dout.reshape(-1, 4).T @ col).reshape(dW.shape)):  # no transpose
            return "dW mixes filters and places: transpose dout to (N, OH, OW, FN) before you reshape it."
        case = f"input {x.shape}, W {W.shape}, stride {stride}"
        for mine, want, name in zip(got, (dW, db, dx), ("dW", "db", "dx"), strict=True):
            if advice := compare(mine, want, f"{name} for {case}"):
                return advice
    return None


def check_average(answer):
    for k in (2, 3):
        dout, want = loss_gradients(lambda x, k=k: F.avg_pool2d(x, k), np.zeros((2, 3, 2 * k, 3 * k)))
        got, call = np.asarray(answer(dout.copy(), k)), f"average_backward(dout, {k})"
        if agree(got, want * k * k):
            return f"{call} is {k * k} times too large: each pixel of a window gets an equal share of its gradient."
        if agree(got, want * k):
            return f"{call} is {k} times too large: a window has k·k pixels, not k."
        if (advice := compare(got, want, call)) and got.shape == want.shape and np.isclose(got.sum(), want.sum()):
            return f"{call} has the right sum, but the wrong pixels: np.repeat keeps neighbours together, np.tile not."
        if advice:
            return advice
    return None


def check_error(answer):
    x, factors = np.array([[0.5, -1.0], [2.0, 0.25]]), np.array([[1.0, 2.0], [3.0, 4.0]]) * 1e-6
    right, given = np.exp(x) * factors, x.copy()

    def error(gradient, x):
        return float(answer(lambda x: float((np.exp(x) * factors).sum()), x, gradient))

    good, off = error(right, given), error(1.25 * right, x.copy())
    if not np.array_equal(given, x):
        return "x is not what it was: put each number back after f has seen it changed."
    if off < 1e-3:
        return f"a gradient 25 % too large gets the error {off:.1e}: divide by the size of the gradients."
    if 0.4 < good < 0.6:
        return f"the right gradient gets the error {good:.2g}, a factor of 2: x + h and x − h lie 2h apart."
    if good > 1e-6:
        return f"the right gradient gets the error {good:.1e}: take (f(x + h) − f(x − h)) / 2h, from both sides."
    if advice := compare(off, 0.2, "the error of a gradient 25 % too large"):
        return f"{advice} Divide by the larger of the two norms, ‖1.25 g‖: 0.25/1.25."
    bent = right * [[1.0, 1.0], [1.0, 2.0]]  # one number of four is wrong
    want = np.linalg.norm(bent - right) / np.linalg.norm(bent)
    advice = compare(error(bent, x.copy()), want, "the error of a gradient in which one number of four is doubled")
    return advice and f"{advice} Divide one norm by another, each over the whole array, not number by number."


COL2IM = """
def put_back(col, input_shape, k, stride=1, pad=0):
    N, C, H, W = input_shape
    OH, OW = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
    col = col.reshape(N, OH, OW, C, k, k).transpose(0, 3, 4, 5, 1, 2)
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    for a in range(k):
        for b in range(k):
            padded[:, :, a:a + stride * OH:stride, b:b + stride * OW:stride] += col[:, :, a, b]
    return padded[:, :, pad:pad + H, pad:pad + W]
"""
BACKWARD = """
from helpers.scratch import col2im, im2col


def conv_backward(x, W, dout, stride):
    k, FN = W.shape[2], len(W)
    col = im2col(x, k, k, stride)
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, FN)
    dW, db = (rows.T @ col).reshape(W.shape), rows.sum(axis=0)
    return dW, db, col2im(rows @ W.reshape(FN, -1), x.shape, k, k, stride)
"""
AVERAGE = """
def average_backward(dout, k):
    return dout.repeat(k, axis=2).repeat(k, axis=3) / k**2
"""
ERROR = """
def gradient_error(f, x, gradient, h=1e-5):
    numerical = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        kept = x[place]
        x[place] = kept + h
        above = f(x)
        x[place] = kept - h
        numerical[place] = (above - f(x)) / (2 * h)
        x[place] = kept
    norms = np.linalg.norm(numerical), np.linalg.norm(gradient)
    return np.linalg.norm(numerical - gradient) / max(norms)
"""


MAPS = """
def to_maps(rows, N, out_h, out_w):
    return rows.reshape(N, out_h, out_w, -1).transpose(0, 3, 1, 2)
"""


def slips(source, *changes):
    """Typical wrong answers that differ from a solution in one place; each change is (right, wrong, advice)."""
    return {source.replace(right, wrong): advice for right, wrong, advice in changes}


EXERCISES = [
    Exercise("06.1", "shape", check_shape,
        hints=("A row for each window of each picture; a column for each number in a window, all channels included.",
               "Along each axis the window stands at ⌊(32 + 4 − 5)/2⌋ + 1 = 16 places."),
        solution="shape = (20 * 16 * 16, 3 * 5 * 5)",
        wrong={f"shape = {shape}": advice for shape, advice in SHAPES.items()} | {"shape = (1, 2)": "rows: pictures"}),
    Exercise("06.2", "to_maps", check_to_maps,
        hints=("The rows run through n, oh, ow, in this order: reshape may split them, and nothing else.",
               "After the reshape to (N, out_h, out_w, -1) the last axis holds the filters: transpose(0, 3, 1, 2)."),
        solution=MAPS,
        wrong=slips(MAPS,
            ("N, out_h, out_w, -1).transpose(0, 3, 1, 2)", "N, -1, out_h, out_w)", "mixed up"),
            ("reshape(N, out_h, out_w, -1).transpose(0, 3, 1, 2)", "T.reshape(N, -1, out_h, out_w)", "may split"),
            (".transpose(0, 3, 1, 2)", "", "still the last axis"),
            (".transpose(0, 3, 1, 2)", ".T", "has shape"),
            ("0, 3, 1, 2", "0, 3, 2, 1", "changed places"))),
    Exercise("06.3", "put_back", check_col2im,
        hints=("Fix a place (a, b) in the window. Over all windows it visits as many pixels of "
               "padded[:, :, a::stride, b::stride] as there are windows.",
               "Reshape col to (N, OH, OW, C, k, k), transpose to (N, C, k, k, OH, OW). For each (a, b): "
               "padded[:, :, a:a + stride * OH:stride, b:b + stride * OW:stride] += col[:, :, a, b]"),
        solution=COL2IM,
        wrong=slips(COL2IM,
            ("] += col", "] = col", "do not overwrite"),
            ("return padded[:, :, pad:pad + H, pad:pad + W]", "return padded", "cut the padding off"),
            ("pad:pad + H, pad:pad + W]", "pad:-pad, pad:-pad]", "nothing is left"),
            ("(N, OH, OW, C, k, k).transpose(0, 3, 4, 5, 1, 2)", "(N, C, k, k, OH, OW)", "differs at"))),
    Exercise("06.4", "conv_backward", check_backward,
        hints=("Make dout a matrix (N·OH·OW, FN): transpose(0, 2, 3, 1), reshape. The rest is two products and a sum.",
               "With col = im2col(x, k, k, stride): dW = (rows.T @ col).reshape(W.shape), db = rows.sum(axis=0), and "
               "col2im adds up rows @ W.reshape(FN, -1)."),
        solution=BACKWARD,
        wrong=slips(BACKWARD,
            ("rows.sum(axis=0)", "rows.sum(axis=0) / len(x)", "do not average"),
            ("dout.transpose(0, 2, 3, 1).reshape(-1, FN)", "dout.reshape(-1, FN)", "before you reshape"),
            ("x.shape, k, k, stride)", "x.shape, k, k)", "ValueError"),
            ("return dW, db, col2im", "return dW, db, W, col2im", "three arrays"),
            ("rows @ W", "rows @ W[:, :, ::-1, ::-1]", "dx for input"))),
    Exercise("06.5", "average_backward", check_average,
        hints=("Which outputs did a pixel touch? One, with the factor 1/k². So what comes back to it?",
               "np.repeat along axis 2 and then along axis 3 writes every number of dout k·k times, side by side."),
        solution=AVERAGE,
        wrong=slips(AVERAGE,
            (" / k**2", "", "times too large: each"),
            ("k**2", "k", "not k"),
            ("dout.repeat(k, axis=2).repeat(k, axis=3)", "np.tile(dout, (1, 1, k, k))", "np.tile"),
            (".repeat(k, axis=2).repeat(k, axis=3)", "", "has shape"))),
    Exercise("06.6", "gradient_error", check_error,
        hints=("Loop over `np.ndindex(x.shape)`. Keep the number, ask f above and below it, put it back.",
               "The error is ‖numerical − gradient‖ / max(‖numerical‖, ‖gradient‖), with np.linalg.norm."),
        solution=ERROR,
        wrong=slips(ERROR,
            ("/ (2 * h)", "/ h", "2h apart"),
            ("kept - h\n        numerical[place] = (above - f(x)) / (2 * h)",
             "kept\n        numerical[place] = (above - f(x)) / h", "from both sides"),
            (" / max(norms)", "", "divide by the size"),
            ("        x[place] = kept\n", "", "put each number back"),
            ("max(norms)", "min(norms)", "0.25/1.25"),
            ("np.linalg.norm(numerical - gradient) / max(norms)",
             "np.max(abs(numerical - gradient) / np.maximum(abs(numerical), abs(gradient)))", "number by number"))),
]  # fmt: skip
