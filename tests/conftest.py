"""Fixtures of every test."""

import pytest
import torch

from .browser import chromium, lab, open_notebook  # noqa: F401  (fixtures)


def pytest_addoption(parser):
    parser.addoption("--shift", type=int, default=0, help="added to every seed: does a claim hold for other draws?")


def pytest_configure(config):
    if config.getoption("shift"):
        from .replay import shift_seeds

        shift_seeds(config.getoption("shift"))


@pytest.fixture(autouse=True)
def _own_random_state():
    """A test that draws random numbers does not depend on the one before it."""
    torch.manual_seed(0)
