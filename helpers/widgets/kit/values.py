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
        try:
            return super().validate(obj, operator.index(value if is_number(value) else None))
        except TypeError:  # a list, a text, an array of several numbers
            self.error(obj, value)


class Number(T.Float):
    """A finite number; NumPy's are taken, True, False, nan and infinity are not."""

    def validate(self, obj, value):
        """Return `value` as a float."""
        number = float(value) if is_number(value) else math.nan
        if not math.isfinite(number):
            self.error(obj, value)
        return super().validate(obj, number)


class OneOf(T.Enum):
    """One of some options; what equals one, as NumPy's numbers do, is taken for it, but True is no number."""

    def validate(self, obj, value):
        """Return the option itself."""
        for option in self.values:
            if isinstance(value, type(option)) or isinstance(option, (int, float)) and is_number(value):
                if option == value and is_bool(option) == is_bool(value):
                    return option
        self.error(obj, value)


class Range(T.TraitType):
    """Two finite numbers (least, most) within min..max, the first not above the second."""

    def __init__(self, default_value, *, min, max, **kwargs):
        super().__init__(default_value, **kwargs)
        self.min, self.max, self._end = min, max, Number(min=min, max=max)
        self.info_text = f"a range (least, most) of numbers from {min:g} to {max:g}"

    def validate(self, obj, value):
        """Return `value` as a tuple of two floats."""
        try:
            least, most = value
            ends = tuple(round(self._end.validate(obj, end), DIGITS) for end in (least, most))
        except (TypeError, ValueError, T.TraitError):
            self.error(obj, value)
        if ends[0] > ends[1]:
            raise T.TraitError(f"the range {ends} begins above its end: give (least, most)")
        return ends


def is_bool(value):
    """Return whether a value is True or False, Python's or another library's."""
    return isinstance(value, bool) or type(value).__name__.startswith("bool")


def is_number(value):
    """Return whether a value is one real number, Python's or NumPy's or a tensor's, and not True or False."""
    if is_bool(value) or isinstance(value, (str, bytes, bytearray)) or "bool" in str(getattr(value, "dtype", "")):
        return False
    try:
        float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # a list, a table, a complex or a very long number
        return False
    return True


def table_of_numbers(value):
    """Return rows of finite numbers, as a nested list, array or tensor, as a tuple of tuples; else ValueError."""
    rows = tuple(map(tuple, getattr(value, "tolist", lambda: value)()))
    if not all(is_number(number) and math.isfinite(number) for row in rows for number in row):
        raise ValueError("not all of them are finite numbers")
    return tuple(tuple(map(float, row)) for row in rows)


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
