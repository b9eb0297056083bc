import csv
from pathlib import Path

import pytest
from PIL import Image

from X2CTLib.cli import main
from X2CTLib.errors import InputError
from X2CTLib.geometry import View
from X2CTLib.weights import load_model
from X2CTTrainingLib.evaluation import MEAN_VOLUME, Estimate
from X2CTTrainingLib.tables import PSNR, PSNR_VOLUME, SSIM, disagreements, lines_of_tables, markdown, write_csv
from X2CTTrainingLib.tables_command import find_pairs, paper_experiments

EXPERIMENTS = paper_experiments("paper")


def scores(psnr: float, ssim: float) -> dict[str, Estimate]:
    return {PSNR: Estimate(psnr, 5, 0.5), SSIM: Estimate(ssim, 5, 0.01), PSNR_VOLUME: Estimate(psnr - 5, 5, 0.4)}


@pytest.fixture
def as_published():
    """The scores that the paper reports."""
    own = {name: scores(experiment.rows[0].psnr, experiment.rows[0].ssim) for name, experiment in EXPERIMENTS.items()}
    return own | {MEAN_VOLUME: scores(20, 0.4)}


def test_ten_trainings_fill_thirteen_rows(as_published):
    lines = lines_of_tables(EXPERIMENTS, as_published)
    assert len(EXPERIMENTS) == 10
    assert [[line.row.row for line in lines[table]] for table in (1, 2, 3)] == [
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4],
        [1, 2, 3, 4],
    ]


def test_what_agrees_with_the_paper_is_not_complained_about(as_published):
    assert disagreements(lines_of_tables(EXPERIMENTS, as_published)) == []


def test_what_does_not_reproduce_is_said(as_published):
    as_published["x2ct-gan-biplanar"] = scores(26.19, 0.3)
    said = disagreements(lines_of_tables(EXPERIMENTS, as_published))
    assert any("Table 1" in s and "X2CT-GAN+B is not above X2CT-GAN+S" in s and "0.656" in s for s in said)
    assert all("SSIM" in sentence for sentence in said)
    assert said[0] in markdown(lines_of_tables(EXPERIMENTS, as_published), as_published, "Here.")


def test_tables_show_ours_beside_the_published_figures(as_published):
    as_published["x2ct-cnn-biplanar"] = scores(25.5, 0.61)
    text = markdown(lines_of_tables(EXPERIMENTS, as_published), as_published, "On nothing.")
    assert "| X2CT-CNN+B | 25.50 ± 0.50 | 27.29 | 0.610 ± 0.010 | 0.721 | 20.50 ± 0.40 |" in text
    assert text.count(f"| {MEAN_VOLUME} | 20.00 ± 0.50 |") == 3


def test_csv_holds_the_same(as_published, tmp_path):
    write_csv(tmp_path / "table.csv", lines_of_tables(EXPERIMENTS, as_published)[3])
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    (row,) = (row for row in rows if row["method"] == "GAN" and row["score"] == PSNR)
    assert float(row["mean"]) == float(row["published"]) == 17.38 and row["patients"] == "5"


TINY = """
geometry = "clinical"
[network]
width = 0.1
[[stages]]
steps = 1
voxels = 64
"""


def test_one_command_trains_evaluates_and_draws(tmp_path):
    """The whole way, with networks that learn nothing."""
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    arguments = ["tables", "--data", "phantoms:2", "--scale", str(tmp_path / "tiny.toml")]
    arguments += ["--cache", str(tmp_path / "cache"), "--output", str(tmp_path / "out")]
    assert main(arguments) == 0
    text = (tmp_path / "out" / "tables.md").read_text(encoding="utf-8")
    assert "Trained on 0 CTs and 1 phantoms; scored on 0 CTs and 1 phantoms" in text and "width 0.1, 1 steps" in text
    for table, methods in ((1, 5), (2, 4), (3, 4)):
        rows = list(csv.DictReader((tmp_path / "out" / f"table_{table}.csv").open(encoding="utf-8")))
        assert len({row["method"] for row in rows}) == methods
        assert all(5 < float(row["mean"]) < 40 for row in rows if row["score"] == PSNR)
    for figure, shape in ((6, (3, 6)), (7, (1, 4)), (8, (2, 5))):
        width, height = Image.open(tmp_path / "out" / f"figure_{figure}.png").size
        assert width / height == pytest.approx(shape[1] / shape[0], rel=0.5)
    assert (tmp_path / "out" / "evaluation" / "report.html").is_file()
    assert load_model(tmp_path / "out" / "runs" / "2dcnn" / "model.safetensors").generator.pixels == 256


def test_pairs_of_radiographs_are_found_by_name(tmp_path):
    for name in ("a_pa.png", "a_lateral.dcm", "b_pa.png", "notes.txt"):
        (tmp_path / name).touch()
    assert find_pairs(tmp_path) == {"a": {View.PA: tmp_path / "a_pa.png", View.LATERAL: tmp_path / "a_lateral.dcm"}}
    with pytest.raises(InputError, match="no pair"):
        find_pairs(Path(tmp_path / "nowhere"))
