"""What pytest adds to nbval here: the quick profile, no download, and one more 'cell' per notebook for its widgets.

A plugin named in pyproject.toml, not a conftest, so that it works for `pytest notebooks/02_*.ipynb` too.
"""

import os

import nbformat

SETTINGS = {"CNN_COURSE_PROFILE": "quick", "CNN_COURSE_OFFLINE": "1", "CNN_COURSE_STRICT": "1"}
DRIVE = "from helpers.widgets.driver import drive_all\nprint(drive_all({expected}))"


def pytest_configure(config):
    """Hand the settings of the tests on to every kernel."""
    os.environ |= SETTINGS


def pytest_collection_modifyitems(items):
    """After the last cell of each notebook, drive its widgets in the same kernel."""
    from nbval.plugin import IPyNbCell

    last = {item.parent: i for i, item in enumerate(items) if isinstance(item, IPyNbCell)}
    for notebook, i in sorted(last.items(), key=lambda entry: -entry[1]):
        expected = notebook.nb.metadata.get("cnn_course", {}).get("widgets", 0)
        cell = nbformat.v4.new_code_cell(DRIVE.format(expected=expected))
        options = {"check": False, "skip": False, "check_exception": False}
        driven = IPyNbCell.from_parent(notebook, name="widgets driven", cell_num=10_000, cell=cell, options=options)
        items.insert(i + 1, driven)
