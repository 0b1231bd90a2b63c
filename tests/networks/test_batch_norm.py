"""Batch normalisation from scratch against PyTorch: outputs, gradients, running mean and variance, both modes."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.networks.batch_norm import BatchNorm, batch_norm

sizes = st.integers(1, 5)


@st.composite
def shapes(draw):
    """(N, F) or (N, C, H, W) with at least two values per channel."""
    shape = draw(st.one_of(st.tuples(sizes, sizes), st.tuples(sizes, sizes, sizes, sizes)))
    return shape if len(shape) == 4 and shape[0] * shape[2] * shape[3] > 1 else (shape[0] + 1, *shape[1:])


def pair(features, dims, seed, **options):
    """Return our layer and PyTorch's, float64, with the same random weights and running statistics."""
    kind = nn.BatchNorm1d if dims == 2 else nn.BatchNorm2d
    ours, theirs = BatchNorm(features, **options), kind(features, **options)
    generator = torch.Generator().manual_seed(seed)
    for layer in (ours.double(), theirs.double()):
        generator.manual_seed(seed)
        for name in ("weight", "bias", "running_mean", "running_var"):
            values = torch.rand(features, generator=generator, dtype=torch.float64) + (name == "running_var")
            getattr(layer, name).data.copy_(values)
    return ours, theirs


def assert_alike(ours, theirs, X):
    """Both layers on X: output and gradients of X, gamma and beta, then the running statistics."""
    inputs = [X.clone().requires_grad_() for _ in range(2)]
    outputs = [layer(x) for layer, x in zip((ours, theirs), inputs, strict=True)]
    torch.testing.assert_close(*outputs)
    slope = torch.linspace(-1, 2, X.numel(), dtype=X.dtype).reshape(X.shape)
    grads = [torch.autograd.grad((y * slope).sum(), [x, layer.weight, layer.bias])
             for layer, x, y in zip((ours, theirs), inputs, outputs, strict=True)]  # fmt: skip
    torch.testing.assert_close(*grads)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var)


@given(shapes(), st.integers(0, 10**6), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([1e-5, 1e-3, 0.5]))
@settings(max_examples=120, deadline=None)
def test_equal_to_pytorch_in_both_modes(shape, seed, momentum, eps):
    X = 3 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    ours, theirs = pair(shape[1], len(shape), seed, momentum=momentum, eps=eps)
    for batch in (X, 1 - X):
        assert_alike(ours, theirs, batch)
    assert_alike(ours.eval(), theirs.eval(), X)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("all_half", [True, False], ids=["weights in 16 bits", "weights in 32 bits"])
@given(shape=shapes(), seed=st.integers(0, 10**6), scale=st.sampled_from([1e-2, 1.0, 40.0]))
@settings(max_examples=40, deadline=None)
def test_equal_to_pytorch_in_16_bits(dtype, all_half, shape, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    X = (scale * (1 + torch.randn(shape, generator=generator))).to(dtype)
    ours, theirs = (layer.to(dtype if all_half else torch.float32) for layer in pair(shape[1], len(shape), seed))
    exact, eps = copy.deepcopy(theirs).float(), torch.finfo(dtype).eps
    for _ in range(2):
        got, wanted = ours(X), exact(X.float())
        assert got.dtype == theirs(X).dtype == dtype and ours.running_var.dtype == theirs.running_var.dtype
        torch.testing.assert_close(got.float(), wanted, rtol=eps, atol=1e-4)
        for name in ("running_mean", "running_var"):
            torch.testing.assert_close(getattr(ours, name).float(), getattr(exact, name), rtol=2 * eps, atol=1e-4)


def test_many_large_values_in_float16_neither_overflow_nor_vanish():
    """A variance of 2,000 over 40,000 values: their sum is no number of 16 bits."""
    X = (45 * torch.randn(1, 2, 200, 200, generator=torch.Generator().manual_seed(0)) + 200).half()
    ours, theirs = BatchNorm(2).half(), nn.BatchNorm2d(2).half()
    torch.testing.assert_close(ours(X), theirs(X), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-2, atol=0)
    assert 0.9 < ours(X).float().std() < 1.1


def test_under_autocast_the_output_is_as_narrow_as_pytorchs():
    convolution, X = nn.Conv2d(1, 2, 3), torch.randn(4, 1, 8, 8)
    for layer in (BatchNorm(2), nn.BatchNorm2d(2)):
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(convolution(X)).dtype == torch.bfloat16 and layer(X.expand(4, 2, 8, 8)).dtype == torch.float32


def test_state_dicts_load_both_ways():
    ours, theirs = pair(3, 4, seed=1)
    for _ in range(3):
        ours(torch.randn(2, 3, 4, 4, dtype=torch.float64))
    theirs.load_state_dict(ours.state_dict())
    assert theirs.num_batches_tracked == 3 and torch.equal(theirs.running_var, ours.running_var)
    theirs(torch.randn(2, 3, 4, 4, dtype=torch.float64))
    ours.load_state_dict(theirs.state_dict())
    assert ours.num_batches_tracked == 4
    ours.reset_parameters()
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), BatchNorm(3).state_dict().values(),
                                                 strict=True))  # fmt: skip


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1), (1, 3, 2, 4)])
def test_a_batch_of_one_in_evaluation_mode(shape):
    ours, theirs = pair(3, len(shape), seed=0)
    X = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert_alike(ours.eval(), theirs.eval(), X)


