"""The pages that are not a notebook: the front page with the map, the index of claims and questions."""

import re

from helpers.course.index import KINDS, course_index
from helpers.course.lessons import LESSONS
from helpers.course.map import ROWS, CourseMap

from .pages import to_pages

ROW = re.compile(r"^\| !\[(.*?)\]\((.*?)\) \| \[(.*?)\]\(notebooks/(\w+)\.ipynb\) \| (.*?) \|$", re.M)


def read_me(root):
    """Return the README's text."""
    return (root / "README.md").read_text(encoding="utf-8")


def front_page(root, figure):
    """Return the Markdown of the first page: what the README says, a live figure, the map, the lessons."""
    about = re.sub(r"^!\[.*\n", "", read_me(root).partition("\n## ")[0], flags=re.M)
    first, goals, more = about.partition("At the end")
    begin = LESSONS[1]
    cards = "".join(
        f'<li><a href="{stem}.html"><img src="_thumbs/{image.rpartition("/")[2]}" alt="" width="160" loading="lazy">'
        f"<span><b>{title}</b> {said}</span></a></li>"
        for _, image, title, stem, said in ROW.findall(read_me(root))
    )
    course_map = to_pages(CourseMap(root / "notebooks")._repr_html_())
    return "\n\n".join([
        first, f'<p class="cnn-begin"><a href="{begin.stem}.html">Begin: {begin.number} {begin.title}</a></p>', figure,
        goals + more, "## The map of the course", f'<div class="cnn-map">{course_map}</div>',
        "## The lessons", f'<ul class="cnn-lessons">{cards}</ul>', contents(),
    ])  # fmt: skip


def sentences(root):
    """Return {page: what it is about in a sentence}, as the README says it."""
    about = {stem: f"{title}: {said}" for _, _, title, stem, said in ROW.findall(read_me(root))}
    return {"index": " ".join(read_me(root).split("\n\n")[1].split()), **about}


def contents():
    """Return the tables of contents, one for each part of the map."""
    parts = {}
    for numbers, name, _ in ROWS:
        name = name or list(parts)[-1]
        lessons = [LESSONS[number] for number in numbers]
        parts.setdefault(name, []).extend(f"{lesson.number} {lesson.title} <{lesson.stem}>" for lesson in lessons)
    parts["To look up"] = ["glossary", "claims"]
    return "\n\n".join(
        "\n".join(["```{toctree}", ":hidden:", f":caption: {name}", "", *stems, "```"]) for name, stems in parts.items()
    )


def claims(root):
    """Return the index of claims and questions as a page."""
    index, lines = course_index(root / "notebooks"), ["# Claims and questions"]
    for kind, title in KINDS.items():
        lines += ["", f"## {title}", ""]
        lines += [f"- [{entry.stem[:2]}](<{entry.link}>) {entry.words}" for entry in index.of_kind(kind)]
    return "\n".join(lines)
