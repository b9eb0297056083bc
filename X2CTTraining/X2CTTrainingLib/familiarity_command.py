"""`x2ct familiarity`: the DRRs of training bodies in short, by which the trust in a reconstruction is judged."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from X2CTLib.cli import terminal_progress
from X2CTLib.errors import InputError
from X2CTLib.familiarity import DEFAULT_FAMILIARITY, KnownViews, save_familiarity, small
from X2CTLib.geometry import View
from X2CTLib.intensity import normalise_shown
from X2CTLib.progress import Progress, part, silent
from X2CTTrainingLib.augmentation import Augmentation, develop
from X2CTTrainingLib.command import print_skipped
from X2CTTrainingLib.datasets import CACHE, SOURCES_HELP, Case, gather
from X2CTTrainingLib.drr_datasets import gather_drrs
from X2CTTrainingLib.samples import seeded
from X2CTTrainingLib.style_images import StyleImage, of_view
from X2CTTrainingLib.systems import Preparation

# With 8 to 48 components, 24 and 32 found the most wrong pictures among real ones; 32 fill half a megabyte.
_COMPONENTS = 32
_FOLDS = 4
_AUGMENTATION = Augmentation(strength=1.0)
_PATIENT_DRRS, _PHANTOM_DRRS = 20, 3
_UNKNOWN = np.zeros((0, 2))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=SOURCES_HELP)
    parser.add_argument("--output", type=Path, default=DEFAULT_FAMILIARITY, help="the .safetensors file")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for prepared cubes and DRRs")


def run(arguments: argparse.Namespace) -> None:
    """Make the DRRs, sum them up, and write them with their card."""
    with terminal_progress() as progress:
        cases, skipped = gather(arguments.data, arguments.cache, part(progress, 0.0, 0.1))
        known = know(cases, arguments.cache, part(progress, 0.1, 1.0))
    save_familiarity(arguments.output, known, _card(cases, known))
    print_skipped(skipped)
    print(f"Wrote {arguments.output} and its card")


def know(cases: Sequence[Case], cache: Path, progress: Progress = silent) -> dict[View, KnownViews]:
    """Sum up the DRRs of cases, deformed and developed as samples of a training are.

    Raises:
        InputError: There are too few patients to leave some out.
    """
    patients = sorted({case.patient for case in cases if case.real})
    if len(patients) < _FOLDS:
        raise InputError(f"At least {_FOLDS} patients are needed, to see how far others' DRRs are from the known ones.")
    drrs = gather_drrs(cases, _AUGMENTATION, _PATIENT_DRRS, _PHANTOM_DRRS, Preparation([], cache, progress))
    return {view: _know(of_view(drrs, view), patients) for view in View}


def _know(drrs: Sequence[StyleImage], patients: Sequence[str]) -> KnownViews:
    """One view; each patient's distance is taken to the components of the others."""
    names = np.array([drr.patient for drr in drrs])
    developed = [_developed(drr, seeded(0, number)) for number, drr in enumerate(drrs)]
    distances = []
    for fold in range(_FOLDS):
        unknown = np.isin(names, patients[fold::_FOLDS])
        others = summed_up(np.stack([developed[index][0] for index in np.flatnonzero(~unknown)]))
        distances += [others.unlikeness(*developed[index]) for index in np.flatnonzero(unknown)]
    return summed_up(np.stack([pixels for pixels, _ in developed]), np.stack(distances))


def summed_up(
    drrs: Float[np.ndarray, "d n"], calibration: Float[np.ndarray, "u 2"] = _UNKNOWN, components: int = _COMPONENTS
) -> KnownViews:
    """Mean and principal components, fewer of few DRRs: some must be left for the noise."""
    components = min(components, len(drrs) // 2)
    mean = drrs.mean(axis=0)
    _, lengths, directions = np.linalg.svd(drrs - mean, full_matrices=False)
    variances = lengths**2 / len(drrs)
    noise = variances[components:].sum() / (drrs.shape[1] - components)
    return KnownViews(mean, directions[:components], variances[:components], noise, calibration)


def _developed(drr: StyleImage, rng: torch.Generator) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """As a display image, of what the CT has."""
    image = develop(torch.from_numpy(np.array(drr.pixels)), _AUGMENTATION, rng)
    return small(normalise_shown(image, torch.from_numpy(np.array(drr.shown))).numpy(), drr.shown)


def _card(cases: Sequence[Case], known: dict[View, KnownViews]) -> dict:
    return {
        "name": "X2CT familiarity",
        "architecture": {"kind": "principal components", "components": _COMPONENTS},
        "data": {
            "ct": [case.name for case in cases if case.real],
            "phantoms": sum(not case.real for case in cases),
            "DRRs of each CT": _PATIENT_DRRS,
            "DRRs of each phantom": _PHANTOM_DRRS,
        },
        "training": {
            "calibration": f"DRRs of each quarter of the patients, by the components of all others ({_FOLDS})"
        },
        "scores": {
            view.name: {
                "median misfit of unknown patients": round(float(np.median(of_view.calibration[:, 0])), 4),
                "median excess of unknown patients": round(float(np.median(of_view.calibration[:, 1])), 4),
            }
            for view, of_view in known.items()
        },
        "limits": "It tells whether a view is like DRRs of the chest, not whether its reconstruction is right.",
        "licence": "Apache-2.0",
    }
