"""Stand-ins for the world outside: a small data set in a folder, mirrors on the loopback device, no network."""
import gzip
import hashlib
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from torchvision.datasets import FashionMNIST

from helpers.data import download, load_data_fashion_mnist, sources
from helpers.data.sources import FILES, idx_bytes

real_getaddrinfo = socket.getaddrinfo


@pytest.fixture(autouse=True, name="no_network")
def network_off(monkeypatch):
    """Only the loopback device can be reached."""
    def getaddrinfo(host, *args, **kwargs):
        if host != "127.0.0.1":
            raise OSError("the network is switched off in tests")
        return real_getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("no_proxy", "*")


def load(batch_size=64, **options):
    return load_data_fashion_mnist(batch_size, device="cpu", **options)


def small_set(n_train=20, n_test=10, shift=0):
    """The four arrays of a small data set; `shift` changes the pictures."""
    images = np.arange((n_train + n_test) * 784, dtype=np.uint32).reshape(-1, 28, 28) * 7 + shift
    labels = np.arange(n_train + n_test) % 10
    arrays = images[:n_train], labels[:n_train], images[n_train:], labels[n_train:]
    return {name: array.astype(np.uint8) for name, array in zip(FILES, arrays, strict=True)}


def write_set(folder, packed=False, **options):
    """Write the small data set below `folder`; returns the folder of the files."""
    raw = folder / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name, array in small_set(**options).items():
        if packed:
            (raw / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array)))
        else:
            (raw / name).write_bytes(idx_bytes(array))
    return raw


@pytest.fixture(name="no_data")
def data_missing(monkeypatch, tmp_path):
    """A repository whose data/ (returned) does not exist yet, and no folder named in the environment.

    The small data set stands for the published one.
    """
    sums = {name: hashlib.sha256(idx_bytes(array)).hexdigest() for name, array in small_set().items()}
    monkeypatch.setattr(sources, "SHA256", sums)
    monkeypatch.setattr(sources, "DATA", tmp_path / "data")
    monkeypatch.setattr(sources, "_in_memory", {})
    monkeypatch.delenv("CNN_COURSE_DATA", raising=False)
    monkeypatch.setenv("CNN_COURSE_OFFLINE", "1")
    return tmp_path / "data"


class Mirror(ThreadingHTTPServer):
    """A mirror on the loopback device with the small data set; `faults` says for each file what goes wrong."""

    daemon_threads, block_on_close = True, False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = {f"{name}.gz": gzip.compress(idx_bytes(a), mtime=0) for name, a in small_set().items()}
        self.faults, self.asked, self.end = {}, [], threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        mirror, file = self.server, self.path[1:]
        mirror.asked.append(file)
        content, fault = mirror.files[file], mirror.faults.get(file)
        if fault == "silent":
            return mirror.end.wait(20)
        if fault == "missing":
            return self.send_error(404)
        self.send_response(200)
        if fault != "no length":
            self.send_header("Content-Length", len(content))
        self.end_headers()
        half = len(content) // 2
        if fault == "wrong":
            content = content[:half] + bytes([content[half] ^ 1]) + content[half + 1:]
        self.wfile.write(content[:half] if fault in ("half", "silent after half") else content)
        if fault == "silent after half":
            self.wfile.flush()
            mirror.end.wait(20)

    def log_message(self, *args):
        pass


@contextmanager
def served(mirror):
    thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield mirror
    finally:
        mirror.end.set()
        mirror.shutdown()
        mirror.server_close()
        thread.join()


@pytest.fixture(name="mirrors")
def two_mirrors(no_data, monkeypatch):
    """Two mirrors with the small data set, in the place of torchvision's and the authors'."""
    monkeypatch.delenv("CNN_COURSE_OFFLINE")
    with served(Mirror()) as first, served(Mirror()) as second:
        monkeypatch.setattr(FashionMNIST, "mirrors", [first.url])
        checksums = [(file, hashlib.md5(content).hexdigest()) for file, content in first.files.items()]
        monkeypatch.setattr(FashionMNIST, "resources", checksums)
        monkeypatch.setattr(download, "SPARE_MIRROR", second.url)
        monkeypatch.setattr(download, "SILENCE", 1)
        yield first, second
