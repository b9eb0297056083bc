"""`x2ct evaluate`: how well a model reconstructs CTs that it has not seen, beside what knowing no patient scores."""

import argparse
import csv
import io
import json
import os
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from jaxtyping import Float

from X2CTLib.anatomy import LABELS, segment
from X2CTLib.cli import terminal_progress
from X2CTLib.errors import InputError
from X2CTLib.geometry import VolumeGeometry
from X2CTLib.metrics import evaluate
from X2CTLib.model_files import card_path
from X2CTLib.progress import Progress, silent
from X2CTLib.weights import DEFAULT_MODEL, Model, load_model
from X2CTTrainingLib.datasets import CACHE, Case, gather
from X2CTTrainingLib.simulation import reconstruct_case


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", nargs="+", required=True, help="CTs that the model has not seen")
    parser.add_argument("--training-data", nargs="+", required=True, help="CTs for the mean volume")
    parser.add_argument("--model", type=Path, help="weights file; the shipped model if none is named")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for the prepared cubes")
    parser.add_argument("--output", type=Path, help="CSV file for the scores of each case")
    parser.add_argument("--write-card", metavar="NAME", help="put the mean scores on the model's card, under a name")


def run(arguments: argparse.Namespace) -> None:
    """Print the mean scores of the model and of the mean volume."""
    model = load_model(arguments.model)
    with terminal_progress() as progress:
        cases, _ = gather(arguments.data, arguments.cache, progress)
        training, _ = gather(arguments.training_data, arguments.cache, progress)
        if {case.key for case in cases} & {case.key for case in training}:
            raise InputError("A CT is both in --data and in --training-data; score a model on CTs it has not seen.")
        rows = score(model, cases, training, progress)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(table(rows))
    summary = summarise(rows)
    print(json.dumps(summary, indent=2))
    if arguments.write_card:
        path = card_path(arguments.model or DEFAULT_MODEL)
        scores = {**model.card["scores"], arguments.write_card: summary}
        partial = path.with_suffix(".json.partial")
        partial.write_text(json.dumps({**model.card, "scores": scores}, indent=2) + "\n")
        os.replace(partial, path)


def score(
    model: Model, cases: Sequence[Case], training: Sequence[Case], progress: Progress = silent
) -> list[dict[str, str | float]]:
    """Scores of the model's and of the mean volume's answer to each case."""
    mean = np.mean([case.hu for case in training if case.real], axis=0, dtype=np.float32)
    answers = {}
    for index, case in enumerate(cases):
        answers[case.name] = reconstruct_case(model, case)
        progress((index + 1) / len(cases), f"Reconstructed {case.name}")
    shared = {}
    if len(cases) > 1:
        residuals = [answer - mean for answer in answers.values()]
        shared["cross-patient correlation"] = cross_patient_correlation(residuals)
    rows = []
    for case in cases:
        for who, answer in (("model", answers[case.name].astype(np.float32)), ("mean volume", mean)):
            row = {"case": case.name, "answer": who, **evaluate(answer, case.hu)}
            row["lung volume error %"] = lung_volume_error(answer, case.hu)
            rows.append(row | (shared if who == "model" else {}))
    return rows


def cross_patient_correlation(residuals: Sequence[Float[np.ndarray, "k j i"]]) -> float:
    """Mean correlation between what a model adds to the mean volume for different patients.

    0 for a model that tells patients apart, 1 for one that adds the same to everyone.
    """
    return float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in combinations(residuals, 2)]))


def lung_volume_error(answer: Float[np.ndarray, "k j i"], truth: Float[np.ndarray, "k j i"]) -> float:
    """Absolute error of the lungs' volume, in per cent of the true one."""
    geometry = VolumeGeometry.cube(truth.shape[0])
    lungs = [LABELS["right lung"], LABELS["left lung"]]
    found, true = (np.isin(segment(hu.astype(np.float32), geometry), lungs).sum() for hu in (answer, truth))
    return float(abs(found - true) / max(true, 1) * 100)


def summarise(rows: Sequence[dict[str, str | float]]) -> dict[str, dict[str, float]]:
    """The mean over the cases of every score, for each kind of answer, and how many cases there were."""
    summary: dict[str, dict[str, float]] = {}
    for who in dict.fromkeys(row["answer"] for row in rows):
        own = [row for row in rows if row["answer"] == who]
        scores = [key for key in own[0] if key not in ("case", "answer")]
        summary[who] = {"cases": len(own)} | {
            key: round(float(np.mean([row[key] for row in own])), 4) for key in scores
        }
    return summary


def table(rows: Sequence[dict[str, str | float]]) -> str:
    """The rows as CSV."""
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
