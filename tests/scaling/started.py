"""Runs of several processes on a few pictures, started as a user would, and killed from outside."""

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from helpers.data.sources import FILES, idx_bytes
from helpers.scaling.train_distributed import torchrun

from .distributed_cases import LONG, words

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", name="settings")
def few_pictures(tmp_path_factory):
    """The environment of a run on 200 training and 23 test pictures, noise with a bright bar; no network."""
    folder = tmp_path_factory.mktemp("data") / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    labels = np.arange(223, dtype=np.uint8) % 10
    images = np.random.default_rng(0).integers(0, 60, (223, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 7] += 180
    for name, array in zip(FILES, (images[:200], labels[:200], images[200:], labels[200:]), strict=True):
        (folder / name).write_bytes(idx_bytes(array))
    return {"CNN_COURSE_DATA": str(folder.parents[1]), "CNN_COURSE_OFFLINE": "1", "CNN_COURSE_PROFILE": "quick",
            "OMP_NUM_THREADS": "1"}  # fmt: skip


class Started:
    """A run of two processes, started as a user would; `kill` ends one of them from outside."""

    def __init__(self, folder, settings, line=LONG, **options):
        self.log = folder / "run.log"
        self.printed = open(folder / "printed", "a+", encoding="utf-8")  # noqa: SIM115  (closed below)
        command = torchrun(2, *words(line, folder, "run"), "--device", "cpu", **options)
        self.torchrun = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings}, stdout=self.printed,
                                         stderr=subprocess.STDOUT)  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.torchrun.poll() is None:
            self.torchrun.terminate()
            self.torchrun.wait(40)
        self.printed.close()

    def process(self, rank, restart):
        """The process number of this rank: a child of torchrun with these numbers in its environment, None so far."""
        wanted = {f"RANK={rank}".encode(), f"TORCHELASTIC_RESTART_COUNT={restart}".encode()}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == self.torchrun.pid and wanted <= {*(folder / "environ").read_bytes().split(b"\0")}:
                    return int(folder.name)
            except OSError:
                continue  # it ended meanwhile
        return None

    def wait_for(self, steps, rank=0, restart=0):
        """Return the process of this rank as soon as it is there and the log has this many steps."""
        end, process = time.monotonic() + 100, None
        while process is None or self.log.read_bytes().count(b"\n") < steps:
            assert self.torchrun.poll() is None and time.monotonic() < end, self.output()
            time.sleep(0.002)
            process = process or (self.process(rank, restart) if self.log.exists() else None)
        return process

    def kill(self, rank, restart, after):
        """End the rank by SIGKILL as soon as it is there and the log has this many steps."""
        os.kill(self.wait_for(after, rank, restart), signal.SIGKILL)

    def output(self):
        self.printed.seek(0)
        return self.printed.read()
