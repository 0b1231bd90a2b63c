"""What the parts of the benchmark measure with."""

import pytest

from helpers.benchmark import measure


def test_compare_takes_medians_and_measures_by_the_first(monkeypatch):
    clock = [0.0]
    spent = {"book": iter([9, 2, 8, 4]), "ours": iter([9, 1, 2, 6])}  # the first of each is the warm-up

    def contender(who):
        def call():
            clock[0] += next(spent[who])
        return call

    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])
    rows = measure.compare("work", {who: contender(who) for who in spent}, runs=3)
    assert [(row.who, row.seconds, row.faster, row.runs) for row in rows] == [("book", 4, 1, 3), ("ours", 2, 2, 3)]
    assert "| work | ours | 2 s | 2 | 3 |" in measure.table(rows)


@pytest.mark.parametrize("seconds, text", [(12.345, "12.3 s"), (0.0123, "12.3 ms"), (0.0000123, "12.3 µs")])
def test_durations(seconds, text):
    assert measure.duration(seconds) == text
