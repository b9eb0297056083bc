"""`x2ct evaluate`: how well runs, models and predicted volumes reconstruct CTs that no training has seen."""

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from X2CTLib.cards import MODELS_FOLDER, card_path, load_card, reconstruction_models
from X2CTLib.cli import terminal_progress
from X2CTLib.errors import InputError
from X2CTLib.files import replace_file, whole_folder
from X2CTLib.progress import Progress, part, silent
from X2CTLib.weights import load_model
from X2CTTrainingLib.datasets import CACHE, SOURCES_HELP, Case, gather
from X2CTTrainingLib.evaluation import CORRELATION, MEAN_VOLUME, PLANIMETRY, Answer, Evaluation, evaluate_answers
from X2CTTrainingLib.evaluation_report import summary_table, write_evaluation
from X2CTTrainingLib.experiment import Data
from X2CTTrainingLib.predictions import predictions_in
from X2CTTrainingLib.scores import TISSUES
from X2CTTrainingLib.simulation import reconstruct_case
from X2CTTrainingLib.splits import Split, split_cases

ON_THE_CARD = (
    "PSNR volume, peak 2500 (dB)",
    "PSNR slice-wise, peak 4095 (dB)",
    "SSIM slice-wise",
    "mean absolute error (HU)",
    *(f"mean absolute error in {tissue} (HU)" for tissue in TISSUES),
    *(f"Dice of {organ}" for organ in ("lungs", "heart", "liver", "bones")),
    "absolute lung volume error (mL)",
    "absolute lung volume error (%)",
    "absolute heart volume error (%)",
    "absolute cardiothoracic ratio error",
    "reprojection residual PA (% of RMS)",
    "reprojection residual LATERAL (% of RMS)",
    CORRELATION,
)
"""The scores that `--write-cards` puts on a model's card."""

