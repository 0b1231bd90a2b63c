"""What two processes do under test_train_distributed.py: torchrun starts this file once for all of its cases.

First they go on with the run that was killed, by the program's own `main`, as its own command would.
"""

import contextlib
import os
import sys
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from helpers.data import ImageBatches
from helpers.scaling.distributed import find_place, joined
from helpers.scaling.sync_batch_norm import synchronised
from helpers.scaling.train_distributed import main, only_process_0_speaks, parse, train

NORMS = {  # shape of the whole batch, and how many pictures of it process 0 takes
    "halves": ((6, 3, 5, 4), 3), "uneven": ((5, 2, 3, 3), 4), "one is empty": ((1, 3, 4, 4), 1), "flat": ((7, 4), 3),
}  # fmt: skip
RUNS = {  # the last batch is smaller, and slices differ in size
    "lenet": "--net lenet --epochs 2 --batch-size 16",
    "resnet18": "--net resnet18 --epochs 2 --batch-size 17 --set width=0.07",
}
EXACT = {  # in double precision, where rounding stays small even through batch norm over few values
    "last batch of one picture": "--net lenet --epochs 1 --batch-size 7",
    "resnet18 exactly": RUNS["resnet18"],
    "bn_lenet": "--net bn_lenet --epochs 2 --batch-size 16",
    "googlenet": "--net googlenet --epochs 1 --batch-size 16 --set width=0.05",
    "alexnet without dropout": "--net alexnet --epochs 1 --batch-size 16 --set dropout=0 --set width=0.05",
}
LONG = "--net lenet --epochs 5 --batch-size 10 --every 10"  # 100 steps: time to kill a process


def words(options, folder, name):
    """The command line of a run, its files in the folder under this name."""
    few = [] if options == LONG else ["--num-train", "50"]
    return [*options.split(), *few, "--losses", f"{folder / name}.log", "--checkpoint", f"{folder / name}.pt"]


@contextlib.contextmanager
def double():
    """Nets and pictures in double precision."""
    take = ImageBatches._take
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.object(ImageBatches, "_take", lambda self, rows: (take(self, rows)[0].double(),
                                                                          take(self, rows)[1])):  # fmt: skip
            yield
    finally:
        torch.set_default_dtype(torch.float32)


def normalised(shape, ours, rows):
    """Two steps and an evaluation of a batch normalisation on these rows of a batch, as a dictionary of tensors."""
    torch.manual_seed(1)
    layer = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(shape[1]).double()
    nn.init.normal_(layer.weight)
    layer = synchronised(layer) if ours else layer
    found = {}
    for i in range(2):
        X = (3 * torch.randn(shape, dtype=torch.float64) + 5)[rows].requires_grad_()
        slope = torch.randn(shape, dtype=torch.float64)[rows]
        Y = layer(X)
        (Y * slope).sum().backward()
        found[f"Y{i}"], found[f"dX{i}"] = Y.detach(), X.grad
    found["evaluated"] = layer.eval()(X).detach()
    return {**found, **layer.state_dict(), "dweight": layer.weight.grad, "dbias": layer.bias.grad}


def cases(folder):
    """Do what the tests compare with one process."""
    place = find_place("cpu")
    os.environ["TORCHELASTIC_RESTART_COUNT"] = "of the cases"  # names the place in torchrun's store: a second group
    with only_process_0_speaks(), joined(place, timeout=60):
        for name, (shape, first) in NORMS.items():
            rows = slice(None, first) if place.rank == 0 else slice(first, None)
            torch.save(normalised(shape, True, rows), folder / f"{name} {place.rank}.norm")
        far = 1000 + torch.randn(8, 2, 6, 6, generator=torch.Generator().manual_seed(1))
        half = synchronised(nn.BatchNorm2d(2))(far.tensor_split(2)[place.rank])
        torch.save(half.detach(), folder / f"far from 0 {place.rank}.norm")
        for name, options in {**RUNS, "stopped": f"{RUNS['lenet']} --max-steps 3", "undisturbed": LONG}.items():
            train(parse([*words(options, folder, name), "--device", "cpu"]))
        with double():
            for name, options in EXACT.items():
                train(parse([*words(options, folder, name), "--device", "cpu"]))


if __name__ == "__main__":
    killed, own = map(Path, sys.argv[1:])
    status = main([*map(str, words(LONG, killed, "run")), "--device", "cpu"])
    cases(own)
    sys.stdout.flush()
    os._exit(status)  # as the program itself ends
