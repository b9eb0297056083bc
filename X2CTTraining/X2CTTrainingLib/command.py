"""`x2ct train`: CTs and phantoms to a model that `x2ct reconstruct --model` takes."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from X2CTLib.cli import terminal_progress
from X2CTLib.device import choose_device
from X2CTLib.drr import radiographs
from X2CTLib.errors import InputError
from X2CTLib.geometry import HU_RANGE, View, VolumeGeometry, clinical_projection
from X2CTLib.intensity import normalise
from X2CTLib.templates import mean_view
from X2CTLib.weights import Model, save_model
from X2CTTrainingLib.datasets import Case, load_cases
from X2CTTrainingLib.trainer import Schedule, Trainer

SMOOTHING_MM = 2.0
"""Standard deviation of the Gaussian that softens the grid of the transposed convolutions."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    default = Schedule()
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="CT files, or folders of DICOM series")
    parser.add_argument("--phantoms", type=int, default=0, help="number of phantoms to add")
    parser.add_argument("--output", type=Path, required=True, help="folder of the run; a run that it holds goes on")
    parser.add_argument("--width", type=float, default=default.width, help="of the networks; the paper's is 1")
    parser.add_argument("--coarse-steps", type=int, default=default.coarse_steps, help="at half resolution")
    parser.add_argument("--fine-steps", type=int, default=default.fine_steps, help="at full resolution")
    parser.add_argument("--adversarial-steps", type=int, default=default.adversarial_steps, help="with all losses")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")


def run(arguments: argparse.Namespace) -> None:
    """Train, or go on training, and export the model to the run's folder."""
    schedule = Schedule(
        width=arguments.width,
        coarse_steps=arguments.coarse_steps,
        fine_steps=arguments.fine_steps,
        adversarial_steps=arguments.adversarial_steps,
    )
    with terminal_progress() as progress:
        cases = load_cases(arguments.data, range(arguments.phantoms), arguments.output / "cache", progress)
    trainer = Trainer(cases, schedule, arguments.output, choose_device(arguments.device))
    with terminal_progress() as progress:
        trainer.run(progress)
    path = arguments.output / "model.safetensors"
    save_model(path, export(trainer, cases))
    print(f"Wrote {path} and its card")


def export(trainer: Trainer, cases: Sequence[Case]) -> Model:
    """The moving average of a training's generator as a model, with a card that says what it saw."""
    schedule, stages = trainer.schedule, trainer.steps_by_stage()
    views = [view.name for view in trainer.averaged.views]
    card = {
        "name": "X2CT-GAN+B" if "adversarial" in stages else "X2CT-CNN+B",
        "architecture": {"kind": "x2ct", "views": views, "width": schedule.width},
        "projections": {view.name: clinical_projection(view).to_dict() for view in View},
        "data": {
            "ct": [case.name for case in cases if case.real],
            "phantoms": sum(not case.real for case in cases),
        },
        "training": {"steps": stages, "hu_range": list(HU_RANGE), "seed": schedule.seed},
        "smoothing_mm": SMOOTHING_MM,
        "scores": {},
        "limits": "Research use only. Adults, upright or supine chests; not evaluated for any clinical purpose.",
        "licence": "Apache-2.0",
    }
    return Model(trainer.averaged.cpu().eval(), card, mean_views(cases))


def mean_views(cases: Sequence[Case]) -> dict[View, Float[np.ndarray, "r c"]]:
    """The mean standard views of the patients, or of the phantoms where there is no patient.

    Raises:
        InputError: There is no case.
    """
    chosen = [case for case in cases if case.real] or list(cases)
    if not chosen:
        raise InputError("A mean view needs at least one case.")
    geometry = VolumeGeometry.cube(chosen[0].hu.shape[0])
    means = {}
    for view in View:
        images = [
            normalise(radiographs(torch.from_numpy(case.hu)[None], geometry, clinical_projection(view))[0])
            for case in chosen
        ]
        means[view] = mean_view([image.numpy() for image in images])
    return means
