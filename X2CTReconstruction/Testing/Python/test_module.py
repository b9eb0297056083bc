"""The Slicer module, driven as Slicer and its user drive it, over stand-ins for the desktop and real MRML.

The stand-ins know what a running Slicer 5.13 has (Testing/stand_ins) and refuse everything else.
"""

import html
import json
import logging
import shutil
import sys
import textwrap
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "Testing"))

from one_chest import save_one_chest_model  # noqa: E402
from stand_ins import scripted  # noqa: E402
from stand_ins.desktop import MODULES, load_module, make_parent, slicer_desktop  # noqa: E402

from X2CTLib import cards  # noqa: E402
from X2CTLib.corrections import Correction  # noqa: E402
from X2CTLib.errors import X2CTError  # noqa: E402
from X2CTLib.files import sha256  # noqa: E402
from X2CTLib.geometry import View  # noqa: E402
from X2CTLib.sample import sample_ct, sample_drrs  # noqa: E402
from X2CTReconstructionLib import radiograph_views  # noqa: E402
from X2CTReconstructionLib.inputs import correction_of, radiograph_file  # noqa: E402
from X2CTReconstructionLib.layout import LAYOUT_ID  # noqa: E402
from X2CTReconstructionLib.presets import PRESETS, WINDOWS  # noqa: E402
from X2CTReconstructionLib.study import add_study, remove_study, save_scene  # noqa: E402

MODULE = MODULES["X2CTReconstruction"]


@pytest.fixture
def desktop(tmp_path):
    """Slicer without the module yet."""
    with slicer_desktop(tmp_path) as desktop:
        yield desktop


@pytest.fixture
def module(desktop):
    """X2CTReconstruction.py, as Slicer loads it."""
    return load_module("X2CTReconstruction")


@pytest.fixture
def panel(module):
    """The module's widget, set up."""
    widget = module.X2CTReconstructionWidget(make_parent())
    widget.setup()
    yield widget
    widget.cleanup()


@pytest.fixture
def pictures(tmp_path) -> dict[View, Path]:
    """Two grey pictures, 16 bit; too small to be radiographs, which the reader says quickly."""
    generator = np.random.default_rng(0)
    files = {}
    for view in View:
        files[view] = tmp_path / f"{view.name.lower()}.png"
        sitk.WriteImage(sitk.GetImageFromArray(generator.integers(0, 65535, (12, 10), np.uint16)), files[view])
    return files


def choose_pictures(panel, desktop, pictures) -> None:
    desktop.chosen_files = [str(file) for file in pictures.values()]
    panel.ui.openFilesButton.click()


# The panel


def test_the_panel_starts_idle_and_says_what_it_is(panel):
    assert not panel.ui.reconstructButton.enabled
    assert not panel.ui.cancelButton.enabled
    assert "SYNTHETIC" in panel.ui.researchUseLabel.text and "research use only" in panel.ui.researchUseLabel.text
    assert panel.ui.presetComboBox.currentText == "Body, translucent"
    assert panel.ui.renderingCheckBox.checked


def test_file_buttons_load_radiographs_and_enable_reconstruct(panel, desktop, pictures):
    choose_pictures(panel, desktop, pictures)
    assert panel.ui.paSelector.currentNode().GetName() == "pa"
    assert panel.ui.lateralSelector.currentNode().GetName() == "lateral"
    assert panel.ui.reconstructButton.enabled
    desktop.chosen_files = []  # the user presses Cancel in the dialog
    panel.ui.openFilesButton.click()
    panel.ui.openFolderButton.click()
    assert panel.ui.paSelector.currentNode().GetName() == "pa"


def test_what_is_dropped_is_loaded(panel, desktop, pictures):
    event = desktop.qt.QEvent
    assert not panel.ui.dropLabel.receive(event(event.MouseMove, str(pictures[View.PA])))
    assert not panel.ui.dropLabel.receive(event(event.DragEnter)), "text, say"
    entering = event(event.DragEnter, str(pictures[View.PA].parent))
    assert panel.ui.dropLabel.receive(entering) and entering.accepted
    assert panel.ui.dropLabel.receive(event(event.Drop, str(pictures[View.PA].parent)))
    desktop.turn(lambda: panel.ui.lateralSelector.currentNode() is not None)
    assert panel.ui.paSelector.currentNode().GetName() == "pa"


def test_of_several_patients_one_is_chosen(panel, desktop, tmp_path):
    for name in ("anna", "bert"):
        for view in ("pa", "lateral"):
            sitk.WriteImage(sitk.GetImageFromArray(np.eye(12, dtype=np.uint8)), tmp_path / f"{name}_{view}.png")
    desktop.chosen_files = [str(tmp_path)]
    panel.ui.openFolderButton.click()
    assert panel.ui.pairComboBox.visible and panel.ui.pairComboBox.count == 2
    assert panel.ui.paSelector.currentNode().GetName() == "anna_pa"
    panel.ui.pairComboBox.choose(1)
    assert panel.ui.lateralSelector.currentNode().GetName() == "bert_lateral"
    desktop.chosen_files = [str(tmp_path / "anna_pa.png"), str(tmp_path / "anna_lateral.png")]
    panel.ui.openFilesButton.click()
    assert not panel.ui.pairComboBox.visible


