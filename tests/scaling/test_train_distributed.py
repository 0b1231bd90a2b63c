"""Training in several processes: the same as in one, and nothing lost when one of them is killed."""

import json
import math
import os
import subprocess
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.scaling import distributed
from helpers.scaling.checkpoint import load_checkpoint
from helpers.scaling.sync_batch_norm import SyncBatchNorm, synchronised
from helpers.scaling.train_distributed import main, parse, torchrun

from .distributed_cases import EXACT, NORMS, RUNS, double, normalised, words
from .started import ROOT, Started, few_pictures  # noqa: F401  (a fixture)

PROCESSES = Path("/proc/self/environ")
kills = pytest.mark.skipif(not PROCESSES.exists(), reason="finds the processes in /proc")


def finished(command, settings):
    """What a command printed; it has to end well."""
    environment = {**os.environ, **settings}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def _environment(settings, monkeypatch):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def killed(settings, tmp_path_factory):
    """A run of two processes that was killed, started again, and killed for good: its folder, status and output.

    Where processes cannot be found the folder is empty.
    """
    folder = tmp_path_factory.mktemp("killed")
    if not PROCESSES.exists():
        return folder, None, ""
    with Started(folder, settings, max_restarts=1) as run:
        run.kill(rank=0, restart=0, after=13)  # torchrun starts both again
        run.kill(rank=1, restart=1, after=43)  # and now it gives up
        return folder, run.torchrun.wait(100), run.output()


@pytest.fixture(scope="module")
def two(killed, settings, tmp_path_factory):
    """The folder in which two processes have left what they found in every case; `printed` is their output.

    Before that the same two have gone on with the killed run; `step` is where that one stood.
    """
    folder, checkpoint = tmp_path_factory.mktemp("two"), killed[0] / "run.pt"
    if checkpoint.exists():
        (folder / "step").write_text(str(load_checkpoint(checkpoint)["step"]))
    command = [*torchrun(2)[:-1], "tests.scaling.distributed_cases", str(killed[0]), str(folder)]
    (folder / "printed").write_text(finished(command, settings))
    return folder


def records(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.log").read_text().splitlines()]


def losses(folder, name):
    return [record["loss"] for record in records(folder, name)]


def weights(folder, name):
    return load_checkpoint(folder / f"{name}.pt")["net"]


def run_alone(options, folder, name="one", *more):
    assert main([*words(options, folder, name), "--device", "cpu", *more]) == 0
    return losses(folder, name)


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_have_the_loss_curve_of_one(two, tmp_path, name):
    alone, shared = run_alone(RUNS[name], tmp_path), losses(two, name)
    assert len(alone) == len(shared) == {"lenet": 8, "resnet18": 6}[name]
    # float32: the sums of two processes round differently, and batch norm makes more of it with each step
    assert alone[:3] == pytest.approx(shared[:3], abs={"lenet": 1e-5, "resnet18": 2e-4}[name])
    assert len({round(loss, 2) for loss in alone}) > 3, "the loss changes"


@pytest.mark.parametrize("name", EXACT)
def test_two_processes_take_the_very_steps_of_one(two, tmp_path, name):
    with double():
        alone = run_alone(EXACT[name], tmp_path)
    assert len(alone) >= 4 and alone == pytest.approx(losses(two, name), abs=1e-9)
    torch.testing.assert_close(weights(tmp_path, "one"), weights(two, name), atol=1e-9, rtol=1e-9)
    assert records(tmp_path, "one")[-1]["test_acc"] == records(two, name)[-1]["test_acc"]


def test_one_process_goes_on_where_two_stopped(two, tmp_path, capsys):
    (tmp_path / "run.pt").write_bytes((two / "stopped.pt").read_bytes())
    assert run_alone(RUNS["lenet"], tmp_path, "run") == pytest.approx(losses(two, "lenet"), abs=1e-5)
    assert "resumed after step 3" in capsys.readouterr().out


@pytest.mark.parametrize("name", NORMS)
def test_batch_norm_over_slices_is_that_of_the_whole_batch(two, name):
    shape, first = NORMS[name]
    whole = normalised(shape, False, slice(None))
    parts = [torch.load(two / f"{name} {rank}.norm", weights_only=True) for rank in range(2)]
    for key, wanted in whole.items():
        if key.startswith(("Y", "dX", "evaluated")):
            found = torch.cat([part[key] for part in parts])
        else:
            found = parts[0][key] + parts[1][key] if key in ("dweight", "dbias") else parts[0][key]
            assert key in ("dweight", "dbias") or torch.equal(parts[0][key], parts[1][key])
        torch.testing.assert_close(found, wanted)


def test_batch_norm_far_from_zero_loses_no_more_than_pytorchs(two):
    X = 1000 + torch.randn(8, 2, 6, 6, generator=torch.Generator().manual_seed(1))
    found = torch.cat([torch.load(two / f"far from 0 {rank}.norm", weights_only=True) for rank in range(2)])
    right = nn.BatchNorm2d(2).double()(X.double()).detach()
    torch.testing.assert_close(found.double(), right, atol=1e-3, rtol=0)


def test_the_layer_alone_is_pytorchs_and_the_net_keeps_its_names():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2, eps=0.1, momentum=0.3)))
    before = {key: value.clone() for key, value in net.state_dict().items()}
    made = synchronised(net.eval())
    assert type(made[1][0]) is SyncBatchNorm and (made[1][0].eps, made[1][0].momentum) == (0.1, 0.3)
    assert not made[1][0].training
    assert all(torch.equal(before[key], value) for key, value in made.state_dict().items())
    alone, pytorch = (normalised((4, 2, 3, 3), ours, slice(None)) for ours in (True, False))
    torch.testing.assert_close(alone, pytorch)
    with pytest.raises(ValueError, match="needs affine=True"):
        synchronised(nn.BatchNorm2d(2, affine=False))


