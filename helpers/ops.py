"""Cross-correlation and pooling, written with tensor operations only.

A kernel of kh × kw numbers has kh · kw *taps*. Over all positions of the window at once, tap (a, b) meets one
shifted (and strided) slice of the input. So the loop runs over the few taps, never over pixels; each turn is one
tensor operation, on the input's device and differentiable. *Dive into Deep Learning*, 6.2-6.5.

Integer and boolean input is turned into floats (torch's default dtype): a sum of bytes must not wrap around. Sums of
16-bit floats are taken in 32 bits and rounded once, as PyTorch does, under autocast too. Sizes are whole numbers,
NumPy's too.
"""
import contextlib
import numbers

import torch
import torch.nn.functional as F

Pair = int | tuple[int, int]


def output_size(n: Pair, k: Pair, *, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> Pair:
    """How many positions a window of size k has on n elements: ⌊(n + 2·padding − reach) / stride⌋ + 1.

    The window reaches over dilation·(k − 1) + 1 elements; `padding` is per side, as in PyTorch. Arguments are
    numbers or (height, width) pairs; the answer is a number if all of them are, else a pair. Raises ValueError
    where the window does not fit (book, 6.3).
    """
    given = {"n": n, "k": k, "stride": stride, "padding": padding, "dilation": dilation}
    pairs = [_pair(value, name) for name, value in given.items()]
    sizes = tuple(_positions(*values) for values in zip(*pairs, strict=True))
    return sizes[0] if all(map(_is_whole, given.values())) else sizes


def corr2d(X: torch.Tensor, K: torch.Tensor, *, stride: Pair = 1, padding: Pair = 0,
           dilation: Pair = 1) -> torch.Tensor:
    """Cross-correlate X (H, W) with K (kh, kw) -> (Ho, Wo), sizes as `output_size` says (book, 6.2).

    Equal to `F.conv2d` on one channel. Raises ValueError for wrong axes or a kernel that does not fit.
    """
    X, K, precision = _as_conv2d(*_floats(_with_axes(X, "X", "(H, W)"), _with_axes(K, "K", "(kh, kw)")))
    wide = _wide(X)
    with precision:
        return sum(K[a, b].to(wide) * part.to(wide)
                   for a, b, part in _slices(X, K.shape, stride, padding, dilation)).to(X.dtype)


def corr2d_multi_in(X: torch.Tensor, K: torch.Tensor, *, stride: Pair = 1, padding: Pair = 0,
                    dilation: Pair = 1) -> torch.Tensor:
    """Cross-correlate X (C, H, W) with K (C, kh, kw) channel by channel and add up -> (Ho, Wo) (book, 6.4)."""
    K = _with_axes(K, "K", "(C, kh, kw)")
    return corr2d_multi_in_out(X, K[None], stride=stride, padding=padding, dilation=dilation)[0]


def corr2d_multi_in_out(X: torch.Tensor, K: torch.Tensor, *, stride: Pair = 1, padding: Pair = 0,
                        dilation: Pair = 1) -> torch.Tensor:
    """Cross-correlate X (Ci, H, W) with K (Co, Ci, kh, kw) -> (Co, Ho, Wo) (book, 6.4).

    Each tap mixes the channels: its weights (Co, Ci) times its slice (Ci, Ho, Wo). Raises ValueError where X and
    K disagree about the input channels.
    """
    X, K, precision = _as_conv2d(*_floats(_with_axes(X, "X", "(Ci, H, W)"), _with_axes(K, "K", "(Co, Ci, kh, kw)")))
    if X.shape[0] != K.shape[1]:
        raise ValueError(f"X has {X.shape[0]} channels and K expects {K.shape[1]}: give K one (kh, kw) slice "
                         "per channel of X")
    taps, wide = _slices(X, K.shape[2:], stride, padding, dilation), _wide(X)
    with precision:
        return sum(torch.tensordot(K[:, :, a, b].to(wide), part.to(wide), dims=1) for a, b, part in taps).to(X.dtype)


def pool2d(X: torch.Tensor, pool_size: Pair, mode: str = "max", *, stride: Pair | None = 1,
           padding: Pair = 0) -> torch.Tensor:
    """Pool X (..., H, W) with a window of pool_size -> (..., Ho, Wo); leading axes (N, C) stay apart (book, 6.5).

    mode 'max' pads with -inf, so that padding never wins; 'avg' pads with zeros and counts them, as
    `F.avg_pool2d` does. The stride is 1 unless given, as in the book; None is the window's size, as in PyTorch.
    Raises ValueError for another mode, a window that does not fit, or padding above half the window: a window
    could then hold nothing but padding.
    """
    if mode not in ("max", "avg"):
        raise ValueError(f"mode is {mode!r}, must be 'max' or 'avg'")
    X, = _floats(_with_axes(X, "X", "(..., H, W)"))
    window, border = _pair(pool_size, "pool_size"), _pair(padding, "padding")
    steps = window if stride is None else _pair(stride, "stride")
    output_size(tuple(X.shape[-2:]), window, stride=steps, padding=border)  # raises where it does not fit
    if any(2 * p > k for p, k in zip(border, window, strict=True)):
        raise ValueError(f"padding {border} is more than half the window {window}: take at most "
                         f"{tuple(k // 2 for k in window)}")
    dtype = X.dtype
    X = _pad(X, border, float("-inf")) if mode == "max" else _pad(X, border, 0.0).to(_wide(X))
    for axis in (-1, -2):  # the window's maximum is that of its rows' maxima; so is its mean
        parts = X.unfold(axis, window[axis], steps[axis])
        X = parts.max(dim=-1).values if mode == "max" else parts.mean(dim=-1)
    return X.to(dtype)


def _slices(X, kernel_size, stride, padding, dilation):
    """For each tap (a, b) of the kernel: a, b and what it meets at all window positions, (..., Ho, Wo)."""
    border, (sh, sw), (dh, dw) = _pair(padding, "padding"), _pair(stride, "stride"), _pair(dilation, "dilation")
    height, width = output_size(tuple(X.shape[-2:]), tuple(kernel_size), stride=(sh, sw), padding=border,
                                dilation=(dh, dw))
    X = _pad(X, border, 0.0)
    for a in range(kernel_size[0]):
        rows = slice(a * dh, a * dh + (height - 1) * sh + 1, sh)
        for b in range(kernel_size[1]):
            yield a, b, X[..., rows, b * dw:b * dw + (width - 1) * sw + 1:sw]


def _pad(X, border, value):
    """X (..., H, W) with border = (rows, columns) of `value` added on each side."""
    ph, pw = border
    return F.pad(X, (pw, pw, ph, ph), value=value) if ph or pw else X


def _positions(n, k, stride, padding, dilation):
    """`output_size` along one axis, after checking that the numbers make sense."""
    if n < 1 or k < 1 or stride < 1 or dilation < 1 or padding < 0:
        raise ValueError(f"input size {n}, kernel size {k}, stride {stride} and dilation {dilation} must be at "
                         f"least 1, padding {padding} at least 0")
    reach, padded = dilation * (k - 1) + 1, n + 2 * padding
    if reach > padded:
        raise ValueError(f"the kernel spans {reach} elements (size {k}, dilation {dilation}), the padded input "
                         f"has {padded} ({n} + 2 * {padding}): take a smaller kernel or more padding")
    return (padded - reach) // stride + 1


def _pair(value, name):
    """A whole number twice, or a pair of them as a tuple of ints."""
    pair = (value, value) if _is_whole(value) else value
    if not isinstance(pair, (tuple, list)) or not all(map(_is_whole, pair)):
        raise TypeError(f"{name} is {value!r}, must be an int or a (height, width) pair of ints")
    if len(pair) != 2:
        raise ValueError(f"{name} is {value!r}: give one int or two, (height, width)")
    return tuple(map(int, pair))


def _is_whole(value):
    """Whether a value is a whole number: an int or one of NumPy's, not True or False."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _as_conv2d(X, K):
    """X and K in the dtype in which F.conv2d takes them, that of autocast where it is on, and a context without it."""
    zero = torch.zeros(1, 1, dtype=torch.float32, device=X.device)
    low = torch.mm(zero, zero).dtype
    if low == torch.float32:
        return X, K, contextlib.nullcontext()
    dtype = X.dtype if X.dtype == torch.float64 else low
    return X.to(dtype), K.to(dtype), torch.autocast(X.device.type, enabled=False)


def _wide(X):
    """The dtype to add up in: at least 32 bits."""
    return torch.float32 if X.dtype in (torch.float16, torch.bfloat16) else X.dtype


def _with_axes(X, name, axes):
    """X itself, if it is a tensor with the axes named in `axes`; '...' stands for any number of them."""
    if not isinstance(X, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(X).__name__}: use torch.tensor(...)")
    if X.layout is not torch.strided:
        raise TypeError(f"{name} is a sparse tensor: use {name}.to_dense()")
    if X.dim() < 2 if "..." in axes else X.dim() != axes.count(",") + 1:
        raise ValueError(f"{name} must have the axes {axes}, got shape {tuple(X.shape)}: index or reshape it")
    if 0 in X.shape[:-2]:
        raise ValueError(f"{name} has shape {tuple(X.shape)}, an axis is empty: give at least one picture and channel")
    return X


def _floats(*tensors):
    """The tensors in their common floating dtype; torch's default one where all are integers."""
    dtype = tensors[0].dtype if len(tensors) == 1 else torch.promote_types(*(X.dtype for X in tensors))
    if dtype.is_complex:
        raise TypeError(f"expected real numbers, got {dtype}: treat the real and the imaginary part apart")
    dtype = dtype if dtype.is_floating_point else torch.get_default_dtype()
    return [X.to(dtype) for X in tensors]
