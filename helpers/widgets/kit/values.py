"""Values of a widget's parameters: what is a number, what a hand in the browser may set, what lies in a range."""

import difflib
import math
import operator

import traitlets as T

DIGITS = 9  # of the ends of a range: a browser's floating-point sums of steps differ behind them


class Whole(T.Int):
    """A whole number; NumPy's integers are taken, True and False are not."""

    def validate(self, obj, value):
        """Return `value` as an int."""
        if not hasattr(value, "__index__") or type(value).__name__.startswith("bool"):
            self.error(obj, value)
        return super().validate(obj, operator.index(value))


class Number(T.Float):
    """A finite number; NumPy's are taken, True, False, nan and infinity are not."""

    def validate(self, obj, value):
        """Return `value` as a float."""
        try:
            number = math.nan if type(value).__name__.startswith("bool") or isinstance(value, str) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            self.error(obj, value)
        return super().validate(obj, number)


class Range(T.TraitType):
    """Two finite numbers (least, most) within min..max, the first not above the second."""

    info_text = "a range (least, most)"

    def __init__(self, default_value, *, min, max, **kwargs):
        super().__init__(default_value, **kwargs)
        self.min, self.max, self._end = min, max, Number(min=min, max=max)

    def validate(self, obj, value):
        """Return `value` as a tuple of two floats."""
        try:
            least, most = value
        except (TypeError, ValueError):
            self.error(obj, value)
        ends = tuple(round(self._end.validate(obj, end), DIGITS) for end in (least, most))
        if ends[0] > ends[1]:
            raise T.TraitError(f"the range {ends} begins above its end: give (least, most)")
        return ends


def as_known(names, known, kind):
    """Return nothing if all `names` are known parameters; else raise a TypeError that says which one may be meant."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}."
            raise TypeError(f"{kind} has no parameter {name!r}: {meant}")


def placed(table, path, value):
    """Return `value`, or a copy of `table`, nested tuples, with `value` at the place `path`, as (row, column)."""
    if not path:
        return value
    first, *rest = path
    return tuple(placed(old, rest, value) if i == first else old for i, old in enumerate(table))


def within(value, trait, limits=(-math.inf, math.inf)):
    """Return a number kept within a trait's range and within `limits`; anything else is returned as it is."""
    if not isinstance(trait, (T.Int, T.Float)) or isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    low, high = ([end for end in ends if end is not None] for ends in ((trait.min, limits[0]), (trait.max, limits[1])))
    value = min(max(value, *low), *high)
    return round(value) if isinstance(trait, T.Int) and math.isfinite(value) else value
