"""What the kernel under a notebook has: versions, processor, device, profile, and the data set it finds."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from helpers.data import find_images
from helpers.drawing import Table
from helpers.training import profile, try_gpu

PACKAGES = {"PyTorch": "torch", "torchvision": "torchvision", "JupyterLab": "jupyterlab", "ipywidgets": "ipywidgets",
            "d2l": "d2l"}  # fmt: skip
MISSING = "not installed"


class Fact(NamedTuple):
    """One line of the table."""

    what: str
    here: str


class Environment(Table):
    """The facts in the order of the table; `environment["device"]` is one of them by its name."""

    def __getitem__(self, key):
        return dict(self.rows)[key] if isinstance(key, str) else super().__getitem__(key)


def describe_environment(download: bool | None = None) -> Environment:
    """Return what this kernel runs on and which data set it finds; it may download it (see `data.sources`)."""
    facts = {"Python": platform.python_version()}
    facts |= {name: version(package) for name, package in PACKAGES.items()}
    if facts["d2l"] == MISSING:
        facts["d2l"] += ": what compares with the book's own functions is left out"
    facts |= {
        "system": f"{platform.system()} on {platform.machine()}",
        "processor": f"{processor_name()}, {count(usable_cores(), 'core')}",
        "device": device_name(try_gpu()),
        "profile": profile() + (" (from CNN_COURSE_PROFILE)" if os.environ.get("CNN_COURSE_PROFILE") else ""),
    }
    found, problems = find_images(allow_download=download)
    sizes = f"{len(found.train_labels):,} training and {len(found.test_labels):,} test images"
    facts |= {"data set": f"{found.source}: {sizes}", "it came from": found.place}
    if found.source == "digits":
        facts["no Fashion-MNIST"] = "; ".join(problems)
    return Environment(Fact(*fact) for fact in facts.items())


def version(package: str) -> str:
    """Return the installed version of a package, or "not installed"."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return MISSING


def processor_name() -> str:
    """Return the processor's name as the system gives it, at the least its kind, as in "x86_64"."""
    name = ""
    try:
        if sys.platform == "darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=5).stdout
        elif sys.platform == "linux":
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
            name = next((line.split(":", 1)[1] for line in lines if line.startswith("model name")), "")
    except (OSError, subprocess.SubprocessError):
        pass
    return name.strip() or platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def count(number: int, noun: str) -> str:
    """Return "1 core", "2 cores"."""
    return f"{number} {noun}" + "s" * (number != 1)


def device_name(device: torch.device) -> str:
    """Return a device with its name and memory: "cuda:0: NVIDIA H100, 80 GB", "mps: Apple M3" or "cpu: 2 threads"."""
    if device.type == "mps":
        return f"{device}: {processor_name()}"
    if device.type != "cuda":
        return f"{device}: {count(torch.get_num_threads(), 'thread')}"
    card = torch.cuda.get_device_properties(device)
    return f"{device}: {card.name}, {card.total_memory / 1e9:.0f} GB"