def test_a_file_of_unknown_view_takes_the_free_place(panel, desktop, tmp_path):
    for name in ("first", "second"):
        sitk.WriteImage(sitk.GetImageFromArray(np.eye(12, dtype=np.uint8)), tmp_path / f"{name}.png")
        desktop.chosen_files = [str(tmp_path / f"{name}.png")]
        panel.ui.openFilesButton.click()
        assert "nothing says its view" in panel.ui.notesTextEdit.plainText
    assert "first stays" in panel.ui.notesTextEdit.plainText
    assert panel.ui.paSelector.currentNode().GetName() == "first"
    panel.ui.swapButton.click()
    assert panel.ui.paSelector.currentNode().GetName() == "second"
    assert panel.ui.lateralSelector.currentNode().GetName() == "first"


def test_corrections_are_kept_with_the_radiograph_and_asked_of_the_engine(panel, desktop, pictures):
    choose_pictures(panel, desktop, pictures)
    ui, pa = panel.ui, panel.ui.paSelector.currentNode()
    before = ui.paThumbnailLabel.text
    ui.paTurnButton.click()
    ui.paMirrorButton.click()
    ui.paInvertButton.click()
    ui.paLeftSpinBox.value = 10
    ui.paPixelSpinBox.value = 0.2
    expected = Correction(quarter_turns=1, mirrored=True, inverted=True, crop=(0.1, 0, 0, 0), pixel_mm=0.2)
    assert correction_of(pa) == expected
    assert ui.paThumbnailLabel.text != before and "<b>R?</b>" in before
    job = panel.logic.reconstructionJob(pa, ui.lateralSelector.currentNode())
    assert job.request["request"]["corrections"] == {"PA": expected.to_dict()}, "nothing was done to the lateral"
    ui.swapButton.click()
    assert ui.lateralMirrorButton.checked and not ui.paMirrorButton.checked
    with pytest.raises(X2CTError, match="too little"):
        ui.lateralRightSpinBox.value = 80
        ui.lateralLeftSpinBox.value = 20
    assert ui.lateralLeftSpinBox.value == 10, "what cannot be is taken back"
    ui.resetButton.click()
    assert correction_of(pa) == Correction() and ui.lateralPixelSpinBox.value == 0
    assert ui.paThumbnailLabel.text != ui.lateralThumbnailLabel.text


def test_the_radiographs_choices_are_those_of_the_scene(panel, desktop, pictures):
    """A volume that is no radiograph says so in place of its thumbnail."""
    panel.ui.paSelector.setCurrentNode(slicer.util.addVolumeFromArray(np.zeros((3, 4, 4), np.int16), name="CT"))
    assert "CT has 3 slices" in panel.ui.paThumbnailLabel.text


def test_the_card_of_the_model_is_shown(panel):
    card = panel.ui.cardTextBrowser.html
    assert "Research use only" in card and "15 CTs, 57 phantoms" in card
    assert "<td>SSIM slice-wise</td>" in card and "mean volume" in card


def test_models_are_added_downloaded_and_deleted(panel, desktop, tmp_path, monkeypatch):
    weights = save_one_chest_model(tmp_path / "files" / "one_chest.safetensors")
    card, shipped = cards.card_path(weights), panel.ui.modelComboBox.count
    desktop.chosen_files = [str(weights)]
    panel.ui.addModelButton.click()
    assert panel.ui.modelComboBox.currentText == "one chest" and panel.parameters.model == weights.name
    assert panel.ui.deleteModelButton.enabled
    asked = []
    for answer in (False, True):
        monkeypatch.setattr(
            slicer.util, "confirmYesNoDisplay", lambda text, answer=answer: asked.append(text) or answer
        )
        assert panel.ui.modelComboBox.currentIndex == shipped
        panel.ui.deleteModelButton.click()
    assert "one_chest.safetensors" in asked[0]
    assert panel.ui.modelComboBox.count == shipped and not panel.ui.deleteModelButton.enabled, "the extension's stays"

    files = [{"name": file.name, "url": file.as_uri(), "sha256": sha256(file)} for file in (weights, card)]
    manifest = tmp_path / "models.json"
    offer = {"name": "One chest", "description": "a test", "size": weights.stat().st_size, "files": files}
    manifest.write_text(json.dumps([offer]), encoding="utf-8")
    desktop.entered = [str(manifest), "One chest"]
    panel.ui.downloadModelButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert panel.ui.modelComboBox.currentText == "one chest" and "Added" in panel.ui.jobStatusLabel.text
    desktop.entered = [""]
    panel.ui.downloadModelButton.click()


def test_the_choices_are_kept_in_the_scene(panel, desktop, module):
    panel.ui.deviceComboBox.currentIndex = 1
    panel.ui.precisionComboBox.currentIndex = 1
    panel.ui.uncertaintyCheckBox.click()
    panel.ui.overrideCheckBox.click()
    assert panel.ui.passesSpinBox.enabled
    assert panel.sections[module.ReconstructSection].options() == {
        "model": cards.DEFAULT_MODEL,
        "styler": None,
        "device": "cpu",
        "precision": "float32",
        "override": True,
        "uncertainty_passes": 8,
    }
    parameters = module.X2CTReconstructionLogic().getParameterNode()
    assert parameters.device.value == "cpu" and parameters.override


