"""Build the web edition: a source folder out of the stored notebooks, then Sphinx. No cell runs."""

import argparse
import functools
import html
import io
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
import torch

from helpers.course import address
from helpers.course.lessons import LESSONS
from helpers.place import PACKAGE, course_folder
from helpers.widgets.kit import stage

from . import front
from .pages import Page
from .store import as_script
from .terms import terms_of

STATIC = Path(__file__).parent / "static"
TITLE = "Convolutional networks you can touch"
SEARCHING = re.compile(r'<script src="(_static/searchtools|_static/language_data|searchindex)\.js[^>]*></script>\s*')
COPIED = ("img", "tests/claims")  # folders of the course that notebooks point to


def build(out, *, repository="", version="HEAD", is_live=lambda name: True):
    """Build the site into the folder `out`, which is made anew; return (pages, what Sphinx warned of).

    `repository` is the address that the pages name for a copy of the course, and `version` the commit or tag that
    their notebooks fetch there; `is_live` as in `pages.Page`.
    """
    root, out = course_folder(), Path(out)
    clear(out)
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "source"), Path(folder, "site")  # MyST-NB leaves a folder beside the site
        pages = write_source(root, source, repository, version, is_live)
        warnings = run_sphinx(source, made, Path(folder, "doctrees"))
        slim(made)
        shutil.copytree(made, out, dirs_exist_ok=True)
    return pages, warnings


def clear(out):
    """Empty a folder of an earlier build; FileExistsError if it holds anything else."""
    if out.exists() and any(out.iterdir()) and not (out / ".buildinfo").exists():
        raise FileExistsError(f"{out} holds files that this command has not made: name another folder")
    shutil.rmtree(out, ignore_errors=True)


def write_source(root, source, repository, version, is_live):
    """Write all that Sphinx reads into `source`; return the Pages."""
    extra = source / "_extra"
    for name in ("_tables", "_figures", "notebooks"):
        (extra / name).mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(root / "img", extra / "_thumbs", ignore=lambda _, names: [n for n in names if "thumb" not in n])
    pages, terms = [], terms_of(markdown_of(root / "notebooks/glossary.ipynb"))
    for stem in [*(lesson.stem for lesson in LESSONS), "glossary"]:
        path = root / "notebooks" / f"{stem}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        page = Page(stem, notebook, repository=repository, version=version, terms=terms, is_live=is_live)
        (source / path.name).write_text(json.dumps(page.notebook), encoding="utf-8")
        address.put_cell(notebook, repository, version)
        nbformat.write(nbformat.from_dict(notebook), extra / "notebooks" / path.name)
        for name, data in page.images.items():
            (extra / "_figures" / name).write_bytes(data)
        for key, table in page.tables.items():
            (extra / "_tables" / f"{key}.js").write_text(as_script(key, table), encoding="utf-8")
        pages.append(page)
    figure = "".join(pages[0].figures.values())
    texts = {"index": front.front_page(root, figure), "claims": front.claims(root)}
    for name, text in texts.items():
        (source / f"{name}.md").write_text(text, encoding="utf-8")
    write_static(source / "_static")
    return pages


def markdown_of(path):
    """Return the texts of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def write_static(folder):
    """Write the scripts and styles: those of the notebooks' widgets as they are, and the site's own."""
    shutil.copytree(STATIC, folder)
    script = (stage.FOLDER / "stage.js").read_text(encoding="utf-8")
    # No module: a browser refuses those where a page is opened without a server.
    script = script.replace("export default {render};", "window.cnnStage = {render};")
    (folder / "stage.js").write_text(f"(() => {{\n{script}}})();\n", encoding="utf-8")
    shutil.copy(stage.FOLDER / "stage.css", folder)


def run_sphinx(source, out, doctrees):
    """Run Sphinx; return its warnings as a text."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    warnings = io.StringIO()
    with docutils_namespace():
        app = Sphinx(source, None, out, doctrees, "html", confoverrides=settings(), status=None, warning=warnings)
        app.connect("html-page-context", functools.partial(describe, front.sentences(course_folder())))
        app.config.mathjax_path = "mathjax/startup.js"  # not the bundle that the extension has just named
        app.build()
    return warnings.getvalue()


