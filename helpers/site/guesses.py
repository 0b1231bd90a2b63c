"""A lesson's predictions on its page: a field for each number, and what the notebook's check would say of them."""

import html
import itertools
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
    exercise, lines = find(asked[2]), names(asked[1])
    count, number = sum(map(len, lines)), itertools.count(1)
    if count != len(exercise.right):
        raise ValueError(f"{exercise.id}: {count} fields for {len(exercise.right)} numbers")
    told = {"right": exercise.right, "known": exercise.known, "atol": exercise.atol, "hint": exercise.hints[0]}
    keys = "decimal" if suits_keypad(exercise) else "text"
    fields = ""
    for line in lines:
        spoken = (f"{name or line[0] or 'number'}, {next(number)} of {count}" for name in line)
        fields += f"<div>{''.join(map(field, line, spoken, itertools.repeat(keys)))}</div>"
    return (f'<form class="cnn-guess" data-guess="{html.escape(json.dumps(told))}" hidden>'
            f'{fields}<button>Check</button><output role="status"></output></form>')  # fmt: skip


def field(name, spoken, keys):
    """Return one field with its name, the words of it for a screen reader, and the keyboard that a phone shows."""
    return (f'<label>{html.escape(name)}<input autocomplete="off" inputmode="{keys}" size="6" '
            f'aria-label="{html.escape(spoken)}"></label>')  # fmt: skip


def suits_keypad(exercise):
    """Return whether digits and a point are enough: the keypads of phones have no minus and no sign for a product."""
    expected = [exercise.right, *(wrong for wrong, _ in exercise.known)]
    return all(0 <= one < 1000 for numbers in expected for one in numbers)


def names(source):
    """Return, line by line, what each `...` of a guess stands for, as the comment at the line's end says; "" if none.

    A comment names each number of its line, as in "row, column", or all of them by one word, which the first one gets.
    """
    found = []
    for blanks, comment in LINE.findall(source.strip("[")):
        count, parts = blanks.count("..."), [part for part in comment.split(", ") if part]
        found.append(parts if len(parts) == count else [*parts[:1], *[""] * (count - len(parts[:1]))])
    return found
