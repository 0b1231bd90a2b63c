"""What a browser sends back of a slider that code has moved, told apart from what the reader moves.

A browser answers each value that code sets with the one on its slider, rounded to the steps: 0.03 comes back as
0.030000000000000006. Where code sets several before the page gets round to them, such an answer is of a value that
holds no longer, and taking it would undo what code has set.
"""

import math
import time

LATE = 10.0  # seconds after which nothing is an answer any more


class Echoes:
    """The values that code has set on one control and that a browser may still send back."""

    def __init__(self, first: float):
        self._sent = []  # (time, value), oldest first
        self.sent(first)

    def sent(self, value: float) -> None:
        """Note a value that code has set."""
        self._sent.append((time.monotonic(), value))

    def is_echo(self, value: float) -> bool:
        """Whether a value from the browser answers one that was noted; that one and all before it are then done with.

        Any other value is the reader's, and what was noted before it is forgotten.
        """
        now = time.monotonic()
        self._sent = [(then, noted) for then, noted in self._sent if now - then < LATE]
        for number, (_, noted) in enumerate(self._sent):
            if close(value, noted):
                self._sent = self._sent[number + 1 :]
                return True
        self._sent = []
        return False


def close(a, b) -> bool:
    """Whether two values, floats or ranges of them, are one but for the rounding of a browser."""
    if isinstance(a, tuple):
        return all(map(close, a, b))
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def from_browser(control) -> bool:
    """Whether the change of a control's value that is being reported came from a browser."""
    return "value" in control._property_lock  # ipywidgets holds it while it takes over what a browser has sent


def on_its_step(value, low: float, step: float):
    """Return a float or a range without a browser's rounding: the steps that it stands on, in few digits."""
    if isinstance(value, tuple):
        return tuple(on_its_step(end, low, step) for end in value)
    digits = max(0, 2 - math.floor(math.log10(step)))
    whole = low + round((value - low) / step) * step
    return round(whole, digits) if close(value, whole) else value
