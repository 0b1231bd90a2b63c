"""Ranks of a run killed at random steps: the run ends with the very weights of one that nobody disturbed."""

import random
from pathlib import Path

import pytest
import torch

from helpers.scaling.checkpoint import load_checkpoint

from ..scaling.started import Started, few_pictures  # noqa: F401  (a fixture)

KILLS = 5  # in each run


@pytest.fixture(scope="module")
def undisturbed(settings, tmp_path_factory):
    """The checkpoint of the run that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with Started(folder, settings) as run:
        assert run.torchrun.wait(200) == 0, run.output()
    return load_checkpoint(folder / "run.pt")


@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes in /proc")
@pytest.mark.parametrize("seed", range(2))
def test_killed_ranks_cost_no_bit(tmp_path, settings, undisturbed, seed):
    draw = random.Random(seed)
    steps = sorted(draw.sample(range(5, 95), KILLS))
    with Started(tmp_path, settings, max_restarts=KILLS) as run:
        for restart, step in enumerate(steps):
            run.kill(draw.randrange(2), restart, after=step)
        assert run.torchrun.wait(200) == 0, run.output()
        assert run.output().count("finished after step 100") == 1
    found = load_checkpoint(tmp_path / "run.pt")
    assert found["step"] == 100 and [record["step"] for record in found["records"]] == list(range(1, 101))
    for key, weight in undisturbed["net"].items():
        assert torch.equal(found["net"][key], weight), key
    assert [record["loss"] for record in found["records"]] == [record["loss"] for record in undisturbed["records"]]
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob("*.lock"))
