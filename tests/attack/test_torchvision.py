"""describe_net on every classifier of torchvision: about three minutes; tests/anatomy takes one of each family."""

import pytest

from ..torchvision_nets import check_counts, classifiers


@pytest.mark.parametrize("name", classifiers())
def test_multiply_adds_are_torchs_and_torchvisions(name):
    check_counts(name)
