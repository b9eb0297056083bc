"""Batches: every pair gets its folder, a bad one stops nobody, and what is done is not done again."""

import csv
import json

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.cards import DEFAULT_MODEL, load_card
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.outlines import read_outlines
from X2CTLib.pairing import Pair
from X2CTLib.progress import CancelToken
from X2CTLib.request import Request
from X2CTReconstructionLib import batch
from X2CTReconstructionLib.sheet import TILE

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
            "mm_per_pixel": dict.fromkeys(request.files, 0.5),
            "trust": {"reprojection_correlations": {"PA": 0.91234}, "familiarity": {}, "low": folder.name == "b"},
        }
        (folder / "reconstruction.json").write_text(json.dumps(record), encoding="utf-8")
        (folder / "measurements.csv").write_text("name,value,unit,note\nLungs volume,4000.5,mL,\n", encoding="utf-8")
        sitk.WriteImage(sitk.GetImageFromArray(np.full((128, 128), 50000, np.uint16)), folder / "pa.png")
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
    assert batch._finished(record.parent, pair, SHA256, styled=False)
    assert not batch._finished(record.parent, pair, SHA256, styled=True)
    assert not batch._finished(record.parent, pair, "another", styled=False)
    assert not batch._finished(record.parent, Pair("b", {"PA": pair.files["PA"]}), SHA256, styled=False)
    record.write_text("{", encoding="utf-8")
    assert not batch._finished(record.parent, pair, SHA256, styled=False)


def test_the_sheet_has_a_row_for_every_case_and_names_those_that_failed(made, pairs, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(batch, "write_sheet", lambda path, rows: shown.extend(rows))
    batch.run_batch(pairs, Request({}), tmp_path / "out")
    words, pictures = zip(*shown, strict=True)
    assert [len(of) for of in pictures] == [1, 0, 0, 1] and pictures[3] == [tmp_path / "out" / "b" / "pa.png"]
    assert words[1] == "bad: bad.png is blank." and "by zero" in words[2]
    assert words[3] == "b: low trust, reprojection correlation PA 0.91, lungs 4000 mL"


def test_a_row_of_the_sheet_shows_its_words_above_its_pictures(tmp_path):
    grey = np.linspace(0, 255, 800, dtype=np.uint8)[None].repeat(800, axis=0)
    for name, pixels in (("colour", np.stack([grey, 0 * grey, 0 * grey], axis=-1)), ("grey", 257 * grey.astype("u2"))):
        sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=pixels.ndim == 3), tmp_path / f"{name}.png")
    files = [tmp_path / "colour.png", tmp_path / "grey.png"]
    heights = []
    for rows in ([("one", files)], [("one", files), ("two failed", [])]):
        batch.write_sheet(tmp_path / "sheet.jpg", rows)
        sheet = sitk.GetArrayFromImage(sitk.ReadImage(tmp_path / "sheet.jpg")).astype(int)
        heights.append(len(sheet))
    row = next(n for n in range(len(sheet)) if sheet[n : n + TILE, 2 * TILE - 8].min() > 230)
    tiles = sheet[row : row + TILE]
    ramp = np.linspace(0, 255, TILE)
    assert abs(tiles[:, :TILE, 0] - ramp).mean() < 5 and tiles[:, : TILE - 20, 1].mean() < 5, "colour stays"
    assert abs(tiles[:, TILE : 2 * TILE] - ramp[:, None]).mean() < 5, "16 bits become 8"
    assert sheet[:row].max() > 200 and sheet[row + TILE :].max() > 200, "words above, and those of the next row"
    assert 10 < heights[1] - heights[0] < 60, "a row without pictures is its words alone"


def test_lungs_outlined_on_the_radiographs_are_in_the_table(made, pairs, tmp_path):
    (tmp_path / "outlines.csv").write_text(
        "picture,part,outline\n"
        "b_pa.png,right lung,0:0 300:0 300:400 0:400\n"
        "b_pa.png,left lung,0:0 200:0 200:400 0:400\n"
        "b_lateral.png,lungs,0:0 400:0 0:800\n",
        encoding="utf-8",
    )
    outlines = read_outlines(tmp_path / "outlines.csv")
    cases = batch.run_batch(pairs, Request({}), tmp_path / "out", outlines=outlines)
    numbers = cases[-1].numbers
    estimate = 9.6 * (300 + 200 + 400) - 1367  # square centimetres, with pixels of half a millimetre
    assert numbers[batch.OUTLINED] == pytest.approx(estimate, abs=0.1)
    assert numbers[batch.AGAINST_OUTLINED] == pytest.approx(100 * (4000.5 / estimate - 1), abs=0.1)
    assert batch.OUTLINED not in cases[0].numbers
    assert any(line.startswith(batch.AGAINST_OUTLINED) for line in batch.summary(cases))
    assert batch.summary(cases)[0] == "low trust: 1 of 2"


def test_another_table_is_no_list_of_outlines(tmp_path):
    path = tmp_path / "other.csv"
    for text in ("a,b\n1,2\n", "picture,part,outline\na.png,lungs,0-0 1-1\n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="no list of outlines"):
            read_outlines(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_outlines(tmp_path / "nowhere.csv")


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
