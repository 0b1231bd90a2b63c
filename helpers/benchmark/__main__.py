"""Everything that the course has measured, measured again: python -m helpers.benchmark [part ...] [--full] [--store]

Without a part all of them run. Whoever is compared takes turns on the same machine. `training --full` trains for ten
epochs instead of one: about 15 minutes on two cores. `nets` trains every network of the course by its recipe, about ten
minutes for three seeds; `nets --store` keeps the results, from where notebook 13 reads them, `depth --store` the runs
that its depth lab starts with. `gpu --to FILE` measures on one machine, `gpu --from FILE --store` puts it into the
course on another.
"""

import argparse
import sys
from pathlib import Path

from helpers.training import RECIPES, profile

from .gpu_table import load_gpu, of_a_gpu
from .measure import machine, table


def loader(options):
    """A full pass over the training set in batches of 256, at 28 and at 96 px: d2l's loader and the course's."""
    from .functions import loader_table

    return loader_table()


def corr2d(options):
    """Cross-correlation of one picture with a 3x3 kernel: the book's loop, the course's taps, PyTorch's own."""
    from .functions import corr2d_table

    return corr2d_table()


def training(options):
    """LeNet on the whole data set, lr 0.9, batch 256: wall-clock over everything, test accuracy as mean ± sd."""
    from .training import training_rows

    return training_rows(options.full)


def curve(options):
    """The curves that grow during training."""
    from .training import curve_rows

    return curve_rows()


def widgets(options):
    """The kernel explorer, from a move of its slider to the new picture: in Python, and in JupyterLab and Chromium."""
    from .widgets import as_table, widgets_table

    return as_table(widgets_table())


def scratch(options):
    """The convolutional net in NumPy beside the same net in PyTorch, same weights and losses, on one thread each."""
    from .scratch import scratch_rows

    return scratch_rows()


def nets(options):
    """The networks of the course, each by its recipe over several seeds."""
    from .nets import measure_nets

    return repr(measure_nets(options.only, options.seeds, options.store, options.more))


def depth(options):
    """A plain and a residual tower of the depth lab, trained for a moment."""
    from .depth import depth_runs, store

    measured = depth_runs()
    if options.store:
        store(measured)
    lines = ["| blocks | skip connection | loss | test accuracy |", "|---:|---|---:|---:|"]
    for run in measured["runs"]:
        _, loss, accuracy = run["points"][-1]
        kind = run["settings"]
        lines.append(f"| {kind['blocks']} | {'yes' if kind['skip'] else 'no'} | {loss:.3f} | {accuracy:.3f} |")
    return "\n".join(lines)


def levers(options):
    """Training ResNet-18 by its recipe, one lever after the other tried on the best so far and kept where it gains."""
    from helpers.scaling import compare_levers
    from helpers.training import recipe

    settings = recipe("resnet18")
    speeds = compare_levers(settings.build, settings.load()[0])
    lines = [f"| {speed.name} | {speed.images_per_second:,.0f} | {speed.gain:.2f} | {'yes' if speed.kept else 'no'} | "
             f"{speed.first_step:.2g} s |" for speed in speeds]  # fmt: skip
    head = ["| lever | images/s | times faster than without it | kept | first step |", "|---|---:|---:|---|---:|"]
    return "\n".join([*head, *lines])


def gpu(options):
    """On a GPU, nine minutes: the book's networks at its sizes, their accuracy, our own kernel, every notebook."""
    from .gpu import gpu_part

    return gpu_part(options.store, options.to, options.found)


# Each returns rows (measure.Row) or a table's text.
PARTS = {part.__name__: part for part in (loader, corr2d, training, curve, widgets, scratch, nets, depth, levers, gpu)}


def measured_elsewhere(name: str) -> dict:
    """Read the results of `benchmark gpu` for the command line, which says what is wrong with the file."""
    try:
        found = load_gpu(Path(name))
    except ValueError as error:
        raise argparse.ArgumentTypeError(error) from error
    if found is None:
        raise argparse.ArgumentTypeError(f"there is no file {name}")
    return found


def parse(words: list[str] | None) -> argparse.Namespace:
    """Read the command line; an unknown part or net ends the program with the names there are."""
    parser = argparse.ArgumentParser(prog="python -m helpers.benchmark", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one of {', '.join(PARTS)}; without it, all of them")
    parser.add_argument("--full", action="store_true", help="training: ten epochs instead of one")
    parser.add_argument("--only", action="append", metavar="NET", help=f"nets: one of {', '.join(RECIPES)}; repeatable")
    parser.add_argument("--seeds", type=int, default=3, help="nets: runs of each net (3)")
    parser.add_argument("--more", action="store_true", help="nets: further seeds, behind those that are stored")
    parser.add_argument("--store", action="store_true", help="nets, depth and gpu: keep the results")
    parser.add_argument("--to", type=Path, metavar="FILE", help="gpu: write there, piece by piece, what is found")
    parser.add_argument("--from", dest="found", type=measured_elsewhere, metavar="FILE",
                        help="gpu: read it there, measure nothing")  # fmt: skip
    options = parser.parse_args(words)
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}: choose among {', '.join(PARTS)}")
    if unknown := [name for name in options.only or () if name not in RECIPES]:
        parser.error(f"there is no net {', '.join(unknown)}: choose among {', '.join(RECIPES)}")
    if options.store and options.found and not of_a_gpu(options.found):
        parser.error(f"--from: these results are of the device {options.found['device']!r}: only a GPU's are stored")
    if options.seeds < 1:
        parser.error("--seeds must be 1 or more")
    return options


def main(words: list[str] | None = None) -> int:
    """Print the machine and the table of each named part; return the exit status."""
    options = parse(words)
    print(f"{machine()}, profile {profile()}")
    for name in options.parts or PARTS:
        print(f"\n{PARTS[name].__doc__.splitlines()[0]}")
        measured = PARTS[name](options)
        print(measured if isinstance(measured, str) else table(measured), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
