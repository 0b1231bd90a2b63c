"""The one command for all measuring."""

import pytest
import torch

from helpers.benchmark import __main__ as benchmark
from helpers.benchmark.measure import Row


def test_it_names_its_parts(capsys, monkeypatch):
    monkeypatch.setitem(benchmark.PARTS, "corr2d", lambda options: [Row("corr2d", "helpers", 0.5, 3.0, 1)])
    benchmark.PARTS["corr2d"].__doc__ = "Cross-correlation."
    assert benchmark.main(["corr2d"]) == 0
    out = capsys.readouterr().out
    assert f"torch {torch.__version__}" in out and "| corr2d | helpers | 500 ms | 3 | 1 |" in out
    with pytest.raises(SystemExit):
        benchmark.main(["speed"])
    assert "no part speed: choose among loader, corr2d" in capsys.readouterr().err


def test_every_part_has_its_sentence_and_its_options():
    assert list(benchmark.PARTS) == ["loader", "corr2d", "training", "curve", "widgets", "scratch", "nets", "depth",
                                     "levers", "gpu"]
    assert all(part.__doc__ for part in benchmark.PARTS.values())
    options = benchmark.parse(["training", "nets", "--full", "--only", "nin", "--only", "vgg", "--seeds", "5"])
    assert (options.parts, options.full, options.only) == (["training", "nets"], True, ["nin", "vgg"])
    assert options.seeds == 5 and not options.store


@pytest.mark.parametrize("content, why", [
    (None, "there is no file"), ("{", "was not written by"), ("[1]", "was not written by"),
    ("\x00\xff", "was not written by"),
    ('{"machine": "m", "device": "cpu", "date": "2026-11-30"}', "of the device 'cpu': only a GPU's are stored"),
])  # fmt: skip
def test_a_file_of_results_that_is_none_is_refused_in_a_sentence(tmp_path, capsys, content, why):
    if content is not None:
        (tmp_path / "gpu.json").write_text(content, encoding="latin-1")
    with pytest.raises(SystemExit):
        benchmark.main(["gpu", "--from", str(tmp_path / "gpu.json"), "--store"])
    assert why in capsys.readouterr().err
