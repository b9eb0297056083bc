import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from X2CTLib.errors import InputError
from X2CTLib.geometry import (
    ProjectionGeometry,
    View,
    VolumeGeometry,
    clinical_projection,
    lps_to_ras,
    paper_projection,
    parallel_projection,
    read_sidecar,
    write_sidecar,
)

PRESETS = [paper_projection, clinical_projection, parallel_projection]


def test_the_cube_is_320_mm_of_2_5_mm_voxels_around_its_centre():
    cube = VolumeGeometry.cube()
    assert cube.shape == (128, 128, 128)
    assert np.allclose(cube.spacing, 2.5)
    assert np.allclose(cube.centre_lps, 0)
    assert np.allclose(cube.ijk_to_lps @ [127, 127, 127, 1], [158.75, 158.75, 158.75, 1])


def test_the_cube_grows_to_left_posterior_superior():
    cube = VolumeGeometry.cube()
    assert np.all(np.diag(cube.ijk_to_lps)[:3] > 0)
    assert np.array_equal(np.sign(np.diag(cube.ijk_to_ras)), [-1, -1, 1, 1])


def test_lps_and_ras_are_each_others_inverse():
    matrix = np.arange(16.0).reshape(4, 4)
    assert np.array_equal(lps_to_ras(lps_to_ras(matrix)), matrix)


