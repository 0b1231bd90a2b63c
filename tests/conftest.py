"""Fixtures of every test."""

import pytest
import torch

from .browser import chromium, lab, open_notebook  # noqa: F401  (fixtures)


@pytest.fixture(autouse=True)
def _own_random_state():
    """A test that draws random numbers does not depend on the one before it."""
    torch.manual_seed(0)