def test_the_presets_on_the_panel_are_those_of_the_library(module):
    parameters = sys.modules["X2CTPanelLib.parameters"]
    assert [preset.value for preset in parameters.Preset] == list(PRESETS)
    assert [window.value for window in parameters.Window] == list(WINDOWS)


def test_reconstruct_waits_for_the_radiographs_that_the_model_reads(panel, desktop, pictures):
    desktop.chosen_files = [str(pictures[View.PA])]
    panel.ui.openFilesButton.click()
    assert not panel.ui.reconstructButton.enabled
    assert panel.ui.reconstructButton.toolTip.startswith("Choose the lateral radiograph first, or the model")
    shipped = panel.ui.modelComboBox.count
    single = cards.own_models_folder() / "single.safetensors"
    single.parent.mkdir()
    single.touch()
    cards.card_path(single).write_text('{"name": "Single view", "architecture": {"views": ["PA"]}}', encoding="utf-8")
    (single.parent / "no_card.safetensors").touch()
    panel.exit()
    panel.enter()
    assert panel.ui.modelComboBox.count == shipped + 1 and panel.ui.modelComboBox.currentIndex == 0
    panel.ui.modelComboBox.choose(shipped)
    assert panel.ui.modelComboBox.currentText == "Single view"
    assert panel.ui.reconstructButton.enabled
    assert panel.ui.reconstructButton.toolTip == "Reconstruct the volume."
    panel.enter()
    assert panel.ui.modelComboBox.currentIndex == shipped, "the choice stays"


def test_a_colour_picture_can_be_chosen(panel, desktop, tmp_path):
    path = tmp_path / "colour.png"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((12, 10, 3), np.uint8), isVector=True), path)
    desktop.chosen_files = [str(path)]
    panel.ui.openFilesButton.click()
    assert panel.ui.paSelector.currentNode().GetClassName() == "vtkMRMLVectorVolumeNode"


def test_an_unreadable_file_is_said_and_changes_nothing(panel, desktop, tmp_path):
    path = tmp_path / "text.dcm"
    path.write_text("no radiograph", encoding="utf-8")
    desktop.chosen_files = [str(path)]
    with pytest.raises(X2CTError, match=r"text\.dcm"):
        panel.ui.openFilesButton.click()
    assert panel.ui.paSelector.currentNode() is None


def test_an_error_of_the_worker_ends_in_words_on_the_panel(panel, desktop, pictures, caplog):
    choose_pictures(panel, desktop, pictures)
    with caplog.at_level(logging.ERROR):
        panel.ui.reconstructButton.click()
        assert panel.ui.cancelButton.enabled and not panel.ui.reconstructButton.enabled
        desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert "pa.png" in panel.ui.jobStatusLabel.text
    assert "pa.png" in caplog.text, "shown in a dialog, too"
    assert panel.ui.reconstructButton.enabled
    assert desktop.required, "the packages were ensured before the start"
    assert not slicer.mrmlScene.GetNodesByClass("vtkMRMLTableNode").GetNumberOfItems()


def test_check_says_what_speaks_against_the_radiographs(panel, desktop, pictures):
    choose_pictures(panel, desktop, pictures)
    panel.ui.checkButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert "pa.png" in panel.ui.jobStatusLabel.text and "pa.png" in panel.ui.notesTextEdit.plainText


def test_radiographs_are_checked_without_a_click_and_quietly(panel, desktop, pictures, caplog):
    desktop.chosen_files = [str(pictures[View.PA])]
    panel.ui.openFilesButton.click()
    with caplog.at_level(logging.ERROR):
        desktop.turn(lambda: panel.ui.cancelButton.enabled)
        assert panel.ui.openFilesButton.enabled and panel.ui.paMirrorButton.enabled, "the rest can be used meanwhile"
        choose_pictures(panel, desktop, pictures)
        desktop.turn(lambda: "lateral.png" in panel.ui.notesTextEdit.plainText)
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert "pa.png" in panel.ui.jobStatusLabel.text
    assert not caplog.text and not desktop.required, "no dialog opens, nothing is installed"
    panel.ui.notesTextEdit.plainText = ""
    panel.ui.paMirrorButton.click()
    desktop.turn(lambda: "pa.png" in panel.ui.notesTextEdit.plainText)
    panel.ui.paSelector.setCurrentNode(slicer.util.addVolumeFromArray(np.zeros((3, 4, 4), np.int16), name="CT"))
    desktop.turn(lambda: "CT has 3 slices" in panel.ui.notesTextEdit.plainText)


def test_what_was_noted_of_the_files_stays_with_what_the_check_says(panel, desktop, pictures, tmp_path):
    pictures[View.PA].rename(tmp_path / "first.png")
    desktop.chosen_files = [str(tmp_path / "first.png")]
    panel.ui.openFilesButton.click()
    desktop.turn(lambda: "needs the lateral" in panel.ui.notesTextEdit.plainText)
    assert "nothing says its view" in panel.ui.notesTextEdit.plainText


def test_a_check_tells_which_way_the_patient_faces(panel, desktop):
    """The sidecars of the sample case say it."""
    panel.ui.sampleButton.click()
    assert "<b>A?</b>" in panel.ui.lateralThumbnailLabel.text
    desktop.turn(lambda: "<b>A</b>" in panel.ui.lateralThumbnailLabel.text)
    assert "Lateral: 512" in panel.ui.notesTextEdit.plainText
    assert panel.ui.jobStatusLabel.text == "Nothing speaks against these radiographs."


