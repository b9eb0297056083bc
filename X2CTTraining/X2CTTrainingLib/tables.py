"""The paper's tables 1, 2 and 3, filled with what our trainings score, beside what was published."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from X2CTTrainingLib.evaluation import CORRELATION, MEAN_VOLUME, Estimate
from X2CTTrainingLib.reconstruction_system import ReconstructionExperiment, Row

PSNR, SSIM, PSNR_VOLUME = "PSNR slice-wise, peak 4095 (dB)", "SSIM slice-wise", "PSNR volume, peak 2500 (dB)"
"""The paper's two scores, and the one that nothing flatters."""
CAPTIONS = {
    1: "Networks and inputs",
    2: "Connections of the network, trained with the reconstruction loss (CB, CC: Connection-B, Connection-C)",
    3: "Losses (RL, PL: reconstruction and projection loss; CD: the discriminator sees the radiographs)",
}

_COLUMNS = ("method", PSNR, "published", SSIM, "published", PSNR_VOLUME, CORRELATION)


@dataclass(frozen=True)
class Line:
    """A row of a table, filled.

    Attributes:
        row: What the experiment declares.
        scores: What its training scores, by name.
    """

    row: Row
    scores: Mapping[str, Estimate]


def lines_of_tables(
    experiments: Mapping[str, ReconstructionExperiment], summary: Mapping[str, Mapping[str, Estimate]]
) -> dict[int, list[Line]]:
    """The lines of each table, in the paper's order.

    Args:
        experiments: By the name that their trainings have in the summary.
        summary: Of an evaluation.
    """
    lines = [Line(row, summary[name]) for name, experiment in experiments.items() for row in experiment.rows]
    lines.sort(key=lambda line: line.row.row)
    return {table: [line for line in lines if line.row.table == table] for table in CAPTIONS}


def markdown(lines: Mapping[int, Sequence[Line]], summary: Mapping[str, Mapping[str, Estimate]], setting: str) -> str:
    """All three tables, what they were made of, and where they disagree with the paper.

    Args:
        lines: Of each table.
        summary: Of the evaluation, for the mean volume.
        setting: On what data, and at which scale, in sentences.
    """
    parts = ["# The tables of X2CT-GAN", setting, _PROTOCOL]
    for table, own in lines.items():
        cells = [_cells(line.row.label, line.scores, line.row) for line in own]
        cells.append(_cells(MEAN_VOLUME, summary[MEAN_VOLUME]))
        rule = ["---"] * len(_COLUMNS)
        parts.append(f"## Table {table}. {CAPTIONS[table]}")
        parts.append("\n".join("| " + " | ".join(row) + " |" for row in (_COLUMNS, rule, *cells)))
    parts.append("## In another order than published")
    parts.append("\n".join(f"- {sentence}" for sentence in disagreements(lines)) or "Nothing.")
    return "\n\n".join(parts) + "\n"


_PROTOCOL = (
    "Scores are means over held-out patients with their 95 % confidence intervals; nobody was trained on them. "
    f"*{PSNR}* and *{SSIM}* are the paper's protocol, averaged over the slices of the three axes; that peak, for data "
    f"that span 2500, is worth 4.3 dB. *{PSNR_VOLUME}* is without that. *{CORRELATION.capitalize()}* is what different "
    "patients' volumes, less the mean volume of the training data, have in common: 1 for a model that gives everybody "
    "the same. The published figures come from 916 training and 102 test CTs of LIDC-IDRI, at full size."
)


def write_csv(path: Path, lines: Sequence[Line]) -> None:
    """One table as CSV: the means, the halves of their confidence intervals, and the published figures."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "score", "patients", "mean", "margin", "published"])
        for line in lines:
            published = {PSNR: line.row.psnr, SSIM: line.row.ssim}
            for name in (PSNR, SSIM, PSNR_VOLUME, CORRELATION):
                if estimate := line.scores.get(name):
                    values = estimate.patients, estimate.mean, estimate.margin, published.get(name)
                    writer.writerow([line.row.label, name, *values])


def disagreements(lines: Mapping[int, Sequence[Line]]) -> list[str]:
    """Where one method is above another in the paper, and not here: in words, for each pair in a table."""
    found = []
    for table, own in lines.items():
        for score, published in ((PSNR, lambda row: row.psnr), (SSIM, lambda row: row.ssim)):
            for pair in combinations(own, 2):
                worse, better = sorted(pair, key=lambda line: published(line.row))
                ours = worse.scores[score].mean, better.scores[score].mean
                theirs = published(worse.row), published(better.row)
                if theirs[0] < theirs[1] and ours[0] >= ours[1]:
                    found.append(
                        f"Table {table}, {score}: {better.row.label} is not above {worse.row.label} here "
                        f"({ours[1]:.4g} and {ours[0]:.4g}; published {theirs[1]} and {theirs[0]})."
                    )
    return found


def _cells(label: str, scores: Mapping[str, Estimate], row: Row | None = None) -> list[str]:
    published = (f"{row.psnr:.2f}", f"{row.ssim:.3f}") if row else ("", "")
    return [
        label,
        _cell(scores.get(PSNR), 2),
        published[0],
        _cell(scores.get(SSIM), 3),
        published[1],
        _cell(scores.get(PSNR_VOLUME), 2),
        _cell(scores.get(CORRELATION), 2),
    ]


def _cell(estimate: Estimate | None, decimals: int) -> str:
    if estimate is None:
        return ""
    margin = "" if estimate.margin is None else f" ± {estimate.margin:.{decimals}f}"
    return f"{estimate.mean:.{decimals}f}{margin}"
