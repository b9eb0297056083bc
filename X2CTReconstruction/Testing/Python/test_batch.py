"""Batches: every pair gets its folder, a bad one stops nobody, and what is done is not done again."""

import csv
import json

import pytest

from X2CTLib.cards import DEFAULT_MODEL, load_card
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.pairing import Pair
from X2CTLib.progress import CancelToken
from X2CTLib.request import Request
from X2CTReconstructionLib import batch

SHA256 = load_card(DEFAULT_MODEL)["sha256"]


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """In place of reconstructions that take a minute: files with the same names. The cases that were made."""
    names = []

    def write_results(request, folder, progress, cancel):
        progress(0.5, "Working")
        if cancel:
            cancel.check()
        names.append(folder.name)
        if "bad" in folder.name:
            raise InputError("bad.png is blank.")
        if "broken" in folder.name:
            raise ZeroDivisionError("by zero")
        folder.mkdir(parents=True)
        record = {
            "sources": {view: path.name for view, path in request.files.items()},
            "card": {"sha256": SHA256},
            "trust": {"reprojection_correlations": {"PA": 0.91234}, "familiarity": {}, "low": folder.name == "b"},
        }
        (folder / "reconstruction.json").write_text(json.dumps(record), encoding="utf-8")
        (folder / "measurements.csv").write_text("name,value,unit,note\nLungs volume,4000.5,mL,\n", encoding="utf-8")
        (folder / "pa.png").write_bytes(b"a picture")
        (folder / "report.html").write_text("a report", encoding="utf-8")

    monkeypatch.setattr(batch, "write_results", write_results)
    return names


@pytest.fixture
def pairs(tmp_path) -> list[Pair]:
    return [
        Pair(name, {"PA": tmp_path / f"{name}_pa.png", "LATERAL": tmp_path / f"{name}_lateral.png"}, notes)
        for name, notes in (("a & co", ["<one> is left out."]), ("bad", []), ("broken", []), ("b", []))
    ]


def table(folder) -> dict[str, dict[str, str]]:
    with (folder / batch.TABLE).open(encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def test_a_bad_case_stops_nobody_and_is_named(made, pairs, tmp_path):
    told = []
    cases = batch.run_batch(pairs, Request({}), tmp_path / "out", lambda *step: told.append(step))
    assert [case.name for case in cases if case.problem] == ["bad", "broken"]
    rows = table(tmp_path / "out")
    assert [rows[name]["status"] for name in ("a & co", "bad", "broken", "b")] == ["done", "failed", "failed", "done"]
    assert rows["bad"]["problem"] == "bad.png is blank." and "by zero" in rows["broken"]["problem"]
    assert rows["b"]["Lungs volume (mL)"] == "4000.5" and rows["b"]["low trust"] == "yes"
    assert rows["a & co"]["reprojection correlation PA"] == "0.912" and rows["a & co"]["notes"] == "<one> is left out."
    assert [fraction for fraction, _ in told] == [0.125, 0.375, 0.625, 0.875]
    assert told[0][1] == "1/4 a & co: Working"


def test_the_page_shows_every_case(made, pairs, tmp_path):
    batch.run_batch(pairs, Request({}), tmp_path / "out")
    page = (tmp_path / "out" / batch.PAGE).read_text(encoding="utf-8")
    assert 'href="a%20%26%20co/report.html"' in page and 'src="a%20%26%20co/pa.png"' in page
    assert "&lt;one&gt; is left out." in page and "bad.png is blank." in page and "SYNTHETIC" in page


def test_it_goes_on_where_it_stopped(made, pairs, tmp_path):
    token = CancelToken()

    def stop(fraction, words):
        if words.startswith("2/4"):
            token.cancel()

    with pytest.raises(Cancelled):
        batch.run_batch(pairs, Request({}), tmp_path / "out", stop, token)
    assert made == ["a & co"] and list(table(tmp_path / "out")) == ["a & co"]

    batch.run_batch(pairs, Request({}), tmp_path / "out")
    assert made == ["a & co", "bad", "broken", "b"], "what was done is not done again"
    assert table(tmp_path / "out")["a & co"]["Lungs volume (mL)"] == "4000.5"


def test_a_folder_of_other_radiographs_or_of_another_model_is_not_taken_for_done(made, pairs, tmp_path):
    (pair,) = pairs[3:]
    batch.run_batch([pair], Request({}), tmp_path / "out")
    record = tmp_path / "out" / "b" / "reconstruction.json"
    assert batch._finished(record.parent, pair, SHA256)
    assert not batch._finished(record.parent, pair, "another")
    assert not batch._finished(record.parent, Pair("b", {"PA": pair.files["PA"]}), SHA256)
    record.write_text("{", encoding="utf-8")
    assert not batch._finished(record.parent, pair, SHA256)


def test_the_command_counts_what_failed(made, tmp_path, capsys):
    from X2CTLib.cli import main

    for name in ("good_pa.png", "good_lateral.png", "bad_pa.png"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes(b"a picture")
    assert main(["batch", str(tmp_path / "in"), "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out
    assert "Failed: bad: bad.png is blank." in said and "1 of 2 cases are done" in said
    (tmp_path / "in" / "bad_pa.png").unlink()
    assert main(["batch", str(tmp_path / "in"), "--output", str(tmp_path / "out")]) == 0
    assert main(["batch", str(tmp_path / "nowhere"), "--output", str(tmp_path / "out")]) == 2
