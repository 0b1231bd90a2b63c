"""Train a net of part II in several processes, which share the work of each batch (DistributedDataParallel).

  torchrun --standalone --nproc-per-node=2 -m helpers.scaling.train_distributed --net resnet18 --checkpoint run.pt
  python -m helpers.scaling.train_distributed --net resnet18       the same in one process

Every process holds the whole net and the data, and takes its slice of each batch; the gradients are averaged before
each step. They talk over NCCL if each has a GPU of its own, otherwise over gloo. Process 0 alone prints.

Equal for any number of processes, within rounding: first weights, order of the pictures, loss and gradient of each
step (batch normalisation counts over all slices), learning rate, test accuracy. Training may magnify the rounding:
LeNet's curves stay together, those of ResNet-18 part after a few steps, as they do between one thread and two. Not
equal: the masks of dropout, of which every process draws its own (--set dropout=0 does without).

With --checkpoint the run is stored every few steps, whole or not at all, and the same command goes on from there. On
CPUs and with one or two processes it ends with the very weights of a run that nothing stopped; on GPUs with those of a
run within rounding, since they may add up in another order each time. torchrun --max-restarts=3 starts the processes
again by itself. A second run that names the file of one that is running is refused, and no process outlives its
torchrun. Settings come from the recipe of the net: the profile "gpu" where the processes compute on GPUs, "cpu"
where they do not, another one by CNN_COURSE_PROFILE. On Windows there is gloo alone, and torchrun may need USE_LIBUV=0
in the environment.
"""

import argparse
import ast
import contextlib
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch.distributed as dist

from helpers.training import RECIPES, recipe
from helpers.training.loop import READINGS, Cosine, profile

from .checkpoint import CheckpointError, sole_writer
from .distributed import DistributedRun, Place, agree, find_place, joined
from .orphans import end_with_parent

PROGRAM = "helpers.scaling.train_distributed"