def test_reconstruct_waits_for_a_check_and_keeps_its_process(panel, desktop, pictures, caplog):
    choose_pictures(panel, desktop, pictures)
    desktop.turn(lambda: panel.ui.cancelButton.enabled)
    process = panel.logic.jobs._workers["X2CTLib.worker"].pid
    with caplog.at_level(logging.ERROR):
        panel.ui.reconstructButton.click()
        assert not panel.ui.reconstructButton.enabled
        desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert "pa.png" in caplog.text, "the reconstruction says it in a dialog"
    assert panel.logic.jobs._workers["X2CTLib.worker"].pid == process


def test_a_check_waits_until_the_packages_are_there(panel, desktop, pictures, monkeypatch):
    monkeypatch.setattr(panel.logic, "isReady", lambda: False)
    choose_pictures(panel, desktop, pictures)
    desktop.turn(lambda: "press Check" in panel.ui.notesTextEdit.plainText)
    assert not panel.ui.cancelButton.enabled


def test_radiographs_are_seen_once_they_are_chosen_or_set_right(panel, desktop, pictures, monkeypatch):
    shown = []
    monkeypatch.setattr(panel.logic, "showInputs", lambda *volumes: shown.append(volumes))
    choose_pictures(panel, desktop, pictures)
    assert shown[-1] == (panel.ui.paSelector.currentNode(), panel.ui.lateralSelector.currentNode())
    count = len(shown)
    panel.ui.uncertaintyCheckBox.click()
    panel.exit()
    panel.enter()
    assert len(shown) == count, "nothing has changed in them"
    panel.ui.paTurnButton.click()
    assert len(shown) == count + 1


def test_radiographs_are_cropped_to_the_chest(panel, desktop, tmp_path):
    """Those of the sample case, in the middle of a black film."""
    desktop.chosen_files = []
    for view, file in sample_drrs().items():
        film = sitk.ConstantPad(sitk.ReadImage(file), (200, 200), (200, 200), 0)
        desktop.chosen_files.append(str(tmp_path / f"film_{view.name.lower()}.png"))
        sitk.WriteImage(film, desktop.chosen_files[-1])
    panel.ui.openFilesButton.click()
    panel.ui.cropToChestButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled)
    assert panel.ui.jobStatusLabel.text == "They can be used; see the notes.", panel.ui.notesTextEdit.plainText
    assert "PA: " in panel.ui.notesTextEdit.plainText
    left, _top, right, _bottom = correction_of(panel.ui.paSelector.currentNode()).crop
    assert 0.1 < left < 0.4 and 0.1 < right < 0.4
    assert panel.ui.paLeftSpinBox.value == round(100 * left)


def test_the_time_left_is_said_once_it_can_be_known(panel, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    panel._started = 100.0
    assert panel._withTimeLeft(0.5, "Running") == "Running", "nothing is known yet"
    now[0] = 110.0
    assert panel._withTimeLeft(0.25, "Running") == "Running; about 30 s left"


def test_a_styler_is_chosen_and_remembered(panel, desktop):
    card = {"name": "To DRRs", "conventions": {"styler": "radiograph to DRR"}}
    weights = cards.own_models_folder() / "styler.safetensors"
    weights.parent.mkdir()
    weights.touch()
    cards.card_path(weights).write_text(json.dumps(card), encoding="utf-8")
    panel.exit()
    panel.enter()
    assert panel.ui.stylerComboBox.currentText == "None"
    panel.ui.stylerComboBox.choose(panel.ui.stylerComboBox.count - 1)
    model = sys.modules["X2CTPanelLib.model_section"].ModelSection
    assert panel.sections[model].styler() == weights and panel.parameters.styler == weights.name
    panel.exit()
    panel.enter()
    assert panel.ui.stylerComboBox.currentText == "To DRRs"
    panel.ui.layoutButton.click()  # without volume and views, nothing happens


def test_an_added_styler_is_chosen_as_the_styler_and_can_be_deleted(panel, desktop, tmp_path, monkeypatch):
    weights, shipped = tmp_path / "to_drrs.safetensors", panel.ui.stylerComboBox.count
    weights.touch()
    card = {"name": "To DRRs", "conventions": {"styler": "radiograph to DRR"}}
    cards.card_path(weights).write_text(json.dumps(card), encoding="utf-8")
    desktop.chosen_files = [str(weights)]
    panel.ui.addModelButton.click()
    assert panel.ui.stylerComboBox.currentText == "To DRRs" and panel.parameters.styler == weights.name
    assert panel.parameters.model == "" and "Added To DRRs" in panel.ui.jobStatusLabel.text
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda text: True)
    panel.ui.deleteStylerButton.click()
    assert panel.ui.stylerComboBox.count == shipped and not panel.ui.deleteStylerButton.enabled
    assert not (cards.own_models_folder() / weights.name).exists()


def test_cancel_stops_at_once_and_leaves_nothing(panel, desktop, pictures, tmp_path):
    choose_pictures(panel, desktop, pictures)
    panel.ui.reconstructButton.click()
    panel.ui.cancelButton.click()
    assert not panel.ui.cancelButton.enabled
    assert panel.ui.jobProgressBar.value == 0
    assert "Cancelled" in panel.ui.jobStatusLabel.text
    assert not list(tmp_path.glob("X2CT-*")), "temporary files are gone"
    assert panel.ui.reconstructButton.enabled, "and it can be started again"