def test_evaluation_mode_leaves_the_averages_alone():
    layer = BatchNorm(3).eval()
    layer(torch.randn(8, 3))
    assert layer.running_mean.tolist() == [0, 0, 0] and layer.running_var.tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_per_channel_in_training_raises_pytorchs_error(shape):
    for layer in pair(3, len(shape), seed=0):
        before = layer.running_mean.clone()
        with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
            layer(torch.zeros(shape, dtype=torch.float64))
        assert torch.equal(layer.running_mean, before)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (2, 3, 4, 5, 6)])
def test_other_numbers_of_axes(shape):
    with pytest.raises(ValueError, match="give .N, F. or"):
        BatchNorm(3)(torch.zeros(shape))


@pytest.mark.parametrize("options, error, words", [
    ({"num_features": 6.0}, TypeError, "num_features is 6.0"), ({"num_features": "6"}, TypeError, "features is '6'"),
    ({"num_features": True}, TypeError, "num_features is True"), ({"eps": "1e-5"}, TypeError, "eps is '1e-5', must be"),
    ({"eps": True}, TypeError, "eps is True"), ({"eps": float("nan")}, ValueError, "eps is nan"),
    ({"momentum": None}, TypeError, "momentum is None"), ({"momentum": 1.5}, ValueError, "momentum is 1.5: it is the"),
    ({"momentum": float("nan")}, ValueError, "momentum is nan"),
])  # fmt: skip
def test_settings_that_no_layer_can_have(options, error, words):
    with pytest.raises(error, match=words):
        BatchNorm(**{"num_features": 6} | options)


@pytest.mark.parametrize("shape", [(2, 4), (2, 4, 3, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_wrong_number_of_features(shape, training):
    with pytest.raises(ValueError, match="has 4 features .* made for 3"):
        BatchNorm(3).train(training)(torch.zeros(shape))
    with pytest.raises(ValueError, match="num_features is 0, must be above 0"):
        BatchNorm(0)


@pytest.mark.parametrize("wrong, said", [(torch.ones(4, 3).long(), "X holds torch.int64"), ([[1.0]], "X is list")])
def test_what_is_no_tensor_of_floats(wrong, said):
    with pytest.raises(TypeError, match=said):
        batch_norm(wrong, *[torch.ones(3)] * 4, eps=0, momentum=0.1, training=True)


@pytest.mark.parametrize("which", range(1, 4))
def test_one_number_for_all_channels_is_not_spread_in_silence(which):
    parts = [torch.ones(3)] * 4
    parts[which] = torch.ones(1)
    with pytest.raises(ValueError, match="make them the same"):
        batch_norm(torch.randn(4, 3), *parts, eps=0, momentum=0.1, training=True)


def test_the_mode_is_an_argument_not_whether_gradients_are_on():
    X, ones, zeros = torch.randn(8, 3), torch.ones(3), torch.zeros(3)
    for training in (True, False):
        with_grad = batch_norm(X, ones, zeros, zeros, ones, 1e-5, 0.1, training=training)
        with torch.no_grad():
            without = batch_norm(X, ones, zeros, zeros, ones, 1e-5, 0.1, training=training)
        for a, b in zip(with_grad, without, strict=True):
            assert torch.equal(a, b)
        assert torch.equal(with_grad[0], X / (1 + 1e-5) ** 0.5) != training


def test_the_given_averages_are_not_changed_and_carry_no_graph():
    X, mean, var = torch.randn(8, 3, requires_grad=True), torch.zeros(3), torch.ones(3)
    Y, new_mean, new_var = batch_norm(X, torch.ones(3), torch.zeros(3), mean, var, 1e-5, 0.1, training=True)
    assert Y.shape == (8, 3) and new_mean.shape == new_var.shape == (3,)
    assert mean.tolist() == [0, 0, 0] and var.tolist() == [1, 1, 1] and Y.requires_grad
    assert not new_mean.requires_grad and not new_var.requires_grad
    torch.testing.assert_close(new_mean, 0.1 * X.detach().mean(0))
    torch.testing.assert_close(new_var, 0.9 + 0.1 * X.detach().var(0))  # unbiased


def test_parameters_buffers_and_repr_are_named_as_pytorchs():
    ours, theirs = BatchNorm(5), nn.BatchNorm2d(5)
    assert dict(ours.named_parameters()).keys() == dict(theirs.named_parameters()).keys()
    assert dict(ours.named_buffers()).keys() == dict(theirs.named_buffers()).keys()
    assert "5, eps=1e-05, momentum=0.1" in repr(ours)
