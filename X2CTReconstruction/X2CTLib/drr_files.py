"""A DRR as files: line integrals, 16 bit picture and DICOM, each with its geometry."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float

from X2CTLib.dicom_drr import write_dicom
from X2CTLib.geometry import ProjectionGeometry, write_sidecar
from X2CTLib.intensity import normalise

FORMATS = ("png", "nrrd", "dicom")
"""A picture as a network sees it, the values themselves, and a radiograph for any viewer."""


def write_drr(
    folder: Path,
    image: Float[np.ndarray, "r c"],
    projection: ProjectionGeometry,
    formats: Collection[str],
    patient: str,
    study_uid: str,
    kvp: float | None = None,
) -> None:
    """Write a DRR and its sidecar into a folder, named after the view: pa.png, pa.nrrd, pa.dcm, pa.json.

    Args:
        folder: It must exist.
        image: Line integrals, or -log(I/I0).
        projection: The geometry that it was computed in.
        formats: Of `FORMATS`.
        patient: Patient ID of the DICOM.
        study_uid: Study Instance UID of the DICOM.
        kvp: Peak tube voltage.
    """
    base = folder / projection.view.name.lower()
    if "png" in formats:
        grey = (normalise(torch.from_numpy(image)) * 65535).round().numpy().astype(np.uint16)
        _write_plane(base.with_suffix(".png"), grey, projection)
    if "nrrd" in formats:
        _write_plane(base.with_suffix(".nrrd"), image, projection)
    if "dicom" in formats:
        write_dicom(base.with_suffix(".dcm"), image, projection, patient, study_uid, kvp)
    write_sidecar(base.with_suffix(".json"), projection)


def _write_plane(path: Path, pixels: np.ndarray, projection: ProjectionGeometry) -> None:
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing([projection.pixel_mm, projection.pixel_mm])
    sitk.WriteImage(image, path)
