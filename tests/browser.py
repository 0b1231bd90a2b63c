"""JupyterLab and headless Chromium for tests and pictures; `Page` works a notebook in them."""

import contextlib
import dis
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import time
import types
import urllib.request
from typing import NamedTuple

import nbformat
import pytest

from helpers import widgets

ROOT = pathlib.Path(__file__).parents[1]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
WHOLE = "02_convolution_layer.ipynb"  # every cell of it runs in JupyterLab
SETTINGS = {
    "notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "themes": {"theme": "JupyterLab Light"},
}


KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)"}


class Lab(NamedTuple):
    """A running JupyterLab: its address and token, and the folder whose `root` it serves."""

    address: str
    token: str
    folder: pathlib.Path


def write_notebook(lab, name, sources):
    """Write a notebook with these code cells where a Lab serves it."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    made = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    nbformat.write(made, lab.folder / "root" / name)


@contextlib.contextmanager
def jupyterlab(folder, notebooks=ROOT / "notebooks", theme="Light"):
    """Run JupyterLab on a free loopback port over a copy of `notebooks`; yields a Lab."""
    folder = pathlib.Path(folder)
    shutil.copytree(notebooks, folder / "root", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    if (ROOT / "img").is_dir():
        shutil.copytree(ROOT / "img", folder / "img")
    settings = folder / "settings/@jupyterlab/apputils-extension"
    settings.mkdir(parents=True)
    for name, values in SETTINGS.items():
        values = values | ({"theme": f"JupyterLab {theme}"} if name == "themes" else {})
        (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    token, port = secrets.token_hex(16), free_port()
    own = "JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR IPYTHONDIR JUPYTERLAB_WORKSPACES_DIR".split()
    env = os.environ | {name: str(folder / name.lower()) for name in own}
    env |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"), "JUPYTER_TOKEN": token}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}", "--ServerApp.allow_root=True",
        "--LabApp.expose_app_in_browser=True", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "log")
        yield Lab(f"http://127.0.0.1:{port}", token, folder)
    finally:
        server.terminate()
        server.wait(20)


def keep_what_widgets_need(path):
    """Drop from the notebook file the code cells that none of its widgets depends on, directly or through others.

    Every cell runs in the tests of the notebooks; here only those that define a name which a kept cell reads.
    """
    notebook, wanted, kept = nbformat.read(path, as_version=4), set(), []
    for cell in reversed(notebook.cells):
        reads, defines = names(cell.source) if cell.cell_type == "code" else (set(), set())
        if cell.cell_type == "code" and not (shows_widget(cell) or defines & wanted):
            continue
        wanted = (wanted - defines) | reads
        kept.insert(0, cell)
    notebook.cells = kept
    nbformat.write(notebook, path)


def shows_widget(cell):
    """Whether the stored output of a cell is a widget of the course."""
    texts = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return any(text.startswith(tuple(f"{name}: " for name in widgets.__all__)) for text in texts)


def names(source):
    """Return the sets of global names that Python code reads and that it defines."""
    reads, defines, codes = set(), set(), [compile(source, "cell", "exec")]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                reads.add(step.argval)
            elif step.opname in ("STORE_NAME", "STORE_GLOBAL"):
                defines.add(step.argval)
    return reads, defines


def free_port():
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address, server, log, seconds=60):
    """Return when the server answers at the address; AssertionError with its log if it ends or is too slow."""
    end = time.time() + seconds
    while True:
        try:
            return urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            assert server.poll() is None and time.time() < end, log.read_text()
            time.sleep(0.1)


@contextlib.contextmanager
def chromium_context(folder, **options):
    """Run headless Chromium with an own profile; yields Playwright's browser context."""
    from playwright.sync_api import sync_playwright

    options = {"viewport": {"width": 1300, "height": 1000}} | options
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder), executable_path=CHROMIUM, headless=True, args=FLAGS, **options
        )
        yield context
        context.close()


LOOKS = """() => [...document.querySelectorAll(".cnn-course")].flatMap((widget, number) => {
  const faults = [], shown = [...widget.querySelectorAll(".noUi-target")].filter(node => node.offsetParent);
  const tracks = shown.map(node => Math.round(node.getBoundingClientRect().width));
  if (Math.max(...tracks) - Math.min(...tracks) > 1 || Math.min(...tracks) < 80) faults.push(`tracks of ${tracks} px`);
  for (const text of widget.querySelectorAll("svg text")) {
    if (/(^|[^\\w)\\]])-([\\d.]|inf)/.test(text.textContent)) faults.push(`a hyphen for a minus: ${text.textContent}`);
  }
  const said = [...widget.querySelectorAll("svg text")].map(text => text.textContent).join(" ");
  if (!/drag|click|point/.test(said)) faults.push("no word of what the hand can do");
  for (const toggle of widget.querySelectorAll(".widget-toggle-button")) {
    const pressed = String(toggle.classList.contains("mod-active"));
    if (toggle.getAttribute("aria-pressed") !== pressed) faults.push(`${toggle.textContent}: pressed is ${pressed}`);
  }
  return faults.map(fault => `widget ${number}: ${fault}`);
})"""


