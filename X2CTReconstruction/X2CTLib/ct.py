"""Chest CT as it comes, and the standard cube that the networks are trained on and give back."""

import gzip
import zlib
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, Int16

from X2CTLib.body import COARSE_MM, coarse_ct, dilation, find_body, lungs_in
from X2CTLib.errors import InputError
from X2CTLib.geometry import CUBE_MM, CUBE_VOXELS, HU_RANGE, VolumeGeometry
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.resampling import antialias, resample

EMPTY_HU = int(HU_RANGE[0])
"""What stands outside the body and outside the scan: the network's zero."""
MAX_HU = 3071
"""The largest value of a 12 bit CT."""
FINE_VOXELS = 320
"""Along an edge of the cube in voxels of 1 mm, which is what is projected (paper, section 5.1)."""
_MAX_OFF_MIDLINE_MM = 30.0  # a pair of lungs is not farther to one side; one lung alone is


def read_ct(path: Path | str, series: str = "") -> tuple[Float[np.ndarray, "k j i"], VolumeGeometry]:
    """Read a chest CT.

    Args:
        path: A NIfTI, NRRD or MetaImage file, a multi-frame DICOM file, or a folder with a DICOM series.
        series: Series Instance UID (0020,000E) of that in the folder; of several CT series the one with the most files
            if not given.

    Returns:
        Hounsfield units, not below -1024 (scanners pad with less), and where they lie.

    Raises:
        InputError: It cannot be read, is not a volume, lacks slices, or does not hold Hounsfield units.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    _check_whole(path)
    try:
        image = _read_series(path, series) if path.is_dir() else sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read as a CT: {str(error).strip().splitlines()[-1]}") from error
    if image.GetDimension() != 3 or min(image.GetSize()) < 2:
        size = " x ".join(map(str, image.GetSize()))
        raise InputError(f"{path.name} is not a volume but {size}. For DICOM slices choose the folder they are in.")
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{path.name} is a colour or vector image, not a CT.")
    hu = sitk.GetArrayFromImage(image).astype(np.float32)
    _check_hounsfield(hu, path.name)
    return np.maximum(hu, EMPTY_HU, out=hu), VolumeGeometry.from_image(image)


def _check_whole(path: Path) -> None:
    """Refuse a compressed file that ends too early: the reader would fill in the rest with zeros, which are water."""
    if path.suffix != ".gz":
        return
    try:
        with gzip.open(path) as file:
            while file.read(1 << 24):
                pass
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or incomplete. Get it again.") from error


def body_mask(hu: Float[np.ndarray, "k j i"], geometry: VolumeGeometry) -> Bool[np.ndarray, "k j i"]:
    """The patient with lungs and airways, without couch, cushions and cloth.

    Raises:
        InputError: There is no body.
    """
    body = find_body(coarse_ct(_image(hu, geometry), EMPTY_HU))
    return _inside(body, geometry)


def standard_cube(
    hu: Float[np.ndarray, "k j i"],
    geometry: VolumeGeometry,
    voxels: int = CUBE_VOXELS,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[Int16[np.ndarray, "v v v"], VolumeGeometry]:
    """The 320 mm cube around the lungs: antialiased, axes superior, posterior and left, only the body in it.

    A volume that is such a cube already keeps its place and its voxels, and loses only what is not body.

    Args:
        hu: Hounsfield units.
        geometry: Where they lie; any orientation and spacing.
        voxels: Voxels along an edge; the paper resamples to 320 (1 mm) first and trains on 128 (2.5 mm).
        progress: Told about the three steps.
        cancel: Looked at before each of them.

    Returns:
        Hounsfield units in [-1024, 3071], -1024 outside the body and the scan, and where the cube lies in the patient.

    Raises:
        InputError: There is no body.
        Cancelled: As asked.
    """
    cancel = cancel or CancelToken()
    cancel.check()
    progress(0.0, "Smoothing the CT")
    smooth = antialias(_image(hu, geometry), CUBE_MM / voxels)
    cancel.check()
    progress(0.4, "Finding the body and the lungs")
    coarse = coarse_ct(smooth, EMPTY_HU)
    body = find_body(coarse)
    cube = cube_around(geometry, coarse, body, voxels)
    cancel.check()
    progress(0.8, "Cutting the cube")
    values = sitk.GetArrayFromImage(resample(smooth, cube, EMPTY_HU))
    # A margin of one coarse voxel keeps the gradual step from skin to air.
    values[~_inside(dilation(body, COARSE_MM), cube)] = EMPTY_HU
    progress(1.0, "Standard cube")
    return np.clip(np.rint(values), EMPTY_HU, MAX_HU).astype(np.int16), cube


def cube_around(
    geometry: VolumeGeometry, coarse: sitk.Image, body: sitk.Image, voxels: int = CUBE_VOXELS
) -> VolumeGeometry:
    """Where the 320 mm cube around the lungs lies; a volume that is such a cube already keeps its place.

    Args:
        geometry: Of the volume.
        coarse: The volume on the coarse grid, see `body.coarse_ct`.
        body: From `body.find_body`.
        voxels: Voxels along an edge.
    """
    cube = VolumeGeometry.cube(voxels, tuple(geometry.centre_lps))
    if geometry.shape == cube.shape and np.allclose(geometry.ijk_to_lps, cube.ijk_to_lps, atol=1e-3):
        return cube
    return VolumeGeometry.cube(voxels, _lung_centre(coarse, body))


def _read_series(folder: Path, wanted: str) -> sitk.Image:
    """The CT series with the most files in a folder and its subfolders, or the one that is wanted."""
    series = {}
    for directory in sorted({file.parent for file in folder.rglob("*") if file.is_file()}):
        for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(directory)):
            files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(directory), uid)
            if wanted in ("", uid) and _modality(files[0]) == "CT":
                series[directory, uid] = files
    if not series:
        named = f" {wanted}" if wanted else ""
        raise InputError(f"The folder {folder.name} holds no DICOM series{named} of modality CT.")
    reader = sitk.ImageSeriesReader()
    reader.ForceOrthogonalDirectionOff()  # a tilted gantry shears the volume
    reader.SetFileNames(max(series.values(), key=len))
    image = reader.Execute()
    if image.HasMetaDataKey("ITK_non_uniform_sampling_deviation"):
        raise InputError(
            f"The slices in {folder.name} are not evenly spaced: some are missing, or there are two scans."
        )
    return image


def _modality(file: str) -> str:
    """DICOM's Modality (0008,0060) of a file, empty if it has none."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    reader.ReadImageInformation()
    return reader.GetMetaData("0008|0060").strip() if reader.HasMetaDataKey("0008|0060") else ""


