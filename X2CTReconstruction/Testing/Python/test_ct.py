import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from X2CTLib.ct import body_mask, read_ct, standard_cube
from X2CTLib.errors import Cancelled, InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.progress import CancelToken
from X2CTLib.resampling import antialias

CENTRE = np.array([20.0, -35.0, 410.0])
"""Where the chest stands in LPS."""
BONE = np.array([-75.0, 0.0, -55.0])
"""A bone low on the right, from the chest's middle."""
BACK = 65.0
"""Where the back lies on the couch."""
LPS = np.eye(3)


def ball(points, centre, radii):
    return (((points - centre) / np.asarray(radii)) ** 2).sum(axis=-1) <= 1


def chest_hu(points, couch=True):
    """A small chest at points of the patient: water, two lungs of which the right is larger, a bone, a couch."""
    points = points - CENTRE
    hu = np.full(points.shape[:-1], -1000.0)
    hu[ball(points * [1, 1, 0], 0, (95, BACK, 1)) & (abs(points[..., 2]) < 85)] = 0
    hu[ball(points, (-45, 0, 0), (35, 45, 70))] = -850
    hu[ball(points, (40, 0, 5), (25, 45, 65))] = -850
    hu[ball(points, BONE, (12, 12, 12))] = 900
    if couch:
        hu[(points[..., 1] > BACK) & (points[..., 1] < BACK + 8) & (abs(points[..., 0]) < 100)] = 300
    return hu


def lps_points(geometry):
    k, j, i = np.meshgrid(*map(np.arange, geometry.shape), indexing="ij")
    return np.stack([i, j, k], axis=-1) @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3]


def grid(spacing, axes=LPS, size_mm=(220, 170, 200)):
    """A volume around the chest whose i, j and k grow along the columns of `axes`."""
    extents = np.abs(np.asarray(axes).T @ np.diag(size_mm)).max(axis=1)
    shape = np.ceil(extents / spacing).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = axes @ np.diag(spacing)
    matrix[:3, 3] = CENTRE - matrix[:3, :3] @ (shape - 1) / 2
    return VolumeGeometry(tuple(shape[::-1].tolist()), matrix)


def rotation(axis, degrees):
    transform = sitk.VersorTransform(axis, np.deg2rad(degrees))
    return np.reshape(transform.GetMatrix(), (3, 3))


ORIENTATIONS = {
    "axial": grid((2.0, 2.0, 3.0)),
    "left-handed": grid((3.0, 3.0, 4.0), np.diag([-1, -1, -1])),
    "sagittal": grid((3.0, 3.0, 5.0), np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])),
    "oblique": grid((3.0, 3.0, 4.0), rotation((1, 2, 0.5), 18.0), (270, 220, 250)),
}


