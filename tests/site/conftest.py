"""The web edition, built once for all tests that look at it, and served from a free port of this machine."""

import warnings
from typing import NamedTuple

import pytest

pytest.importorskip("myst_nb")

from helpers.site import build  # noqa: E402

from ..serving import served  # noqa: E402


class Site(NamedTuple):
    """A built site: its folder, the Pages it is made of, what Sphinx warned of, and the address where it is served."""

    folder: object
    pages: list
    warnings: str
    address: str


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The whole web edition: every page, every table. No test in here changes it."""
    folder = tmp_path_factory.mktemp("web") / "site"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that will have to change for a later Sphinx
        pages, told = build.build(folder, repository="https://example.org/course", version="v9")
    with served(folder) as address:
        yield Site(folder, pages, told, address)


@pytest.fixture
def page(chromium):
    """A page of this test alone; `page.problems` lists what it complained of.

    A search reads each page that it found: one that is left before its end complains of those requests later.
    """
    page = chromium.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda told: page.problems.append(told.text) if told.type == "error" else None)
    page.on("requestfailed", lambda request: page.problems.append(request.url))
    yield page
    page.close()