def describe(sentences, app, name, template, context, doctree):
    """Give a page the sentence by which a list of links or of finds shows it."""
    said = sentences.get(name)
    if said:
        context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{html.escape(said)}">'


def settings():
    """Return Sphinx's configuration."""
    return {
        "project": TITLE, "html_title": TITLE, "language": "en", "root_doc": "index",
        "extensions": ["myst_nb", "sphinx-mathjax-offline"], "exclude_patterns": ["_extra"],
        "nb_execution_mode": "off", "nb_ipywidgets_js": {}, "nb_render_markdown_format": "myst",
        "myst_enable_extensions": ["dollarmath", "amsmath"],
        "myst_heading_anchors": 4, "myst_heading_slug_func": slug,
        "suppress_warnings": ["config.cache"],  # a function among the settings
        # Of MathJax, which lies beside the pages, the parts for TeX alone: 0.4 MB less than its usual bundle.
        "mathjax3_config": {"loader": {"load": ["core", "input/tex", "output/chtml"]}},
        "html_theme": "sphinx_book_theme", "html_favicon": "_static/icon.svg",
        "html_static_path": ["_static"], "html_extra_path": ["_extra"],
        "html_css_files": ["stage.css", "site.css"], "html_js_files": ["stage.js", "live.js", "guess.js"],
        "html_copy_source": False, "html_use_index": False, "html_show_sourcelink": False, "html_show_copyright": False,
        "html_context": {"default_mode": "auto"},
        "html_theme_options": {
            "use_download_button": False, "use_fullscreen_button": False, "home_page_in_toc": False,
            "show_toc_level": 2, "navbar_persistent": [], "footer_content_items": [],
        },
    }  # fmt: skip


def slug(title):
    """Return a heading's anchor as JupyterLab makes it, so that the notebooks' links lead somewhere here too."""
    return title.strip().replace(" ", "-")


def slim(out):
    """Take from the theme what no page needs: 1.5 MB of icons that a font draws as well, the names of 2,000 icons, and
    from all but the page that searches the index to search in.
    """
    styles, scripts = out / "_static/styles/pydata-sphinx-theme.css", out / "_static/scripts"
    files = [*out.glob("*.html"), *scripts.glob("*theme*.js")]
    used = set(re.findall(r"\bfa-[a-z0-9-]+", " ".join(file.read_text(encoding="utf-8") for file in files)))

    def kept(rule):
        return rule[0] if used & set(re.findall(r"fa-[\w-]+", rule[1])) else ""

    names = re.compile(r'((?:\.fa-[\w-]+,?)+)\{--fa:"[^"]*"\}')
    styles.write_text(names.sub(kept, styles.read_text(encoding="utf-8")), encoding="utf-8")
    (scripts / "fontawesome.js").write_text("", encoding="utf-8")
    for file in out.rglob("*.map"):
        file.unlink()
    for file in set(out.glob("*.html")) - {out / "search.html"}:
        file.write_text(SEARCHING.sub("", file.read_text(encoding="utf-8")), encoding="utf-8")


def main(words):
    """Build the site into the folder that the command line names, or into build/site; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.site", description="Build the web edition of the course.")
    parser.add_argument("folder", nargs="?", type=Path, default=PACKAGE.parent / "build" / "site")
    out = parser.parse_args(words).folder
    os.environ.setdefault("CNN_COURSE_PROFILE", "cpu")  # the one in which the notebooks are stored
    torch.set_num_threads(1)  # the widgets' tensors are tiny: several threads wait for each other
    repository, version = address.here(course_folder())
    pages, warnings = build(out, repository=repository, version=version)
    print(warnings, file=sys.stderr, end="")
    live, still = sum(len(page.tables) for page in pages), sum(len(page.stills) for page in pages)
    print(f"{out}/index.html: {len(pages)} notebooks, {live} live pictures, {still} still ones")
    return 1 if warnings else 0