@pytest.mark.parametrize("geometry", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
def test_any_orientation_gives_the_same_cube(geometry):
    cube, placed = standard_cube(chest_hu(lps_points(geometry)), geometry, voxels=80)
    assert cube.dtype == np.int16
    assert placed.shape == cube.shape == (80, 80, 80)
    assert np.allclose(placed.ijk_to_lps[:3, :3], 4 * np.eye(3))
    assert np.allclose(placed.centre_lps, CENTRE + [-7.5, 0, 0], atol=4), "the middle of the lungs"
    expected = chest_hu(lps_points(placed), couch=False)
    expected[expected == -1000] = -1024
    error = np.abs(cube - expected)
    assert np.median(error) < 5
    assert error.mean() < 25, "only borders differ"
    bone = np.argwhere(cube > 400).mean(axis=0)[::-1] * 4 + placed.ijk_to_lps[:3, 3]
    assert np.allclose(bone, CENTRE + BONE, atol=3), "right stays right"


def test_couch_and_cloth_are_not_body():
    geometry = ORIENTATIONS["axial"]
    points = lps_points(geometry)
    hu = chest_hu(points)
    hu[ball((points - CENTRE) * [1, 1, 0], 0, (107, BACK + 12, 1)) & (hu == -1000)] = -700  # a blanket
    body = body_mask(hu, geometry)
    chest = chest_hu(points, couch=False) > -1000
    assert np.mean(body[chest]) > 0.98
    left_over = (points - CENTRE)[body & ~chest]
    assert np.mean(body & ~chest) < 0.01
    behind = left_over[left_over[:, 1] > BACK + 3]
    assert np.all(np.abs(behind[:, 0]) < 25), "at most where the back touches the couch"


def test_a_wide_patient_between_empty_slices_keeps_the_lungs():
    """The cube cuts the side of the chest, even a lung, and the scan ends within the lungs."""
    geometry = grid((2.5, 2.5, 2.5), size_mm=(135, 170, 200))
    points = lps_points(geometry)
    hu = chest_hu(points)
    hu[np.abs(points[..., 2] - CENTRE[2]) > 50] = -1024
    assert (hu[..., 0] == -850).any(), "a lung is cut"
    body = body_mask(hu, geometry)
    assert np.mean(body[hu == -850]) > 0.99
    assert not body[np.abs(points[..., 2] - CENTRE[2]) > 53].any()


def test_the_wall_of_a_thin_chest_stays():
    geometry = grid((2.5, 2.5, 2.5))
    points = lps_points(geometry) - CENTRE
    hu = np.full(geometry.shape, -1000.0)
    hu[ball(points, 0, (90, 65, 95))] = 30
    for side in (-1, 1):
        hu[ball(points, 0, (83, 58, 85)) & (abs(points[..., 0] - side * 50) < 43)] = -850
    hu[(points[..., 1] > 66) & (points[..., 1] < 73)] = 100
    body = body_mask(hu, geometry)
    assert np.mean(body[ball(points, 0, (90, 65, 95))]) > 0.99


def test_a_cube_that_is_standard_already_is_not_touched_inside_the_body():
    geometry = VolumeGeometry.cube(128, (33.3, -20.1, 77.7))
    points = lps_points(geometry) - geometry.centre_lps + CENTRE + [0, 0, 10]
    hu = chest_hu(points) + np.random.default_rng(0).integers(-40, 40, geometry.shape)
    cube, placed = standard_cube(hu, geometry)
    assert np.allclose(placed.ijk_to_lps, geometry.ijk_to_lps)
    inside = chest_hu(points, couch=False) > -1000
    assert np.array_equal(cube[inside], hu[inside])


def test_voxels_of_2_5_mm_are_moved_but_not_interpolated():
    geometry = grid((2.5, 2.5, 2.5))
    hu = chest_hu(lps_points(geometry)) + np.random.default_rng(0).integers(-40, 40, geometry.shape)
    cube, placed = standard_cube(hu, geometry)
    offset = np.round((placed.ijk_to_lps[:3, 3] - geometry.ijk_to_lps[:3, 3]) / 2.5).astype(int)
    i, j, k = np.round([64, 64, 64] + offset).astype(int)
    assert np.array_equal(cube[64:74, 64:74, 64:74], hu[k : k + 10, j : j + 10, i : i + 10])


def test_detail_that_the_grid_cannot_show_is_averaged_away():
    stripes = np.zeros((40, 40, 40), np.float32)
    stripes[..., ::2] = 1000
    image = sitk.GetImageFromArray(stripes)
    image.SetSpacing((0.6, 0.6, 2.5))
    smooth = sitk.GetArrayFromImage(antialias(image, 2.5))[5:-5, 5:-5, 5:-5]
    assert smooth.mean() == pytest.approx(500, abs=10)
    assert smooth.std() < 10


def test_no_body_is_an_error():
    geometry = VolumeGeometry.cube(32)
    with pytest.raises(InputError, match="no body"):
        standard_cube(np.full(geometry.shape, -1000.0), geometry)


def test_the_cube_can_be_cancelled():
    cancel = CancelToken()
    cancel.cancel()
    geometry = VolumeGeometry.cube(32)
    with pytest.raises(Cancelled):
        standard_cube(np.zeros(geometry.shape), geometry, cancel=cancel)


@pytest.fixture(scope="module")
def a_small_ct():
    geometry = grid((8.0, 8.0, 10.0))
    return np.round(chest_hu(lps_points(geometry))).astype(np.int16), geometry


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_volume_files_are_read_with_their_place(tmp_path, a_small_ct, suffix):
    hu, geometry = a_small_ct
    hu = hu.copy()
    hu[0, 0, 0] = -3024  # padding of some scanners
    sitk.WriteImage(geometry.to_image(hu), str(tmp_path / f"chest{suffix}"))
    read, placed = read_ct(tmp_path / f"chest{suffix}")
    assert read.dtype == np.float32
    assert np.array_equal(read, np.maximum(hu, -1024))
    assert placed.shape == geometry.shape
    assert np.allclose(placed.ijk_to_lps, geometry.ijk_to_lps, atol=1e-3)


def write_series(folder, hu, geometry, modality="CT", shear_mm=0.0):
    """DICOM slices with the rescale intercept that scanners use; `shear_mm` moves each slice to posterior."""
    folder.mkdir(exist_ok=True)
    series, frame = generate_uid(), generate_uid()
    for k, pixels in enumerate(hu):
        file = pydicom.Dataset()
        file.file_meta = FileMetaDataset()
        file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file.SOPClassUID = CTImageStorage if modality == "CT" else MRImageStorage
        file.SOPInstanceUID = generate_uid()
        file.Modality = modality
        file.PatientID = file.PatientName = "phantom"
        file.StudyInstanceUID = file.SeriesInstanceUID = series
        file.FrameOfReferenceUID = frame
        file.InstanceNumber = k + 1
        position = (geometry.ijk_to_lps @ [0, 0, k, 1])[:3] + [0, k * shear_mm, 0]
        file.ImagePositionPatient = [f"{x:.6f}" for x in position]
        file.ImageOrientationPatient = (geometry.ijk_to_lps[:3, :2] / geometry.spacing[:2]).T.ravel().tolist()
        file.PixelSpacing = geometry.spacing[[1, 0]].tolist()
        file.SliceThickness = float(geometry.spacing[2])
        file.Rows, file.Columns = pixels.shape
        file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
        file.RescaleIntercept, file.RescaleSlope = -1024, 1
        file.PixelData = (pixels + 1024).astype(np.uint16).tobytes()
        file.save_as(folder / f"{series}.{k}.dcm", enforce_file_format=True)


def test_a_dicom_folder_gives_its_largest_ct_series(tmp_path, a_small_ct):
    hu, geometry = a_small_ct
    folder = tmp_path / "study"
    write_series(folder, hu, geometry)
    write_series(folder, hu[:3] + 7, geometry)
    write_series(folder / "mr", np.zeros((40, 8, 8)), geometry, modality="MR")
    (folder / "readme.txt").write_text("not DICOM", encoding="utf-8")
    read, placed = read_ct(folder)
    assert np.array_equal(read, np.maximum(hu, -1024))
    assert np.allclose(placed.ijk_to_lps, geometry.ijk_to_lps, atol=1e-3)


def test_a_tilted_gantry_keeps_every_voxel_in_its_place(tmp_path, a_small_ct):
    hu, geometry = a_small_ct
    write_series(tmp_path / "tilted", hu, geometry, shear_mm=2.0)
    _, placed = read_ct(tmp_path / "tilted")
    expected = geometry.ijk_to_lps @ [3, 4, 20, 1] + [0, 40, 0, 0]
    assert np.allclose(placed.ijk_to_lps @ [3, 4, 20, 1], expected, atol=1e-3)


def test_missing_slices_are_an_error(tmp_path, a_small_ct):
    hu, geometry = a_small_ct
    write_series(tmp_path / "gap", hu, geometry)
    for file in (tmp_path / "gap").glob("*.1[0-3].dcm"):
        file.unlink()
    with pytest.raises(InputError, match="evenly spaced"):
        read_ct(tmp_path / "gap")


def test_a_folder_without_ct_is_an_error(tmp_path, a_small_ct):
    hu, geometry = a_small_ct
    write_series(tmp_path / "mr", hu[:3], geometry, modality="MR")
    with pytest.raises(InputError, match="no DICOM series of modality CT"):
        read_ct(tmp_path / "mr")


def test_what_is_no_ct_is_refused_with_the_reason(tmp_path, a_small_ct):
    hu, geometry = a_small_ct
    (tmp_path / "text.nii.gz").write_text("no volume", encoding="utf-8")
    sitk.WriteImage(sitk.Image(20, 20, sitk.sitkInt16), str(tmp_path / "slice.nrrd"))
    sitk.WriteImage(sitk.Image([9, 9, 9], sitk.sitkVectorUInt8, 3), str(tmp_path / "colour.nrrd"))
    sitk.WriteImage(geometry.to_image((hu + 1024).astype(np.uint16)), str(tmp_path / "stored.nrrd"))
    holes = hu.astype(np.float32)
    holes[5, 5, 5] = np.nan
    sitk.WriteImage(geometry.to_image(holes), str(tmp_path / "holes.nrrd"))
    reasons = {
        "absent.nrrd": "no file or folder",
        "text.nii.gz": "cannot be read",
        "slice.nrrd": "not a volume but 20 x 20",
        "colour.nrrd": "colour",
        "stored.nrrd": "does not hold Hounsfield units",
        "holes.nrrd": "not numbers",
    }
    for name, reason in reasons.items():
        with pytest.raises(InputError, match=reason):
            read_ct(tmp_path / name)


def test_a_compressed_file_that_ends_too_early_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(-1000, 1000, (40, 40, 40)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(noise), tmp_path / "whole.nii.gz")
    content = (tmp_path / "whole.nii.gz").read_bytes()
    (tmp_path / "part.nii.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="incomplete"):
        read_ct(tmp_path / "part.nii.gz")
