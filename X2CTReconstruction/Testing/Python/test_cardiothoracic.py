"""The cardiothoracic ratio: where it is measured, and that the table follows its lines."""

import numpy as np
import pytest
import slicer

from X2CTLib.anatomy import CardiothoracicLines, cardiothoracic_lines, measure
from X2CTReconstructionLib.cardiothoracic import EDITED, CardiothoracicObserver
from X2CTReconstructionLib.headless import HeadlessScene
from X2CTReconstructionLib.measuring import add_organs, measure_again
from X2CTReconstructionLib.study import add_study, find_studies, remove_study

RATIO = 5 / 20  # voxels across the heart and the lungs of `a_chest`
HALF_VOXEL_MM = 1.25  # of the grid on which organs are measured


@pytest.fixture
def a_measured_study(a_scene, a_reconstruction, a_chest):
    return add_study(a_scene, a_reconstruction, a_chest.labels, measured(a_chest))


@pytest.fixture
def an_observer(a_measured_study):
    observer = CardiothoracicObserver(a_measured_study)
    yield observer
    observer.stop()


def measured(chest, labels=None):
    return measure(chest.hu, chest.labels if labels is None else labels, chest.geometry)


def row(study):
    """Value and note of the ratio in the table."""
    table = study.measurements.GetTable()
    (found,) = (n for n in range(table.GetNumberOfRows()) if table.GetValue(n, 0).ToString() == "Cardiothoracic ratio")
    return table.GetValue(found, 1).ToDouble(), table.GetValue(found, 3).ToString()


def drag(line, end, x):
    """An end of a line to another place across, in RAS."""
    place = np.array(line.GetNthControlPointPosition(end))
    line.SetNthControlPointPosition(end, x, *place[1:])


def test_the_lines_end_at_the_edges_of_heart_and_lungs(a_chest):
    lines = cardiothoracic_lines(a_chest.labels, a_chest.geometry)
    assert lines.ratio == pytest.approx(RATIO)
    left_of_index = np.array([14, 19]) * 10 - 160  # heart: columns 14 to 18 of 10 mm, the cube begins at -160 mm
    assert lines.heart[:, 0] == pytest.approx(left_of_index, abs=HALF_VOXEL_MM)
    assert lines.thorax[:, 0] == pytest.approx([6 * 10 - 160, 26 * 10 - 160], abs=HALF_VOXEL_MM)
    to_index = np.linalg.inv(a_chest.geometry.ijk_to_lps)
    for line, planes in ((lines.heart, (9, 18)), (lines.thorax, (8, 24))):
        height = (to_index @ [*line.mean(axis=0), 1])[2]
        assert planes[0] <= height <= planes[1]


def test_lines_are_where_they_were_measured(a_measured_study, a_chest):
    heart, thorax = a_measured_study.cardiothoracic_lines
    lines = cardiothoracic_lines(a_chest.labels, a_chest.geometry)
    for node, ends in ((heart, lines.heart), (thorax, lines.thorax)):
        assert slicer.util.arrayFromMarkupsControlPoints(node) == pytest.approx(ends * (-1, -1, 1))
        assert not node.GetLocked()
    assert heart.GetNthControlPointPosition(0)[0] > heart.GetNthControlPointPosition(1)[0], "right to left"


def test_lines_are_labelled_at_opposite_ends(a_measured_study):
    """Both at their middles, or at one side, would lie over each other."""
    labels = [[line.GetNthControlPointLabel(end) for end in range(2)] for line in a_measured_study.cardiothoracic_lines]
    assert labels == [["", "Heart"], ["Thorax", ""]]
    for line in a_measured_study.cardiothoracic_lines:
        assert not line.GetDisplayNode().GetPropertiesLabelVisibility()


def test_the_table_follows_the_lines(a_measured_study, an_observer):
    value, note = row(a_measured_study)
    assert value == pytest.approx(RATIO) and EDITED not in note
    heart, thorax = a_measured_study.cardiothoracic_lines
    heart.GetDisplayNode().SetColor(1, 1, 1)
    heart.SetName("Heart")
    assert row(a_measured_study) == (value, note), "nothing was moved"
    told = []
    tag = a_measured_study.measurements.AddObserver("ModifiedEvent", lambda *_: told.append(1))
    drag(heart, 1, heart.GetNthControlPointPosition(0)[0] - 80)
    assert row(a_measured_study) == (pytest.approx(80 / 200), f"{note}; {EDITED}")
    assert told
    a_measured_study.measurements.RemoveObserver(tag)
    drag(thorax, 0, thorax.GetNthControlPointPosition(1)[0] + 160)
    assert row(a_measured_study) == (pytest.approx(80 / 160), f"{note}; {EDITED}")


