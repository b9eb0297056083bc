"""What leaves the scene: a study's volume, table, report and scene as files that name nobody unless they are told to.

Everything is made from the study's own nodes, so that corrected organs and measurements are what is exported.
"""

import csv
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from X2CTLib.anatomy import Measurement
from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import View
from X2CTLib.progress import CancelToken, Progress, part, silent
from X2CTLib.radiograph import Radiograph
from X2CTLib.reconstruction import Reconstruction, write_image
from X2CTReconstructionLib.headless import HeadlessScene
from X2CTReconstructionLib.nodes import read_measurements
from X2CTReconstructionLib.rendering import render_pictures
from X2CTReconstructionLib.report import write_report
from X2CTReconstructionLib.study import Study, save_scene
from X2CTReconstructionLib.study_contents import copy_study, reconstruction_of

VOLUMES = {"nrrd": "volume.nrrd", "nifti": "volume.nii.gz", "dicom": "dicom"}
"""The volume's formats, and the file or, for a DICOM series, folder of each."""
KINDS = {**VOLUMES, "table": "measurements.csv", "report": "report.html", "scene": "scene.mrb"}
"""Everything that can be exported."""


@dataclass(frozen=True)
class Patient:
    """Whose study it is, for who wants that to be in the files; nobody's by default."""

    name: str = ""
    identifier: str = ""


NOBODY = Patient()


def export_study(
    study: Study,
    folder: Path,
    kinds: Collection[str] = tuple(KINDS),
    patient: Patient = NOBODY,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
    radiographs: dict[View, Radiograph] | None = None,
) -> list[Path]:
    """Write a study's files into a folder, all of them or none.

    Args:
        study: In any scene; it stays as it is.
        folder: Made if missing.
        kinds: Of `KINDS`.
        patient: Goes into the DICOM series and the scene's subject hierarchy.
        progress: Told about every kind.
        cancel: Looked at before every kind, and within the slow ones.
        radiographs: What the study was made from, for the report, where they are still at hand.

    Returns:
        The files, and the folder of the DICOM series.

    Raises:
        InputError: There is no such kind, or the folder cannot be written to.
        Cancelled: `cancel` was raised.
    """
    if unknown := set(kinds) - KINDS.keys():
        raise InputError(f"Nothing can be exported as {', '.join(sorted(unknown))}; choose from {', '.join(KINDS)}.")
    wanted = [kind for kind in KINDS if kind in kinds]
    cancel = cancel or CancelToken()
    with whole_folder(folder) as scratch:
        for number, kind in enumerate(wanted):
            cancel.check()
            step = part(progress, number / len(wanted), (number + 1) / len(wanted))
            step(0.0, f"Writing {KINDS[kind]}")
            if kind in VOLUMES:
                write_volume(reconstruction_of(study), scratch, kind, patient, step, cancel)
            elif kind == "table":
                _table(study, scratch / KINDS[kind])
            elif kind == "report":
                _report(study, scratch / KINDS[kind], radiographs or {}, step, cancel)
            else:
                _scene(study, scratch / KINDS[kind], patient)
    progress(1.0, "Exported")
    return [Path(folder) / KINDS[kind] for kind in wanted]


def write_volume(
    reconstruction: Reconstruction,
    folder: Path,
    kind: str,
    patient: Patient = NOBODY,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> None:
    """Write a reconstruction's volume in one of the formats `VOLUMES`."""
    path, hu, geometry = folder / VOLUMES[kind], reconstruction.hu, reconstruction.geometry
    if kind != "dicom":
        write_image(path, hu, geometry)
        return
    from X2CTLib.dicom_ct import write_dicom_series  # pydicom, which nothing else here needs

    card = reconstruction.card
    description = f"Estimated from radiographs by {card['name']}, SHA-256 {card.get('sha256', 'unknown')}."
    write_dicom_series(hu, geometry, path, description, patient.name, patient.identifier, progress, cancel)


def write_measurements(path: Path, measurements: list[Measurement]) -> None:
    """Write measurements as CSV: name, value, unit, note."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "value", "unit", "note"])
        writer.writerows([m.name, round(m.value, 3), m.unit, m.note] for m in measurements)


def _table(study: Study, path: Path) -> None:
    write_measurements(path, read_measurements(study.measurements))


def _report(
    study: Study, path: Path, radiographs: dict[View, Radiograph], progress: Progress, cancel: CancelToken
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pictures = render_pictures(study.volume, Path(folder), progress=progress, cancel=cancel)
        write_report(path, reconstruction_of(study), radiographs, read_measurements(study.measurements), pictures)


def _scene(study: Study, path: Path, patient: Patient) -> None:
    """In a scene of its own, where nothing else is that the user may have loaded."""
    headless = HeadlessScene()
    copy_study(study, headless.scene, patient.name)
    save_scene(headless.scene, path)
