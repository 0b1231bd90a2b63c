"""Layers of a convolutional network in NumPy alone, forward and backward; `helpers.scratch` builds a net of them.

After K. Saitoh, *Deep Learning from Scratch*, chapters 5 to 7, with its names. Every layer has `forward(x)` and
`backward(dout)`: dout is the gradient of the loss by the layer's output, the answer that by its input; gradients by
the weights wait in `dW` and `db` (None before). Axes are N, C, H, W. No loop runs over pictures or pixels, at most
over the places of a window. Results have the dtype of the weights, into which x and dout are turned, or that of x in
layers without weights. They may be views with another order in memory than their axes say, such as channels last: so
nothing has to be copied between the layers. Leave x as it is until backward is done.

All raise TypeError for what is no array of floating-point numbers, ValueError for shapes that do not fit, and
backward before forward RuntimeError.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .checks import (
    bias,
    class_numbers,
    fit_channels,
    fit_features,
    floats,
    like_weights,
    pool_window,
    positions,
    sizes,
    upstream,
    whole,
    with_axes,
)


def im2col(x: np.ndarray, filter_h: int, filter_w: int, stride: int = 1, pad: int = 0) -> np.ndarray:
    """Lay out each window of x (N, C, H, W) as a row -> (N·OH·OW, C·filter_h·filter_w), of any dtype.

    Rows run through n, oh, ow and columns through c, fh, fw, so that `col @ W.reshape(FN, -1).T` is the
    cross-correlation with W (FN, C, filter_h, filter_w). `pad` zeros go on each side. Saitoh, 7.4.
    """
    x = with_axes(x, "x", "(N, C, H, W)")
    positions(x.shape[2:], filter_h, filter_w, stride, pad)
    windows = _windows(_padded(x, pad, 0), filter_h, filter_w, stride)  # (N, C, OH, OW, FH, FW)
    # Written column by column, in which neighbours stay neighbours: several times faster than row by row.
    return windows.transpose(1, 4, 5, 0, 2, 3).copy().reshape(x.shape[1] * filter_h * filter_w, -1).T


def col2im(col: np.ndarray, input_shape: tuple[int, int, int, int], filter_h: int, filter_w: int, stride: int = 1,
           pad: int = 0) -> np.ndarray:
    """Add each entry of col (N·OH·OW, C·filter_h·filter_w) to the pixel it came from -> input_shape (N, C, H, W).

    The adjoint of `im2col`, not its inverse: a pixel in four windows gets the sum of four entries. Keeps the
    dtype (sums of bytes wrap around). Saitoh, 7.4.
    """
    n, c, h, w = sizes(input_shape, "input_shape", "(N, C, H, W)")
    oh, ow = positions((h, w), filter_h, filter_w, stride, pad)
    col = with_axes(col, "col", "(N·OH·OW, C·FH·FW)")
    if col.shape != (wanted := (n * oh * ow, c * filter_h * filter_w)):
        raise ValueError(f"col has shape {col.shape}, windows ({filter_h}, {filter_w}) of an input {input_shape} with "
                         f"stride {stride} and pad {pad} give {wanted}")
    padded = np.zeros((n, c, h + 2 * pad, w + 2 * pad), col.dtype)
    entries = col.reshape(n, oh, ow, c, filter_h * filter_w).transpose(4, 0, 3, 1, 2)  # (FH·FW, N, C, OH, OW)
    for pixels, entry in zip(_taps(padded, filter_h, filter_w, stride), entries, strict=True):
        pixels += entry
    return padded[:, :, pad:pad + h, pad:pad + w]


class Convolution:
    """Cross-correlation with W (FN, C, FH, FW) plus b (FN,) or one number, as `F.conv2d`. Saitoh, 7.4 and 7.5."""

    def __init__(self, W: np.ndarray, b: np.ndarray | float, stride: int = 1, pad: int = 0):
        """Keep the arrays themselves: whoever changes them in place changes the layer."""
        self.W = floats(W, "W", "(FN, C, FH, FW)")
        self.b = bias(b, W, len(W))
        self.stride, self.pad = whole(stride, "stride", 1), whole(pad, "pad", 0)
        self.dW = self.db = self.col = self.x_shape = self.out_shape = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Turn x (N, C, H, W) into (N, FN, OH, OW)."""
        filters, channels, *window = self.W.shape
        x = like_weights(x, "x", "(N, C, H, W)", self.W)
        fit_channels(x, channels)
        self.x_shape, size = x.shape, positions(x.shape[2:], *window, self.stride, self.pad)
        self.col = im2col(x, *window, self.stride, self.pad)  # (N·OH·OW, C·FH·FW)
        out = self.col @ self.W.reshape(filters, -1).T  # (N·OH·OW, FN)
        out += self.b
        self.out_shape = len(x), filters, *size
        return out.reshape(len(x), *size, filters).transpose(0, 3, 1, 2)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """From dout (N, FN, OH, OW) set dW, db and return dx (N, C, H, W)."""
        filters, _, *window = self.W.shape
        dout = upstream(dout, self.out_shape, self.W.dtype).transpose(0, 2, 3, 1).reshape(-1, filters)  # (N·OH·OW, FN)
        self.db = np.ones(len(dout), dout.dtype) @ dout  # the sum over the rows, as a product: faster in float32
        self.dW = (dout.T @ self.col).reshape(self.W.shape)
        dcol = (self.W.reshape(filters, -1).T @ dout.T).T  # (N·OH·OW, C·FH·FW)
        return col2im(dcol, self.x_shape, *window, self.stride, self.pad)


