"""Checkpoints: there whole or not at all, one writer, damage found, no code run, settings compared."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from helpers.scaling import checkpoint
from helpers.scaling.checkpoint import (
    CheckpointError,
    compare_settings,
    load_checkpoint,
    save_checkpoint,
    sole_writer,
)

ROOT = Path(__file__).parents[2]


def state(number=1.0):
    return {"net": {"weight": torch.full((40, 30), number)}, "step": 7, "records": [{"step": 1, "loss": 0.1 + 0.2}],
            "settings": {"lr": "0.9"}}  # fmt: skip


def assert_same(found, wanted):
    assert torch.equal(found["net"]["weight"], wanted["net"]["weight"])
    assert {**found, "net": None} == {**wanted, "net": None}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "new folder" / "run.pt"
    save_checkpoint(state(), path)
    return path


def test_what_was_stored_comes_back_and_nothing_else_lies_there(path):
    assert_same(load_checkpoint(path), state())
    save_checkpoint(state(2.0), str(path))
    assert_same(load_checkpoint(str(path)), state(2.0))
    assert os.listdir(path.parent) == ["run.pt"]


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_an_end_in_the_middle_of_writing_leaves_the_old_one_whole(path, monkeypatch, error):
    def half(state, file):
        file.write(b"PK\3\4 half of a file")
        raise error

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(type(error)):
        save_checkpoint(state(2.0), path)
    assert_same(load_checkpoint(path), state())
    monkeypatch.undo()
    save_checkpoint(state(3.0), path)
    assert_same(load_checkpoint(path), state(3.0))
    assert os.listdir(path.parent) == ["run.pt"]


WRITER = """import os, sys, torch
from helpers.scaling.checkpoint import save_checkpoint, sole_writer
path, number, kind = sys.argv[1:]
if kind == "killed":
    torch.save = lambda state, file: (file.write(b"half"), file.flush(), os.kill(os.getpid(), 9))
print("ready", flush=True)
sys.stdin.readline()
for i in range(12):
    save_checkpoint({"net": {"weight": torch.full((400, 300), float(number))}, "step": i}, path)
"""


def writer(path, number, kind="whole"):
    """A process that stores states full of this number, as soon as a line is written to it."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number), kind], cwd=ROOT,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    process.stdout.readline()
    return process


def test_two_writers_do_not_harm_each_other(path):
    writers = [writer(path, number) for number in (1, 2)]
    for process in writers:
        process.stdin.write(b"\n")
        process.stdin.flush()
    seen = set()
    while any(process.poll() is None for process in writers):
        weight = load_checkpoint(path)["net"]["weight"]
        seen.add(float(weight[0, 0]))
        assert bool((weight == weight[0, 0]).all())
    assert [process.wait(20) for process in writers] == [0, 0] and seen - {1.0, 2.0} == set()
    assert load_checkpoint(path)["step"] == 11 and os.listdir(path.parent) == ["run.pt"]


@pytest.mark.skipif(os.name == "nt", reason="kills itself by a signal")
def test_what_a_killed_writer_leaves_goes_with_the_next_run(path):
    writer(path, 1, "killed").communicate(b"\n")
    parts = set(os.listdir(path.parent)) - {"run.pt"}
    assert len(parts) == 1 and parts.pop().endswith(".part")
    other = path.with_name("run.pt2.1-2.part")
    other.write_text("of another checkpoint")
    with sole_writer(path):
        assert set(os.listdir(path.parent)) == {"run.pt", "run.pt.lock", other.name}
        assert_same(load_checkpoint(path), state())
    assert set(os.listdir(path.parent)) == {"run.pt", other.name}


def test_one_run_at_a_time(path):
    with sole_writer(path):
        with pytest.raises(CheckpointError, match=rf"by another run, process {os.getpid()} on .*: wait for its end"):
            with sole_writer(path, patience=0.1):
                pytest.fail("two writers")
        with sole_writer(path.with_name("other.pt")):
            pass
    with sole_writer(path, patience=0):
        pass


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_the_file_has_its_lock_and_stays_a_link(path):
    save_checkpoint({"step": 1}, path)
    link = path.with_name("link.pt")
    link.symlink_to(path)
    with sole_writer(path), pytest.raises(CheckpointError, match="is being written by another run"):
        with sole_writer(link, patience=0):
            pytest.fail("two writers")
    save_checkpoint({"step": 2}, link)
    assert link.is_symlink() and load_checkpoint(path) == {"step": 2}


def test_a_run_that_is_just_ending_is_waited_for(path):
    with sole_writer(path):
        pass
    first = checkpoint.locked(path.with_name("run.pt.lock"))
    threading.Timer(0.3, first.close).start()
    with sole_writer(path, patience=10):
        assert f"process {os.getpid()}" in path.with_name("run.pt.lock").read_text()


def test_a_disk_without_locks_is_named(path, monkeypatch):
    def unknown(file):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(checkpoint, "lock", unknown)
    with pytest.raises(CheckpointError, match=r"knows no locks \(Operation not supported\).*another disk"):
        with sole_writer(path):
            pytest.fail("no lock")


def test_the_bytes_reach_the_disk_before_the_name_does(path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(checkpoint.os, "fsync", lambda file: (calls.append("fsync"), fsync(file)))
    monkeypatch.setattr(checkpoint.os, "replace", lambda *names: (calls.append("replace"), replace(*names)))
    save_checkpoint(state(2.0), path)
    assert calls == (["fsync", "replace", "fsync"] if os.name == "posix" else ["fsync", "replace"])


def test_a_changed_byte_is_found_wherever_it_matters(path):
    content, found = path.read_bytes(), 0
    for position in range(3, len(content), 61):
        damaged = bytearray(content)
        damaged[position] ^= 16
        path.write_bytes(damaged)
        try:
            assert_same(load_checkpoint(path), state())  # it hit a byte that only fills up the file
        except CheckpointError as error:
            found += 1
            assert str(path) in str(error) and "delete it" in str(error)
    assert found > 50


def test_a_changed_weight_is_found(path):
    content = path.read_bytes()
    place = content.index(torch.full((40,), 1.0).numpy().tobytes()) + 100
    path.write_bytes(content[:place] + b"\x11" + content[place + 1 :])
    with pytest.raises(CheckpointError, match=r"run\.pt is no whole checkpoint \(its part .*data/0 is damaged\)"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\3\4" + bytes(100)])
def test_another_file_is_refused_by_name(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"run\.pt is no whole checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointError, match=r"run\.pt is no whole checkpoint"):
        load_checkpoint(path)


def test_a_tensor_alone_is_refused(path):
    torch.save(torch.zeros(2), path)
    with pytest.raises(CheckpointError, match="holds no dictionary"):
        load_checkpoint(path)


class Trap:
    """An object whose unpickling would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_with_code_in_it_does_not_run(path, tmp_path):
    torch.save({"net": Trap(tmp_path / "sprung")}, path)
    with pytest.raises(CheckpointError, match=r"run\.pt"):
        load_checkpoint(path)
    assert not (tmp_path / "sprung").exists()


def test_a_missing_file_is_just_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "run.pt")


def test_settings_that_differ_are_named():
    compare_settings({"lr": "0.9", "net": "lenet"}, {"net": "lenet", "lr": "0.9"}, "run.pt")
    with pytest.raises(CheckpointError) as error:
        compare_settings({"lr": "0.9", "net": "lenet", "width": "1"}, {"lr": "0.5", "net": "lenet"}, "run.pt")
    assert "run.pt belongs to another run (lr is 0.9 there and 0.5 here; width is 1 there and None here)" in str(
        error.value)  # fmt: skip
