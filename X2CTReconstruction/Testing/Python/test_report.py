"""The report: complete, self-contained, escaped, and silent about who the patient is."""

import base64
import dataclasses
import re

import numpy as np
import pytest
import SimpleITK as sitk

from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTLib.radiograph import Radiograph
from X2CTReconstructionLib.pictures import PICTURES
from X2CTReconstructionLib.provenance import anonymous_notes
from X2CTReconstructionLib.report import write_report


@pytest.fixture
def some_pictures(tmp_path):
    image = sitk.GetImageFromArray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    files = {picture.name: tmp_path / f"{picture.name}.png" for picture in PICTURES}
    for file in files.values():
        sitk.WriteImage(image, str(file))
    return files


@pytest.fixture
def some_radiographs():
    """The PA view is brightest at its upper right corner, which is the patient's left."""
    rows, columns = np.mgrid[:900, :700].astype(np.float32)
    return {view: Radiograph((columns / 700 + (900 - rows) / 900) / 2, view) for view in View}


@pytest.fixture
def a_report(a_reconstruction, some_radiographs, some_measurements, some_pictures, tmp_path):
    path = tmp_path / "report.html"
    write_report(path, a_reconstruction, some_radiographs, some_measurements, some_pictures)
    assert not list(tmp_path.glob("*.partial"))
    return path.read_text(encoding="utf-8")


def test_a_single_view_is_said_and_shown_alone(
    a_reconstruction, some_radiographs, some_measurements, some_pictures, tmp_path
):
    views = {View.PA: a_reconstruction.views[View.PA]}
    single = dataclasses.replace(a_reconstruction, views=views, notes=["The lateral is not used."])
    write_report(tmp_path / "report.html", single, some_radiographs, some_measurements, some_pictures)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "estimated from one radiograph" in page and "a single radiograph" in page
    assert "two radiographs" not in page and "Two projections" not in page
    assert page.count("as the network saw it</figcaption>") == 1
    assert page.count("as given, at low resolution</figcaption>") == 2


def embedded(html):
    return [base64.b64decode(code) for code in re.findall(r'src="data:image/png;base64,([^"]+)"', html)]


def test_report_needs_no_other_file(a_report, some_pictures):
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', a_report)
    assert len(sources) == 2 + 2 + 2 * 3 + 3 + len(PICTURES)
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?://|@import|url\(", a_report)
    assert some_pictures["pa"].read_bytes() in embedded(a_report)


def test_the_report_says_how_far_to_trust_it(a_report, a_reconstruction, some_measurements, some_pictures, tmp_path):
    text = re.sub(r"<[^>]+>|\s+", " ", a_report)
    assert "Low trust." in text and "The lateral radiograph is &lt;far&gt; from the training data." in text
    assert "PA radiograph: correlation 0.97, familiarity 0.50" in text
    assert a_report.count("The volume, projected again</figcaption>") == 2
    assert "Uncertainty, coronal, 0 to 30 HU" in text
    sure = dataclasses.replace(a_reconstruction.trust, words=["Fine."], doubts=[], uncertainty=None, familiarity={})
    for trust, said in ((sure, "Nothing speaks against"), (None, "")):
        reconstruction = dataclasses.replace(a_reconstruction, trust=trust)
        write_report(tmp_path / "other.html", reconstruction, {}, some_measurements, some_pictures)
        page = (tmp_path / "other.html").read_text(encoding="utf-8")
        assert said in page and "Low trust" not in page and "Uncertainty" not in page
    assert "How far to trust it" not in page


def test_report_says_that_it_is_synthetic_before_anything_else(a_report):
    body = a_report[a_report.index("<body>") :]
    assert re.sub(r"<[^>]+>|\s+", " ", body).strip().startswith(MARK)


def test_report_names_nobody_and_escapes_what_it_is_told(a_report):
    assert "jane" not in a_report
    assert "PA radiograph: taken as upright." in a_report
    assert "mirrored &lt;b&gt;twice&lt;/b&gt;." in a_report
    assert "wider than deep &amp; &lt;rough&gt;" in a_report


def test_report_holds_measurements_and_card(a_report):
    text = re.sub(r"<[^>]+>|\s+", " ", a_report)
    text = re.sub(r" +", " ", text)
    assert "Right lung volume 1,280 mL" in text
    assert "Cardiothoracic ratio 0.457" in text
    assert "PSNR 18.2" in text
    assert "0" * 64 in text


def test_given_radiographs_are_reduced_and_upright(a_report, tmp_path):
    (tmp_path / "given.png").write_bytes(embedded(a_report)[0])
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "given.png")))
    assert image.shape == (100, 77)
    assert image[0, -1] == image.max() and image[-1, 0] == image.min()


def test_notes_of_files_of_one_name_blame_neither_view(a_reconstruction):
    twins = {**vars(a_reconstruction), "sources": dict.fromkeys(View, "x.png"), "notes": ["x.png: small."]}
    assert anonymous_notes(type(a_reconstruction)(**twins)) == ["One radiograph: small."]
