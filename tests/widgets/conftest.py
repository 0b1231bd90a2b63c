"""A net and pictures that widgets on whole nets are tried on, and a hand on the widgets of a module's notebook."""

import pytest

from ..browser import Page, write_notebook
from ..examples import lenet_like, pictures
from .mouse import Hand


@pytest.fixture
def net():
    return lenet_like()


@pytest.fixture(scope="module")
def test_iter():
    return pictures(40)


@pytest.fixture(scope="module")
def opened(lab, chromium, request):
    """The notebook made of the module's CELLS, run in JupyterLab: one for all tests of the module."""
    name = request.module.__name__.rpartition(".")[2].removeprefix("test_") + ".ipynb"
    write_notebook(lab, name, request.module.CELLS)
    page = Page(chromium, lab, name)
    page.run_all(150)
    yield page
    page.close()


@pytest.fixture
def hand(opened, request):
    """The hand on the widget whose number the test gives (`mouse.on`); nothing jumps, nothing goes wrong."""
    hand = Hand(opened, request.param)
    height = hand.widget.bounding_box()["height"]
    yield hand
    assert hand.widget.bounding_box()["height"] == pytest.approx(height, abs=1)
    assert not opened.errors and not opened.alerts()