class Pooling:
    """The largest ('max') or mean ('avg') value of each window, per channel. Saitoh, 7.4.

    max pads with -inf, so that padding never wins; avg counts the zeros it pads with, as `F.avg_pool2d` does. The
    stride is 1 unless given, as in the printed textbook and in `pool2d`; the textbook's repository has come to take 2.
    Raises ValueError for a pad above half the window.
    """

    def __init__(self, pool_h: int, pool_w: int, stride: int = 1, pad: int = 0, mode: str = "max"):
        pool_window(pool_h, pool_w, stride, pad, mode)
        self.pool_h, self.pool_w, self.stride, self.pad, self.mode = pool_h, pool_w, stride, pad, mode
        self.x_shape = self.out_shape = self.dtype = self.padded = self.arg_max = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Turn x (N, C, H, W) into (N, C, OH, OW)."""
        size = positions(floats(x, "x", "(N, C, H, W)").shape[2:], self.pool_h, self.pool_w, self.stride, self.pad)
        self.x_shape, self.out_shape, self.dtype = x.shape, (*x.shape[:2], *size), x.dtype
        self.padded = _padded(x, self.pad, -np.inf if self.mode == "max" else 0)
        taps = self._taps(self.padded)
        if self.mode == "avg":
            return sum(taps[1:], taps[0]) / len(taps)
        out, kind = taps[0].copy(order="K"), np.min_scalar_type(len(taps))
        self.arg_max = np.zeros_like(out, dtype=kind)  # which place of the window, the first of equals
        for place, tap in zip(np.arange(1, len(taps), dtype=kind), taps[1:], strict=True):
            np.maximum(self.arg_max, (tap > out) * place, out=self.arg_max)
            np.maximum(out, tap, out=out)
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx (N, C, H, W): a maximum's gradient goes to where it was, the first of equals; a mean's to all."""
        dout = upstream(dout, self.out_shape, self.dtype)
        dx = np.zeros_like(self.padded)
        if self.mode == "max":
            dout, given = np.empty_like(self.arg_max, dtype=self.dtype), dout
            dout[...] = given  # in the memory order of the others
        for place, pixels in enumerate(self._taps(dx)):
            pixels += dout * (self.arg_max == place) if self.mode == "max" else dout / (self.pool_h * self.pool_w)
        (h, w), pad = self.x_shape[2:], self.pad
        return dx[:, :, pad:pad + h, pad:pad + w]

    def _taps(self, x):
        return _taps(x, self.pool_h, self.pool_w, self.stride)


