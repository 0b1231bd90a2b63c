"""Cross-correlation as a GPU kernel of our own, in Triton: what `F.conv2d` calls, written out.

Triton comes with the usual torch on Linux. It translates the kernel for a CUDA device. Where there is none, its
interpreter runs the kernel line by line on the CPU, tile after tile: slow, and good for trying it out.
"""

from __future__ import annotations

import os
from unittest import mock

import torch
from torch import Tensor

from helpers.ops import output_size

try:
    import triton
    import triton.language as tl
except ImportError:  # no Linux: the kernel can be read, not run
    triton = None

BLOCK = 32  # output pixels, input channels and output channels of a tile, at least 16 for tl.dot


def jit(function):
    """Return the function as a Triton kernel, an interpreted one where there is no CUDA device."""
    if triton is None:
        return function
    # Triton reads this variable when it meets a kernel; other kernels of the process are not our business.
    with mock.patch.dict(os.environ, {} if torch.cuda.is_available() else {"TRITON_INTERPRET": "1"}):
        return triton.jit(function)


# fmt: off
@jit
def corr2d_kernel(
    X, K, Y, C_in, H, W, C_out, H_out, W_out, stride_h, stride_w, padding_h, padding_w,
    KH: tl.constexpr, KW: tl.constexpr, BLOCK: tl.constexpr,
):
    """Compute one tile of Y: BLOCK output pixels of one picture, in BLOCK output channels."""
    # Which tile is this program's? The grid has an axis for tiles of pixels, of output channels, and for pictures.
    pixels = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    out_channels = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    n = tl.program_id(2).to(tl.int64)
    rows, columns = pixels // W_out, pixels % W_out

    total = tl.full((BLOCK, BLOCK), 0.0, tl.float32)  # (pixels, out_channels)
    for i in range(KH):
        for j in range(KW):
            # The input pixel under weight (i, j), for each output pixel. Outside the picture there are zeros.
            y, x = rows * stride_h - padding_h + i, columns * stride_w - padding_w + j
            inside = (y >= 0) & (y < H) & (x >= 0) & (x < W) & (pixels < H_out * W_out)
            for first in range(0, C_in, BLOCK):
                channels = first + tl.arange(0, BLOCK)
                pictures = X + ((n * C_in + channels[None, :]) * H + y[:, None]) * W + x[:, None]
                values = tl.load(pictures, mask=inside[:, None] & (channels[None, :] < C_in), other=0.0)
                kernels = K + ((out_channels[None, :] * C_in + channels[:, None]) * KH + i) * KW + j
                there = (channels[:, None] < C_in) & (out_channels[None, :] < C_out)
                weights = tl.load(kernels, mask=there, other=0.0)
                # (pixels, channels) times (channels, out_channels): one product of matrices per weight of the window.
                total += tl.dot(values, weights, input_precision="ieee")

    places = Y + (n * C_out + out_channels[None, :]) * H_out * W_out + pixels[:, None]
    tl.store(places, total, mask=(pixels[:, None] < H_out * W_out) & (out_channels[None, :] < C_out))
# fmt: on


def triton_corr2d(X: Tensor, K: Tensor, *, stride=1, padding=0) -> Tensor:
    """Return the cross-correlation (N, C_out, H_out, W_out) of X (N, C_in, H, W) with K (C_out, C_in, kh, kw).

    As `F.conv2d(X, K, stride=stride, padding=padding)`: stride and padding are a number or a pair (h, w), padding is
    per side. float32 throughout, no gradient. Raises RuntimeError where the kernel cannot run, ValueError for shapes
    that do not fit, TypeError for another dtype.
    """
    check_triton(X)
    if X.dtype != torch.float32 or K.dtype != torch.float32:
        raise TypeError(f"triton_corr2d takes float32, and X is {X.dtype}, K {K.dtype}: convert with .float()")
    if X.ndim != 4 or K.ndim != 4 or X.shape[1] != K.shape[1] or X.device != K.device:
        raise ValueError(f"X {tuple(X.shape)} on {X.device} and K {tuple(K.shape)} on {K.device} do not fit: they must "
                         "be (N, C_in, H, W) and (C_out, C_in, kh, kw) on one device")
    (N, C_in, H, W), (C_out, _, kh, kw) = X.shape, K.shape
    strides, paddings = ((value, value) if isinstance(value, int) else tuple(value) for value in (stride, padding))
    H_out, W_out = (output_size(n, k, stride=s, padding=p)
                    for n, k, s, p in zip((H, W), (kh, kw), strides, paddings, strict=True))  # fmt: skip
    Y = torch.empty(N, C_out, H_out, W_out, device=X.device)
    grid = (triton.cdiv(H_out * W_out, BLOCK), triton.cdiv(C_out, BLOCK), N)
    corr2d_kernel[grid](X.contiguous(), K.contiguous(), Y, C_in, H, W, C_out, H_out, W_out, *strides, *paddings,
                        KH=kh, KW=kw, BLOCK=BLOCK)  # fmt: skip
    return Y


def check_triton(X: Tensor) -> None:
    """Raise RuntimeError where the kernel cannot run on the device of X."""
    if triton is None:
        raise RuntimeError("Triton is not installed here: it comes with torch on Linux")
    if X.device.type != "cuda" and not interpreted():
        raise RuntimeError(f"the kernel was made for a CUDA device, and X is on {X.device}: move X there")


def interpreted() -> bool:
    """Whether Triton's interpreter runs the kernel, on the CPU."""
    return triton is not None and not isinstance(corr2d_kernel, triton.JITFunction)
