"""Faults of the four files at random, one or several at once: pictures come out right, or a sentence says why not."""

import gzip
import os
import random
import struct

import pytest
import torch

from helpers.data import sources
from helpers.data.sources import FILES, find_images

from ..data.fake_data import data_missing, network_off, write_set  # noqa: F401  (fixtures)

TRIES = 300


def truncated(draw, path):
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])


def longer(draw, path):
    path.write_bytes(path.read_bytes() + draw.randbytes(draw.randrange(1, 99)))


def swapped(draw, path):
    other = path.with_name(draw.choice(FILES))
    if other.is_file():
        path.write_bytes(other.read_bytes())


def wrong_magic(draw, path):
    path.write_bytes(draw.randbytes(4) + path.read_bytes()[4:])


def huge_header(draw, path):
    content = bytearray(path.read_bytes())
    for start in range(4, min(len(content) - 4, 16), 4):
        content[start : start + 4] = struct.pack(">I", draw.choice([0, 1, 2**31, 2**32 - 1]))
    path.write_bytes(bytes(content))


def changed_byte(draw, path):
    content = bytearray(path.read_bytes())
    if content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(content))


def garbage(draw, path):
    path.write_bytes(draw.randbytes(draw.choice([0, 1, 7, 1000])))


def packed_garbage(draw, path):
    packed = bytearray(gzip.compress(path.read_bytes()))
    for _ in range(draw.randrange(4)):
        packed[draw.randrange(len(packed))] = draw.randrange(256)
    path.with_name(f"{path.name}.gz").write_bytes(bytes(packed[: draw.randrange(1, len(packed) + 1)]))
    path.unlink()


def bomb(draw, path):
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(bytes(sources.MOST_BYTES + 1)))
    path.unlink()


def link_to_nothing(draw, path):
    path.unlink()
    path.symlink_to(path.with_name("nothing"))


def link_to_itself(draw, path):
    path.unlink()
    path.symlink_to(path)


def link_to_the_system(draw, path):
    path.unlink()
    path.symlink_to(draw.choice(["/dev/zero", "/dev/null", "/"]))


def pipe(draw, path):
    path.unlink()
    os.mkfifo(path)


def folder(draw, path):
    path.unlink()
    path.mkdir()


def no_rights(draw, path):
    path.chmod(draw.choice([0o000, 0o200]))


def missing(draw, path):
    path.unlink()


FAULTS = (truncated, longer, swapped, wrong_magic, huge_header, changed_byte, garbage, packed_garbage, bomb,
          link_to_nothing, link_to_itself, link_to_the_system, pipe, folder, no_rights, missing)  # fmt: skip


@pytest.mark.timeout(900)
@pytest.mark.skipif(os.name == "nt", reason="pipes, links and rights of Unix")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_said_or_does_no_harm(no_data, tmp_path, monkeypatch, fault):
    monkeypatch.setattr(sources, "MOST_BYTES", 2_000_000)
    draw = random.Random(fault.__name__)
    for number in range(TRIES // len(FAULTS)):
        place = tmp_path / str(number)
        raw = write_set(place, n_train=draw.randrange(1, 30))
        others = draw.choices(FAULTS, k=draw.randrange(2))
        for change, name in zip([fault, *others], draw.sample(FILES, 4), strict=False):
            change(draw, raw / name)
        found, problems = find_images(place, allow_download=False)
        assert found.source in ("digits", "own files", "Fashion-MNIST")
        assert (found.source == "digits") == (len(problems) == 2)
        assert all("\n" not in problem and len(problem) < 300 and str(tmp_path) not in problem for problem in problems)
        for images, labels in ((found.train_images, found.train_labels), (found.test_images, found.test_labels)):
            assert images.shape == (len(labels), 1, 28, 28) and images.dtype == torch.uint8 and len(labels) > 0
            assert 0 <= int(labels.min()) and int(labels.max()) < len(found.classes)
