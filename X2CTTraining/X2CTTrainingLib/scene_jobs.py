"""Jobs for a MRML scene: the request before, and the nodes after."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from X2CTLib.drr_files import FORMATS
from X2CTLib.drr_settings import DrrSettings, PlacedVolume
from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.jobs import Job
from X2CTReconstructionLib.volumes import hounsfield, world_geometry
from X2CTTrainingLib.checks import FILE
from X2CTTrainingLib.evaluate_command import name_of
from X2CTTrainingLib.scene_cases import add_answers
from X2CTTrainingLib.scene_drr import add_drrs
from X2CTTrainingLib.scene_tables import add_csv
from X2CTTrainingLib.scene_volumes import isocentre

DRR_SERVER = "X2CTLib.drr_worker"


def drr_job(scene, volumes: Sequence, settings: DrrSettings, markups, folder: Path) -> Job:
    """DRRs as nodes of the scene.

    Args:
        scene: The `vtkMRMLScene`.
        volumes: `vtkMRMLScalarVolumeNode`s.
        settings: How they are taken.
        markups: What the central rays pass; see `scene_volumes.isocentre`.
        folder: For what goes to the process and comes from it.

    Raises:
        InputError: A volume cannot be projected.
    """
    names = [volume.GetName() for volume in volumes]
    request = settings.request(_placed(volumes, markups, folder), ["nrrd", "png"], folder / "output")

    def finish() -> list:
        folders = [folder / "output" / str(number) for number in range(len(names))]
        return [node for each, name in zip(folders, names, strict=True) for node in add_drrs(scene, each, name)]

    return Job(request, finish, DRR_SERVER)


def export_job(volumes: Sequence, settings: DrrSettings, markups, folder: Path, output: Path) -> Job:
    """The same as files of all `drr_files.FORMATS`: in `output` for one volume, else in folders in it."""
    request = settings.request(_placed(volumes, markups, folder), FORMATS, folder / "output")
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


def _placed(volumes: Sequence, markups, folder: Path) -> list[PlacedVolume]:
    """The volumes as files in a folder."""
    placed = []
    for number, volume in enumerate(volumes):
        geometry, values = world_geometry(volume), folder / f"{number}.npy"
        np.save(values, hounsfield(volume))
        placed.append(PlacedVolume(volume.GetName(), values, geometry, isocentre(geometry, markups)))
    return placed


def check_job(scene, sources: Sequence[str], experiment: tuple[str, str], cache: Path, folder: Path) -> Job:
    """A table of the cases of a data set, what is wrong with them, and their part in an experiment (name, scale)."""
    output, (name, scale) = folder / "output", experiment
    request = {"task": "check", "sources": [str(source) for source in sources], "experiment": name, "scale": scale}
    request |= {"cache": str(cache), "output": str(output)}
    return Job(request, lambda: add_csv(scene, output / FILE, "Data set"))


@dataclass(frozen=True)
class Answers:
    """Runs and models, and what they answer to.

    Attributes:
        paths: Folders of finished runs, weights files.
        cache: Folder for the prepared cubes.
        data: Sources of what is scored; None for what the runs hold out.
        training_data: Sources of the mean volume; None for what the runs were trained on, or for a part of the data.
        device: See `X2CTLib.device.choose_device`.
    """

    paths: Sequence[Path]
    cache: Path
    data: Sequence[str] | None = None
    training_data: Sequence[str] | None = None
    device: str = "auto"

    def request(self, task: str, output: Path) -> dict:
        """For the process; `worker` says of what tasks."""
        request = {"task": task, "answers": [str(path) for path in self.paths], "cache": str(self.cache)}
        request |= {"data": self.data, "training_data": self.training_data, "device": self.device}
        return request | {"output": str(output)}


def evaluation_job(scene, answers: Answers, folder: Path) -> Job:
    """Two tables, the scores of each case and their means."""
    output, name = folder / "output", answers.paths[0].stem

    def finish() -> tuple:
        files = {"scores": output / "scores.csv", "summary": output / "summary.csv"}
        return tuple(add_csv(scene, file, f"{name} {what}") for what, file in files.items())

    return Job(answers.request("evaluate", output), finish)


def show_job(scene, answers: Answers, case: str, folder: Path) -> Job:
    """Volumes: a case as it is, and for each answer what it has made of it, and the difference of both."""
    output = folder / "output"

    def finish() -> list:
        names = [Path(name_of(path)).stem for path in answers.paths]
        made = {name: np.load(output / f"{number}.npy") for number, name in enumerate(names)}
        return add_answers(scene, case, np.load(output / "true.npy"), made)

    return Job(answers.request("show", output) | {"case": case}, finish)
