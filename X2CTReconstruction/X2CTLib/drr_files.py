"""Radiographs of a CT as files: values, 16 bit picture and DICOM, each with its geometry."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float, Real
from pydicom.uid import generate_uid

from X2CTLib.body import TISSUE_HU
from X2CTLib.dicom_drr import write_dicom
from X2CTLib.errors import InputError
from X2CTLib.exposure import LINE_INTEGRALS, Exposure, expose
from X2CTLib.files import whole_folder
from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry, write_sidecar
from X2CTLib.intensity import normalise
from X2CTLib.progress import CancelToken, Progress, silent

FORMATS = ("png", "nrrd", "dicom")
"""A picture as a network sees it, the values themselves, and a radiograph for any viewer."""


def write_drrs(
    hu: Real[np.ndarray, "k j i"],
    geometry: VolumeGeometry,
    folder: Path,
    projections: Sequence[ProjectionGeometry],
    patient: str,
    exposure: Exposure = LINE_INTEGRALS,
    formats: Collection[str] = FORMATS,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> None:
    """Project a CT and write its radiographs, named after their views: pa.png, pa.nrrd, pa.dcm, pa.json.

    Args:
        hu: Hounsfield units, the table being removed, as `ct.standard_cube` leaves them.
        geometry: Where they lie.
        folder: Where the files come to lie, all or none.
        projections: One for each view.
        patient: Patient ID of the DICOM.
        exposure: What makes a radiograph of line integrals.
        formats: Of `FORMATS`; the geometry as JSON comes with any.
        progress: Told about each view.
        cancel: Looked at before each view.

    Raises:
        InputError: A central ray passes the patient by, or source or detector would be inside.
        Cancelled: As asked.
    """
    study_uid = generate_uid()
    with whole_folder(folder) as scratch:
        for number, projection in enumerate(projections):
            (cancel or CancelToken()).check()
            progress(number / len(projections), f"Projecting {projection.view.name}")
            _check_room(hu, geometry, projection)
            # Two exposures share no noise.
            shot = replace(exposure, seed=exposure.seed + number)
            image = expose(torch.from_numpy(hu)[None], geometry, projection, shot)[0].numpy()
            base = scratch / projection.view.name.lower()
            if "png" in formats:
                grey = (normalise(torch.from_numpy(image)) * 65535).round().numpy().astype(np.uint16)
                _write_plane(base.with_suffix(".png"), grey, projection)
            if "nrrd" in formats:
                _write_plane(base.with_suffix(".nrrd"), image, projection)
            if "dicom" in formats:
                write_dicom(base.with_suffix(".dcm"), image, projection, patient, study_uid, exposure.kvp)
            write_sidecar(base.with_suffix(".json"), projection)
    progress(1.0, "Written")


def _check_room(hu: Real[np.ndarray, "k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry) -> None:
    """Raise InputError if the patient is missed or reaches the detector; `drr.line_integrals` looks at the source."""
    coarse = 4
    ijk = np.argwhere(hu[::coarse, ::coarse, ::coarse] > TISSUE_HU)[:, ::-1] * coarse
    body = ijk @ geometry.ijk_to_lps[:3, :3].T + geometry.ijk_to_lps[:3, 3]
    low, high = body.min(axis=0, initial=np.inf), body.max(axis=0, initial=-np.inf)
    if not ((low <= projection.isocentre_lps) & (projection.isocentre_lps <= high)).all():
        at, low, high = (", ".join(f"{x:.0f}" for x in point) for point in (projection.isocentre_lps, low, high))
        raise InputError(f"The isocentre ({at}) is outside of the patient, who lies from ({low}) to ({high}) in LPS.")
    if projection.parallel:
        return
    behind = float(((body - projection.isocentre_lps) @ projection.beam_lps).max())
    if behind > projection.sid_mm - projection.sad_mm:
        raise InputError(
            f"The detector is {projection.sid_mm - projection.sad_mm:g} mm behind the isocentre, but the patient "
            f"reaches {behind:.0f} mm. Raise the distance from source to detector, or reduce that to the isocentre."
        )


def _write_plane(path: Path, pixels: Float[np.ndarray, "r c"], projection: ProjectionGeometry) -> None:
    image = sitk.GetImageFromArray(pixels)
    image.SetSpacing([projection.pixel_mm, projection.pixel_mm])
    sitk.WriteImage(image, path)
