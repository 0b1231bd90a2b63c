"""A stored notebook as a page: nothing runs, the outputs are those that the notebook holds."""

import base64
import copy
import html
import re
import struct
import sys

from helpers.course.address import hosts
from helpers.exercises import find

from . import guesses, starts
from .figure import live_figure
from .grids import grid_for
from .store import smallest
from .table import tabulate
from .terms import with_links, with_marks

NOTEBOOK_LINK = re.compile(r'(href=")(\w+)\.ipynb')
OUTSIDE = re.compile(r"\]\(\.\./")  # a link from notebooks/ to another folder of the course

OPEN = re.compile(r"– (\d\d\.p?\d+): not attempted yet")
HELP = re.compile(r"^(?:[^`\n]*checks the answer[;.] )?`hint\(.* help\.", re.M)
HELP_HERE = "The notebook checks the answers and has solutions; here, hints are folded under each exercise."
STILL = '<p class="cnn-still">A still picture: in the notebook it answers to your hand.</p>'


class Page:
    """The page of one notebook: `notebook` for Sphinx, and what it needs beside it.

    `tables` {key: Table}, `figures` {key: HTML} and `kinds` {key: class} are the live pictures, `images`
    {file name: bytes} the others, `stills` the names of the widgets among these. `is_live` says by its name whether a
    widget may get a table. `terms` are the glossary's Chinese words, which get their addresses and links.
    """

    def __init__(self, stem, notebook, *, repository="", version="HEAD", terms=(), is_live=lambda name: True):
        self.stem, self.tables, self.figures, self.kinds, self.images, self.stills = stem, {}, {}, {}, {}, []
        self.command = f"python3 helpers/start.py lab notebooks/{stem}.ipynb"
        self._is_live = is_live
        self.notebook = copy.deepcopy(notebook)
        self.notebook["metadata"].pop("widgets", None)
        name_terms, terms = with_marks if stem == "glossary" else with_links, set(terms)
        for number, cell in enumerate(self.notebook["cells"]):
            if cell["cell_type"] == "code":
                if form := guesses.form(cell):
                    cell["metadata"].setdefault("tags", []).append("remove-input")
                    cell["outputs"].insert(0, _as_html(form))
                outputs = enumerate(cell["outputs"])
                cell["outputs"] = [self._output(cell, output, f"{number}-{i}") for i, output in outputs]
            else:
                text = HELP.sub(HELP_HERE, OUTSIDE.sub("](", "".join(cell["source"])))
                cell["source"] = name_terms(text, terms)
        if stem != "glossary":
            self.notebook["cells"][0]["source"] += f"\n\n{run_it(stem, self.command, repository, version)}\n"

    def _output(self, cell, output, place):
        """One output as the page shows it."""
        name, data = starts.name_in(output), output.get("data", {})
        if unsolved := OPEN.match("".join(data.get("text/plain", ""))):
            return _as("text/markdown", hints(unsolved[1]))
        if name and (table := self._table(cell, output, name)):
            key = f"{self.stem[:2]}-{len(self.tables) + 1}"
            self.tables[key], self.kinds[key] = table, name
            self.figures[key] = live_figure(key, table, self.command)
            return _as_html(self.figures[key])
        if name:
            self.stills.append(name)
        if "image/png" in data:
            return _as_html(self._image(output, place) + (STILL if name else ""))
        if "text/html" in data:
            return _as_html(to_pages("".join(data["text/html"])))
        return output

    def _table(self, cell, output, name):
        """The table of a widget, or None: where it has none, or where its start is not the one that is stored."""
        widget = starts.widget_of("".join(cell["source"]), name, self.stem) if self._is_live(name) else None
        grid = grid_for(widget) if widget else None
        if not grid:
            return None
        if widget.describe(widget.result) != starts.sentence_in(output):
            print(f"{self.stem}: {name} is not as the notebook stores it, so it stays a still picture", file=sys.stderr)
            return None
        return tabulate(widget, grid)

    def _image(self, output, place):
        """A stored picture as an image with the width and the words that the notebook gives it."""
        png = base64.b64decode("".join(output["data"]["image/png"]))
        kind, data = smallest(png)
        name = f"{self.stem[:2]}-{place}.{kind}"
        self.images[name] = data
        natural, height = struct.unpack(">II", png[16:24])
        told = output.get("metadata", {}).get("image/png", {})
        width = round(told.get("width", natural))
        words = told.get("alt") or "".join(output["data"].get("text/plain", "")).removeprefix("<").removesuffix(">")
        return (f'<div class="cnn-frame" style="--width:{width}px"><img class="cnn-figure" src="_figures/{name}" '
                f'alt="{html.escape(words)}" width="{width}" height="{round(width * height / natural)}" '
                'loading="lazy"></div>')  # fmt: skip


def hints(number):
    """Return the hints of an exercise, folded, as Markdown: they stand where the notebook's check waits."""
    names = ("Hint", *("A plainer hint",) * 9)
    return "\n\n".join(f"<details><summary>{name}</summary>\n\n{hint}\n\n</details>"
                       for name, hint in zip(names, find(number).hints, strict=False))  # fmt: skip


def to_pages(text):
    """Return HTML with its links to notebooks turned to their pages."""
    return NOTEBOOK_LINK.sub(r"\1\2.html", text)


def run_it(stem, command, repository, version):
    """Return the lines that say how the page's notebook is run."""
    elsewhere = ", ".join(
        f'<a href="{html.escape(place)}">{host}</a>' for host, place in hosts(repository, version, stem).items()
    )
    place = f'<a href="{html.escape(repository)}">the course</a>' if repository else "the course"
    return (
        '<p class="cnn-run"><b>Run it yourself:</b> '
        f"<code>{html.escape(command)}</code> in a copy of {place} starts this notebook, with exercises that answer "
        f'and pictures that know every state. <a href="notebooks/{stem}.ipynb" download>Download the notebook</a>'
        f"{'. Open it in ' + elsewhere if elsewhere else ''}</p>"
    )


def _as_html(text):
    return _as("text/html", text)


def _as(kind, text):
    return {"output_type": "display_data", "data": {kind: text}, "metadata": {}}
