import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.anatomy import LABELS
from X2CTLib.cli import main
from X2CTLib.errors import InputError
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.networks.generator import Generator
from X2CTLib.weights import Model, save_model
from X2CTTrainingLib import evaluation
from X2CTTrainingLib.datasets import gather
from X2CTTrainingLib.evaluate_command import ON_THE_CARD, weights_of, write_card
from X2CTTrainingLib.evaluation import MEAN_VOLUME, Evaluation
from X2CTTrainingLib.splits import Split

PSNR = "PSNR volume, peak 2500 (dB)"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A folder with two phantoms in its cache, the first as a predicted volume, and the second as if it were a CT."""
    room = tmp_path_factory.mktemp("room")
    first, second = gather(["phantoms:2"], room / "cache")[0]
    (room / "volumes").mkdir()
    for case, path in ((first, "volumes/phantom-0.nrrd"), (second, "other.nrrd")):
        sitk.WriteImage(VolumeGeometry.cube().to_image(np.array(case.hu)), str(room / path))
    return room


@pytest.fixture
def evaluate(room, monkeypatch):
    """The command, with a segmentation that takes no time."""
    monkeypatch.setattr(evaluation, "find_organs", lambda hu: np.where(hu > -300, LABELS["body"], 0).astype(np.uint8))
    return lambda *words: main(["evaluate", *map(str, words), "--cache", str(room / "cache")])


def test_predicted_volumes_are_scored_and_written(evaluate, room, tmp_path, capsys):
    sets = ["--data", "phantoms:1", "--training-data", room / "other.nrrd"]
    assert evaluate(room / "volumes", *sets, "--output", tmp_path / "out") == 0
    rows = list(csv.DictReader((tmp_path / "out" / "scores.csv").open(encoding="utf-8")))
    perfect = next(row for row in rows if row["answer"] == str(room / "volumes"))
    mean = next(row for row in rows if row["answer"] == MEAN_VOLUME)
    assert perfect[PSNR] == "inf" and float(mean[PSNR]) < 30
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
    assert MEAN_VOLUME in capsys.readouterr().out.splitlines()[1]


def a_run(room, folder, test: int) -> None:
    """A finished run of a tiny network that has learned nothing, on one phantom of the room."""
    cases, _ = gather(["phantoms:2"], room / "cache")
    folder.mkdir()
    Split([cases[1 - test]], [], [cases[test]]).record(folder)
    card = {
        "name": "tiny",
        "architecture": {"kind": "x2ct", "views": ["PA"], "width": 0.1},
        "projections": {"PA": clinical_projection(View.PA).to_dict()},
        "scores": {},
    }
    generator = Generator((View.PA,), width=0.1)
    save_model(folder / "model.safetensors", Model(generator, card, {View.PA: np.zeros((128, 128), np.float32)}))


def test_runs_are_scored_on_the_cases_that_they_held_out(evaluate, room, tmp_path, capsys):
    run, other = tmp_path / "run", tmp_path / "other"
    a_run(room, run, test=0)
    a_run(room, other, test=1)
    assert evaluate(run, room / "volumes", "--output", tmp_path / "out") == 0
    rows = list(csv.DictReader((tmp_path / "out" / "scores.csv").open(encoding="utf-8")))
    assert {row["case"] for row in rows} == {"phantom-0"}
    assert {row["answer"] for row in rows} >= {str(run), str(room / "volumes"), MEAN_VOLUME}
    assert evaluate(run, other) == 2
    assert "other cases" in capsys.readouterr().err


def test_of_data_alone_whom_a_training_would_hold_out_is_scored(evaluate, room, tmp_path):
    with (room / "list.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["path", "name", "part"], ["other.nrrd", "kept", "train"]])
        csv.writer(file).writerows([["volumes/phantom-0.nrrd", "phantom-0", "test"]])
    assert evaluate(room / "volumes", "--data", room / "list.csv", "--output", tmp_path / "out") == 0
    rows = list(csv.DictReader((tmp_path / "out" / "scores.csv").open(encoding="utf-8")))
    assert {row["case"] for row in rows} == {"phantom-0"}
    assert float(next(row for row in rows if row["answer"] == str(room / "volumes"))[PSNR]) > 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--data", "phantoms:2", "--training-data", "other.nrrd"], "phantom-1"),
        (["--training-data", "phantoms:1"], "--data"),
        ([], "--data"),
    ],
    ids=["missing prediction", "no mean volume", "nothing to score"],
)
def test_a_mistake_is_said_and_nothing_written(evaluate, room, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(room)
    assert evaluate("volumes", *words, "--output", tmp_path / "out") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_cts_and_phantoms_are_scored_apart_and_both_on_the_card(evaluate, room, tmp_path):
    a_run(room, tmp_path / "run", test=0)
    model = tmp_path / "run" / "model.safetensors"
    sets = ["--data", "phantoms:1", room / "other.nrrd", "--training-data", "phantoms:2-2"]
    assert evaluate(model, *sets, "--output", tmp_path / "out", "--write-cards") == 0
    scores = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))["scores"]
    for kind, name in (("CTs", "other"), ("phantoms", "phantom-0")):
        rows = list(csv.DictReader((tmp_path / "out" / kind / "scores.csv").open(encoding="utf-8")))
        assert {row["case"] for row in rows} == {name}
        psnr = next(float(row[PSNR]) for row in rows if row["answer"] == MEAN_VOLUME)
        assert scores[f"held-out {kind}"][MEAN_VOLUME][PSNR] == pytest.approx(psnr, abs=1e-4)
        assert scores[f"held-out {kind}"]["model"]["cases"] == 1


def test_what_is_named_is_a_run_a_model_or_a_folder_of_volumes(tmp_path):
    assert weights_of(tmp_path / "any.safetensors") == tmp_path / "any.safetensors"
    assert weights_of(tmp_path) is None
    (tmp_path / "split.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="not finished"):
        weights_of(tmp_path)
    (tmp_path / "model.safetensors").touch()
    assert weights_of(tmp_path) == tmp_path / "model.safetensors"
    with pytest.raises(InputError, match="no run, model"):
        weights_of(tmp_path / "nothing")


def test_the_card_gets_the_means_beside_what_it_has(tmp_path):
    card = {"name": "tiny", "scores": {"old": {"model": {PSNR: 1.0}}}}
    (tmp_path / "model.json").write_text(json.dumps(card), encoding="utf-8")
    rows = [
        {"case": case, "patient": case, "answer": answer, PSNR: value, "Dice of lungs": 1.0}
        for case, answer, value in (("a", "m", 20.0), ("b", "m", 21.0), ("a", MEAN_VOLUME, 15.0))
    ]
    found = Evaluation(rows=rows, sections={"a": {}, "b": {}})
    write_card(tmp_path / "model.safetensors", "held out", "m", found)
    scores = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))["scores"]
    assert scores["old"] == card["scores"]["old"]
    assert scores["held out"] == {
        "model": {"cases": 2, PSNR: 20.5, "Dice of lungs": 1.0},
        MEAN_VOLUME: {"cases": 2, PSNR: 15.0, "Dice of lungs": 1.0},
    }
    assert PSNR in ON_THE_CARD and not list(tmp_path.glob(".*"))