def test_heights_and_depths_do_not_count(a_measured_study, an_observer):
    heart, _ = a_measured_study.cardiothoracic_lines
    x, y, z = heart.GetNthControlPointPosition(0)
    heart.SetNthControlPointPosition(0, x, y + 40, z - 30)
    value, note = row(a_measured_study)
    assert value == pytest.approx(RATIO) and EDITED not in note


def test_undo_takes_the_ratio_back(a_scene, a_measured_study, an_observer):
    heart, _ = a_measured_study.cardiothoracic_lines
    a_scene.SetUndoOn()
    heart.SetUndoEnabled(True)
    a_scene.SaveStateForUndo()
    drag(heart, 1, heart.GetNthControlPointPosition(0)[0] - 80)
    assert row(a_measured_study)[0] == pytest.approx(80 / 200)
    a_scene.Undo()
    assert row(a_measured_study)[0] == pytest.approx(RATIO)


def test_the_lines_go_back_to_where_the_organs_are_measured(a_scene, a_measured_study, an_observer, a_chest):
    value, note = row(a_measured_study)
    lines = a_measured_study.cardiothoracic_lines
    places = [slicer.util.arrayFromMarkupsControlPoints(line) for line in lines]
    for line in lines:
        drag(line, 1, 0)
    assert row(a_measured_study) != (value, note)
    measure_again(a_scene, a_measured_study.volume)
    for line, place in zip(lines, places, strict=True):
        assert slicer.util.arrayFromMarkupsControlPoints(line) == pytest.approx(place, abs=1e-3)
    assert row(a_measured_study) == (pytest.approx(value), note), "as if nobody had touched them"

    without_left_half = np.where(np.indices(a_chest.labels.shape)[2] > 16, 0, a_chest.labels)
    add_organs(
        a_scene, a_measured_study.volume, a_chest.geometry, without_left_half, measured(a_chest, without_left_half)
    )
    ratio = CardiothoracicLines(*(slicer.util.arrayFromMarkupsControlPoints(line) for line in lines)).ratio
    value, note = row(a_measured_study)
    assert ratio == pytest.approx(value) and EDITED not in note and value != pytest.approx(RATIO)


def test_a_stopped_observer_and_a_closed_scene_are_quiet(a_scene, a_measured_study):
    observer = CardiothoracicObserver(a_measured_study)
    heart, _ = a_measured_study.cardiothoracic_lines
    observer.stop()
    drag(heart, 1, 0)
    assert row(a_measured_study)[0] == pytest.approx(RATIO)
    observer = CardiothoracicObserver(a_measured_study)
    a_scene.RemoveNode(a_measured_study.measurements)
    drag(heart, 1, 10)
    remove_study(a_scene, a_measured_study)
    drag(heart, 1, 20)
    a_scene.Clear(False)
    observer.stop()


def test_lines_of_a_loaded_scene_are_edited_as_before(a_scene, a_measured_study, tmp_path):
    for node in a_measured_study.nodes:
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(
            f"{tmp_path}/{node.GetID()}.{node.GetStorageNode().GetDefaultWriteFileExtension()}"
        )
        assert node.GetStorageNode().WriteData(node)
    a_scene.SetURL(str(tmp_path / "scene.mrml"))
    a_scene.Commit()
    loaded = HeadlessScene().scene
    loaded.SetURL(str(tmp_path / "scene.mrml"))
    loaded.Import()
    (study,) = find_studies(loaded)
    observer = CardiothoracicObserver(study)
    heart, _ = study.cardiothoracic_lines
    heart.Modified()
    value, note = row(study)
    assert value == pytest.approx(RATIO) and EDITED not in note
    drag(heart, 1, heart.GetNthControlPointPosition(0)[0] - 100)
    assert row(study)[0] == pytest.approx(100 / 200)
    observer.stop()
    loaded.Clear(True)
