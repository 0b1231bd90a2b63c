"""The GPU kernel, run by the interpreter on the CPU and, where there is one, on a GPU."""

import importlib
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from helpers.scaling import triton_corr2d as module

needs_triton = pytest.mark.skipif(module.triton is None, reason="Triton comes with torch on Linux only")


@pytest.fixture(scope="module")
def interpreter():
    """The module as on a machine without a GPU, its kernel in Triton's interpreter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        yield importlib.reload(module)
    importlib.reload(module)


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@needs_triton
@settings(max_examples=12, deadline=None)
@given(N=st.integers(1, 2), C_in=st.sampled_from([1, 3, 33]), C_out=st.sampled_from([1, 6, 34]),
       H=st.integers(5, 9), W=st.integers(5, 9), kernel=st.tuples(st.integers(1, 3), st.integers(1, 4)),
       stride=st.tuples(st.integers(1, 3), st.integers(1, 2)), padding=st.tuples(st.integers(0, 2), st.integers(0, 1)))
def test_it_gives_what_conv2d_gives(interpreter, N, C_in, C_out, H, W, kernel, stride, padding):
    X, K = numbers(N, C_in, H, W), numbers(C_out, C_in, *kernel)
    Y = interpreter.triton_corr2d(X, K, stride=stride, padding=padding)
    torch.testing.assert_close(Y, F.conv2d(X, K, stride=stride, padding=padding), rtol=1e-4, atol=1e-4)


@needs_triton
def test_the_running_example_and_a_transposed_input(interpreter):
    assert interpreter.interpreted()
    X, K = torch.arange(9.0).reshape(1, 1, 3, 3), torch.arange(4.0).reshape(1, 1, 2, 2)
    assert interpreter.triton_corr2d(X, K).tolist() == [[[[19, 25], [37, 43]]]]
    assert torch.equal(interpreter.triton_corr2d(X.mT, K.mT), F.conv2d(X.mT, K.mT))
    assert torch.equal(interpreter.triton_corr2d(X, K, stride=2, padding=1), F.conv2d(X, K, stride=2, padding=1))


@needs_triton
@pytest.mark.parametrize("X, K, error, words", [
    (numbers(1, 2, 5, 5), numbers(3, 1, 2, 2), ValueError, r"X \(1, 2, 5, 5\) on cpu and K \(3, 1, 2, 2\)"),
    (numbers(5, 5), numbers(2, 2), ValueError, "must be .N, C_in, H, W."),
    (numbers(1, 1, 5, 5).double(), numbers(1, 1, 2, 2), TypeError, "takes float32, and X is torch.float64"),
    (numbers(1, 1, 2, 2), numbers(1, 1, 3, 3), ValueError, "kernel"),
])  # fmt: skip
def test_what_does_not_fit(interpreter, X, K, error, words):
    with pytest.raises(error, match=words):
        interpreter.triton_corr2d(X, K)


@needs_triton
def test_a_kernel_for_a_gpu_says_where_the_picture_must_be(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    made_for_a_gpu = importlib.reload(module)
    with pytest.raises(RuntimeError, match="made for a CUDA device, and X is on cpu: move X there"):
        made_for_a_gpu.triton_corr2d(numbers(1, 1, 3, 3), numbers(1, 1, 2, 2))
    monkeypatch.undo()
    importlib.reload(module)


def test_without_triton_the_kernel_can_still_be_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    bare = importlib.reload(module)
    assert "tile" in bare.corr2d_kernel.__doc__ and not bare.interpreted()
    with pytest.raises(RuntimeError, match="Triton is not installed here"):
        bare.triton_corr2d(numbers(1, 1, 3, 3), numbers(1, 1, 2, 2))
    monkeypatch.undo()
    importlib.reload(module)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_the_gpu():
    compiled = importlib.reload(module)
    X, K = numbers(8, 64, 28, 28).cuda(), numbers(96, 64, 3, 3).cuda()
    Y = compiled.triton_corr2d(X, K, stride=2, padding=1)
    torch.testing.assert_close(Y, F.conv2d(X, K, stride=2, padding=1), rtol=1e-3, atol=1e-3)
