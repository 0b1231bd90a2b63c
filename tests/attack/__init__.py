"""The attack on the course: whether it was asked for, by CNN_COURSE_ATTACK=1, and how much of it any run makes."""

import os

ASKED = os.environ.get("CNN_COURSE_ATTACK", "0") not in ("", "0")


def some(id, things, every):
    """Return one of `every` of these things, which ones an exercise's number decides; all in an attack."""
    every = 1 if ASKED else every
    return list(things)[int(id[-1]) % every :: every]
