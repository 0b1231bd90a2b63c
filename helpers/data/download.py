"""Getting Fashion-MNIST's files from the network: several mirrors, checksums, and no wait without an end."""

import gzip
import hashlib
import queue
import threading
import time
from pathlib import Path
from urllib.request import urlopen

from helpers.place import written_whole

# The authors' own copy, for the days on which torchvision's mirror does not answer.
SPARE_MIRROR = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
MOST_BYTES = 64_000_000  # of one packed file, the largest of which has 26 million
SILENCE = 10.0  # seconds without a byte after which a mirror is given up


class DownloadError(Exception):
    """Why a file could not be downloaded, in words for the reader."""


def download(raw: Path, names, silence: float | None = None) -> tuple[dict[str, bytes], str]:
    """Download the idx files with these names, unpack them, and store them in the folder `raw`.

    Returns the content of each by name, and why the folder could not be written ("" if it could). Mirrors and
    checksums are torchvision's; `silence` is in seconds. Raises DownloadError where no mirror delivers.
    """
    from torchvision.datasets import FashionMNIST  # here, because this import takes 1.7 s

    mirrors, checksums = [*FashionMNIST.mirrors, SPARE_MIRROR], dict(FashionMNIST.resources)
    contents, obstacle = {}, ""
    for name in names:
        packed = fetch(f"{name}.gz", checksums[f"{name}.gz"], mirrors, silence or SILENCE)
        contents[name] = gzip.decompress(packed)
        try:
            with written_whole(raw / name) as part:
                part.write_bytes(contents[name])
        except OSError as error:
            obstacle = error.strerror or type(error).__name__
    return contents, obstacle


def fetch(file: str, checksum: str, mirrors: list[str], silence: float) -> bytes:
    """Return the content of `file` from the first mirror that delivers it with the right MD5 checksum.

    A mirror that fails goes to the end of `mirrors`. Raises DownloadError with the reason of each.
    """
    problems = []
    for mirror in tuple(mirrors):
        host = mirror.split("/")[2]
        try:
            content = receive(mirror + file, silence)
            if hashlib.md5(content, usedforsecurity=False).hexdigest() == checksum:
                return content
            problems.append(f"{host}: wrong checksum")
        except Exception as error:  # whatever a proxy, a firewall or a mirror comes up with: on to the next
            problems.append(f"{host}: {getattr(error, 'reason', None) or error}")
        mirrors.append(mirrors.pop(0))
    raise DownloadError(f"the download of {file} failed ({'; '.join(problems)})")


def receive(url: str, silence: float) -> bytes:
    """Return what `url` sends, showing how far it is.

    A second thread listens, because a look-up of the host or a connection to each of its addresses in turn may
    take minutes whatever their timeout. Raises DownloadError after `silence` seconds, where the end is missing, or for
    more than MOST_BYTES.
    """
    heard: queue.Queue = queue.Queue(maxsize=64)  # the thread waits rather than filling the memory
    threading.Thread(target=_listen, args=(url, silence, heard), daemon=True).start()
    content, size, drawn = bytearray(), None, time.monotonic()
    try:
        while item := heard.get(timeout=silence):
            if isinstance(item, Exception):
                raise item
            if size is None:
                size = announced(item)
                continue
            content += item
            if max(size, len(content)) > MOST_BYTES:
                raise DownloadError(f"sent more than {MOST_BYTES / 1e6:.0f} MB")
            if time.monotonic() - drawn > 0.2:
                drawn = time.monotonic()
                _show(url.rsplit("/")[-1], len(content), size)
    except queue.Empty:
        raise DownloadError(f"silent for {silence:g} s") from None
    finally:
        print("\r" + " " * 78, end="\r", flush=True)
    if len(content) < size:
        raise DownloadError(f"the connection ended after {len(content):,} of {size:,} bytes")
    return bytes(content)


def announced(headers) -> int:
    """Return the number of bytes that the headers announce, 0 where they do not."""
    length = headers.get("Content-Length") or ""
    return int(length) if length.isascii() and length.isdigit() else 0


def _listen(url: str, silence: float, heard: queue.Queue) -> None:
    """Put what arrives into the queue: first the headers, then blocks of bytes, b"" at the end, or the error."""
    try:
        with urlopen(url, timeout=2 * silence) as response:  # `receive` gives up first
            heard.put(response.headers)
            while block := response.read(1 << 16):
                heard.put(block)
            heard.put(b"")
    except Exception as error:
        heard.put(error)


def _show(file: str, done: int, size: int) -> None:
    """Draw one line of progress over the last one, in letters that every console can show."""
    bar = "#" * (20 * done // size) if size else ""
    total = f"of {size / 1e6:.1f} " if size else ""
    print(f"\r{file:26} {bar:.<20} {done / 1e6:.1f} {total}MB", end="", flush=True)
