"""Live widgets where ipywidgets 8 and 7, which hosted notebooks bring along, differ."""

VIEW = "application/vnd.jupyter.widget-view+json"


def view_of(widget) -> dict:
    """Return the bundle {VIEW: …} with which a front end shows a live widget, in either version."""
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}


def all_widgets(ipywidgets) -> list:
    """Return every widget that lives in this process; `ipywidgets` is the package."""
    kept = getattr(ipywidgets.widgets.widget, "_instances", None)  # of version 8
    return list((ipywidgets.Widget.widgets if kept is None else kept).values())