def _check_hounsfield(hu: Float[np.ndarray, "k j i"], name: str) -> None:
    """Raise InputError unless there is air and soft tissue, where Hounsfield units put them."""
    if not np.isfinite(hu).all():
        raise InputError(f"{name} holds values that are not numbers.")
    sample = hu[tuple(slice(None, None, max(1, size // 64)) for size in hu.shape)]
    air, tissue = np.mean(sample < -500), np.mean((sample > -200) & (sample < 200))
    if min(air, tissue) < 0.01:
        low, high = np.percentile(sample, (1, 99))
        raise InputError(
            f"{name} does not hold Hounsfield units: most values lie between {low:.0f} and {high:.0f}, "
            "but a chest CT has air near -1000 and soft tissue near 0."
        )


def _image(hu: np.ndarray, geometry: VolumeGeometry) -> sitk.Image:
    """Hounsfield units of any type as a floating point image."""
    return geometry.to_image(np.asarray(hu, dtype=np.float32))


def _inside(mask: sitk.Image, geometry: VolumeGeometry) -> Bool[np.ndarray, "k j i"]:
    """A coarse mask on another grid, with a smooth border."""
    return sitk.GetArrayFromImage(resample(sitk.Cast(mask, sitk.sitkFloat32), geometry, outside=0.0)) > 0.5


def _lung_centre(coarse: sitk.Image, body: sitk.Image) -> tuple[float, float, float]:
    """The middle of the lungs' bounding box in LPS; of the body's if there are no lungs.

    The cube's voxels come to lie on those of the coarse grid, which spares a volume of 2.5 mm the interpolation.
    """
    lungs, body = sitk.GetArrayFromImage(lungs_in(coarse, body)), sitk.GetArrayFromImage(body)
    points = np.argwhere(lungs if lungs.any() else body)
    low, high = points.min(axis=0), points.max(axis=0)
    centre = ((low + high) / 2)[::-1]
    midline = np.argwhere(body[low[0] : high[0] + 1])[:, 2].mean()
    if abs(centre[0] - midline) * COARSE_MM > _MAX_OFF_MIDLINE_MM:
        centre[0] = midline
    return coarse.TransformContinuousIndexToPhysicalPoint((np.floor(centre) + 0.5).tolist())
