"""describe_net on every classifier of torchvision: about three minutes; tests/anatomy takes one of each family."""

import os

import pytest

from ..torchvision_nets import check_counts, classifiers

pytestmark = pytest.mark.skipif(not os.environ.get("CNN_COURSE_ATTACK"), reason="set CNN_COURSE_ATTACK=1 to run it")


@pytest.mark.parametrize("name", classifiers())
def test_multiply_adds_are_torchs_and_torchvisions(name):
    check_counts(name)
