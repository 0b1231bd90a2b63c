"""Numbers in words and their signs."""

import math
import re

COUNTS = ("", " thousand", " million", " billion", " trillion", " quadrillion")
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def count(number):
    """Return a count in words: 2,700; 3.6 billion."""
    if number < 1e6:
        return f"{number:,}"
    power = min(int(math.log10(number)) // 3, len(COUNTS) - 1)
    return f"{number / 1000**power:.4g}{COUNTS[power]}"


def memory(size):
    """Return a number of bytes with its unit, powers of a thousand: 32.4 kB, 43.2 GB."""
    power = min(int(math.log10(size)) // 3, len(UNITS) - 1)
    return f"{size / 1000**power:.4g} {UNITS[power]}"


def minus(words):
    """Return text in which the sign of each negative number is a minus, no hyphen; 1e-05 and 2-3 stay."""
    return re.sub(r"(?<![\w)\]])-(?=[\d.∞]|inf)", "−", words)