def test_a_volume_geometry_survives_simpleitk():
    turn = np.array([[0, -1, 0], [0.6, 0, -0.8], [0.8, 0, 0.6]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([0.7, 0.8, 3.0])
    matrix[:3, 3] = [-10, 20, -300]
    geometry = VolumeGeometry((4, 5, 6), matrix)
    again = VolumeGeometry.from_image(geometry.to_image(np.zeros((4, 5, 6), np.int16)))
    assert again.shape == geometry.shape
    assert np.allclose(again.ijk_to_lps, matrix)


def test_the_paper_magnifies_1_75_times_and_sees_285_mm():
    projection = paper_projection(View.PA)
    assert projection.magnification == pytest.approx(949 / 541)
    assert projection.columns * projection.pixel_mm / projection.magnification == pytest.approx(285, abs=0.1)


def test_the_standard_view_has_the_cubes_scale_at_the_isocentre():
    projection = clinical_projection(View.LATERAL)
    assert projection.pixel_mm / projection.magnification == pytest.approx(2.5)


@pytest.mark.parametrize("preset", PRESETS)
def test_pa_shows_the_patients_left_on_the_right_and_superior_on_top(preset):
    projection = preset(View.PA)
    centre, left, up = projection.project(np.array([[0, 0, 0], [50, 0, 0], [0, 0, 50]]))
    assert left[1] > centre[1] and left[0] == pytest.approx(centre[0])
    assert up[0] < centre[0] and up[1] == pytest.approx(centre[1])


@pytest.mark.parametrize("preset", PRESETS)
def test_lateral_shows_the_spine_on_the_right(preset):
    centre, posterior = preset(View.LATERAL).project(np.array([[0, 0, 0], [0, 50, 0]]))
    assert posterior[1] > centre[1]


def test_the_source_of_a_pa_view_is_behind_the_patient():
    assert np.allclose(clinical_projection(View.PA).source_lps, [0, 1620, 0])
    assert np.allclose(clinical_projection(View.LATERAL).source_lps, [-1620, 0, 0])


@given(
    point=st.tuples(*[st.floats(-150, 150)] * 3),
    view=st.sampled_from(View),
    preset=st.sampled_from(PRESETS),
    isocentre=st.tuples(*[st.floats(-100, 100)] * 3),
    angles=st.tuples(st.floats(-180, 180), st.floats(-90, 90)),
)
def test_a_point_its_pixel_and_the_source_lie_on_one_line(point, view, preset, isocentre, angles):
    projection = dataclasses.replace(
        preset(view), rows=90, columns=150, isocentre_lps=isocentre, gantry_deg=angles[0], cranial_deg=angles[1]
    )
    row, column = projection.project(np.array(point))
    pixel = (projection.pixel_to_lps @ [column, row, 0, 1])[:3]
    way = projection.beam_lps if projection.parallel else pixel - projection.source_lps
    assert np.linalg.norm(np.cross(way / np.linalg.norm(way), pixel - np.array(point))) < 1e-6


@pytest.mark.parametrize("preset", PRESETS)
def test_a_quarter_turn_of_the_gantry_leads_from_pa_to_lateral(preset):
    turned = dataclasses.replace(preset(View.PA), gantry_deg=90)
    assert np.allclose(turned.pixel_to_lps, preset(View.LATERAL).pixel_to_lps)
    assert turned.positioner_deg == preset(View.LATERAL).positioner_deg == (90, 0)


def test_positive_angles_move_the_detector_to_the_left_and_to_cranial():
    """As in DICOM's Positioner Primary Angle, RAO to LAO, and Secondary Angle, CAU to CRA (0018,1510/1511)."""
    projection = dataclasses.replace(clinical_projection(View.PA), gantry_deg=20, cranial_deg=10)
    middle = projection.pixel_to_lps @ [63.5, 63.5, 0, 1]
    assert middle[0] > 0 and middle[1] < 0 and middle[2] > 0
    assert np.allclose(middle[:3], 180 * projection.beam_lps)
    # What is nearer to the detector moves on it against the gantry.
    front, back = projection.project(np.array([[0, -50, 0], [0, 50, 0]]))
    assert front[1] < back[1]


@given(gantry=st.floats(-180, 180), cranial=st.floats(-90, 90), view=st.sampled_from(View))
def test_an_oblique_detector_is_square_to_its_beam_and_not_mirrored(gantry, cranial, view):
    projection = dataclasses.replace(clinical_projection(view), gantry_deg=gantry, cranial_deg=cranial)
    beam, right, down = projection.axes_lps
    assert np.allclose(projection.axes_lps @ projection.axes_lps.T, np.eye(3))
    assert np.allclose(np.cross(right, -down), beam)
    assert right[2] == 0 and down[2] < 1e-9  # the patient stands upright in the picture


@pytest.mark.parametrize(
    ("view", "gantry", "primary"), [(View.PA, -180, 180), (View.LATERAL, 120, -150), (View.LATERAL, -90, 0)]
)
def test_positioner_angles_are_within_half_a_turn(view, gantry, primary):
    assert dataclasses.replace(clinical_projection(view), gantry_deg=gantry).positioner_deg[0] == primary


def test_a_rectangular_detector_has_its_middle_on_the_central_ray():
    projection = ProjectionGeometry(View.PA, rows=100, columns=60, pixel_mm=4.0, sid_mm=1800.0, sad_mm=1600.0)
    assert np.allclose(projection.pixel_to_lps @ [29.5, 49.5, 0, 1], [0, -200, 0, 1])
    assert np.allclose(projection.project(np.zeros(3)), [49.5, 29.5])


def test_the_sidecar_keeps_everything(tmp_path):
    projection = dataclasses.replace(
        paper_projection(View.LATERAL), isocentre_lps=(1.5, -2.0, 3.0), gantry_deg=12.5, cranial_deg=-7.0
    )
    write_sidecar(tmp_path / "view.json", projection)
    assert read_sidecar(tmp_path / "view.json") == projection


def test_a_sidecar_without_angles_is_a_standard_view(tmp_path):
    values = clinical_projection(View.PA).to_dict()
    del values["gantry_deg"], values["cranial_deg"]
    (tmp_path / "view.json").write_text(json.dumps(values), encoding="utf-8")
    assert read_sidecar(tmp_path / "view.json") == clinical_projection(View.PA)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"view": "AP"}'])
def test_a_wrong_sidecar_is_named(tmp_path, text):
    (tmp_path / "view.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"view\.json|projection geometry"):
        read_sidecar(tmp_path / "view.json")


@pytest.mark.parametrize(
    "change",
    [
        {"sad_mm": 2000.0},
        {"sad_mm": None},
        {"pixel_mm": 0.0},
        {"rows": 0},
        {"gantry_deg": 181.0},
        {"cranial_deg": float("nan")},
    ],
)
def test_impossible_projections_are_refused(change):
    with pytest.raises(InputError):
        dataclasses.replace(clinical_projection(View.PA), **change)


def test_presets_are_projection_geometries():
    assert all(isinstance(preset(view), ProjectionGeometry) for preset in PRESETS for view in View)
