"""What `helpers.scratch` asks of its input: each check returns the value, or says what is wrong and what to do."""

import numbers
from collections.abc import Sequence

import numpy as np

PIXELS = "take x.astype(np.float32) / 255"


def as_array(value: object, name: str) -> np.ndarray:
    """The value itself, if it is a NumPy array; TypeError otherwise."""
    if isinstance(value, np.ndarray):
        return value
    kind, is_torch = type(value).__name__, type(value).__module__.startswith("torch")
    todo = f"{name}.detach().cpu().numpy()" if is_torch else f"np.array({name})"
    raise TypeError(f"{name} must be a NumPy array, got {'torch.' * is_torch}{kind}: use {todo}")


def with_axes(value: object, name: str, axes: str) -> np.ndarray:
    """The array, if it has the axes named, as in "(N, C, H, W)", and none is empty; ValueError otherwise.

    "..." stands for any number of axes.
    """
    array = as_array(value, name)
    wanted = axes.count(",") + (not axes.endswith(",)"))
    if array.ndim < wanted - 1 if "..." in axes else array.ndim != wanted:
        raise ValueError(f"{name} must have the axes {axes}, got shape {array.shape}: index or reshape it")
    if array.size == 0:
        what = "the batch is empty" if array.shape[0] == 0 else "an axis is empty"
        raise ValueError(f"{name} has shape {array.shape}, {what}: give at least one of each")
    return array


def floats(value: object, name: str, axes: str, *, like: np.ndarray | None = None) -> np.ndarray:
    """`with_axes` for real floating-point numbers, of the dtype of the weights `like`; TypeError otherwise."""
    array = with_axes(value, name, axes)
    if not np.issubdtype(array.dtype, np.floating):
        todo = PIXELS if name == "x" and "H" in axes else f"take {name}.astype(np.float32)"
        raise TypeError(f"{name} holds {array.dtype}, gradients need floating-point numbers: {todo}")
    if like is not None and array.dtype != like.dtype:
        raise TypeError(f"{name} is {array.dtype} and the weights are {like.dtype}: take "
                        f"{name}.astype(np.{like.dtype}), or weights of the other dtype")
    return array


def like_weights(value: object, name: str, axes: str, W: np.ndarray) -> np.ndarray:
    """`floats` in the dtype of the weights W: of pictures in float64 the net keeps what its numbers can hold."""
    return floats(value, name, axes).astype(W.dtype, copy=False)


def fit_channels(x: np.ndarray, channels: int) -> None:
    """Raise ValueError if x (N, C, H, W) has another number of channels."""
    if x.shape[1] != channels:
        raise ValueError(f"x has {x.shape[1]} channels and W expects {channels}: x is {x.shape}, (N, C, H, W)")


def fit_features(x: np.ndarray, rows: np.ndarray, W: np.ndarray) -> None:
    """Raise ValueError if x, flattened to `rows` (N, in), does not fit W (in, out)."""
    if rows.shape[1] != len(W):
        raise ValueError(f"x {x.shape} has {rows.shape[1]} numbers per row and W {W.shape} takes {len(W)}: they must "
                         "be the same")


def bias(b: object, W: np.ndarray, outputs: int) -> np.ndarray:
    """The bias: one number of W's dtype per output, or a number for all; ValueError or TypeError otherwise."""
    if isinstance(b, numbers.Real) and not isinstance(b, bool):
        return np.full(outputs, b, W.dtype)
    b = floats(b, "b", "(outputs,)", like=W)
    if b.shape != (outputs,):
        raise ValueError(f"b has shape {b.shape} and W {W.shape} makes {outputs} outputs: b must be ({outputs},)")
    return b


