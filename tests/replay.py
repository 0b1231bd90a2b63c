"""Run notebooks in the profile gpu on a machine that has none: python -m tests.replay [NUMBER ...] [--batches N]

Or from other seeds, in any profile: python -m tests.replay 07 --profile cpu --whole --shift 100 --keep /tmp/shifted

Sizes, rates and starts are those of the profile; only the numbers of steps are cut: no data set holds more than N
batches (2), no training more than two epochs, and what a lesson's settings call steps, rounds and seconds becomes 4, 1
and 0.1. Sets of small pictures keep 1,000, as the notebooks look at so many;
a notebook that needs longer (07, 12, 14: its claims are about trained nets) is cheap enough to run `--whole`, with
nothing cut. A cell that stops fails the replay. A claim (an `assert`) that does not hold after so few steps is listed,
to be judged by a reader: one about accuracy may have to wait for the steps that were cut, any other is false.

`--shift K` adds K to every seed that the notebook and the helpers set in its process: what holds for one draw alone
fails. (`pytest --shift K tests/claims` does it to the proofs.) `--keep FOLDER` stores what ran, to compare its numbers
with the sentences. The learner knows nothing of this: a first cell put before the notebook does it.
"""

import argparse
import inspect
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 2
WHOLE = 10**9  # batches or epochs: more than any notebook has
SMALL = 1000  # pictures of at most 32 px, kept whatever the number of batches
FEWER = {"steps": 4, "rounds": 1, "seconds": 0.1}  # at most, in a lesson's settings


def shift_seeds(by):
    """Add a number to every seed that is set in this process from here on."""
    import numpy
    import torch

    class Generator(torch.Generator):
        def manual_seed(self, seed):
            return super().manual_seed(seed + by)

    def shifted(start):
        return lambda seed=None: start(seed + by if isinstance(seed, int) else seed)  # else a generator, say

    torch.Generator, torch.manual_seed = Generator, shifted(torch.manual_seed)
    numpy.random.default_rng = shifted(numpy.random.default_rng)


SETUP = (
    inspect.getsource(shift_seeds)
    + """
import ast
import torch as _torch
from helpers.data import batches as _batches
from helpers.training import loop as _loop

def _cut(build):
    def short(self, images, labels, batch_size, **options):
        side = options.get("resize") or images.shape[-1]
        most = max({batches} * batch_size, {small} if side <= 32 else 0)
        count = min(most, len(images))
        order = _torch.zeros(len(labels), dtype=_torch.long)
        for k in labels.unique():  # each class's first picture, then each one's second, and so on
            order[labels == k] = _torch.arange(int((labels == k).sum()))
        some = order.argsort(stable=True)[:count].sort().values
        build(self, images[some], labels[some], batch_size, **options)
    return short

def _shortened(fit):
    def short(net, train_iter, test_iter, lr, device, history, *others):
        history.num_epochs = min(history.num_epochs, {epochs})
        return fit(net, train_iter, test_iter, lr, device, history, *others)
    return short

def _claim(holds, words):
    if not holds:
        print("CLAIM " + words.replace(chr(10), " "))

class _Settings(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        for word in node.keywords if getattr(node.func, "id", "") == "dict" else []:
            if word.arg in {fewer} and isinstance(word.value, ast.Constant):
                word.value.value = min(word.value.value, {fewer}[word.arg])
        return node

class _Claims(ast.NodeTransformer):
    def visit_Assert(self, node):
        call = ast.parse("_claim(0, 0)").body[0]
        call.value.args = [node.test, ast.Constant(ast.unparse(node.test))]
        return ast.copy_location(ast.fix_missing_locations(call), node)

shift_seeds({shift})
_batches.ImageBatches.__init__ = _cut(_batches.ImageBatches.__init__)
_loop.fit = _shortened(_loop.fit)
get_ipython().ast_transformers.extend([_Settings(), _Claims()])
"""
)


def replay(notebook, folder: Path, profile: str = "gpu", batches: int = 2, epochs: int = EPOCHS,
           small: int = SMALL, shift: int = 0, seconds: int = 3600) -> tuple[list, str]:
    """Run a notebook (nbformat's object) in the folder; return the claims that failed, and why it stopped, or ""."""
    setup, fewer = SETUP, {} if batches == WHOLE else FEWER
    for name, number in (("batches", batches), ("epochs", epochs), ("small", small), ("shift", shift),
                         ("fewer", fewer)):  # fmt: skip
        setup = setup.replace("{" + name + "}", str(number))
    notebook.cells.insert(0, nbformat.v4.new_code_cell(setup))
    before, why = dict(os.environ), ""
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))  # also where it is not installed
    os.environ.update({"CNN_COURSE_PROFILE": profile, "CNN_COURSE_OFFLINE": "1", "PYTHONPATH": paths})
    try:
        NotebookClient(notebook, timeout=seconds, resources={"metadata": {"path": str(folder)}}).execute()
    except Exception as error:  # of a cell, or of nbclient where the kernel died
        why = f"{type(error).__name__}: {error}"[-2000:]
    finally:
        os.environ.clear()
        os.environ.update(before)
    del notebook.cells[0]
    claims = [(number, line.removeprefix("CLAIM "))
              for number, cell in enumerate(notebook.cells) for output in cell.get("outputs", [])
              for line in output.get("text", "").splitlines() if line.startswith("CLAIM ")]  # fmt: skip
    return claims, why


def main(words: list[str] | None = None) -> int:
    """Replay the notebooks and tell; return how many stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="as in 07 12; without it, all")
    parser.add_argument("--profile", default="gpu", help="gpu")
    parser.add_argument("--batches", type=int, default=2, help="that a data set keeps (2)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"that a training has at most ({EPOCHS})")
    parser.add_argument("--whole", action="store_true", help="cut nothing")
    parser.add_argument("--shift", type=int, default=0, help="added to every seed (0)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="store there what ran")
    options = parser.parse_args(words)
    batches, epochs = (WHOLE, WHOLE) if options.whole else (options.batches, options.epochs)
    stopped = 0
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if options.numbers and path.name[:2] not in options.numbers:
            continue
        start = time.monotonic()
        notebook = nbformat.read(path, as_version=4)
        claims, why = replay(notebook, path.parent, options.profile, batches, epochs, shift=options.shift)
        stopped += bool(why)
        print(f"{path.stem}: {'STOPPED' if why else 'ran'} after {time.monotonic() - start:.0f} s", flush=True)
        for number, claim in claims:
            print(f"    cell {number}: {claim}")
        if why:
            print(why, flush=True)
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, options.keep / f"{path.stem}_{options.profile}_{options.shift}.ipynb")
    return stopped


if __name__ == "__main__":
    sys.exit(main())
