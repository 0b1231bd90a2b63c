"""What `benchmark gpu` has measured: as tables, and put where the course shows it, results/gpu.json and the README."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

from helpers.drawing import Table
from helpers.place import course_folder

from .steps import write

STORED = Path(__file__).parent / "results" / "gpu.json"
# Images/s of a V100 in the outputs that d2l 0.17 publishes: forward, backward and step alone, no loading.
BOOKS = {"lenet": 84_000, "alexnet": 4_100, "vgg": 2_600, "nin": 3_200, "googlenet": 3_500, "bn_lenet": 48_000,
         "resnet18": 4_700}  # fmt: skip
BEGIN, END = "<!-- benchmark gpu -->\n", "<!-- /benchmark gpu -->\n"  # around the README's part
NOTHING = "It has been tried on a CPU only: there are no figures of a GPU yet."


def load_gpu(path: Path = STORED) -> dict | None:
    """Return the results that `path` holds, or None where there is no such file; ValueError for another file."""
    if not path.is_file():
        return None
    with contextlib.suppress(UnicodeDecodeError, json.JSONDecodeError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and {"machine", "device", "date"} <= found.keys():
            return found
    raise ValueError(f"{path} was not written by benchmark gpu")


class GpuTable(Table):
    """One table of what a GPU has given; `rows` are its lines, the headings first."""

    def lines(self) -> list[list[str]]:
        """Return the table as text."""
        return list(self.rows)

    def markdown(self) -> str:
        """Return the table as it stands in a README."""
        head, *body = (f"| {' | '.join(line)} |" for line in self.rows)
        return "\n".join([head, "|---|" + "---:|" * (len(self.rows[0]) - 1), *body])


def speeds(found: dict) -> list[list[str]]:
    """Images per second of each net in each mode, forward, backward and step alone, beside the book's."""
    measured = found.get("images_per_second", {})
    modes = list(dict.fromkeys(mode for rates in measured.values() for mode in rates))
    lines = [["images/s, compute alone", *modes, "d2l on a V100", "times"]]
    for net, rates in measured.items():
        cells = (f"{rates[mode]:,.0f}" if mode in rates else "–" for mode in modes)
        lines.append([net, *cells, f"{BOOKS[net]:,}", f"{max(rates.values()) / BOOKS[net]:.1f}"])
    return lines


def accuracies(found: dict) -> list[list[str]]:
    """Test accuracy of the trainings, with their seconds."""
    runs = [(net, mode, run) for net, modes in found.get("trained", {}).items() for mode, run in modes.items()]
    return [["trained by the gpu recipe", "test accuracy", "seconds", "images/s in all"],
            *([f"{net}, {mode}", f"{run['test_accuracy']:.3f}", f"{run['seconds']:.0f}",
               f"{run['images_per_second']:,.0f}"] for net, mode, run in runs)]  # fmt: skip


def convolutions(found: dict) -> list[list[str]]:
    """Our kernel beside the library's."""
    lines = [["10¹² multiply-adds/s, float32", "F.conv2d", "Triton"]]
    for layer, rates in found.get("kernels", {}).items():
        lines.append([layer, *(f"{rates[who] / 1e12:.2f}" if who in rates else "–" for who in ("F.conv2d", "Triton"))])
    return lines


def gpu_tables(*parts: Callable[[dict], list], found: dict | None = None) -> list[GpuTable]:
    """Return tables of the results, or of those that are stored, without those that would be empty; [] for none."""
    found = found or load_gpu() or {}
    return [GpuTable(lines) for lines in (part(found) for part in parts) if len(lines) > 1]


def markdown(found: dict) -> str:
    """Return all tables, and what they were taken on."""
    tables = [table.markdown() for table in gpu_tables(speeds, accuracies, convolutions, found=found)]
    return "\n\n".join([*tables, f"{found['machine']}, {found['date']}."])


def said(found: dict) -> str:
    """Return the tables, what failed, and what the replay said."""
    failed = [f"FAILED {what}: {why}" for what, why in found.get("failed", {}).items()]
    replay = [line for lines in found.get("replay", {}).values() for line in lines]
    return "\n".join([markdown(found), "", *failed, *replay])


def readme_part(found: dict | None) -> str:
    """Return what stands in the README between its two marks."""
    return BEGIN + (markdown(found) if found else NOTHING) + "\n" + END


def of_a_gpu(found: dict) -> bool:
    """Tell whether a GPU gave these results."""
    return str(found["device"]).startswith("cuda")


def store_gpu(found: dict, path: Path = STORED, readme: Path | None = None) -> None:
    """Keep the results for the course, and write their tables into the README. ValueError if no GPU measured them."""
    if not of_a_gpu(found):
        raise ValueError(f"these results are of the device {found['device']!r}: only a GPU's are kept")
    write(found, path)
    readme = readme or course_folder() / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    readme.write_text(before + readme_part(found) + after, encoding="utf-8")