class Affine:
    """A dense layer: x W + b with W (in, out), b (out,) or one number. Saitoh, 5.6."""

    def __init__(self, W: np.ndarray, b: np.ndarray | float):
        """Keep the arrays themselves: whoever changes them in place changes the layer."""
        self.W = floats(W, "W", "(in, out)")
        self.b = bias(b, W, W.shape[1])
        self.dW = self.db = self.x = self.x_shape = self.out_shape = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Turn x (N, ...), each x[n] flattened to `in` numbers, into (N, out)."""
        rows = like_weights(x, "x", "(N, ...)", self.W).reshape(len(x), -1)
        fit_features(x, rows, self.W)
        self.x, self.x_shape, self.out_shape = rows, x.shape, (len(x), self.W.shape[1])
        return rows @ self.W + self.b

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """From dout (N, out) set dW, db and return dx in the shape of x."""
        dout = upstream(dout, self.out_shape, self.W.dtype)
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return (dout @ self.W.T).reshape(self.x_shape)


class ReLU:
    """max(x, 0) for x of any shape; the gradient passes where x > 0. Saitoh, 5.5."""

    def __init__(self):
        self.passed = self.out_shape = self.dtype = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return max(x, 0) in the shape of x."""
        out = np.maximum(floats(x, "x", "(...)"), 0)
        self.passed, self.out_shape, self.dtype = out > 0, out.shape, out.dtype
        return out

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """Return dx in the shape of x."""
        return upstream(dout, self.out_shape, self.dtype) * self.passed


Relu = ReLU  # the textbook's spelling


class SoftmaxWithLoss:
    """Softmax and the mean cross entropy in one, as `F.cross_entropy`. Saitoh, 5.6.

    Afterwards y (N, K) holds the probabilities, t (N,) the labels and `loss` the loss.
    """

    def __init__(self):
        self.y = self.t = self.loss = self.out_shape = None

    def forward(self, x: np.ndarray, t: np.ndarray) -> float:
        """The loss of scores x (N, K) for labels t: class numbers (N,) or one-hot (N, K)."""
        x = floats(x, "scores", "(N, K)")
        self.t, self.out_shape = class_numbers(t, *x.shape), x.shape
        shifted = x - x.max(axis=1, keepdims=True)  # softmax stays the same, and exp cannot overflow
        log_sum = np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.y = np.exp(shifted - log_sum)
        self.loss = (log_sum[:, 0] - shifted[np.arange(len(x)), self.t]).mean()
        return self.loss

    def backward(self, dout: float = 1) -> np.ndarray:
        """Return dx (N, K) = (y − one-hot t) / N, times dout."""
        dx = upstream(self.y, self.out_shape).copy()
        dx[np.arange(len(dx)), self.t] -= 1
        dx *= dout / len(dx)
        return dx


def _padded(x, pad, value):
    """x (N, C, H, W) with `pad` rows and columns of `value` on each side."""
    sides = [(0, 0), (0, 0), (pad, pad), (pad, pad)]
    return np.pad(x, sides, constant_values=value) if pad else x


def _windows(x, filter_h, filter_w, stride):
    """The windows of x as a view (N, C, OH, OW, FH, FW), in which overlapping ones share their numbers."""
    windows = sliding_window_view(x, (filter_h, filter_w), axis=(2, 3), writeable=x.flags.writeable)
    return windows[:, :, ::stride, ::stride]


def _taps(x, filter_h, filter_w, stride):
    """What lies at each place of the window over all its positions: FH·FW views (N, C, OH, OW) of x, row by row."""
    windows = _windows(x, filter_h, filter_w, stride)
    return [windows[..., a, b] for a in range(filter_h) for b in range(filter_w)]