KINDS = {"CTs": True, "phantoms": False}
"""What is scored apart, and whether it is `Case.real`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "answers",
        type=Path,
        nargs="*",
        metavar="RUN",
        help="folder of a finished run, model (.safetensors), or folder of volumes named after the cases "
        "(.nrrd, .nii.gz; the cube's centre is their origin); the shipped models if none is named",
    )
    parser.add_argument("--data", nargs="+", help=f"what is scored, if not the runs' test cases: {SOURCES_HELP}")
    parser.add_argument(
        "--training-data",
        nargs="+",
        help="what the mean volume is made of, if not the runs' own; without it, a tenth of the patients of --data is "
        "scored, and the others make the mean volume",
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for the prepared cubes")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument(
        "--output",
        type=Path,
        help="folder for scores.csv, summary.csv and report.html; with CTs and phantoms, for a folder of them each",
    )
    parser.add_argument("--write-cards", action="store_true", help="put the mean scores on the cards of the models")


def run(arguments: argparse.Namespace) -> None:
    """Print the mean scores of every answer, of the mean volume and of planimetry; write them if asked to.

    CTs and phantoms are scored apart: a mean over both would say nothing of either.
    """
    paths = arguments.answers or [path for path in reconstruction_models() if path.parent == MODELS_FOLDER]
    with terminal_progress() as progress:
        cases, training = find_cases(paths, arguments.data, arguments.training_data, arguments.cache, progress)
        kinds = {kind: own for kind, real in KINDS.items() if (own := [case for case in cases if case.real is real])}
        found = {
            kind: evaluate_paths(
                paths, own, training, arguments.device, part(progress, n / len(kinds), (n + 1) / len(kinds))
            )
            for n, (kind, own) in enumerate(kinds.items())
        }
    if arguments.output:
        with whole_folder(arguments.output) as scratch:
            for kind, evaluation in found.items():
                write_evaluation(scratch / kind if len(found) > 1 else scratch, evaluation)
    for kind, evaluation in found.items():
        print(f"{len(evaluation.sections)} {kind}", summary_table(evaluation.summary()), sep="\n")
        if evaluation.failures:
            print(f"{len(evaluation.failures)} could not be scored:", *evaluation.failures, sep="\n")
        if arguments.write_cards:
            for path in paths:
                if weights := weights_of(path):
                    write_card(weights, f"held-out {kind}", name_of(path), evaluation)


def evaluate_paths(
    paths: Sequence[Path],
    cases: Sequence[Case],
    training: Sequence[Case],
    device: str = "auto",
    progress: Progress = silent,
) -> Evaluation:
    """Score runs, models and folders of volumes; `evaluation.evaluate_answers` says what the rest is.

    Raises:
        InputError: One of them is not there or not complete.
    """
    answers = {name_of(path): answer_of(path, cases, device) for path in paths}
    return evaluate_answers(cases, training, answers, progress)


def answer_of(path: Path, cases: Sequence[Case], device: str = "auto") -> Answer:
    """What a run, a model or a folder of volumes says to cases."""
    weights = weights_of(path)
    return partial(reconstruct_case, load_model(weights), device=device) if weights else predictions_in(path, cases)


def name_of(path: Path) -> str:
    """What tables call an answer."""
    return load_card(path)["name"] if path.parent == MODELS_FOLDER else str(path).removesuffix(".safetensors")


def weights_of(path: Path) -> Path | None:
    """The weights of a run or a model; None for a folder of volumes.

    Raises:
        InputError: There is no such file or folder, or the run has not finished.
    """
    if path.suffix == ".safetensors":
        return path
    if not path.is_dir():
        raise InputError(f"There is no run, model (.safetensors) or folder of volumes {path}.")
    if not _is_run(path):
        return None
    if not (path / "model.safetensors").is_file():
        raise InputError(f"The run {path} has not finished: it has no model.safetensors yet. Train it to its end.")
    return path / "model.safetensors"


def write_card(weights: Path, name: str, answer: str, evaluation: Evaluation) -> None:
    """Put the mean scores of a model, and beside them what no model is needed for, on the model's card."""
    summary = evaluation.summary()
    scores = {
        who: {"cases": len(evaluation.sections)}
        | {score: round(summary[key][score].mean, 4) for score in ON_THE_CARD if score in summary[key]}
        for who, key in (("model", answer), (MEAN_VOLUME, MEAN_VOLUME), (PLANIMETRY, PLANIMETRY))
        if key in summary
    }
    card = load_card(weights)
    card["scores"] = {**card.get("scores", {}), name: scores}
    with replace_file(card_path(weights)) as partial:
        partial.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def find_cases(
    paths: Sequence[Path],
    data: Sequence[str] | None,
    training_data: Sequence[str] | None,
    cache: Path = CACHE,
    progress: Progress = silent,
) -> tuple[list[Case], list[Case]]:
    """What is scored, and what the mean volume is made of: the held-out and the training cases of runs, or others.

    Of data alone, those are scored whom a training on them would hold out.

    Raises:
        InputError: There are none, or the runs hold out different ones.
    """
    if training_data and not data:
        raise InputError("Name the CTs to score with --data, too.")
    if data:
        found = [gather(sources, cache, progress) for sources in (data, training_data) if sources]
        for skipped in (sentence for _, sentences in found for sentence in sentences):
            print(skipped)
        if training_data:
            return found[0][0], found[1][0]
        split = split_cases(found[0][0], Data())
        return split.test, split.train
    runs = [path for path in paths if _is_run(path)]
    if not runs:
        raise InputError("Name the CTs to score with --data, and those of the mean volume with --training-data.")
    splits = [Split.load(path, cache) for path in runs]
    for path, split in zip(runs, splits, strict=True):
        if [case.key for case in split.test] != [case.key for case in splits[0].test]:
            raise InputError(f"{runs[0]} and {path} hold out other cases. Score each by itself, or give --data.")
    return splits[0].test, splits[0].train


def _is_run(path: Path) -> bool:
    return (path / "split.json").is_file()
