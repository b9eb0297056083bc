"""`x2ct trust`: how often right and wrong radiographs are doubted, and how well the uncertainty tells the errors."""

import argparse
import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from X2CTLib.cli import terminal_progress
from X2CTLib.errors import InputError
from X2CTLib.files import whole_folder
from X2CTLib.geometry import View
from X2CTLib.pairing import find_pairs
from X2CTLib.progress import Progress, part, silent
from X2CTLib.radiograph import Radiograph, read_radiograph
from X2CTLib.styler import Styler, load_styler
from X2CTLib.trust import FIELD, MIRRORED, UNEXPLAINED, UNLIKE, VERY_UNLIKE
from X2CTLib.weights import Model, load_model
from X2CTTrainingLib.command import print_skipped
from X2CTTrainingLib.datasets import CACHE, SOURCES_HELP, Case, gather
from X2CTTrainingLib.trust_trials import (
    ALTERATIONS,
    ErrorMatch,
    Radiographs,
    Trial,
    as_pictures,
    attempt,
    case_radiographs,
    intruders,
    match_errors,
)

CTS, PHANTOMS, REAL, OTHERS = "DRRs of CTs", "DRRs of phantoms", "radiographs", "other pictures"
"""Where radiographs come from."""
_TAKEN_FOR_CHEST = "taken for a chest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--data", nargs="+", required=True, metavar="SOURCE", help=f"not trained on: {SOURCES_HELP}")
    parser.add_argument("--radiographs", type=Path, nargs="+", default=[], help="folders with pairs of radiographs")
    parser.add_argument(
        "--others", type=Path, nargs="+", default=[], help="radiographs of something else: of a hand, a hip, an abdomen"
    )
    parser.add_argument("--model", type=Path, help="weights file; the shipped model if none is named")
    parser.add_argument("--styler", type=Path, help="weights file of a styler for the radiographs; not for DRRs")
    parser.add_argument(
        "--uncertainty", type=int, default=8, metavar="N", help="further reconstructions of each case; 0 for none"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for the prepared cubes")
    parser.add_argument("--output", type=Path, help="folder for trials.csv, shares.csv and uncertainty.csv")


def run(arguments: argparse.Namespace) -> None:
    """Print the shares that are doubted, and the correlations of uncertainty with error; write them if asked to.

    Raises:
        InputError: There is nothing to try, or a picture cannot be read.
    """
    model = load_model(arguments.model)
    styler = load_styler(arguments.styler) if arguments.styler else None
    with terminal_progress() as progress:
        cases, skipped = gather(arguments.data, arguments.cache, part(progress, 0.0, 0.1))
        others = [read_radiograph(path, override=True) for path in files_in(arguments.others)]
        inputs = {**drr_pairs(cases), **real_pairs(arguments.radiographs)}
        trials = run_trials(inputs, others, model, styler, part(progress, 0.1, 0.7))
        matches = run_matches(
            cases if arguments.uncertainty else [], model, arguments.uncertainty, part(progress, 0.7, 1)
        )
    tables = {
        "trials": [trial.row for trial in trials],
        "shares": shares(trials),
        "uncertainty": [asdict(match) for match in matches],
    }
    if arguments.output:
        with whole_folder(arguments.output) as scratch:
            for name, rows in tables.items():
                write_rows(scratch / f"{name}.csv", rows)
    print_skipped(skipped)
    print_rows(tables["shares"])
    if matches:
        print(uncertainty_sentence(matches))


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Files, and all files in folders."""
    return [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path]) if file.is_file()]


def drr_pairs(cases: Sequence[Case]) -> dict[str, dict[str, Radiographs]]:
    """The DRRs of cases, taken for pictures, by source and name."""
    kinds = {CTS: True, PHANTOMS: False}
    return {
        kind: {case.name: as_pictures(case_radiographs(case)) for case in cases if case.real is real}
        for kind, real in kinds.items()
    }


def real_pairs(folders: Sequence[Path]) -> dict[str, dict[str, Radiographs]]:
    """The pairs in folders that show both views.

    Raises:
        InputError: A folder holds none.
    """
    pairs = find_pairs(folders) if folders else []
    whole = {pair.name: pair.files for pair in pairs if len(pair.files) == len(View)}
    return {
        REAL: {
            name: {View[view]: read_radiograph(path, View[view], override=True) for view, path in files.items()}
            for name, files in whole.items()
        }
    }


def run_trials(
    inputs: Mapping[str, Mapping[str, Radiographs]],
    others: Sequence[Radiograph],
    model: Model,
    styler: Styler | None = None,
    progress: Progress = silent,
) -> list[Trial]:
    """Try every pair, as given and altered in every way, and every other picture beside the first pair.

    Args:
        inputs: Pairs by source and name.
        others: Pictures of something else.
        model: It reconstructs.
        styler: For the real radiographs, and what is put among them.
        progress: Told before every trial.

    Raises:
        InputError: There is no pair.
    """
    planned = list(plan(inputs, others))
    trials = []
    for number, (source, name, alteration, radiographs) in enumerate(planned):
        progress(number / len(planned), f"{name}, {alteration}")
        used = styler if source in (REAL, OTHERS) else None
        trials.append(attempt(source, name, alteration, radiographs, model, used))
    return trials


def plan(
    inputs: Mapping[str, Mapping[str, Radiographs]], others: Sequence[Radiograph]
) -> Iterator[tuple[str, str, str, Radiographs]]:
    """Source, name, alteration and radiographs of every trial."""
    pairs = [(source, name, pair) for source, of in inputs.items() for name, pair in of.items()]
    if not pairs:
        raise InputError("There is no pair of radiographs to try.")
    for source, name, pair in pairs:
        for alteration, alter in ALTERATIONS.items():
            yield source, name, alteration, alter(pair)
    # Beside a real radiograph, where there is one.
    for name, pair in intruders(pairs[-1][2], others).items():
        yield OTHERS, name, _TAKEN_FOR_CHEST, pair


def run_matches(cases: Sequence[Case], model: Model, passes: int, progress: Progress = silent) -> list[ErrorMatch]:
    """Uncertainty beside error of every case."""
    matches = []
    for number, case in enumerate(cases):
        progress(number / len(cases), f"Uncertainty of {case.name}")
        matches.append(match_errors(case, model, passes))
    return matches


def shares(trials: Sequence[Trial]) -> list[dict[str, str | float]]:
    """For each source and alteration, how many there were, and the per cent that were refused or doubted, and why."""
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.source, trial.alteration), []).append(trial)
    return [
        {
            "source": source,
            "alteration": alteration,
            "pairs": len(group),
            "refused (%)": _per_cent(trial.refused for trial in group),
            "low trust (%)": _per_cent(trial.trust.low for trial in group),
            **{
                f"{doubt} (%)": _per_cent(doubt in trial.trust.doubts for trial in group)
                for doubt in (FIELD, MIRRORED, UNLIKE, VERY_UNLIKE, UNEXPLAINED)
            },
        }
        for (source, alteration), group in groups.items()
    ]


def uncertainty_sentence(matches: Sequence[ErrorMatch]) -> str:
    """Means over the cases, in words."""
    pearson, spearman, spread, error = (
        np.mean([getattr(match, name) for match in matches])
        for name in ("pearson", "spearman", "uncertainty_hu", "error_hu")
    )
    return (
        f"Uncertainty and absolute error in the voxels of {len(matches)} bodies: Pearson {pearson:.2f}, Spearman "
        f"{spearman:.2f} on average; {spread:.0f} HU of uncertainty where the error is {error:.0f} HU."
    )


def write_rows(path: Path, rows: Sequence[Mapping[str, str | float]]) -> None:
    """Write a table; an empty one has no columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


def print_rows(rows: Sequence[Mapping[str, str | float]]) -> None:
    """Print a table in columns."""
    lines = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _per_cent(values: Iterator[bool]) -> int:
    return round(100 * float(np.mean([*values])))
