"""An evaluation on disk and on the terminal: two tables, and one page with pictures that needs no other file."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from X2CTLib.files import whole_folder
from X2CTLib.geometry import CHEST_WINDOW
from X2CTLib.page import png_uri, write_page
from X2CTTrainingLib.evaluation import CORRELATION, PLANIMETRY, TRUE_VOLUME, Estimate, Evaluation
from X2CTTrainingLib.evaluation_figures import DIFFERENCE_HU, case_figure, scores_figure

TEMPLATE = Path(__file__).resolve().parent.parent / "Resources" / "Report" / "x2ct_evaluation.html.j2"
HEADLINES = (
    "PSNR volume, peak 2500 (dB)",
    "PSNR slice-wise, peak 4095 (dB)",
    "SSIM slice-wise",
    "mean absolute error (HU)",
    "absolute lung volume error (%)",
    "Dice of lungs",
    "Dice of heart",
    "absolute cardiothoracic ratio error",
    "reprojection residual PA (% of RMS)",
)
"""The scores that are plotted."""

_DECIMALS = {"(dB)": 2, "(HU)": 1, "(mL)": 0, "(%)": 1, "RMS)": 2}


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write scores.csv (a row for each answer to each case), summary.csv and report.html.

    Raises:
        InputError: The folder cannot be written to; then nothing is.
    """
    summary = evaluation.summary()
    with whole_folder(folder) as scratch:
        _write_csv(scratch / "scores.csv", ["case", "patient", "answer", *evaluation.scores], evaluation.rows)
        _write_csv(scratch / "summary.csv", ["answer", "score", "patients", "mean", "low", "high"], _lines(summary))
        names = _score_names(summary)
        write_page(
            scratch / "report.html",
            TEMPLATE,
            answers=list(summary),
            cases=len(evaluation.sections),
            patients=max(estimate.patients for scores in summary.values() for estimate in scores.values()),
            table=[(name, [_cell(name, scores.get(name)) for scores in summary.values()]) for name in names],
            failures=evaluation.failures,
            plot=png_uri(scores_figure(evaluation, HEADLINES)),
            pictures=[(name, png_uri(case_figure(name, shown))) for name, shown in evaluation.sections.items()],
            window=CHEST_WINDOW,
            difference=DIFFERENCE_HU,
            labelled=any(row["answer"] == TRUE_VOLUME for row in evaluation.rows),
            names={"correlation": CORRELATION, "truth": TRUE_VOLUME, "planimetry": PLANIMETRY},
        )


def summary_table(summary: dict[str, dict[str, Estimate]]) -> str:
    """The summary for a terminal: a line for each score, a column for each answer."""
    lines = [["", *summary]]
    lines += [[name, *(_cell(name, scores.get(name)) for scores in summary.values())] for name in _score_names(summary)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))])
        for first, *rest in lines
    )


def _score_names(summary: dict[str, dict[str, Estimate]]) -> list[str]:
    return list(dict.fromkeys(name for scores in summary.values() for name in scores))


def _cell(name: str, estimate: Estimate | None) -> str:
    """Mean and margin, with decimals that suit the unit."""
    if estimate is None:
        return ""
    decimals = next((count for unit, count in _DECIMALS.items() if name.endswith(unit)), 3)
    margin = "" if estimate.margin is None else f" ± {estimate.margin:.{decimals}f}"
    return f"{estimate.mean:.{decimals}f}{margin}"


def _lines(summary: dict[str, dict[str, Estimate]]) -> Iterable[dict[str, str | float]]:
    """The rows of summary.csv; an interval that there is not is empty."""
    for answer, scores in summary.items():
        for name, estimate in scores.items():
            line = {"answer": answer, "score": name, "patients": estimate.patients, "mean": estimate.mean}
            if estimate.margin is not None:
                line |= {"low": estimate.mean - estimate.margin, "high": estimate.mean + estimate.margin}
            yield line


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, str | float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
