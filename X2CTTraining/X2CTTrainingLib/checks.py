"""What somebody wants to know of CTs before training on them: what they hold, what is wrong, and what they are for."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int16

from X2CTLib.anatomy import LABELS, segment
from X2CTLib.errors import InputError
from X2CTLib.files import replace_file
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTTrainingLib.datasets import CACHE, Case, Source, find_sources, prepare
from X2CTTrainingLib.experiment import Experiment
from X2CTTrainingLib.splits import PARTS, split_cases

FILE = "checks.csv"
COLUMNS = ("case", "patient", "part", "field of view (mm)", "spacing (mm)", "problems", "key")
"""The last is the case's key in the cache, nothing for a CT that cannot be used."""

_SMALLEST_FIELD_MM, _LARGEST_SPACING_MM = 240.0, 5.0
_LUNGS_ML = (800.0, 12_000.0)  # of both; outside of it is no adult's chest, or not the whole of it


@dataclass(frozen=True)
class Check:
    """What is known of one case.

    Attributes:
        name: Of the case.
        patient: Whose it is.
        geometry: Where the CT's voxels lie; None of a phantom, or where it cannot be read.
        case: As it is trained on; None if it cannot be.
        problems: In words.
    """

    name: str
    patient: str
    geometry: VolumeGeometry | None
    case: Case | None
    problems: tuple[str, ...]


def check_sources(
    sources: Sequence[str], cache: Path = CACHE, progress: Progress = silent, cancel: CancelToken | None = None
) -> list[Check]:
    """Look at every case of a data set; their cubes are in the cache then.

    Args:
        sources: See `datasets.gather`.
        cache: Folder for the prepared cubes.
        progress: Told before every case.
        cancel: Looked at as often.

    Raises:
        InputError: A source does not exist.
        Cancelled: `cancel` was raised.
    """
    found = find_sources(sources)
    checks = []
    for index, source in enumerate(found):
        if cancel:
            cancel.check()
        progress(index / len(found), f"Checking {source.name}")
        checks.append(_check(source, cache))
    return checks


def write_checks(folder: Path, checks: Sequence[Check], experiment: Experiment) -> None:
    """Write checks.csv, with the part of the split that each case falls into in an experiment."""
    parts = _parts([check.case for check in checks if check.case], experiment)
    with replace_file(folder / FILE) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for check in checks:
            field = _sizes(np.multiply(check.geometry.spacing, check.geometry.shape[::-1]), 0) if check.geometry else ""
            spacing = _sizes(check.geometry.spacing, 2) if check.geometry else ""
            key = check.case.key if check.case else ""
            part = parts.get(key, "")
            writer.writerow((check.name, check.patient, part, field, spacing, " ".join(check.problems), key))


def _check(source: Source, cache: Path) -> Check:
    try:
        geometry = source.read()[1] if source.path else None
    except InputError as error:
        return Check(source.name, source.patient, None, None, (str(error),))
    try:
        case = prepare(source, cache)
    except InputError as error:
        return Check(source.name, source.patient, geometry, None, (str(error),))
    problems = *_size_problems(geometry), *_chest_problems(case.hu)
    return Check(source.name, source.patient, geometry, case, problems)


def _size_problems(geometry: VolumeGeometry | None) -> list[str]:
    if geometry is None:
        return []
    problems = []
    if min(geometry.spacing * geometry.shape[::-1]) < _SMALLEST_FIELD_MM:
        problems.append(f"The field of view is below {_SMALLEST_FIELD_MM:g} mm, so the chest is not all in it.")
    if max(geometry.spacing) > _LARGEST_SPACING_MM:
        problems.append(f"The voxels are wider than {_LARGEST_SPACING_MM:g} mm.")
    return problems


def _chest_problems(hu: Int16[np.ndarray, "k j i"]) -> list[str]:
    geometry = VolumeGeometry.cube(len(hu))
    labels = segment(np.asarray(hu, np.float32), geometry)
    voxels = np.isin(labels, (LABELS["right lung"], LABELS["left lung"])).sum()
    lungs_ml = voxels * np.prod(geometry.spacing) / 1000
    low, high = _LUNGS_ML
    return [] if low <= lungs_ml <= high else [f"Not an adult's whole chest: there are {lungs_ml:.0f} mL of lung."]


def _parts(cases: Sequence[Case], experiment: Experiment) -> dict[str, str]:
    """Part of the split by key; nothing where the cases cannot be split."""
    try:
        split = split_cases(cases, experiment.data, experiment.run.seed)
    except InputError:
        return {}
    return {case.key: part for part in PARTS for case in getattr(split, part)}


def _sizes(lengths: Sequence[float], decimals: int) -> str:
    return " × ".join(f"{length:.{decimals}f}" for length in lengths)
