"""Exercises of notebook 06, a CNN from scratch: answers are NumPy arrays and functions of them."""

from .checks_06 import (
    SHAPES,
    check_average,
    check_backward,
    check_col2im,
    check_error,
    check_shape,
    check_to_maps,
)
from .core import Exercise, prediction

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
            ("(N, OH, OW, C, k, k).transpose(0, 3, 4, 5, 1, 2)", "(N, C, k, k, OH, OW)", "its own order"),
            ("transpose(0, 3, 4, 5, 1, 2)", "transpose(0, 3, 5, 4, 1, 2)", "the row a, then the column b"),
            ("reshape(N, OH, OW, C, k, k)", "reshape(OH, OW, N, C, k, k).transpose(2, 0, 1, 3, 4, 5)",
             "run through N first"),
            ("C, k, k).transpose(0, 3, 4, 5, 1, 2)", "k, k, C).transpose(0, 5, 3, 4, 1, 2)", "runs through C first"),
            ("a:a + stride * OH:stride, b:b + stride * OW:stride", "a:a + OH, b:b + OW", "as with stride 1"),
            ("pad:pad + H, pad:pad + W]", ":H, :W]", "on one side alone"),
            ("a:a + stride * OH:stride, b:b + stride * OW:stride", "a::stride, b::stride",
             "put_back(col, (1, 1, 3, 3), 2, 1, 0), with col of shape (4, 4), stops with ValueError"))),
    Exercise("06.4", "conv_backward", check_backward,
        hints=("Make dout a matrix (N·OH·OW, FN): transpose(0, 2, 3, 1), reshape. The rest is two products and a sum.",
               "With col = im2col(x, k, k, stride): dW = (rows.T @ col).reshape(W.shape), db = rows.sum(axis=0), and "
               "col2im adds up rows @ W.reshape(FN, -1)."),
        solution=BACKWARD,
        wrong=slips(BACKWARD,
            ("rows.sum(axis=0)", "rows.sum(axis=0) / len(x)", "do not average"),
            (".reshape(W.shape), rows", ".reshape(W.shape) / len(x), rows", "meets both pictures"),
            ("dout.transpose(0, 2, 3, 1).reshape(-1, FN)", "dout.reshape(-1, FN)", "before you reshape"),
            ("x.shape, k, k, stride)", "x.shape, k, k)", "ValueError"),
            ("return dW, db, col2im", "return dW, db, W, col2im", "three arrays"),
            ("return dW, db, col2im", "return db, dW, col2im", "the order is dW, db, dx"),
            ("rows @ W", "rows @ W[:, :, ::-1, ::-1]", "dx for input"))),
    Exercise("06.5", "average_backward", check_average,
        hints=("In which outputs does a pixel take part? In one, with the factor 1/k². So what comes back to it?",
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
            ("        x[place] = kept\n", "", "changes x itself"),
            ("max(norms)", "min(norms)", "not the smaller"),
            ("max(norms)", "(norms[0] * norms[1])", "not their product"),
            ("    numerical = np", "    h = 1e-12\n    numerical = np", "not always the same"),
            ("np.linalg.norm(", "(lambda a: np.abs(a).max())(", "not the largest number"),
            ("np.linalg.norm(", "(lambda a: np.abs(a).sum())(", "without their signs"),
            ("np.linalg.norm(", "(lambda a: (a**2).sum())(", "the root is missing"),
            ("np.linalg.norm(numerical - gradient) /", "np.linalg.norm(numerical + gradient) /", "Two gradients"),
            ("np.linalg.norm(numerical - gradient) / max(norms)",
             "np.max(abs(numerical - gradient) / np.maximum(abs(numerical), abs(gradient)))", "number by number"))),
]  # fmt: skip

PREDICTIONS = [
    prediction(
        "06.p1", [9, 75, 90, 75],
        [([75, 9, 75, 90], "rows and columns have changed places: here a window is a row."),
         ([9, 25, 90, 25], "a window reaches through all channels."),
         ([27, 25, 270, 25], "a window reaches through all channels: they lie in its row, not in rows of their own."),
         ([49, 75, 490, 75], "without padding the window does not fit around every pixel."),
         ([9, 75, 90, 750], "a window belongs to one picture, however many there are: its row does not grow."),
         ([9, 75, 9, 750], "a window belongs to one picture: ten pictures have more windows, not longer ones.")],
        "A row for each place where the window fits, a column for each number in the window.",
    ),
    prediction(
        "06.p2", [27],
        [([57], "that is the weight in the lower left."),
         ([37], "that is the weight in the upper right."),
         ([8], "each pixel that the weight meets counts as much as the gradient of its output."),
         ([10], "that is the bias: multiply each gradient by the pixel that the weight meets."),
         ([19], "that is an output: multiply the pixels by dout, not by the weights.")],
        "Which pixel does it meet in each of the four windows? Multiply by dout and add up.",
    ),
    prediction(
        "06.p3", [1],
        [([2], "the first window has this pixel on its right, the second on its left: which weights meet it?"),
         ([3], "multiply each output's gradient by the weight that meets the pixel."),
         ([10], "this pixel is not in all four windows.")],
        "Which windows hold this pixel, and which weight meets it in each?",
    ),
    prediction(
        "06.p4", [0, 0, 0, 0, 1, 2, 0, 3, 4],
        [([0, 0, 0, 0, 4, 5, 0, 7, 8], "those are the maxima, on the way forward; dout comes back."),
         ([0, 0, 0, 0, 1, 1, 0, 1, 1], "1 is the factor: multiply it by the output's gradient."),
         ([1, 2, 0, 3, 4, 0, 0, 0, 0], "where in each window is its largest pixel?"),
         ([1, 3, 2, 4, 10, 6, 3, 7, 4], "only the largest pixel of a window gets its gradient.")],
        "Which pixel is the largest of each window? It gets what its output has, all others nothing.",
    ),
]  # fmt: skip
