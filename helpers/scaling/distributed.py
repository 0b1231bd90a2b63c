"""One training run shared by several processes: each holds the net, and takes its slice of every batch."""

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from helpers.data import load_data_fashion_mnist
from helpers.training.checks import check_batch, rate_at
from helpers.training.loop import evaluate_accuracy, xavier
from helpers.training.recipes import Recipe

from .checkpoint import CheckpointError, compare_settings, load_checkpoint, save_checkpoint
from .sync_batch_norm import synchronised


class Place(NamedTuple):
    """Which of `world` processes this one is, the device that it computes on, and how they talk."""

    rank: int
    world: int
    device: torch.device
    backend: str

    def __str__(self) -> str:
        return f"{self.world} process{'es' if self.world > 1 else ''} on {self.device.type} ({self.backend})"


def find_place(device: str = "auto") -> Place:
    """Return this process's place, from what torchrun wrote into the environment; without torchrun it is alone.

    "auto" takes CUDA if each process of this machine gets a GPU of its own; with "cuda" they share those there are.
    """
    rank, world, local, here = (int(os.environ.get(name, default)) for name, default in (
        ("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0), ("LOCAL_WORLD_SIZE", 1)))
    gpus = torch.cuda.device_count()
    if device == "cuda" and not gpus:
        raise ValueError("there is no CUDA device here: leave --device out, or say --device cpu")
    if device == "cpu" or gpus < (here if device == "auto" else 1):
        return Place(rank, world, torch.device("cpu"), "gloo")
    nccl = gpus >= here and dist.is_nccl_available()
    return Place(rank, world, torch.device("cuda", local % gpus), "nccl" if nccl else "gloo")


@contextlib.contextmanager
def joined(place: Place, timeout: float) -> Iterator[None]:
    """Connect this process with the others; who does not hear from them for `timeout` seconds gives up with an error.

    Processes that are all on this machine talk over its loopback device. NCCL is told which GPU is this process's.
    """
    one_machine = os.environ.get("WORLD_SIZE") == os.environ.get("LOCAL_WORLD_SIZE")
    if one_machine and os.name == "posix":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    if place.device.type == "cuda":
        torch.cuda.set_device(place.device)
    alone, wait = "RANK" not in os.environ, timedelta(seconds=timeout)
    store = dist.HashStore() if alone else next(dist.rendezvous("env://", timeout=wait))[0]
    if one_machine:
        # torchrun keeps one store: after a restart gloo would find there the addresses of the dead, and wait for them
        store = dist.PrefixStore(f"start {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", store)
    gpu = place.device if place.backend == "nccl" else None  # gloo talks through the CPU's memory
    dist.init_process_group(place.backend, store=store, rank=place.rank, world_size=place.world, timeout=wait,
                            device_id=gpu)  # fmt: skip
    failed = True
    try:
        yield
        failed = False
    finally:
        if alone or not failed:  # after an error the others may be gone, and taking leave would wait for them
            dist.destroy_process_group()


class DistributedRun:
    """One training run, as one of its processes sees it.

    The weights keep PyTorch's plain order in memory: with channels last, in the even background of the pictures,
    rounding decides between equal maxima, and gradients then differ by a hundredth between one process and two.
    `step` counts the steps done of `total`; `images` and `seconds` what this program itself has trained on, and how
    long. `records` holds a dictionary for each step: step, epoch, loss, here and there images_per_second, test_acc.
    """

    def __init__(self, plan: Recipe, place: Place, seed: int = 0, num_epochs: int | None = None):
        """Load the data, build the net, and give it the first weights that follow from the seed."""
        self.place, self.seed, self.lr = place, seed, plan.lr
        self.train_iter, self.test_iter = load_in_turn(plan, place)
        self.num_epochs = num_epochs or plan.epochs(self.train_iter)
        self.total = self.num_epochs * len(self.train_iter)
        torch.manual_seed(seed)
        self.net = plan.build().apply(xavier).to(place.device)
        check_batch(self.net, *self.train_iter.batch(slice(2)), place.device)
        ids = [place.device.index] if place.device.type == "cuda" else None
        self.net = synchronised(self.net)
        self.shared = DistributedDataParallel(self.net, device_ids=ids)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=rate_at(self.lr, 0.0))
        self.step, self.images, self.records, self.losses = 0, 0, [], []
        self.seconds, self.shuffled = 0.0, None
        self.settings = {name: str(value) for name, value in {
            **plan.settings(), "net": plan.net, "num_epochs": self.num_epochs, "seed": seed,
            "pictures": f"{self.train_iter.num_images} of {self.train_iter.source}"}.items()}  # fmt: skip

    def advance(self) -> None:
        """Take one step: this process's slice of the batch, the mean gradient of all slices."""
        rows, place = self.rows(), self.place
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.lr, self.step / self.total)
        torch.manual_seed((self.seed * 1_000_003 + self.step) * place.world + place.rank)  # dropout, also when resumed
        X, y = self.train_iter.batch(rows.tensor_split(place.world)[place.rank])
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.shared(X), y, reduction="sum")
        (loss * (place.world / len(rows))).backward()  # slices differ in size: their mean is that of the batch
        self.optimizer.step()
        self.losses.append(loss.detach().double() / len(rows))
        self.step, self.images = self.step + 1, self.images + len(rows)

    def rows(self) -> torch.Tensor:
        """Return the rows of the next batch: one shuffle an epoch, the same for every number of processes."""
        epoch, i = divmod(self.step, len(self.train_iter))
        if epoch != self.shuffled:
            generator = torch.Generator().manual_seed(self.seed + epoch)
            self.order, self.shuffled = torch.randperm(self.train_iter.num_images, generator=generator), epoch
        size = self.train_iter.batch_size
        return self.order[i * size : (i + 1) * size]

    def read(self) -> list[dict]:
        """Return new records for the steps since the last call; ArithmeticError if a loss is not finite.

        In between the losses wait on the device: the steps need no word from it.
        """
        losses = torch.stack(self.losses)
        dist.all_reduce(losses)
        first, per_epoch = self.step - len(self.losses), len(self.train_iter)
        new = [{"step": step + 1, "epoch": step // per_epoch + 1, "loss": loss}
               for step, loss in enumerate(losses.tolist(), first)]
        for record in new:
            if not math.isfinite(record["loss"]):
                raise ArithmeticError(f"the loss became {record['loss']} in step {record['step']}: take a smaller --lr")
        self.losses = []
        self.records += new
        return new

    def accuracy(self) -> float:
        """Return the share of the test pictures that the net gets right; each process looks at its slice."""
        slices = torch.arange(self.test_iter.num_images).tensor_split(self.place.world)
        rows, hits = slices[self.place.rank], 0
        if len(rows):
            batches = map(self.test_iter.batch, rows.split(self.test_iter.batch_size))
            hits = round(evaluate_accuracy(self.net, batches, self.place.device) * len(rows))
        hits = torch.tensor(hits, device=self.place.device)
        dist.all_reduce(hits)
        return int(hits) / self.test_iter.num_images

    def state(self) -> dict:
        """Return all that it takes to go on from here."""
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step,
                "epoch": self.step // len(self.train_iter), "seed": self.seed, "settings": self.settings,
                "records": self.records}

    def restore(self, path: Path) -> None:
        """Go back to the state in this file; CheckpointError if it is damaged or belongs to other settings."""
        state = load_checkpoint(path)
        if missing := self.state().keys() - state.keys():
            raise CheckpointError(f"{path} is no checkpoint of a training run: it lacks {', '.join(sorted(missing))}")
        compare_settings(state["settings"], self.settings, path)
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.records = state["step"], state["records"]

    def store(self, path: Path) -> None:
        """Write the state to this file, in process 0; the others wait until it is there."""
        if self.place.rank == 0:
            save_checkpoint(self.state(), path)
        dist.barrier()


def load_in_turn(plan: Recipe, place: Place) -> tuple:
    """Return (train_iter, test_iter) on the process's device; process 0 goes first, the others find what it fetched."""
    if place.rank:
        dist.barrier()
    data = load_data_fashion_mnist(**plan.data, device=place.device, download=False if place.rank else None)
    if not place.rank:
        dist.barrier()
    agree([(batches.source, batches.num_images) for batches in data], "data: put the set into a folder they all see")
    return data


def agree(value, what: str) -> None:
    """Wait for all processes; CheckpointError if this value is not the same for each."""
    values = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    if any(other != value for other in values):
        raise CheckpointError(f"the processes do not have the same {what} ({values})")
