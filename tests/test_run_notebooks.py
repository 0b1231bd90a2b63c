"""What the newcomer's notebooks may say: where the digits stand in, nothing is called by the name of a garment."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from .run_notebooks import misnamed

LOADED = "digits (scikit-learn): train 1,437, test 360\nThese stand in for Fashion-MNIST: it is not here.\n"


@pytest.mark.parametrize("loaded, shown, false", [
    (LOADED, "curves digits, axes test accuracy against epoch", False),
    (LOADED, "conv net, Fashion-MNIST, curves", True),
    (LOADED, "picture 0 (ankle boot; the net says 3)", True),
    (LOADED, "profile cpu, 2 cores (x86_64), torch 2.14, Fashion-MNIST, 2026-11-29", False),
    ("Fashion-MNIST (CNN_COURSE_DATA): train 60,000, test 10,000\n", "picture 0 (ankle boot)", False),
])  # fmt: skip
def test_on_the_digits_no_garment_is_named(loaded, shown, false):
    cells = [new_code_cell(outputs=[new_output("stream", text=loaded)]),
             new_code_cell(outputs=[new_output("display_data", data={"text/plain": shown})])]  # fmt: skip
    assert (shown in misnamed(new_notebook(cells=cells))) == false
