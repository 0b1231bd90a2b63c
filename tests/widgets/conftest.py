"""A net and pictures that widgets on whole nets are tried on."""

import pytest

from ..examples import lenet_like, pictures


@pytest.fixture
def net():
    return lenet_like()


@pytest.fixture(scope="module")
def test_iter():
    return pictures(40)
