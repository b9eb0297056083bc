"""Radiographs that are stored as pictures (PNG, JPEG, TIFF, BMP) or as images of one slice (NRRD, NIfTI, MetaImage)."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float

from X2CTLib.canonical import grey, plausible_size, square_pixels, to_canonical
from X2CTLib.errors import InputError
from X2CTLib.formats import SLICES
from X2CTLib.geometry import ProjectionGeometry, read_sidecar
from X2CTLib.radiograph import COLOURED, Radiograph

_MOST_PIXELS = 200_000_000


def read_picture(path: Path) -> Radiograph:
    """Read a picture, and the geometry in its sidecar if it has one.

    Raises:
        InputError: It is a volume, or is too large.
    """
    image = _read_plane(path)
    pixels = sitk.GetArrayFromImage(image)
    notes, coloured = [], False
    if pixels.ndim > image.GetDimension():
        pixels, coloured = grey(pixels[..., :3]) if pixels.shape[-1] > 2 else (pixels[..., 0], False)
        notes.append(f"{path.name}: stored in colour, read as grey.")
    doubts = [f"{path.name} {COLOURED}"] if coloured else []
    radiograph = Radiograph(np.squeeze(pixels).astype(np.float32), source=path.name, notes=notes, doubts=doubts)
    if sidecar := _sidecar(path, radiograph.pixels):
        radiograph.view = sidecar.view
        radiograph.pixel_mm = sidecar.pixel_mm / sidecar.magnification
        radiograph.oriented = True
        radiograph.isocentre = (sidecar.rows - 1) / 2, (sidecar.columns - 1) / 2
        if sidecar.gantry_deg or sidecar.cranial_deg:
            notes.append(f"{path.name}: an oblique projection; the networks know the standard views only.")
    elif path.name.lower().endswith(SLICES):
        _place(radiograph, image)
    else:
        # The resolution that a picture states is that of a printer or a screen.
        notes.append(f"{path.name}: no pixel size and no orientation in a picture; taken as upright.")
    return radiograph


def _read_plane(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    size = reader.GetSize()
    if any(count > 1 for count in size[2:]):
        raise InputError(
            f"{path.name} is a volume of {'x'.join(map(str, size))} voxels, not a radiograph. "
            "Give each radiograph as a file of its own."
        )
    if size[0] * size[1] > _MOST_PIXELS:
        raise InputError(f"{path.name} has {size[0]}x{size[1]} pixels, too many for a radiograph. Reduce it.")
    return reader.Execute()


def _sidecar(path: Path, pixels: Float[np.ndarray, "r c"]) -> ProjectionGeometry | None:
    """The geometry in the JSON file beside the picture, if that is what lies there."""
    try:
        projection = read_sidecar(path.with_suffix(".json"))
    except InputError:
        return None
    return projection if (projection.rows, projection.columns) == pixels.shape else None


def _place(radiograph: Radiograph, image: sitk.Image) -> None:
    """Take spacing and directions from a medical image."""
    name, (column_mm, row_mm) = radiograph.source, image.GetSpacing()[:2]
    if plausible_size(max(column_mm, row_mm), radiograph.pixels):
        radiograph.pixels = square_pixels(radiograph.pixels, row_mm, column_mm)
        radiograph.pixel_mm = min(row_mm, column_mm)
    else:
        radiograph.notes.append(f"{name}: pixels of {column_mm:g} mm do not fit a chest; the size is ignored.")
    sides = _sides(image)
    canonical = sides and to_canonical(radiograph.pixels, *sides)
    if canonical:
        radiograph.pixels, radiograph.view = canonical
        radiograph.oriented = True
    else:
        radiograph.notes.append(f"{name}: its directions are not those of a radiograph; taken as upright.")


def _sides(image: sitk.Image) -> tuple[str, str] | None:
    """The sides of the patient to which columns and rows grow, for a slice that lies in space."""
    if image.GetDimension() < 3:
        return None
    directions = np.reshape(image.GetDirection(), (image.GetDimension(),) * 2)[:3, :2].T
    return tuple(
        "RAF"[axis] if direction[axis] < 0 else "LPH"[axis]
        for direction, axis in zip(directions, np.abs(directions).argmax(axis=1), strict=True)
    )