def test_closing_the_scene_stops_the_worker_and_empties_the_panel(panel, desktop, pictures):
    choose_pictures(panel, desktop, pictures)
    panel.ui.reconstructButton.click()
    slicer.mrmlScene.Clear(False)
    assert not panel.ui.cancelButton.enabled
    assert panel.ui.paSelector.currentNode() is None
    assert not panel.ui.reconstructButton.enabled
    choose_pictures(panel, desktop, pictures)
    assert panel.ui.reconstructButton.enabled, "the panel is bound to the new scene"


def test_the_panel_is_bound_only_while_it_is_open(panel, desktop, pictures, module):
    panel.exit()
    parameters = module.X2CTReconstructionLogic().getParameterNode()
    parameters.paVolume = module.X2CTReconstructionLogic().loadRadiograph(pictures[View.PA])
    assert panel.ui.paSelector.currentNode() is None
    panel.enter()
    assert panel.ui.paSelector.currentNode() is not None


def test_rendering_follows_the_checkbox_the_preset_and_the_volume(panel):
    volumes = [slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16)) for _ in range(2)]

    def displays(volume) -> list:
        nodes = [volume.GetNthDisplayNode(index) for index in range(volume.GetNumberOfDisplayNodes())]
        return [node for node in nodes if node.IsA("vtkMRMLVolumeRenderingDisplayNode")]

    panel.ui.resultSelector.setCurrentNode(volumes[0])
    assert displays(volumes[0])[0].GetVisibility()
    opacity = displays(volumes[0])[0].GetVolumePropertyNode().GetVolumeProperty().GetScalarOpacity()
    before = opacity.GetValue(200)
    panel.ui.presetComboBox.currentIndex = 1
    after = displays(volumes[0])[0].GetVolumePropertyNode().GetVolumeProperty().GetScalarOpacity().GetValue(200)
    assert before != after
    panel.ui.renderingCheckBox.click()
    assert not displays(volumes[0])[0].GetVisibility()
    panel.ui.renderingCheckBox.click()
    panel.ui.resultSelector.setCurrentNode(volumes[1])
    assert not displays(volumes[0])[0].GetVisibility() and displays(volumes[1])[0].GetVisibility()


def test_the_table_and_the_notes_of_the_chosen_nodes_are_shown(panel):
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    panel.ui.tableSelector.setCurrentNode(table)
    assert panel.ui.measurementsTableView.mrmlTableNode() is table
    volume = slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16))
    volume.SetAttribute("X2CT.Notes", '["The pixel size was guessed.", "AP view: the heart is magnified."]')
    panel.ui.resultSelector.setCurrentNode(volume)
    assert panel.ui.notesTextEdit.plainText.splitlines() == [
        "The pixel size was guessed.",
        "AP view: the heart is magnified.",
    ]


# Files for the engine


def test_the_file_a_radiograph_came_from_is_preferred(module, pictures, tmp_path):
    node = module.X2CTReconstructionLogic().loadRadiograph(pictures[View.PA])
    assert radiograph_file(node, tmp_path / "copy") == pictures[View.PA]
    slicer.util.arrayFromVolume(node)[:] = 7
    slicer.util.arrayFromVolumeModified(node)
    copy = radiograph_file(node, tmp_path / "copy")
    assert copy.suffix == ".tif", "Slicer gives a picture a spacing of 1 mm, which must not be believed"
    assert (sitk.GetArrayFromImage(sitk.ReadImage(copy)) == 7).all(), "a radiograph changed in Slicer is written"


def test_a_radiograph_without_a_file_is_written_with_its_spacing(module, tmp_path):
    node = slicer.util.addVolumeFromArray(np.arange(120, dtype=np.uint16).reshape(1, 12, 10))
    node.SetSpacing(0.2, 0.3, 1)
    image = sitk.ReadImage(radiograph_file(node, tmp_path / "pa"))
    assert image.GetSize() == (10, 12)
    assert image.GetSpacing() == pytest.approx((0.2, 0.3))
    assert (sitk.GetArrayFromImage(image) == np.arange(120).reshape(12, 10)).all()


def test_a_radiograph_of_the_dicom_database_is_read_from_there(module, tmp_path, monkeypatch):
    class Database:
        def fileForInstance(self, uid):
            return str(tmp_path / "instance.dcm") if uid == "1.2.3" else ""

    (tmp_path / "instance.dcm").touch()
    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    node = slicer.util.addVolumeFromArray(np.zeros((1, 12, 10), np.uint16))
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    assert radiograph_file(node, tmp_path / "pa") == tmp_path / "instance.dcm"


