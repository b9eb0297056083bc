"""What a run's folder tells, without a training."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from X2CTLib import cli
from X2CTLib.errors import Cancelled, InputError
from X2CTTrainingLib.experiment import experiment_names
from X2CTTrainingLib.known_runs import known_runs
from X2CTTrainingLib.run_folder import CHECKPOINT, EXPERIMENT, STATUS, Inputs, record_run, recorded_inputs, tell
from X2CTTrainingLib.runs import begin_run, find_run, find_runs, stop_run
from X2CTTrainingLib.systems import read_experiment


@pytest.fixture(autouse=True)
def a_home(tmp_path, monkeypatch):
    """Where runs are remembered."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def a_run(tmp_path) -> Path:
    """The folder of a run that was begun, and nothing else."""
    begin_run(tmp_path / "runs" / "mine", {"system": "reconstruction"}, Inputs(["phantoms:2"], tmp_path / "cache"))
    return tmp_path / "runs" / "mine"


def state(run: Path) -> tuple[str, str]:
    found = find_run(run)
    return found.state, found.message


def test_how_a_run_ends_is_told(a_run):
    assert tell(a_run, lambda progress: ["Skipped one."]) == ["Skipped one."]
    assert state(a_run) == ("finished", "Skipped one.")
    for error, told in (
        (Cancelled(), ("stopped", "Stopped and saved.")),
        (InputError("No CT."), ("failed", "No CT.")),
        (ZeroDivisionError("x"), ("failed", "ZeroDivisionError: x")),
    ):

        def fail(progress, error=error):
            progress(0.5, "half")
            assert find_run(a_run).active
            raise error

        with pytest.raises(type(error)):
            tell(a_run, fail)
        assert state(a_run) == told


def test_what_was_told_before_a_run_began_anew_does_not_count(a_run, tmp_path):
    tell(a_run, lambda progress: [])
    begin_run(a_run, {"system": "reconstruction"}, Inputs(["phantoms:2"], tmp_path))
    assert state(a_run) == ("starting", "")


def test_a_run_on_another_computer_is_alive_as_long_as_it_is_heard_of(a_run):
    def elsewhere(progress):
        status = json.loads((a_run / STATUS).read_text(encoding="utf-8"))
        (a_run / STATUS).write_text(json.dumps({**status, "host": "node7", "pid": -1}), encoding="utf-8")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(a_run, elsewhere)
    assert socket.gethostname() != "node7" and state(a_run)[0] == "running"
    with pytest.raises(InputError, match="node7"):
        stop_run(a_run)
    long_ago = time.time() - 3600
    os.utime(a_run / STATUS, (long_ago, long_ago))
    assert state(a_run)[0] == "stopped"


def test_runs_are_found_wherever_they_are_and_forgotten_when_they_are_gone(a_run, tmp_path):
    record_run(tmp_path / "other" / "mine", {}, Inputs([], tmp_path))
    assert list(find_runs(tmp_path / "other")) == ["mine", str(a_run)]
    assert list(find_runs(a_run.parent)) == ["mine"]
    assert known_runs() == [a_run]
    a_run.rename(tmp_path / "moved")
    assert known_runs() == [] and find_runs(tmp_path / "nowhere") == {}
    assert find_runs(tmp_path).keys() == {"moved"}


def test_what_a_run_is_made_from_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "cts").mkdir()
    monkeypatch.chdir(tmp_path)
    record_run(Path("run"), {}, Inputs(["cts", "phantoms:3"], Path("cache"), "cpu", ["cts"]))
    monkeypatch.chdir("/")
    cts = str(tmp_path / "cts")
    assert recorded_inputs(tmp_path / "run") == Inputs([cts, "phantoms:3"], tmp_path / "cache", "cpu", [cts])


@pytest.mark.parametrize("name", experiment_names())
def test_an_experiment_is_the_same_when_it_was_recorded(name, tmp_path):
    experiment = read_experiment(name)
    record_run(tmp_path, experiment.to_tables(), Inputs([], tmp_path))
    assert read_experiment(str(tmp_path / EXPERIMENT)) == experiment


def test_a_command_that_cannot_be_done_leaves_the_record_of_a_run(tmp_path, capsys):
    folder, command = tmp_path / "run", ["train", "lean", "--output", str(tmp_path / "run")]
    assert cli.main([*command, "--data", str(tmp_path / "nowhere")]) == 2
    assert not folder.exists()
    record_run(folder, read_experiment("x2ct-cnn-single").to_tables(), Inputs([], tmp_path))
    (folder / CHECKPOINT).touch()
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert cli.main([*command, "--data", "phantoms:2"]) == 2
    assert "holds a run of another experiment" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
