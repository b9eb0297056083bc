"""Volumes of a MRML scene, and series of Slicer's DICOM database, as cases to learn from."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import VolumeGeometry
from X2CTReconstructionLib.volumes import hounsfield, world_geometry
from X2CTTrainingLib.datasets import anonymous
from X2CTTrainingLib.dicom_database import DicomSeries

LIST = "list.csv"
"""The list of a data set, as `datasets.gather` reads it."""


def isocentre(geometry: VolumeGeometry, markups=None) -> tuple[float, float, float]:
    """The first point of a `vtkMRMLMarkupsNode`, in LPS; the volume's middle where there is none."""
    if markups is None or not markups.GetNumberOfControlPoints():
        return tuple(geometry.centre_lps.tolist())
    right, anterior, superior = markups.GetNthControlPointPositionWorld(0)
    return -right, -anterior, superior


def patient(scene, volume) -> str:
    """Whose a volume is: an opaque hash of the patient it is filed under, or else its own name."""
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(volume) if hierarchy else 0
    item = item and hierarchy.GetItemAncestorAtLevel(item, "Patient")
    if not item:
        return volume.GetName()
    return anonymous(hierarchy.GetItemUID(item, "DICOM") or hierarchy.GetItemName(item))


def write_dataset(
    scene,
    volumes: Sequence,
    folder: Path,
    parts: Mapping[str, str] | None = None,
    series: Mapping[DicomSeries, Path] | None = None,
) -> Path:
    """Write CT volumes, and a list of them and of DICOM series, which stay where they are; all or nothing.

    Args:
        scene: The `vtkMRMLScene`.
        volumes: `vtkMRMLScalarVolumeNode`s; linear transforms above them are applied.
        folder: Made if missing.
        parts: "train", "validation" or "test" by the name of a volume; where there is none, it is left to chance.
        series: The folders of DICOM series.

    Returns:
        The list, which is a source for `datasets.gather`.

    Raises:
        InputError: There is nothing to write, or a volume cannot be used.
    """
    parts, series = parts or {}, series or {}
    names = [volume.GetName() for volume in volumes]
    if not (names or series):
        raise InputError("Choose at least one CT volume.")
    if unknown := set(parts) - set(names):
        raise InputError(f"There is no volume {', '.join(sorted(unknown))} in the data set.")
    with whole_folder(folder) as scratch:
        rows = [("path", "patient", "part", "name", "series")]
        for number, (volume, name) in enumerate(zip(volumes, names, strict=True)):
            case = _case_name(number, name)
            image = world_geometry(volume).to_image(hounsfield(volume).astype(np.int16))
            sitk.WriteImage(image, scratch / f"{case}.nrrd", True)
            rows.append((f"{case}.nrrd", patient(scene, volume), parts.get(name, ""), case, ""))
        for number, (one, place) in enumerate(series.items(), start=len(names)):
            case = _case_name(number, one.description or "CT")
            rows.append((str(place), anonymous(one.patient_id), "", case, one.uid))
        with (scratch / LIST).open("w", newline="", encoding="utf-8") as list_file:
            csv.writer(list_file).writerows(rows)
    return Path(folder) / LIST


def _case_name(number: int, name: str) -> str:
    return f"{number:03d}_" + "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)
