"""The web edition, built once for all tests that look at it, and served from a free port of this machine."""

import contextlib
import functools
import http.server
import threading
import warnings
from typing import NamedTuple

import pytest

pytest.importorskip("myst_nb")

from helpers.site import build  # noqa: E402


class Site(NamedTuple):
    """A built site: its folder, the Pages it is made of, what Sphinx warned of, and the address where it is served."""

    folder: object
    pages: list
    warnings: str
    address: str


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, *_):
        """Keep silent."""


@contextlib.contextmanager
def served(folder):
    """Serve a folder on a free port; yields the address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The whole web edition: every page, every table. No test in here changes it."""
    folder = tmp_path_factory.mktemp("web") / "site"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions that will have to change for a later Sphinx
        pages, told = build.build(folder, repository="https://example.org/course", version="v9")
    with served(folder) as address:
        yield Site(folder, pages, told, address)