def test_a_volume_is_no_radiograph(module, tmp_path):
    node = slicer.util.addVolumeFromArray(np.zeros((2, 12, 10), np.uint16), name="Both views")
    with pytest.raises(X2CTError, match="Both views has 2 slices"):
        module.X2CTReconstructionLogic().reconstruct(node, node)
    with pytest.raises(X2CTError, match="empty"):
        radiograph_file(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"), tmp_path / "pa")


def test_without_pythonslicer_slicer_itself_is_never_started(module, pictures, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="PythonSlicer"):
        module.X2CTReconstructionLogic().reconstructFiles(*pictures.values())


# The module in Slicer


def test_the_module_describes_itself(module, desktop):
    parent = type("Parent", (), {"path": str(MODULE)})()
    module.X2CTReconstruction(parent)
    assert parent.categories == ["Tomographic Reconstruction"]
    assert "CVPR 2019" in parent.helpText and "research use only" in parent.helpText
    desktop.app.startup()
    (source,) = scripted.SampleDataLogic.registered
    names = [path.name for path in source["paths"]]
    assert names == [f"x2ct_lidc_0001_{part}" for part in ("pa.json", "pa.png", "lateral.json", "lateral.png")]
    assert all(path.is_file() for path in source["paths"])


def test_the_sample_case_in_slicer(module):
    """The module's own test, which Slicer runs, too: geometry, HU, heart on the left."""
    test = module.X2CTReconstructionTest()
    test.runTest()
    test.doCleanups()


def test_a_model_of_one_view_in_slicer(module, tmp_path):
    """With the radiograph that it reads, and with both; what it does not read is said and not shown."""
    logic, model = module.X2CTReconstructionLogic(), save_one_chest_model(tmp_path / "one_chest.safetensors")
    pa, lateral = logic.loadSampleCase()
    for volumes in ((pa,), (pa, lateral)):
        study = logic.reconstruct(*volumes, model=model)
        assert list(study.radiographs) == [View.PA]
        assert study.radiographs[View.PA].GetImageData().GetDimensions() == (256, 256, 1)
        unused = "The model one chest reads the PA view only; the lateral is not used."
        assert (unused in study.volume.GetAttribute("X2CT.Notes")) == (len(volumes) == 2)
    with pytest.raises(X2CTError, match="needs the PA radiograph"):
        logic.reconstruct(lateralVolume=lateral, model=model)
    logic.close()


def test_reconstruct_shows_the_sample_case_on_the_panel(panel, desktop, module):
    panel.ui.sampleButton.click()
    fractions = []
    panel.ui.jobProgressBar.connect("valueChanged(int)", fractions.append)
    panel.ui.reconstructButton.click()
    desktop.turn(lambda: not panel.ui.cancelButton.enabled, seconds=300)
    volume, table = panel.ui.resultSelector.currentNode(), panel.ui.measurementsTableView.mrmlTableNode()
    assert volume is not None, panel.ui.jobStatusLabel.text
    assert "synthetic" in volume.GetName()
    assert fractions == sorted(fractions) and fractions[-1] == 100 and len(fractions) > 3

    again = panel.logic.measure(volume)
    assert slicer.util.arrayFromTableColumn(table, "Value") == pytest.approx(
        slicer.util.arrayFromTableColumn(again, "Value"), rel=0.01, nan_ok=True
    ), "measured in the scene's frame, it is the same"

    process = panel.logic.jobs._workers["X2CTLib.worker"].pid
    radiograph = panel.ui.paSelector.currentNode()
    with pytest.raises(X2CTError, match="frontal view"):
        panel.logic.reconstruct(radiograph, radiograph)
    assert panel.logic.jobs._workers["X2CTLib.worker"].pid == process, "the model stays loaded"


# A study in the scene


@pytest.fixture
def a_study_in_slicer(panel, a_reconstruction, a_chest, some_measurements):
    """The small study, in the desktop's scene, and chosen on the panel."""
    study = add_study(slicer.mrmlScene, a_reconstruction, a_chest.labels, some_measurements)
    panel.parameters.resultVolume = study.volume
    return study


def test_the_panel_says_how_far_to_trust_a_study(panel, a_study_in_slicer):
    trust = a_study_in_slicer.trust
    assert all(html.escape(words) in panel.ui.trustLabel.text for words in trust["words"])
    assert ("Low trust" in panel.ui.trustLabel.text) == trust["low"]
    page = panel.ui.comparisonLabel.text
    assert page.count("<img") == 3 * len(a_study_in_slicer.radiographs)
    assert f"correlation {trust['reprojection_correlations']['PA']:.2f}" in page
    panel.ui.resultSelector.setCurrentNode(slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16), name="Other"))
    assert "Other is not a reconstruction" in panel.ui.trustLabel.text and not panel.ui.comparisonLabel.text


def test_edited_organs_are_measured_again(panel, a_study_in_slicer, monkeypatch):
    opened = {}
    editor = SimpleNamespace(
        setSegmentationNode=lambda node: opened.update(segmentation=node),
        setSourceVolumeNode=lambda node: opened.update(volume=node),
    )
    monkeypatch.setattr(slicer.util, "selectModule", lambda name: opened.update(module=name))
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda name: SimpleNamespace(editor=editor))
    panel.ui.editSegmentationButton.click()
    organs = a_study_in_slicer.segmentation
    assert opened == {"module": "SegmentEditor", "segmentation": organs, "volume": a_study_in_slicer.volume}

    panel.ui.measureAgainButton.click()
    table = panel.ui.measurementsTableView.mrmlTableNode()
    assert table is a_study_in_slicer.measurements, "filled anew"
    names = [table.GetTable().GetColumnByName("Name").GetValue(row) for row in range(table.GetNumberOfRows())]
    volume = slicer.util.arrayFromTableColumn(table, "Value")[names.index("Right lung volume")]
    assert volume == pytest.approx(16 * 10 * 8, rel=0.02), "voxels of 1 mL, less the heart"
    organs.GetSegmentation().RemoveSegment(organs.GetSegmentation().GetSegmentIdBySegmentName("heart"))
    panel.ui.measureAgainButton.click()
    names = [table.GetTable().GetColumnByName("Name").GetValue(row) for row in range(table.GetNumberOfRows())]
    assert not any("heart volume" in name.lower() for name in names)


