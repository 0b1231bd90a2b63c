"""A lesson's predictions on its page: a field for each number, and what the notebook's check would say of them."""

import html
import json
import re

from helpers.exercises import find

CELL = re.compile(r'guess = (\[.*)\ncheck\("(\d\d\.p\d+)", guess\)', re.S)
LINE = re.compile(r"((?:\.\.\.[\],\s]*)+)(?:# (.*))?")


def form(cell):
    """Return the form that stands for a code cell which asks for a prediction, as HTML; "" for any other cell."""
    asked = CELL.fullmatch("".join(cell["source"]))
    if not asked:
        return ""
    exercise, places = find(asked[2]), names(asked[1])
    if len(places) != len(exercise.right):
        raise ValueError(f"{exercise.id}: {len(places)} fields for {len(exercise.right)} numbers")
    told = {"right": exercise.right, "known": exercise.known, "atol": exercise.atol, "hint": exercise.hints[0]}
    fields = "".join(
        f'<label>{html.escape(name)}<input autocomplete="off" aria-label="{html.escape(name or "number")}, '
        f'{place} of {len(places)}" size="6"></label>' for place, name in enumerate(places, 1)
    )  # fmt: skip
    return (f'<form class="cnn-guess" data-guess="{html.escape(json.dumps(told))}" hidden>'
            f'{fields}<button>Check</button><output role="status"></output></form>')  # fmt: skip


def names(source):
    """Return what each `...` of a guess stands for, as the comments at the ends of its lines say; "" where none does.

    A comment names each number of its line, as in "row, column", or all of them by one word.
    """
    found = []
    for blanks, comment in LINE.findall(source.strip("[")):
        count, parts = blanks.count("..."), [part for part in comment.split(", ") if part]
        found += parts if len(parts) == count else [*parts[:1], *[""] * (count - 1)] if parts else [""] * count
    return found
