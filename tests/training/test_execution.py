"""Mixed precision and compiled nets in train_ch6 learn as the plain ones do."""

import shutil

import pytest
import torch
from torch import nn

from helpers.training import train_ch6, try_gpu
from helpers.training.execution import CPP_COMPILERS, Execution, amp_dtype, check_compiler

CPU = torch.device("cpu")


def small(seed=0):
    """A net for pictures (N, 1, 4, 4)."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))


def batches(count=12, size=8, last=5):
    """Pictures X (size, 1, 4, 4) whose brightest row tells the class; the last batch is smaller."""
    generator, made = torch.Generator().manual_seed(1), []
    for i in range(count):
        n = last if i == count - 1 else size
        y = torch.randint(3, (n,), generator=generator)
        X = torch.randn(n, 1, 4, 4, generator=generator)
        X[torch.arange(n), :, y] += 3
        made.append((X, y))
    return made


def run(net, **options):
    return train_ch6(net, batches(), batches(4), 6, 0.2, CPU, seed=0, live=False, **options)


@pytest.mark.parametrize("amp", [True, torch.bfloat16, torch.float16])
def test_mixed_precision_keeps_the_accuracy_and_the_weights(amp):
    plain, mixed = run(small()), run(net := small(), amp=amp)
    assert all(p.dtype == torch.float32 for p in net.parameters())
    assert min(plain.test_acc[-1], mixed.test_acc[-1]) > 0.9
    assert mixed.loss != plain.loss, "nothing was computed in 16 bits"
    first = 1 if amp == torch.float16 else 0  # its scaler leaves out the first steps, until no gradient overflows
    for ours, theirs in zip(mixed.loss[first:], plain.loss[first:], strict=True):
        assert abs(ours - theirs) < 0.03


def test_the_convolution_runs_in_16_bits_and_the_loss_in_32():
    seen = []
    net = small()
    net[0].register_forward_hook(lambda module, X, Y: seen.append(Y.dtype))
    execution = Execution(net, CPU, amp=True)
    X, y = batches(1)[0]
    with execution.precision():
        loss = nn.functional.cross_entropy(execution(X), y)
    assert seen == [torch.bfloat16] and loss.dtype == torch.float32


@pytest.mark.parametrize("capability, dtype", [((7, 5), torch.float16), ((9, 0), torch.bfloat16)])
def test_the_dtype_follows_the_device(monkeypatch, capability, dtype):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert amp_dtype(torch.device("cuda:0")) == dtype
    assert amp_dtype(CPU) == amp_dtype(torch.device("mps")) == torch.bfloat16


def test_a_step_whose_gradients_overflow_in_float16_is_left_out():
    net = small()
    execution = Execution(net, CPU, amp=torch.float16)
    optimizer, before = torch.optim.SGD(net.parameters(), lr=1.0), [p.clone() for p in net.parameters()]
    scale = execution.scaler.get_scale()
    execution.backward(net(batches(1)[0][0]).sum() * float("inf"))
    execution.step(optimizer)
    assert all(torch.equal(p, q) for p, q in zip(before, net.parameters(), strict=True))
    assert execution.scaler.get_scale() < scale
    optimizer.zero_grad()
    execution.backward(net(batches(1)[0][0]).sum())
    execution.step(optimizer)
    assert not torch.equal(before[0], net[0].weight)


@pytest.mark.parametrize("amp", [torch.float32, torch.int8, "bfloat16"])
def test_amp_that_is_no_16_bit_dtype(amp):
    with pytest.raises(ValueError, match="amp must be True, False, torch.bfloat16 or torch.float16"):
        run(small(), amp=amp)


def test_another_backend_ends_with_the_same_weights():
    plain, compiled = small(), small()
    assert run(plain).loss == run(compiled, compile="eager").loss
    assert all(torch.equal(p, q) for p, q in zip(plain.parameters(), compiled.parameters(), strict=True))
    assert type(compiled) is nn.Sequential, "the caller's net stays what it was"


def test_only_batches_of_the_first_shape_go_through_the_compiled_net():
    execution, seen = Execution(small(), CPU, compile="eager"), []
    compiled = execution.compiled
    execution.compiled = lambda X: seen.append(len(X)) or compiled(X)
    outputs = [execution(X) for X, _ in batches(4)]
    assert seen == [8, 8, 8] and [len(Y) for Y in outputs] == [8, 8, 8, 5]


@pytest.mark.skipif(not any(map(shutil.which, CPP_COMPILERS)), reason="torch.compile needs a C++ compiler on a CPU")
def test_compiled_code_keeps_the_accuracy():
    plain, compiled = run(small()), run(small(), compile=True)
    assert compiled.test_acc[-1] > 0.9
    assert all(abs(a - b) < 1e-3 for a, b in zip(plain.loss, compiled.loss, strict=True))


def test_without_a_compiler_or_with_an_unknown_backend(monkeypatch):
    with pytest.raises(ValueError, match="no backend of torch.compile: 'gcc'; there are .*inductor"):
        run(small(), compile="gcc")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="needs a C.. compiler on a CPU and found none"):
        run(small(), compile=True)
    monkeypatch.setenv("CXX", "clang++-99")
    with pytest.raises(RuntimeError, match="leave compile out"):
        check_compiler(CPU, "inductor")
    check_compiler(CPU, "eager")


def test_a_gpu_without_triton(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "triton", None)
    with pytest.raises(RuntimeError, match="needs Triton on a GPU"):
        check_compiler(torch.device("cuda:0"), "inductor")


def test_an_apple_gpu_is_taken_where_there_is_no_other(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert [str(try_gpu(i)) for i in (0, 1)] == ["mps", "cpu"]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert str(try_gpu()) == "cuda:0"
