"""Steps in processes of their own: every way to end, and what was found before."""

import multiprocessing
import os
import time
import types

import pytest

from helpers.benchmark.steps import _hand_over, merge, run_step, write


def pieces(how):
    yield {"a": {"b": 1}}
    yield {"a": {"c": [os.getpid()]}}
    if how == "wrong":
        raise ValueError("3 is no number")
    if how == "dead":
        os._exit(7)
    if how == "late":
        time.sleep(60)


def test_what_came_before_a_process_died_is_kept():
    found = {}
    assert run_step(pieces, ("dead",), 60, lambda piece: merge(found, piece)) == "its process ended with code 7"
    assert found["a"].keys() == {"b", "c"} and found["a"]["c"] != [os.getpid()]


def test_a_step_that_is_late_is_stopped():
    start = time.monotonic()
    assert run_step(pieces, ("late",), 0.5, lambda piece: None) == "stopped after 0 s"
    assert time.monotonic() - start < 30 and not multiprocessing.active_children()


@pytest.mark.parametrize("how, why", [("right", ""), ("wrong", "ValueError: 3 is no number")])
def test_a_step_says_how_it_ended(how, why):
    sent = []
    _hand_over(types.SimpleNamespace(send=sent.append), pieces, (how,))
    assert sent == [*pieces("right"), why]


def test_a_file_is_written_whole(tmp_path):
    for number in (1, 2):
        write({"a": number}, tmp_path / "found.json")
    assert (tmp_path / "found.json").read_text() == '{\n "a": 2\n}\n' and len(list(tmp_path.iterdir())) == 1
