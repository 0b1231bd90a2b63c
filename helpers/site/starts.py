"""The widget that a notebook's cell shows, made anew as it stands at the start, without running the cell."""

import ast
import json

from helpers import widgets
from helpers.data import load_data_fashion_mnist


def name_in(output):
    """Return the name of the widget whose still picture an output is, or None."""
    said = "".join(output.get("data", {}).get("text/plain", ""))
    name = said.partition(":")[0]
    return name if name in widgets.__all__ else None


def sentence_in(output):
    """Return what the stored still of a widget says in words."""
    return "".join(output["data"]["text/plain"]).partition(": ")[2]


def stored_sentences(path):
    """Return what the stored stills of a notebook's widgets say, in their order."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return [sentence_in(output) for output in outputs if name_in(output)]


def widget_of(source, name):
    """Return the widget `name` as a cell with this source makes it.

    Returns None where its arguments cannot be read from the cell and no stand-in for them is known here.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _called(node) == name]
    if not calls:
        return None
    try:
        values = {keyword.arg: ast.literal_eval(keyword.value) for keyword in calls[-1].keywords}
    except ValueError:
        return None
    if calls[-1].args and name not in DATA:
        return None
    return getattr(widgets, name)(*(DATA[name]() if calls[-1].args else ()), **values)


def _called(call):
    return getattr(call.func, "id", getattr(call.func, "attr", None))


# The data that a widget is given in its notebook, as far as its start depends on them: the first pictures, their size.
DATA = {
    "DepthLab": lambda: load_data_fashion_mnist(128, resize=14, num_train=256, num_test=100),
    "VGGBuilder": lambda: load_data_fashion_mnist(64, resize=32, seed=0, num_train=256, num_test=100),
}