def test_process_0_alone_speaks(two):
    lines = (two / "printed").read_text().splitlines()
    goes_on = [line for line in lines if line.startswith("finished after step 100")]
    assert len(goes_on) == 2, "the killed run and the undisturbed one"
    lines = lines[lines.index(goes_on[0]) + 1 :]
    heads = [line for line in lines if "2 processes on cpu (gloo): " in line]
    ends = [line for line in lines if line.startswith("finished after step")]
    assert sum(line.startswith("stopped after step 3") for line in lines) == 1
    assert len(heads) == len(RUNS) + 2 + len(EXACT) and len(ends) == len(heads) - 1
    first = lines[lines.index(heads[0]) : lines.index(ends[0]) + 1]
    assert heads[0] == "lenet, profile quick, 2 processes on cpu (gloo): 8 steps of 16 pictures"
    assert [line.split(":")[0] for line in first[1:-1]] == [
        f"epoch {step / 4:.1f} of 2, step {step}" for step in range(1, 9)]  # fmt: skip
    assert sum("test accuracy" in line for line in first) == 3, "at the end of each epoch, and of all"
    assert lines[0].startswith("own files") and sum(line.endswith(", test 23") for line in lines) == len(heads)


def test_every_step_is_in_the_log_once(two):
    found = records(two, "undisturbed")
    assert [record["step"] for record in found] == list(range(1, 101))
    assert [record["epoch"] for record in found] == [1 + i // 20 for i in range(100)]
    assert all(("test_acc" in record) == (record["step"] % 20 == 0) for record in found)
    assert all(("images_per_second" in record) == (record["step"] % 4 == 0) for record in found)
    state = load_checkpoint(two / "undisturbed.pt")
    assert (state["step"], state["epoch"], state["seed"]) == (100, 5, 0) and state["records"] == found


@kills
def test_nothing_is_lost_when_processes_are_killed(killed, two):
    folder, status, printed = killed
    assert status != 0, "nobody waits for the dead"
    assert "Signal 9 (SIGKILL)" in printed
    assert printed.count("resumed after step") == 1 and "finished" not in printed
    step, resumed = int((two / "step").read_text()), (two / "printed").read_text().split("finished after step 100")[0]
    assert 40 <= step < 100 and step % 10 == 0
    assert f"100 steps of 10 pictures, resumed after step {step}\n" in resumed and "finished" not in resumed
    ours, theirs = records(folder, "run"), records(two, "undisturbed")
    for name in ("step", "epoch", "loss", "test_acc"):
        assert [record.get(name) for record in ours] == [record.get(name) for record in theirs]
    ours, theirs = weights(folder, "run"), weights(two, "undisturbed")
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_run_in_pieces_is_the_whole_run(tmp_path, capsys):
    options = RUNS["resnet18"]
    whole = run_alone(options, tmp_path, "whole")
    for steps in ("2", "5"):
        run_alone(options, tmp_path, "pieces", "--max-steps", steps)
        assert f"stopped after step {steps}" in capsys.readouterr().out
    assert run_alone(options, tmp_path, "pieces") == whole
    ours, theirs = weights(tmp_path, "pieces"), weights(tmp_path, "whole")
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert run_alone(options, tmp_path, "pieces") == whole, "a finished run has nothing left to do"
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("finished after step 6: test accuracy") and "images/s" not in last


def test_dropout_goes_on_with_the_masks_of_an_undisturbed_run(tmp_path):
    options = "--net alexnet --epochs 1 --batch-size 16 --set width=0.05 --set hidden=16"
    whole = run_alone(options, tmp_path, "whole")
    run_alone(options, tmp_path, "pieces", "--max-steps", "2")
    torch.rand(5)  # other random numbers are drawn in between
    assert run_alone(options, tmp_path, "pieces") == whole
    assert run_alone(options, tmp_path, "other", "--seed", "1") != whole


def test_other_settings_are_refused_in_one_sentence(tmp_path, capsys):
    run_alone(RUNS["lenet"], tmp_path, "run", "--max-steps", "2")
    before = (tmp_path / "run.pt").read_bytes(), (tmp_path / "run.log").read_bytes()
    capsys.readouterr()
    assert main([*words(RUNS["lenet"], tmp_path, "run"), "--lr", "0.5", "--seed", "3", "--device", "cpu"]) == 1
    said = capsys.readouterr().err
    assert "run.pt belongs to another run (lr is 0.9 there and 0.5 here; seed is 0 there and 3 here)" in said
    assert said.count("\n") == 1
    assert before == ((tmp_path / "run.pt").read_bytes(), (tmp_path / "run.log").read_bytes())


@pytest.mark.parametrize("damage", ["truncated", "other"])
def test_a_damaged_checkpoint_is_refused_by_name(tmp_path, capsys, damage):
    run_alone(RUNS["lenet"], tmp_path, "run", "--max-steps", "2")
    path = tmp_path / "run.pt"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        torch.save({"weight": torch.zeros(2)}, path)
    capsys.readouterr()
    assert main([*words(RUNS["lenet"], tmp_path, "run"), "--device", "cpu"]) == 1
    said = capsys.readouterr().err
    assert "run.pt is no " in said and said.count("\n") == 1
    assert damage == "truncated" or "lacks epoch, net, optimizer" in said


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_stored(tmp_path, capsys):
    # A net without batch normalisation at a rate far too high.
    options = "--net resnet18 --set width=0.07 --set batch_norm=False --batch-size 16 --epochs 9 --lr 1e6 --every 1"
    assert main([*words(options, tmp_path, "run"), "--device", "cpu"]) == 1
    said = capsys.readouterr().err
    assert "the loss became nan in step" in said or "the loss became inf in step" in said
    assert "take a smaller --lr" in said
    stored = load_checkpoint(tmp_path / "run.pt")["records"]
    assert all(abs(record["loss"]) < float("inf") for record in stored)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["--net", "lenet", "--max-steps", "1", "--checkpoint", str(tmp_path / "file" / "run.pt"),
                 "--device", "cpu"]) == 1  # fmt: skip
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize(("line", "said"), [
    ("--net densenet", "invalid choice: 'densenet'"),
    ("--net lenet --batch-size 0", "must be a whole number above 0, not '0'"),
    ("--net lenet --set width", "must be NAME=VALUE, not 'width'"),
    ("--net lenet --set depth=3", "no setting 'depth'; it has"),
    ("--epochs 2", "--net"),
])  # fmt: skip
def test_a_wrong_command_line_is_answered(line, said, capsys, monkeypatch):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2 and said in capsys.readouterr().err
    monkeypatch.setenv("RANK", "1")
    with pytest.raises(SystemExit):
        main(line.split())
    assert capsys.readouterr() == ("", ""), "process 0 alone says it"


