"""The index of the course: every claim, open question and learner's question, with a link to where it is settled."""

import html
import json
import re
from pathlib import Path
from typing import NamedTuple

from .lessons import LESSONS
from .map import NOTEBOOKS

KINDS = {"claim": "Claims that circulate", "question": "Open questions", "asked": "Questions learners ask"}
MARKS = {"**Claim that circulates:** ": "claim", "**Open question:** ": "question"}
ASKED = "Questions learners ask"  # the section whose paragraphs or folded notes start with a question in bold
QUESTION = r"(?:\*\*|<details><summary><b>)(.+?\?)(?:\*\*|</b>)"


class Entry(NamedTuple):
    """One claim or question: its kind (a key of KINDS), its words, the notebook's stem, the heading above it."""

    kind: str
    words: str
    stem: str
    heading: str

    @property
    def link(self) -> str:
        """Where it stands, as JupyterLab addresses a heading."""
        return f"{self.stem}.ipynb#{self.heading.replace(' ', '-')}"


class CourseIndex:
    """The index as a notebook shows it: a folded list of links for each kind; `entries` holds what is in them."""

    def __init__(self, folder: str | Path = NOTEBOOKS):
        paths = [Path(folder) / f"{lesson.stem}.ipynb" for lesson in LESSONS[1:]]
        self.entries = [entry for path in paths if path.is_file() for entry in entries(path)]

    def of_kind(self, kind: str) -> list[Entry]:
        """Return the entries of one kind, in the order of the course."""
        return [entry for entry in self.entries if entry.kind == kind]

    def __repr__(self) -> str:
        return "\n".join(f"{title}: {len(self.of_kind(kind))}" for kind, title in KINDS.items())

    def _repr_html_(self) -> str:
        return "".join(map(self._folded, KINDS))

    def _folded(self, kind: str) -> str:
        lines = "".join(f'<li><a href="{html.escape(entry.link)}">{entry.stem[:2]}</a> {as_html(entry.words)}</li>'
                        for entry in self.of_kind(kind))  # fmt: skip
        return f"<details><summary>{KINDS[kind]} ({len(self.of_kind(kind))})</summary><ul>{lines}</ul></details>"


def entries(path: Path) -> list[Entry]:
    """Return the entries of one notebook, in its order."""
    found, heading, section = [], "", ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        for paragraph in "".join(cell["source"]).split("\n\n"):
            text = " ".join(paragraph.split())
            if title := re.match(r"(#+) (.*)", text):
                heading, section = title[2], title[2] if len(title[1]) == 2 else section
            for mark, kind in MARKS.items():
                if text.startswith(mark):
                    found.append(Entry(kind, first_words(text.removeprefix(mark)), path.stem, heading))
            if section == ASKED and (asked := re.match(QUESTION, text)):
                found.append(Entry("asked", asked[1], path.stem, heading))
    return found


def first_words(text: str) -> str:
    """Return what is quoted at the start of a text, with its quotes, or else its first sentence; with a capital."""
    quoted = re.match(r"“.+?”", text)
    words = quoted[0] if quoted else re.split(r"(?<=[.?!:;]) ", text)[0].rstrip(":;")
    return re.sub(r"^(“?)([a-z])", lambda start: start[1] + start[2].upper(), words)


def as_html(text: str) -> str:
    """Return a line of Markdown as HTML: code, bold and italics; formulas stay."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))
    text = re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*([^*]+)\*", r"<i>\1</i>", text)


def course_index(folder: str | Path = NOTEBOOKS) -> CourseIndex:
    """Return the index of the notebooks in `folder`."""
    return CourseIndex(folder)