def whole(value: object, name: str, least: int) -> int:
    """The value as int, if it is a whole number of at least `least`; TypeError or ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} is {value!r}, must be one whole number for both axes")
    if value < least:
        raise ValueError(f"{name} is {value}, must be at least {least}")
    return int(value)


def sizes(value: object, name: str, axes: str) -> tuple[int, ...]:
    """The value, if it is one whole number above 0 for each of the axes; TypeError or ValueError otherwise."""
    if not isinstance(value, (tuple, list)) or len(value) != axes.count(",") + 1:
        raise ValueError(f"{name} is {value!r}, must be {axes}")
    return tuple(whole(number, f"each number of {name} {value}", 1) for number in value)


def positions(size: Sequence[int], filter_h: int, filter_w: int, stride: int, pad: int) -> tuple[int, int]:
    """How often the window fits an input of size (H, W): (OH, OW), ⌊(n + 2·pad − k) / stride⌋ + 1 along each axis.

    Raises ValueError for a window that does not fit, TypeError for numbers that are not whole.
    """
    stride, pad = whole(stride, "stride", 1), whole(pad, "pad", 0)
    counts = []
    for axis, n, k in zip(("height", "width"), size, (filter_h, filter_w), strict=True):
        k = whole(k, f"the window's {axis}", 1)
        if k > n + 2 * pad:
            raise ValueError(f"the window's {axis} {k} is more than the padded input's {n + 2 * pad} ({n} + 2 * {pad})"
                             ": take a smaller window or a larger pad")
        counts.append((n + 2 * pad - k) // stride + 1)
    return tuple(counts)


def pool_window(pool_h: int, pool_w: int, stride: int, pad: int, mode: str) -> None:
    """Raise ValueError or TypeError for arguments that no pooling layer can have."""
    whole(pool_h, "pool_h", 1), whole(pool_w, "pool_w", 1), whole(stride, "stride", 1), whole(pad, "pad", 0)
    if mode not in ("max", "avg"):
        raise ValueError(f"mode is {mode!r}, must be 'max' or 'avg'")
    if 2 * pad > min(pool_h, pool_w):
        raise ValueError(f"pad {pad} is more than half the window ({pool_h}, {pool_w}): a window could hold nothing "
                         f"but padding, take at most {min(pool_h, pool_w) // 2}")


def upstream(dout: object, shape: tuple[int, ...] | None, dtype=None) -> np.ndarray:
    """The gradient that comes back to a layer whose output had this shape, in its dtype if one is given.

    Raises RuntimeError where there was no output yet, ValueError where the shapes differ.
    """
    if shape is None:
        raise RuntimeError("backward needs what forward keeps: call forward first")
    dout = as_array(dout, "dout")
    if dout.shape != shape:
        raise ValueError(f"dout has shape {dout.shape} and the layer's output {shape}: they must be the same")
    return dout if dtype is None else dout.astype(dtype, copy=False)


def conv_recipe(given: dict | None, usual: dict) -> dict:
    """The usual settings with the given ones in their place; ValueError for a name that is not among them."""
    if unknown := [name for name in given or {} if name not in usual]:
        raise ValueError(f"conv_param has {', '.join(map(repr, unknown))}: its names are {', '.join(usual)}")
    recipe = usual | (given or {})
    return {name: whole(value, name, 0 if name == "pad" else 1) for name, value in recipe.items()}


def weight_scale(std: object) -> None:
    """Raise ValueError for a standard deviation that is neither 'he' nor a number above 0."""
    if std != "he" and not (isinstance(std, numbers.Real) and std > 0):
        raise ValueError(f"weight_init_std is {std!r}, must be 'he' or a number above 0")


def class_numbers(t: object, n: int, k: int) -> np.ndarray:
    """Labels (N,) from class numbers (N,) or (N, 1), or one-hot (N, K); ValueError or TypeError where they do not fit.
    """
    t = as_array(t, "t")
    if t.shape == (n, 1) and k > 1:
        t = t[:, 0]
    if t.ndim == 2:
        if t.shape != (n, k):
            raise ValueError(f"one-hot t has shape {t.shape}, the scores {(n, k)}: they must be the same")
        if not np.array_equal(np.sort(t, axis=1), np.eye(1, k, k - 1).repeat(n, axis=0)):
            raise ValueError("t has two axes and is not one-hot: each row must hold a single 1 and otherwise 0")
        return t.argmax(axis=1)
    if t.shape != (n,):
        raise ValueError(f"t has shape {t.shape} for {n} rows of scores: give {n} class numbers, shape ({n},)")
    if not np.issubdtype(t.dtype, np.integer):
        raise TypeError(f"t holds {t.dtype}, class numbers are whole: take t.astype(np.int64)")
    if t.min() < 0 or t.max() >= k:
        raise ValueError(f"the labels go from {t.min()} to {t.max()}, {k} scores need labels 0 to {k - 1}")
    return t
