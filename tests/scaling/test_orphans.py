"""Two runs on one checkpoint, and workers without their torchrun: real processes, killed from outside."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.scaling import orphans
from helpers.scaling.checkpoint import load_checkpoint
from helpers.scaling.train_distributed import main

from .distributed_cases import LONG, words
from .started import ROOT, Started, few_pictures  # noqa: F401  (a fixture)

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds the processes in /proc")


def alive(process):
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def ended(processes, seconds):
    """Whether all of them have ended within so many seconds."""
    end = time.monotonic() + seconds
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(alive, processes))


def test_a_second_run_is_refused_and_no_worker_outlives_its_torchrun(tmp_path, settings, monkeypatch, capsys):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    endless = LONG.replace("--epochs 5", "--epochs 5000")
    with Started(tmp_path, settings, endless) as run:
        run.wait_for(steps=15)
        workers = [run.process(rank, 0) for rank in range(2)]
        assert all(map(alive, workers))
        assert main([*words(endless, tmp_path, "run"), "--device", "cpu"]) == 1
        said = capsys.readouterr().err
        assert f"run.pt is being written by another run, process {workers[0]} on " in said and said.count("\n") == 1
        run.torchrun.send_signal(signal.SIGKILL)
        run.torchrun.wait(20)
        assert ended(workers, 5), "nobody is left who writes"
    step = load_checkpoint(tmp_path / "run.pt")["step"]
    assert step >= 10
    assert main([*words(endless, tmp_path, "run"), "--device", "cpu", "--max-steps", str(step + 10)]) == 0
    assert f"resumed after step {step:,}" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path)) == ["printed", "run.log", "run.pt"]


CHILD = """import sys, time
from helpers.scaling import orphans
if sys.argv[1] == "thread":
    orphans.kernel_tells, orphans.GLANCE = lambda: False, 0.1
orphans.end_with_parent()
print("ready", flush=True)
time.sleep(60)
"""
PARENT = """import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["kernel", "thread"])
def test_a_process_ends_with_the_one_that_started_it(how):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, how], cwd=ROOT, stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.communicate()
    assert ended([child], 5)


def test_where_the_kernel_tells_nothing_a_thread_looks(monkeypatch):
    monkeypatch.setattr(orphans.sys, "platform", "darwin")
    assert not orphans.kernel_tells()
