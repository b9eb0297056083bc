import base64
import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

from X2CTLib.errors import InputError
from X2CTLib.mark import MARK
from X2CTTrainingLib.evaluation import CORRELATION, MEAN_VOLUME, PLANIMETRY, TRUE_VOLUME, Estimate, Evaluation
from X2CTTrainingLib.evaluation_figures import case_figure, scores_figure
from X2CTTrainingLib.evaluation_report import summary_table, write_evaluation
from X2CTTrainingLib.sections import PLANES, lungs_middle, sections

PSNR, MISSING = "PSNR volume, peak 2500 (dB)", "Dice of heart"


@pytest.fixture
def an_evaluation() -> Evaluation:
    """Two cases, one of which has a heart."""
    found = Evaluation()
    for case, psnr in (("a<b>", 20.0), ("b", 24.0)):
        for answer, less in (("model & co", 0), (MEAN_VOLUME, 4)):
            row = {
                "case": case,
                "patient": case,
                "answer": answer,
                PSNR: psnr - less,
                "mean absolute error (HU)": 100.0,
            }
            found.rows.append(row | ({MISSING: 0.5} if case == "b" else {}))
        found.rows.append({"case": case, "patient": case, "answer": PLANIMETRY, "absolute lung volume error (%)": 9.0})
        found.sections[case] = {
            answer: sections(np.full((16, 16, 16), hu, np.int16), (8, 8, 8))
            for answer, hu in ((TRUE_VOLUME, -600), ("model & co", -100), (MEAN_VOLUME, -800))
        }
    found.correlations["model & co"] = Estimate(0.25, 2)
    found.failures.append("c: There is no body in this CT.")
    return found


@pytest.fixture
def a_page(an_evaluation, tmp_path) -> str:
    an_evaluation.write(tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"scores.csv", "summary.csv", "report.html"}
    return (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def rows_of(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_of_cases_has_what_there_is_and_nothing_else(an_evaluation, a_page, tmp_path):
    rows = rows_of(tmp_path / "out" / "scores.csv")
    assert len(rows) == 6
    assert (rows[0]["case"], rows[0]["answer"], float(rows[0][PSNR])) == ("a<b>", "model & co", 20.0)
    assert rows[0][MISSING] == "" and float(rows[3][MISSING]) == 0.5
    assert rows[2][PSNR] == ""


def test_the_summary_has_mean_and_interval(an_evaluation, a_page, tmp_path):
    rows = {(row["answer"], row["score"]): row for row in rows_of(tmp_path / "out" / "summary.csv")}
    psnr, heart = rows["model & co", PSNR], rows["model & co", MISSING]
    assert float(psnr["mean"]) == 22 and psnr["patients"] == "2"
    assert float(psnr["high"]) - 22 == pytest.approx(22 - float(psnr["low"])) == pytest.approx(12.7062 * 2, abs=1e-3)
    assert (heart["patients"], heart["mean"], heart["low"]) == ("1", "0.5", "")
    assert rows["model & co", CORRELATION]["low"] == ""


def test_the_page_needs_no_other_file_and_escapes_names(a_page):
    assert not re.search(r"https?://|@import|url\(", a_page)
    sources = re.findall(r'src="([^"]{0,30})', a_page)
    assert len(sources) == 3 and all(source.startswith("data:image/png;base64,") for source in sources)
    assert "a&lt;b&gt;" in a_page and "<b>" not in a_page
    assert "model &amp; co" in a_page


def test_the_page_says_what_failed_and_what_is_synthetic(a_page):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", a_page[a_page.index("<body>") :]))
    assert text.strip().startswith(MARK)
    assert "c: There is no body in this CT." in text
    assert "22.00 ± 25.41" in text and "n = 2 patients" in text
    assert "Window 1600 HU wide, level -400 HU" in text


def test_pictures_carry_the_mark(a_page):
    for code in re.findall(r'src="data:image/png;base64,([^"]+)"', a_page):
        assert Image.open(io.BytesIO(base64.b64decode(code))).text["Description"] == MARK


def test_nothing_is_written_where_something_is_in_the_way(an_evaluation, tmp_path):
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    with pytest.raises(InputError, match="in the way"):
        write_evaluation(tmp_path / "out", an_evaluation)
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "report.html"]


def test_the_terminal_shows_the_same_numbers(an_evaluation):
    head, psnr, *_ = summary_table(an_evaluation.summary()).splitlines()
    assert head.split("  ")[-1].strip() == PLANIMETRY
    assert re.match(r"PSNR volume, peak 2500 \(dB\) +22\.00 ± 25\.41 +18\.00 ± 25\.41$", psnr.rstrip())


# Pictures


def test_sections_are_upright_and_in_radiological_convention():
    """A mark to the patient's left, in front and above is seen on the right, above in the axial and coronal slice."""
    hu = np.zeros((10, 10, 10), np.int16)
    k, j, i = 8, 2, 7
    hu[k, j, i] = 1
    found = sections(hu, (k, j, i))
    assert list(found) == list(PLANES)
    for plane, (row, column) in {"axial": (2, 7), "coronal": (1, 7), "sagittal": (1, 2)}.items():
        assert np.argwhere(found[plane]).tolist() == [[row, column]]
        left, right, up, down = PLANES[plane]
        sides = {"L": i > 4.5, "R": i < 4.5, "A": j < 4.5, "P": j > 4.5, "S": k > 4.5, "I": k < 4.5}
        assert sides[right if column > 4.5 else left] and sides[up if row < 4.5 else down]


def test_slices_go_through_the_middle_of_the_lungs():
    organs = np.zeros((12, 12, 12), np.uint8)
    assert lungs_middle(organs) == (6, 6, 6)
    organs[2:5, 4:7, 1:4], organs[2:5, 4:7, 7:10] = 2, 3
    assert lungs_middle(organs) == (3, 5, 5)


def test_a_difference_is_red_where_the_answer_is_too_dense_and_blue_where_it_is_not_enough():
    flat = {plane: np.full((16, 16), -600, np.int16) for plane in PLANES}
    shown = {
        TRUE_VOLUME: flat,
        "dense": {p: s + 400 for p, s in flat.items()},
        "thin": {p: s - 400 for p, s in flat.items()},
    }
    pixels = np.asarray(Image.open(io.BytesIO(case_figure("x", shown))).convert("RGB")).astype(int)
    rows, columns = pixels.shape[:2]
    # Off the middle of the lower two rows' first difference, where no letter is.
    place = round(columns * 0.57)
    dense, thin = pixels[round(rows * 0.53), place], pixels[round(rows * 0.83), place]
    assert dense[0] > dense[2] + 50
    assert thin[2] > thin[0] + 50


def test_scores_that_no_case_has_get_no_panel(an_evaluation):
    one = Image.open(io.BytesIO(scores_figure(an_evaluation, (PSNR, "Dice of liver"))))
    four = Image.open(io.BytesIO(scores_figure(an_evaluation, (PSNR,) * 4)))
    assert one.size[1] < four.size[1]