def test_totalsegmentator_can_be_chosen_where_it_is_installed(panel, a_study_in_slicer):
    assert panel.ui.measureButton.enabled
    panel.ui.segmenterComboBox.currentIndex = 1
    assert not panel.ui.measureButton.enabled
    assert "not installed" in panel.ui.measureButton.toolTip


def test_the_rendering_is_shifted_and_cropped(panel, a_study_in_slicer):
    volume, ui = a_study_in_slicer.volume, panel.ui
    displays = [volume.GetNthDisplayNode(n) for n in range(volume.GetNumberOfDisplayNodes())]
    (display,) = [node for node in displays if node.IsA("vtkMRMLVolumeRenderingDisplayNode")]
    opacity = display.GetVolumePropertyNode().GetScalarOpacity
    before = opacity().GetValue(300)
    ui.opacityShiftSlider.value = 200
    assert opacity().GetValue(500) == pytest.approx(before)
    ui.cropCheckBox.click()
    assert display.GetCroppingEnabled() and display.GetROINode().GetDisplayVisibility()
    ui.cropCheckBox.click()
    assert not display.GetCroppingEnabled()
    ui.renderingCheckBox.click()
    assert not ui.cropCheckBox.enabled and not ui.opacityShiftSlider.enabled


def test_radiographs_stand_at_their_detectors(panel, a_study_in_slicer):
    panel.ui.detectorsCheckBox.click()
    detectors = a_study_in_slicer.detectors
    assert len(detectors) == 2 and all(node.GetDisplayVisibility() for node in detectors.values())
    panel.ui.detectorsCheckBox.click()
    assert not any(node.GetDisplayVisibility() for node in detectors.values())


def test_the_3d_view_is_turned(panel, a_study_in_slicer, monkeypatch):
    view, camera = (slicer.mrmlScene.AddNewNodeByClass(f"vtkMRML{name}Node") for name in ("View", "Camera"))
    view.SetLayoutName("1")
    camera.SetLayoutName("1")

    def direction() -> np.ndarray:
        towards = np.subtract(camera.GetFocalPoint(), camera.GetPosition())
        return towards / np.linalg.norm(towards)

    panel.ui.lookPaButton.click()
    assert direction() == pytest.approx((0, -1, 0))
    panel.ui.lookLateralButton.click()
    assert direction() == pytest.approx((1, 0, 0))
    panel.ui.lookSourceButton.click()
    assert direction() == pytest.approx((0, 1, 0)), "the rays of a PA radiograph go from posterior to anterior"


def test_the_lines_of_the_ratio_are_shown_and_followed(panel, a_study_in_slicer):
    heart, _ = a_study_in_slicer.cardiothoracic_lines
    assert heart.GetDisplayVisibility()
    panel.ui.ratioLinesCheckBox.click()
    assert not heart.GetDisplayVisibility()
    panel.exit()
    assert panel.sections[sys.modules["X2CTPanelLib.measure_section"].MeasureSection]._following is None


def test_an_export_is_cancelled_at_its_next_step(panel, a_study_in_slicer, tmp_path, monkeypatch):
    panel.ui.exportDirectoryButton.directory = str(tmp_path / "kept")
    monkeypatch.setattr(slicer.app, "processEvents", panel.ui.cancelButton.click)
    panel.ui.exportButton.click()
    assert "Cancelled" in panel.ui.jobStatusLabel.text
    assert not list((tmp_path / "kept").iterdir())
    assert panel.ui.exportButton.enabled and not panel.ui.cancelButton.enabled


def test_organs_are_shown_where_that_is_wanted(panel, a_study_in_slicer):
    display = a_study_in_slicer.segmentation.GetDisplayNode()
    assert not display.GetVisibility2D() and not display.GetVisibility3D()
    panel.ui.organsInSlicesCheckBox.click()
    assert display.GetVisibility2D() and not display.GetVisibility3D()
    segments = a_study_in_slicer.segmentation.GetSegmentation()
    assert not display.GetSegmentVisibility(segments.GetSegmentIdBySegmentName("body")), "it would hide the rest"
    assert display.GetSegmentVisibility(segments.GetSegmentIdBySegmentName("heart"))


def test_the_organs_of_any_ct_are_found_in_the_process(panel, desktop):
    ct = slicer.util.loadVolume(str(sample_ct()))
    panel.parameters.resultVolume = ct
    panel.ui.measureButton.click()
    assert panel.ui.cancelButton.enabled and not panel.ui.measureButton.enabled
    desktop.turn(lambda: not panel.ui.cancelButton.enabled, seconds=200)
    assert "Measured" in panel.ui.jobStatusLabel.text
    table = panel.ui.measurementsTableView.mrmlTableNode()
    names = [table.GetTable().GetColumnByName("Name").GetValue(row) for row in range(table.GetNumberOfRows())]
    lungs = slicer.util.arrayFromTableColumn(table, "Value")[names.index("Lungs volume")]
    assert 2000 < lungs < 8000, "mL, of an adult"
    assert panel.ui.editSegmentationButton.enabled