def torchrun(num_processes: int, *words, max_restarts: int = 0) -> list[str]:
    """Return the command, for subprocess.run, that trains in so many processes of this machine with these options."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr=localhost"]
    counts = [f"--nproc-per-node={num_processes}", f"--max-restarts={max_restarts}"]
    return [*launcher, *counts, "-m", PROGRAM, *map(str, words)]


def train(options: argparse.Namespace) -> DistributedRun:
    """Do what the options of `parse` ask for, in the group of processes that this one has joined; return the run."""
    run = DistributedRun(options.plan, find_place(options.device), options.seed, options.epochs)
    if options.checkpoint and options.checkpoint.exists():
        run.restore(options.checkpoint)
    agree(run.step, "checkpoint: put it into a folder that they all see")
    if options.checkpoint and not run.step:
        run.store(options.checkpoint)  # a folder that cannot be written shows now, not after the first hundred steps
    resumed = f", resumed after step {run.step:,}" if run.step else ""
    print(f"{options.net}, profile {options.plan.profile}, {run.place}: {run.total:,} steps of "
          f"{run.train_iter.batch_size} pictures{resumed}", flush=True)
    logging = options.losses and run.place.rank == 0
    with open(options.losses, "w", encoding="utf-8") if logging else contextlib.nullcontext() as log:
        write(log, run.records)
        fit(run, options, log)
    test_acc = run.records[-1].get("test_acc") or run.accuracy()
    speed = f", {run.images / run.seconds:,.0f} images/s" if run.images else ""
    print(f"{'finished' if run.step == run.total else 'stopped'} after step {run.step:,}: test accuracy {test_acc:.3f}"
          f"{speed}, {run.place}", flush=True)
    return run


def fit(run: DistributedRun, options: argparse.Namespace, log) -> None:
    """Take the steps that are left, or those up to --max-steps: lines, log and checkpoints on the way."""
    per_epoch, last = len(run.train_iter), min(run.total, options.max_steps or run.total)
    images, start = 0, time.perf_counter()
    while run.step < last:
        run.advance()
        done = run.step % per_epoch
        reading = done % max(1, per_epoch // READINGS) == 0 or run.step == last
        storing = options.checkpoint and (run.step % options.every == 0 or run.step == last)
        new = run.read() if reading or storing else []
        if reading:
            seconds = time.perf_counter() - start
            new[-1]["images_per_second"] = (run.images - images) / seconds
            if done == 0:
                new[-1]["test_acc"] = run.accuracy()
            print(line(run), flush=True)
            run.seconds += seconds
            images, start = run.images, time.perf_counter()
        write(log, new)
        if storing:
            run.store(options.checkpoint)


def line(run: DistributedRun) -> str:
    """Return where the run stands: its last record in words."""
    record = run.records[-1]
    accuracy = f", test accuracy {record['test_acc']:.3f}" if "test_acc" in record else ""
    return (f"epoch {run.step / len(run.train_iter):.1f} of {run.num_epochs}, step {run.step:,}: "
            f"loss {record['loss']:.3f}, {record['images_per_second']:,.0f} images/s{accuracy}")


def write(log, records: list[dict]) -> None:
    """Append a line of JSON for each record, if there is a log."""
    if log:
        log.write("".join(f"{json.dumps(record)}\n" for record in records))
        log.flush()


def count(text: str) -> int:
    """Return a whole number above 0 from the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def setting(text: str) -> tuple[str, object]:
    """Return name and value of NAME=VALUE; the value is a Python literal, or else a text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE, not {text!r}")
    with contextlib.suppress(ValueError, SyntaxError):
        return name, ast.literal_eval(value)
    return name, value


def profile_of(place: Place) -> str:
    """Return the profile whose recipe suits the place, or else the one that CNN_COURSE_PROFILE asks for.

    Two processes on a machine with one GPU compute on its CPU: there the recipe for GPUs would take hours.
    """
    return profile() if os.environ.get("CNN_COURSE_PROFILE") else "gpu" if place.device.type == "cuda" else "cpu"


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line, and with them as `plan` the recipe that they make."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {PROGRAM}", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--net", required=True, choices=RECIPES, help="the net, trained by its recipe")
    add("--epochs", type=count, help="passes over the pictures")
    add("--batch-size", type=count, metavar="N", help="pictures a step, over all processes together")
    add("--num-train", type=count, metavar="N", help="how many of the training pictures")
    add("--lr", type=float, help="learning rate; the highest one, where the recipe's falls")
    add("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
        help="another setting of the recipe, such as width=0.5, dropout=0 or num_test=500; may be repeated")
    add("--seed", type=int, default=0, help="what first weights, shuffles and masks follow from (0)")
    add("--checkpoint", type=Path, metavar="PATH", help="file to store the run in, and to go on from if it is there")
    add("--every", type=count, default=100, metavar="STEPS", help="steps from one checkpoint to the next (100)")
    add("--max-steps", "--steps", type=count, metavar="N", help="end after N steps of the whole run")
    add("--losses", type=Path, metavar="FILE", help="write step, epoch and loss of each step, a line of JSON each")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto",
        help="auto: CUDA if each process has a GPU of its own, otherwise the CPU; with cuda they share those there are")
    add("--timeout", type=float, default=300, metavar="SECONDS", help="longest wait for another process (300)")
    options = parser.parse_args(words)
    wanted = {"batch_size": options.batch_size, "num_train": options.num_train, **dict(options.set)}
    try:
        chosen = profile_of(find_place(options.device))
        plan = recipe(options.net, chosen, **{name: value for name, value in wanted.items() if value is not None})
        if options.lr is not None:
            plan = replace(plan, lr=Cosine(options.lr) if isinstance(plan.lr, Cosine) else options.lr)
        options.plan = plan
    except ValueError as error:
        parser.error(str(error))
    return options


@contextlib.contextmanager
def only_process_0_speaks():
    """Drop what the other processes print; the context's value is where it goes, None in process 0."""
    if int(os.environ.get("RANK", 0)) == 0:
        yield None
    else:
        with open(os.devnull, "w", encoding="utf-8") as silence, contextlib.redirect_stdout(silence):
            yield silence


def lost_another(error: Exception) -> bool:
    """Whether a conversation broke because another process ended or fell silent."""
    return isinstance(error, dist.DistBackendError) or any(word in str(error) for word in ("gloo", "Connection"))


def main(words: list[str] | None = None) -> int:
    """Train as the command line says; return the exit status."""
    rank = int(os.environ.get("RANK", 0))
    if "TORCHELASTIC_RUN_ID" in os.environ:
        end_with_parent()
    with only_process_0_speaks() as silence:
        with contextlib.redirect_stderr(silence or sys.stderr):
            options = parse(words)
        try:
            writing = rank == 0 and options.checkpoint
            with sole_writer(options.checkpoint) if writing else contextlib.nullcontext():
                with joined(find_place(options.device), options.timeout):
                    train(options)
        except (CheckpointError, ArithmeticError, OSError) as error:  # alike in all processes, but for a full disk
            if rank == 0 or isinstance(error, OSError):
                print(f"{PROGRAM}: {error}", file=sys.stderr)
            return 1
        except RuntimeError as error:
            if not lost_another(error):
                raise
            print(f"{PROGRAM}: process {rank} ends, because another one is gone or silent; with --checkpoint the same "
                  "command goes on from the last one stored", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # All is written. At an ordinary end a thread of gloo that nobody joins aborts one process in some ten runs.
    os._exit(status)
