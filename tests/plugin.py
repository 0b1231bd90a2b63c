"""What pytest adds to nbval here: the quick profile, no download, one more 'cell' per notebook for its widgets.

And for a run in several processes: work by file, the slowest first, with a table of the ten slowest at the end. A
plugin named in pyproject.toml, not a conftest, so that it works for `pytest notebooks/02_*.ipynb` too.
"""

import os
from collections import Counter

import nbformat
import pytest

SETTINGS = {"CNN_COURSE_PROFILE": "quick", "CNN_COURSE_OFFLINE": "1", "CNN_COURSE_STRICT": "1",
            "CNN_COURSE_PROGRESS": ""}  # fmt: skip
DRIVE = "from helpers.widgets.kit.driver import drive_all\nprint(drive_all({expected}))"
EACH_ALONE = "tests/test_browser.py"  # its tests go to the processes one by one, not as a file
TOGETHER = "tests/site/"  # its files go to one process: they share one build of the web edition
SLOW = ("tests/claims/", "tests/test_suite_notices.py", "tests/scaling/", "tests/training/", "tests/exercises/",
        "tests/widgets/test_stage.py", "tests/widgets/test_by_hand", "tests/inside/", "tests/anatomy/")  # fmt: skip
SHOWN = 10


def pytest_configure(config):
    """Hand the settings of the tests on to every kernel."""
    os.environ |= SETTINGS


def pytest_collection_modifyitems(items):
    """After the last cell of each notebook, drive its widgets in the same kernel; slow files come first."""
    from nbval.plugin import IPyNbCell

    last = {item.parent: i for i, item in enumerate(items) if isinstance(item, IPyNbCell)}
    for notebook, i in sorted(last.items(), key=lambda entry: -entry[1]):
        expected = notebook.nb.metadata.get("cnn_course", {}).get("widgets", 0)
        cell = nbformat.v4.new_code_cell(DRIVE.format(expected=expected))
        options = {"check": False, "skip": False, "check_exception": False}
        driven = IPyNbCell.from_parent(notebook, name="widgets driven", cell_num=10_000, cell=cell, options=options)
        items.insert(i + 1, driven)
    items.sort(key=lambda item: place_in_line(item.nodeid))  # a stable sort: within a file the order stays


def place_in_line(nodeid: str) -> int:
    """Where a test stands in the order of work: notebooks and browsers take longest, small files fill the end."""
    file = file_of(nodeid)
    if file.endswith(".ipynb"):
        return 0
    if file.startswith((EACH_ALONE, TOGETHER)):
        return 1
    return 2 if file.startswith(SLOW) else 3


def file_of(nodeid: str) -> str:
    """The file that a test stands in."""
    return nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Hand out whole files, in the order of collection: the cells of a notebook need one kernel."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = file_of(nodeid)
            return nodeid if file == EACH_ALONE else TOGETHER if file.startswith(TOGETHER) else file

    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_terminal_summary(terminalreporter):
    """Print the files that took longest."""
    seconds = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                seconds[file_of(report.nodeid)] += report.duration
    if len(seconds) > SHOWN:
        terminalreporter.section(f"{SHOWN} slowest files of {len(seconds)}, together {sum(seconds.values()):.0f} s")
        for file, spent in seconds.most_common(SHOWN):
            terminalreporter.line(f"{spent:6.1f} s  {file}")