def test_the_rendering_method_is_that_of_slicers_settings(panel, a_study_in_slicer):
    panel.logic.showRendering(volume := slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16)))
    assert volume.GetNthDisplayNode(1).IsA("vtkMRMLGPURayCastVolumeRenderingDisplayNode")
    slicer.modules.volumerendering.logic().SetDefaultRenderingMethod("vtkMRMLCPURayCastVolumeRenderingDisplayNode")
    panel.logic.showRendering(volume := slicer.util.addVolumeFromArray(np.zeros((4, 4, 4), np.int16)))
    assert volume.GetNthDisplayNode(1).IsA("vtkMRMLCPURayCastVolumeRenderingDisplayNode")


def test_what_is_checked_is_exported_and_names_nobody(panel, a_study_in_slicer, tmp_path):
    ui = panel.ui
    ui.exportDirectoryButton.directory = str(tmp_path / "kept")
    ui.reportCheckBox.click()
    ui.dicomCheckBox.click()
    ui.exportButton.click()
    (folder,) = (tmp_path / "kept").iterdir()
    assert {file.name for file in folder.iterdir()} == {"volume.nrrd", "dicom", "measurements.csv"}
    assert "volume.nrrd" in ui.jobStatusLabel.text
    assert b"Anonymous" in (folder / "dicom" / "ct_001.dcm").read_bytes()
    ui.patientLineEdit.text = "Roe^Jane"
    ui.exportButton.click()
    assert b"Roe^Jane" in (folder / "dicom" / "ct_001.dcm").read_bytes()
    for box in (ui.nrrdCheckBox, ui.dicomCheckBox, ui.tableCheckBox):
        box.click()
    assert not ui.exportButton.enabled, "nothing is checked"


def test_the_window_follows_the_panel(panel, a_study_in_slicer):
    display = a_study_in_slicer.volume.GetDisplayNode()
    panel.ui.windowComboBox.currentIndex = 1
    assert (display.GetWindow(), display.GetLevel()) == WINDOWS["Lung"]


def test_a_saved_scene_restores_the_panel(panel, a_study_in_slicer, tmp_path):
    panel.ui.deviceComboBox.currentIndex = 1
    words, name = panel.ui.trustLabel.text, a_study_in_slicer.volume.GetName()
    save_scene(slicer.mrmlScene, tmp_path / "study.mrb")
    slicer.mrmlScene.Clear(False)
    assert panel.ui.trustLabel.text != words
    with zipfile.ZipFile(tmp_path / "study.mrb") as bundle:
        bundle.extractall(tmp_path)
    slicer.mrmlScene.SetURL(str(tmp_path / "study" / "study.mrml"))
    assert slicer.mrmlScene.Import()
    assert panel.ui.resultSelector.currentNode().GetName() == name
    assert panel.ui.trustLabel.text == words and panel.ui.deviceComboBox.currentIndex == 1
    assert panel.ui.measureAgainButton.enabled, "the organs belong to the volume"


def test_a_study_that_comes_while_another_module_is_open_is_rendered(panel, a_study_in_slicer, module):
    panel.exit()
    volume = a_study_in_slicer.volume
    panel.logic.showRendering(volume, visible=False)
    panel.sections[module.ReconstructSection]._show(a_study_in_slicer)
    displays = [volume.GetNthDisplayNode(n) for n in range(volume.GetNumberOfDisplayNodes())]
    assert all(display.GetVisibility() for display in displays)
    panel.enter()
    assert panel.ui.resultSelector.currentNode() is volume
    assert panel.ui.measurementsTableView.mrmlTableNode() is a_study_in_slicer.measurements


def test_the_layouts_are_known_once_the_module_is_open(panel):
    layout = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLayoutNode")
    panel.enter()
    assert layout.IsLayoutDescription(LAYOUT_ID) and layout.IsLayoutDescription(radiograph_views.LAYOUT_ID)


def test_ten_studies_that_come_and_go_leave_nothing(panel, a_reconstruction, a_chest, some_measurements):
    counts = []
    for _ in range(10):
        study = add_study(slicer.mrmlScene, a_reconstruction, a_chest.labels, some_measurements)
        panel.parameters.resultVolume = study.volume
        panel.parameters.measurements = study.measurements
        remove_study(slicer.mrmlScene, study)
        counts.append(slicer.mrmlScene.GetNumberOfNodes())
    assert counts == counts[:1] * 10
    assert panel.ui.resultSelector.currentNode() is None


# The console


def test_the_example_of_the_logic_runs(module, tmp_path, monkeypatch, pictures):
    """It is that of the documentation, with a model that is quick."""
    logic = module.X2CTReconstructionLogic()
    example = textwrap.dedent(logic.__doc__.partition("Example::")[2].partition("Attributes:")[0])
    assert example.count("logic.") >= 6
    monkeypatch.chdir(tmp_path)
    (tmp_path / "radiographs").mkdir()
    for view, file in pictures.items():
        file.rename(tmp_path / "radiographs" / f"small_{view.name.lower()}.png")
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda name: {"X2CTReconstruction": logic}[name])
    names = {"slicer": slicer}
    exec(example, names)
    logic.close()
    assert names["table"].GetNumberOfRows() > 10
    assert [file.exists() for file in names["files"]] == [True] * 3
    assert "small_pa.png" in names["cases"][0].problem, "too small to be a radiograph"