def test_options_change_the_recipe():
    plan = parse("--net resnet18 --lr 0.01 --batch-size 8 --num-train 20 --set width=0.5 --set stem=3x3".split()).plan
    assert (plan.lr(0.0), plan.lr(0.5)) == (0.01, pytest.approx(0.005)), "it falls as the recipe's"
    assert (plan.data["batch_size"], plan.data["num_train"]) == (8, 20)
    assert (plan.options["width"], plan.options["stem"]) == (0.5, "3x3")
    assert parse("--net lenet --lr 0.3".split()).plan.lr == 0.3


def test_the_rate_falls_step_by_step(tmp_path, monkeypatch):
    rates = []
    step = torch.optim.SGD.step
    monkeypatch.setattr(torch.optim.SGD, "step", lambda self: (rates.append(self.param_groups[0]["lr"]), step(self)))
    run_alone(RUNS["resnet18"], tmp_path)
    half = [0.025 * (1 + math.cos(math.pi * i / 6)) for i in range(6)]
    assert rates == pytest.approx(half)


def place_of(monkeypatch, gpus, device, local, here):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(distributed.dist, "is_nccl_available", lambda: True)
    for name, value in {"RANK": local, "WORLD_SIZE": here, "LOCAL_RANK": local, "LOCAL_WORLD_SIZE": here}.items():
        monkeypatch.setenv(name, str(value))
    place = distributed.find_place(device)
    return str(place.device), place.backend


