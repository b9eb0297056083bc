"""Jobs for a MRML scene: the request before, and the nodes after."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from X2CTLib.drr_files import FORMATS
from X2CTLib.errors import InputError
from X2CTLib.exposure import Exposure
from X2CTLib.files import whole_folder
from X2CTLib.geometry import ProjectionGeometry
from X2CTLib.jobs import Job
from X2CTReconstructionLib.volumes import hounsfield, world_geometry
from X2CTTrainingLib.checks import FILE
from X2CTTrainingLib.evaluate_command import name_of
from X2CTTrainingLib.scene_cases import add_answers
from X2CTTrainingLib.scene_drr import add_drrs
from X2CTTrainingLib.scene_tables import add_csv

DRR_SERVER = "X2CTLib.drr_worker"


def drr_job(
    scene,
    volumes: Sequence,
    projections: Sequence[Sequence[ProjectionGeometry]],
    exposure: Exposure,
    body_only: bool,
    folder: Path,
) -> Job:
    """DRRs as nodes of the scene.

    Args:
        scene: The `vtkMRMLScene`.
        volumes: `vtkMRMLScalarVolumeNode`s.
        projections: Of each volume.
        exposure: What makes radiographs of line integrals.
        body_only: Whether the table is left out.
        folder: For what goes to the process and comes from it.

    Raises:
        InputError: A volume cannot be projected.
    """
    names = [volume.GetName() for volume in volumes]
    request = _drr_request(volumes, projections, exposure, body_only, folder)
    request |= {"formats": ["nrrd", "png"], "output": str(folder / "output")}

    def finish() -> list:
        folders = [folder / "output" / str(number) for number in range(len(names))]
        return [node for each, name in zip(folders, names, strict=True) for node in add_drrs(scene, each, name)]

    return Job(request, finish, DRR_SERVER)


def export_job(
    volumes: Sequence,
    projections: Sequence[Sequence[ProjectionGeometry]],
    exposure: Exposure,
    body_only: bool,
    folder: Path,
    output: Path,
) -> Job:
    """The same as files of all `drr_files.FORMATS`: in `output` for one volume, else in folders in it."""
    request = _drr_request(volumes, projections, exposure, body_only, folder)
    request |= {"formats": FORMATS, "output": str(folder / "output")}
    names = [volume.GetName().replace("/", "_") for volume in volumes]
    if len(set(names)) < len(names):
        raise InputError("Two of the volumes have the same name, and so would their folders. Rename one.")

    def finish() -> list[Path]:
        written = []
        for number, name in enumerate(names):
            target = Path(output) / name if len(names) > 1 else Path(output)
            with whole_folder(target) as scratch:
                for file in sorted((folder / "output" / str(number)).iterdir()):
                    (scratch / file.name).write_bytes(file.read_bytes())
                    written.append(target / file.name)
        return written

    return Job(request, finish, DRR_SERVER)


def _drr_request(volumes, projections, exposure: Exposure, body_only: bool, folder: Path) -> dict:
    handed = []
    for number, (volume, own) in enumerate(zip(volumes, projections, strict=True)):
        geometry, values = world_geometry(volume), folder / f"{number}.npy"
        np.save(values, hounsfield(volume))
        handed.append(
            {
                "name": volume.GetName(),
                "values": str(values),
                "ijk_to_lps": geometry.ijk_to_lps.tolist(),
                "projections": [projection.to_dict() for projection in own],
            }
        )
    return {"task": "project", "volumes": handed, "exposure": asdict(exposure), "body_only": body_only}


def check_job(scene, sources: Sequence[str], cache: Path, folder: Path) -> Job:
    """A table of the cases of a data set and what is wrong with them."""
    output = folder / "output"
    request = {"task": "check", "sources": [str(s) for s in sources], "cache": str(cache), "output": str(output)}
    return Job(request, lambda: add_csv(scene, output / FILE, "Data set"))


def evaluation_job(
    scene,
    answers: Sequence[Path],
    data: Sequence[str] | None,
    training_data: Sequence[str] | None,
    cache: Path,
    device: str,
    folder: Path,
) -> Job:
    """Two tables, the scores of each case and their means; `worker.evaluate` says what of."""
    output = folder / "output"
    request = _evaluation_request("evaluate", answers, data, training_data, cache, device, output)
    name = answers[0].stem

    def finish() -> tuple:
        files = {"scores": output / "scores.csv", "summary": output / "summary.csv"}
        return tuple(add_csv(scene, file, f"{name} {what}") for what, file in files.items())

    return Job(request, finish)


def show_job(
    scene,
    answers: Sequence[Path],
    case: str,
    data: Sequence[str] | None,
    training_data: Sequence[str] | None,
    cache: Path,
    device: str,
    folder: Path,
) -> Job:
    """Volumes: a case as it is, and for each answer what it has made of it, and the difference of both."""
    output = folder / "output"
    request = _evaluation_request("show", answers, data, training_data, cache, device, output) | {"case": case}

    def finish() -> list:
        made = {Path(name_of(path)).stem: np.load(output / f"{number}.npy") for number, path in enumerate(answers)}
        return add_answers(scene, case, np.load(output / "true.npy"), made)

    return Job(request, finish)


def _evaluation_request(task, answers, data, training_data, cache, device, output) -> dict:
    request = {"task": task, "answers": [str(path) for path in answers], "data": data, "training_data": training_data}
    return request | {"cache": str(cache), "device": device, "output": str(output)}
