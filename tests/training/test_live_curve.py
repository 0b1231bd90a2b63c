"""The live curve where notebooks put it: a cell, an Output widget, `interactive`, a captured button."""

import nbformat
import pytest
from nbclient import NotebookClient

from ..browser import KERNEL

SET_UP = """import time, torch, ipywidgets as W
from IPython.display import display
from helpers.training import train_ch6
torch.set_num_threads(1)
class Slow(list):
    def __iter__(self):
        for batch in list.__iter__(self):
            time.sleep(0.2)
            yield batch
data = [(torch.randn(4, 1, 4, 4), torch.arange(4))] * 8
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 4))
def run(*_):
    print("before")
    train_ch6(net, Slow(data), data, 1, 0.1, "cpu")"""
PLACES = {
    "cell": "run()",
    "output": "out = W.Output()\ndisplay(out)\nwith out:\n    run()",
    "interactive": "W.interactive(run, {'manual': True, 'manual_name': 'press'}, x=3)",
    "captured": "out = W.Output()\nbutton = W.Button(description='press')\nbutton.on_click(out.capture()(run))\n"
                "display(button, out)",
}  # fmt: skip
# Notes every label that the picture of the cell has had.
WATCH = """cell => {
  window.watcher?.disconnect();
  window.seen = new Set();
  const look = () => cell.querySelectorAll("svg[role=img]").forEach(svg => seen.add(svg.getAttribute("aria-label")));
  window.watcher = new MutationObserver(look);
  watcher.observe(cell, {subtree: true, childList: true, attributes: true, characterData: true});
}"""


@pytest.mark.timeout(400)
def test_it_moves_wherever_it_is_shown(open_notebook):
    opened = open_notebook("live_curve.ipynb", SET_UP, *PLACES.values())
    run_cell(opened.page, 0)
    for number, place in enumerate(PLACES, 1):
        shown = watched(opened.page, number, place)
        assert len(shown) > 3 and sum("test acc" in label for label in shown) <= 2, (place, shown)
    assert not opened.errors


def run_cell(page, number):
    """Run the cell of this number; returns when it has ended."""
    page.evaluate("n => window.jupyterapp.shell.currentWidget.content.activeCellIndex = n", number)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")


def watched(page, number, place):
    """Run the cell, press its button if it has one, and return every label of its picture, up to the last."""
    cell = page.locator(".jp-Notebook .jp-CodeCell").nth(number)
    cell.scroll_into_view_if_needed()
    cell.evaluate(WATCH)
    run_cell(page, number)
    if place in ("interactive", "captured"):
        cell.get_by_role("button", name="press").click()
    page.wait_for_function("() => window.seen.size > 3 && [...window.seen].pop().includes(', took')")
    pictures = cell.locator("svg[role=img]")
    assert pictures.count() == 1 and ", took" in pictures.first.get_attribute("aria-label"), place
    assert cell.get_by_text("before", exact=True).count() == 1, "what was printed is still there"
    return page.evaluate("() => [...window.seen]")


def test_a_run_without_a_browser_leaves_the_picture_in_the_state_of_the_widgets(tmp_path):
    sources = SET_UP.replace("0.2", "0"), PLACES["output"], PLACES["cell"]
    done = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources],
                                    metadata={"kernelspec": KERNEL})  # fmt: skip
    NotebookClient(done, resources={"metadata": {"path": str(tmp_path)}}).execute()
    models = done.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"].values()
    states = [model["state"] for model in models]
    drawn = [state["value"] for state in states if state["_model_name"] == "HTMLModel"]
    assert len(drawn) == 1 and ", took" in drawn[0] and "epoch 1 of 1" in drawn[0]
    outputs = next(state["outputs"] for state in states if state["_model_name"] == "OutputModel")
    assert [output["output_type"] for output in outputs] == ["stream", "display_data"]
    assert outputs[1]["data"]["text/plain"].startswith("loss ")
    still = done.cells[2].outputs[-1]["data"]
    assert "image/png" in still and "test acc" in still["text/plain"]
