"""The attack on the course: many random moves and faults. Run by CNN_COURSE_ATTACK=1 alone, skipped otherwise."""

import pytest

from . import ASKED


def pytest_collection_modifyitems(items):
    """Skip what lies in this folder unless it was asked for."""
    if not ASKED:
        for item in items:
            if "tests/attack/" in item.nodeid:
                item.add_marker(pytest.mark.skip(reason="takes minutes: set CNN_COURSE_ATTACK=1"))