OPEN = """async path => {
  const app = window.jupyterapp, opened = await app.commands.execute("docmanager:open", {path, factory: "Notebook"});
  await opened.context.ready;
}"""
# The kernel's end is waited for: a notebook of the same name would be given the dying one. Nobody is asked to save.
CLOSE = """async () => {
  const app = window.jupyterapp;
  for (const widget of [...app.shell.widgets("main")]) {
    const session = widget.context?.sessionContext?.session;
    if (session) await app.serviceManager.sessions.shutdown(session.id);
    widget.dispose();
  }
  if (document.querySelector(".jp-Dialog")) throw new Error("a dialog is open");
}"""


def jupyterlab_page(context, lab):
    """Return the page of the browser's context in which JupyterLab is open; it is loaded once for many notebooks."""
    for page in context.pages:
        if page.url.startswith(lab.address):
            return page
    page = context.new_page()
    page.goto(f"{lab.address}/lab?token={lab.token}&reset")
    page.wait_for_function("() => window.jupyterapp?.restored.then(() => true)", timeout=60_000)
    return page


class Page:
    """A notebook open in JupyterLab; `page` is Playwright's, `errors` the page's own JavaScript errors."""

    def __init__(self, context, lab, name):
        self.page, self.errors = jupyterlab_page(context, lab), []
        self.page.set_default_timeout(60_000)
        self.page.on("pageerror", self.note)
        self.page.mouse.move(0, 0)
        try:
            self.page.evaluate(OPEN, f"root/{name}")
            self.page.wait_for_function(
                "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session?.kernel?.status === 'idle'"
            )
        except Exception:
            self.page.close()
            raise

    def note(self, error):
        """Keep what the page says of an error."""
        self.errors.append(str(error))

    def theme(self, name):
        """Change JupyterLab's theme to "Light" or "Dark"."""
        change = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
        self.page.evaluate(change, f"JupyterLab {name}")
        light = str(name == "Light").lower()
        self.page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")

    def run_all(self, seconds=120):
        """Run every cell; returns when the last one has ended."""
        self.page.set_default_timeout(1000 * seconds)
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.set_default_timeout(60_000)

    def widgets(self):
        """Return a locator of all widgets of the course in the page."""
        return self.page.locator(".cnn-course")

    def alerts(self):
        """Return the texts of all errors that widgets show."""
        return self.page.locator(".cnn-course [role=alert]").all_inner_texts()

    def faults_of_look(self):
        """Return in words where tracks, minus signs, toggles or words of the hand are not as in every widget."""
        return self.page.evaluate(LOOKS)

    def close(self):
        """Close the notebook and shut its kernel down; where that fails, the next one gets a page of its own."""
        self.page.remove_listener("pageerror", self.note)
        try:
            self.page.evaluate(CLOSE)
        except Exception:
            self.page.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab over a copy of the notebooks, one of them whole, the others cut to their widgets: a Lab."""
    folder = tmp_path_factory.mktemp("lab")
    with jupyterlab(folder) as running:
        for path in (folder / "root").glob("*.ipynb"):
            if path.name != WHOLE:
                keep_what_widgets_need(path)
        yield running


def faults_of_access(page, context, options=None):
    """Return what axe-core finds in a part of a page, or by some of its rules: `context` and `options` are its own."""
    axe = pytest.importorskip("axe_playwright_python")  # its class reads the script in the machine's own encoding
    page.evaluate(pathlib.Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate("([context, options]) => axe.run(context, options)", [context, options or {}])["violations"]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """Headless Chromium; skipped where there is none."""
    pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("no Chromium on this machine: install it, or name it in the environment variable CHROMIUM")
    with chromium_context(tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.fixture
def open_notebook(lab, chromium):
    """A function that opens a notebook by name in JupyterLab and returns its Page; closed after the test."""
    pages = []

    def open_(name, *sources):
        """Open a notebook of the course or, with `sources`, one made of these cells."""
        if sources:
            write_notebook(lab, name, sources)
        pages.append(Page(chromium, lab, name))
        return pages[-1]

    yield open_
    for page in pages:
        page.close()
