"""Live widgets in ipywidgets 8, and in 7 as far as it can be stood in for here."""

from types import SimpleNamespace

import ipywidgets as W

from helpers.drawing.live import VIEW, all_widgets, view_of
from helpers.widgets import KernelExplorer
from helpers.widgets.kit.pictures import UPLOAD, as_upload, files_of, upload_button


def test_the_view_is_the_one_that_ipywidgets_makes():
    slider = W.IntSlider()
    assert view_of(slider)[VIEW] == slider._repr_mimebundle_()[VIEW]


def test_every_widget_is_found_in_either_version():
    slider = W.IntSlider()
    assert any(widget is slider for widget in all_widgets(W))
    module, base = SimpleNamespace(widget=SimpleNamespace()), SimpleNamespace(widgets={"a": slider})
    assert all_widgets(SimpleNamespace(widgets=module, Widget=base)) == [slider]


def test_a_widget_shows_its_still_in_version_7_too():
    """There a widget's `_ipython_display_` would go before the bundle."""
    assert KernelExplorer._ipython_display_ is None
    assert {VIEW, "image/png", "text/plain"} <= KernelExplorer()._repr_mimebundle_()[0].keys()


def test_an_upload_of_version_7_becomes_that_of_8():
    assert type(upload_button()) is W.FileUpload
    [wanted] = as_upload("x.png", b"abc")
    [file] = files_of([{"name": "x.png", "type": "image/png", "size": 3}], [b"abc"])
    assert all(file[key] == wanted[key] for key in ("name", "size", "content"))


def test_the_explorer_takes_the_normalised_value():
    explorer = KernelExplorer()
    explorer.picture_name = UPLOAD
    explorer.upload = as_upload("none.txt", b"no picture")
    assert "none.txt" in explorer.result["problem"]
