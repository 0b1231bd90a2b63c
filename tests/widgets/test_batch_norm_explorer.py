"""The batch-norm explorer against nn.BatchNorm1d: outputs and running statistics, step by step, in both modes."""

import html
import json
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers.widgets import BatchNormExplorer
from helpers.widgets.kit.driver import drive
from helpers.widgets.nets.batch_norm_explorer import LARGEST_BATCH, MOST_BATCHES, numbers


@pytest.fixture(scope="module")
def explorer():
    return BatchNormExplorer()


def reference(*, mode, seen, batch_size, momentum, shift, scale, gamma, beta):
    """Return PyTorch's output for the batch that is shown, its layer, and the running statistics on the way."""
    layer = nn.BatchNorm1d(1, momentum=momentum)
    nn.init.constant_(layer.weight, gamma)
    nn.init.constant_(layer.bias, beta)
    means, variances = [0.0], [1.0]

    def train_on(X):
        Y = layer(X)
        means.append(layer.running_mean.item())
        variances.append(layer.running_var.item())
        return Y

    stream = shift + scale * numbers()
    for X in stream[:seen]:
        train_on(X[: max(2, batch_size), None])
    shown = stream[seen, :batch_size, None]
    Y = train_on(shown) if mode == "train" else layer.eval()(shown)
    return Y[:, 0].detach(), means, variances


@given(
    mode=st.sampled_from(["train", "eval"]), seen=st.integers(0, MOST_BATCHES), batch_size=st.integers(2, 256),
    momentum=st.sampled_from([0.0, 0.05, 0.1, 0.9, 1.0]), shift=st.sampled_from([-4.0, 0.0, 3.5]),
    scale=st.sampled_from([0.25, 1.0, 2.5]), gamma=st.sampled_from([-2.0, 0.0, 1.5]),
    beta=st.sampled_from([-3.0, 0.0, 1.0]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_equal_to_pytorch(explorer, **values):
    explorer.update(**values)
    output, means, variances = reference(**values)
    torch.testing.assert_close(explorer.result["output"], output, atol=2e-5, rtol=1e-5)
    torch.testing.assert_close(explorer.result["running_means"], means, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(explorer.result["running_variances"], variances, atol=1e-5, rtol=1e-5)
    assert explorer.result["X"].shape == output.shape == (values["batch_size"],)


def test_a_batch_of_one():
    values = dict(seen=20, batch_size=1, momentum=0.1, shift=3.0, scale=2.0, gamma=1.0, beta=0.0)
    explorer = BatchNormExplorer(mode="train", **values)
    assert explorer.result["output"] is None and not explorer.errors
    assert "Expected more than 1 value per channel when training" in explorer.picture
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        reference(mode="train", **values)
    refused = explorer.result["running_means"]
    explorer.mode = "eval"
    output, means, _ = reference(mode="eval", **values)
    torch.testing.assert_close(explorer.result["output"], output, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(explorer.result["running_means"], means, atol=1e-5, rtol=1e-5)
    assert refused == explorer.result["running_means"] and "Expected" not in explorer.picture


def test_a_training_batch_moves_the_running_statistics_and_an_evaluated_one_does_not():
    explorer = BatchNormExplorer(mode="train", seen=7)
    assert len(explorer.result["running_means"]) == 9 and len(explorer.result["means"]) == 8
    explorer.mode = "eval"
    assert len(explorer.result["running_means"]) == 8 and len(explorer.result["means"]) == 7


def test_the_numbers_are_normalised_and_lopsided():
    z = numbers()
    assert z.shape == (MOST_BATCHES + 1, LARGEST_BATCH)
    assert abs(z.mean()) < 0.02 and abs(z.var() - 1) < 0.03 and (z**3).mean() > 0.3


def test_it_draws_no_random_numbers_of_the_caller():
    numbers.cache_clear()
    before = torch.get_rng_state()
    BatchNormExplorer(seen=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_values_outside_the_picture_are_counted():
    explorer = BatchNormExplorer(mode="eval", seen=0, shift=4.0, scale=2.5, gamma=2.0, beta=3.0)
    Y = explorer.result["output"]
    outside = int(((Y < -8) | (Y > 12)).sum())
    assert outside and f", {outside} outside" in explorer.picture
    explorer.update(seen=40, batch_size=2)
    beyond = sum(variance > 8 for variance in explorer.result["variances"])
    assert beyond and f"variance, {beyond} of 40 batches beyond the edge" in explorer.picture
    explorer.update(batch_size=256, scale=1.0)
    assert "beyond the edge" not in explorer.picture


def told(explorer, label):
    """What the areas whose label begins so set, as axes."""
    found = re.findall(r'aria-label="([^"]*)" data-touch="([^"]*)"', explorer.picture)
    return [json.loads(html.unescape(spec))["across"] for name, spec in found if name.startswith(label)]


@pytest.mark.parametrize("label, name, by", [("input", "shift", 330), ("scale", "scale", 20), ("output", "beta", 330),
                                             ("gamma", "gamma", 20)])  # fmt: skip
def test_a_histogram_follows_the_pointer(explorer, label, name, by):
    """A drag by so many px changes the parameter by as many units as the axis shows there; the ends are its range's."""
    explorer.update(mode="eval", seen=3, batch_size=64, shift=3.0, scale=1.5, gamma=-1.0, beta=2.0)
    (axis,) = told(explorer, label)
    assert axis["span"] / by == pytest.approx(20 / 330, rel=1e-3)
    assert (axis["name"], axis["at"]) == (name, getattr(explorer, name))
    trait = explorer.traits()[name]
    assert (axis["low"], axis["high"]) == (trait.min, trait.max)


def test_both_plots_of_the_running_statistics_set_the_batches_seen(explorer):
    explorer.update(mode="train", batch_size=1, seen=30)
    assert [(axis["name"], axis["at"], axis["last"], axis["high"]) for axis in told(explorer, "running")] == [
        ("seen", 30, 61, MOST_BATCHES)] * 2  # fmt: skip
    assert told(explorer, "input") and not told(explorer, "output"), "nothing came out"


def test_every_control_to_its_ends():
    explorer = BatchNormExplorer()
    assert drive(explorer) == sum(len(explorer.traits()[name].metadata["samples"]) for name in explorer.controls)