def test_each_process_gets_a_gpu_of_its_own_or_none(monkeypatch):
    assert place_of(monkeypatch, 2, "auto", 1, 2) == ("cuda:1", "nccl")
    assert place_of(monkeypatch, 1, "auto", 1, 2) == ("cpu", "gloo")
    assert place_of(monkeypatch, 1, "cuda", 1, 2) == ("cuda:0", "gloo")
    assert place_of(monkeypatch, 2, "cpu", 0, 2) == ("cpu", "gloo")
    with pytest.raises(ValueError, match="no CUDA device"):
        place_of(monkeypatch, 0, "cuda", 0, 1)


@pytest.mark.parametrize(("gpus", "here", "device", "chosen"), [
    (1, 2, "auto", "cpu"),  # one GPU for two: they compute on the CPU, and by its recipe
    (1, 1, "auto", "gpu"), (2, 2, "auto", "gpu"), (1, 2, "cuda", "gpu"), (2, 2, "cpu", "cpu"),
])  # fmt: skip
def test_the_profile_follows_the_place(monkeypatch, gpus, here, device, chosen):
    monkeypatch.delenv("CNN_COURSE_PROFILE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    place_of(monkeypatch, gpus, device, 0, here)
    words = ["--net", "resnet18", "--device", device]
    assert parse(words).plan.profile == chosen
    monkeypatch.setenv("CNN_COURSE_PROFILE", "quick")
    assert parse(words).plan.profile == "quick", "whoever asks for one gets it"


@pytest.mark.parametrize(("backend", "gpu"), [("nccl", torch.device("cuda", 1)), ("gloo", None)])
def test_nccl_is_told_which_gpu(monkeypatch, backend, gpu):
    told = {}
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda *args, **options: told.update(options))
    monkeypatch.setattr(distributed.dist, "destroy_process_group", lambda: None)
    with distributed.joined(distributed.Place(0, 1, torch.device("cuda", 1), backend), timeout=5):
        assert told["device_id"] == gpu


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("count", [1, 2])
def test_cuda_trains_as_the_cpu_does(tmp_path, settings, count):
    options = RUNS["resnet18"]
    printed = finished(torchrun(count, *words(options, tmp_path, "gpu"), "--device", "cuda"), settings)
    assert ("(nccl)" if count <= torch.cuda.device_count() else "(gloo)") in printed
    assert losses(tmp_path, "gpu")[:3] == pytest.approx(run_alone(options, tmp_path)[:3], abs=1e-2)


def test_help_reads_well(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    said = capsys.readouterr().out
    assert end.value.code == 0 and "torchrun --standalone --nproc-per-node=2 -m helpers.scaling" in said
    assert "Equal for any number of processes" in said and "--checkpoint PATH" in said
