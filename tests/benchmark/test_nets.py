"""All nets by their recipes: what is measured, stored, joined, shown."""

import json
from dataclasses import replace

import pytest

from helpers.anatomy import describe_net
from helpers.benchmark import nets as benchmark_nets
from helpers.benchmark.__main__ import main
from helpers.benchmark.nets import NetResult, Results, load_results, measure, merged, plot_nets, store
from helpers.training import RECIPES, recipe

from ..examples import bars


def test_a_measurement_holds_what_training_gave():
    data = bars(60, 28, shuffle=True), bars(20, 28)
    told = []
    result = measure("bn_lenet", 2, data, tell=told.append)
    assert (result.params, result.multiply_adds) == (62_158, 416_520) and len(result.accuracies) == 2 == len(told)
    assert all(0 <= a <= 1 for a in result.accuracies) and result.images_per_second > 0 and result.seconds > 0
    assert result.mean == pytest.approx(sum(result.accuracies) / 2)
    assert result.sd == pytest.approx(abs(result.accuracies[0] - result.accuracies[1]) / 2**0.5)
    assert measure("bn_lenet", 1, data, tell=told.append).sd == 0


def made_up():
    rows = [NetResult("lenet", "cpu", 61_706, 416_520, 100.0, 1.5, [0.5, 0.7, 0.6]),
            NetResult("vgg", "cpu", 1_000_000, 10**8, 10.0, 30.0, [0.8, 0.8, 0.9])]  # fmt: skip
    return Results("2 cores, torch 0", "bars", "2000-01-02", rows)


def test_stored_results_come_back(tmp_path):
    path = store(made_up(), tmp_path)
    assert path.name == "nets_cpu.json" and json.loads(path.read_text())["date"] == "2000-01-02"
    assert load_results("cpu", tmp_path) == made_up()
    with pytest.raises(FileNotFoundError, match="python -m helpers.benchmark nets --store"):
        load_results("gpu", tmp_path)


def test_rows_join_what_is_stored_for_the_same_machine_and_data():
    vgg = replace(made_up().rows[1], accuracies=[0.9, 0.9, 0.9])
    new = Results("2 cores, load average 3.1, torch 0", "bars", "2000-01-03", [vgg])
    joined = merged(made_up(), new)
    assert [row.net for row in joined.rows] == ["lenet", "vgg"] and joined.rows[1] == new.rows[0]
    assert joined.rows[0] == made_up().rows[0] and joined.date == "2000-01-03"
    with pytest.raises(ValueError, match="measure all nets here"):
        merged(made_up(), Results("3 cores, torch 0", "bars", "2000-01-03", new.rows))
    both = merged(made_up(), replace(new, rows=[replace(vgg, images_per_second=1.0)]), more=True)
    assert both.machine == made_up().machine
    assert both.rows == [made_up().rows[0], replace(made_up().rows[1], accuracies=[0.8, 0.8, 0.9, 0.9, 0.9, 0.9])]


def test_the_table_says_mean_spread_lowest_and_machine():
    text = repr(made_up())
    assert "| LeNet | 61,706 | 0.417 M | 100 | 2 | 0.600 ± 0.100 | 3 | 0.500 |" in text
    assert "profile cpu, 2 cores, torch 0, bars, 2000-01-02" in text
    assert "<td>VGG-11</td>" in made_up()._repr_html_() and "2000-01-02" in made_up()._repr_html_()


def test_the_picture_has_a_dot_a_net_at_its_place():
    ax = plot_nets(made_up())
    places = [tuple(dots.get_offsets()[0]) for dots in ax.collections if len(dots.get_offsets()) == 1]
    assert (pytest.approx(0.41652), pytest.approx(0.6)) in places and len(ax.texts) == 2 and ax.get_xscale() == "log"


def test_the_command_measures_prints_and_stores(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(benchmark_nets, "FOLDER", tmp_path)
    monkeypatch.setattr(store, "__defaults__", (tmp_path,))
    monkeypatch.setattr(benchmark_nets.Recipe, "load", lambda self: (bars(40, 28, shuffle=True), bars(20, 28)))
    monkeypatch.setattr(load_results, "__defaults__", ("cpu", tmp_path))
    monkeypatch.setattr(benchmark_nets, "RECIPES", {name: RECIPES[name] for name in ("lenet", "bn_lenet")})
    assert main(["nets", "--seeds", "1", "--store"]) == 0
    assert "| LeNet | 61,706 |" in capsys.readouterr().out
    first = load_results("quick")
    assert main(["nets", "--only", "bn_lenet", "--seeds", "2", "--store"]) == 0
    again = load_results("quick")
    assert again.rows[0] == first.rows[0] and [len(row.accuracies) for row in again.rows] == [1, 2]
    assert main(["nets", "--only", "bn_lenet", "--seeds", "1", "--more", "--store"]) == 0
    longer = load_results("quick").rows[1]
    third = measure("bn_lenet", 1, (bars(40, 28, shuffle=True), bars(20, 28)), tell=str, first=2)
    assert longer == replace(again.rows[1], accuracies=[*again.rows[1].accuracies, *third.accuracies])
    for words in (["nets", "--only", "densenet"], ["nets", "--seeds", "0"]):
        with pytest.raises(SystemExit):
            main(words)
    assert "no net densenet: choose among lenet" in capsys.readouterr().err


@pytest.mark.skipif(not (benchmark_nets.FOLDER / "nets_cpu.json").is_file(), reason="not measured yet")
def test_what_is_stored_are_the_recipes_nets():
    results = load_results("cpu")
    assert [row.net for row in results.rows] == list(RECIPES)
    for row in results.rows:
        settings = recipe(row.net, "cpu")
        table = describe_net(settings.build(), settings.input_shape)
        assert (row.params, row.multiply_adds) == (table.params, table.multiply_adds)
        assert len(row.accuracies) >= 3 and row.mean >= 0.8 and min(row.accuracies) >= 0.7
