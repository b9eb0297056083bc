"""Answers to the same cases, scored side by side, beside what knowing no patient scores."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16
from scipy import stats

from X2CTLib.errors import InputError, ModelError
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTTrainingLib.datasets import Case
from X2CTTrainingLib.scores import Truth, find_organs, planimetry, score, score_organs
from X2CTTrainingLib.sections import lungs_middle, sections

Answer = Callable[[Case], Float[np.ndarray, "k j i"]]
"""Makes the Hounsfield units of a case's standard cube, from whatever it likes."""

MEAN_VOLUME = "mean volume"
"""The mean of the training cases: what a model scores that tells no patient from another."""
TRUE_VOLUME = "true volume"
"""The CT itself, as it would score as an answer: organs found in it against a phantom's labels, correlations."""
PLANIMETRY = "planimetry formula"
"""The radiologists' estimate of the lungs' volume, see `scores.planimetry`."""
CORRELATION = "cross-patient correlation"

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over patients.

    Attributes:
        mean: Over so many patients;
        patients: a patient with several cases counts once.
        margin: Half of the 95 % confidence interval (Student's t); None for one patient, or where a value is infinite.
    """

    mean: float
    patients: int
    margin: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]):
        """The estimate from one value a patient."""
        mean = float(np.mean(values))
        if len(values) < 2 or not np.isfinite(values).all():
            return cls(mean, len(values))
        quantile = stats.t.ppf((1 + _CONFIDENCE) / 2, len(values) - 1)
        return cls(mean, len(values), float(quantile * stats.sem(values)))


@dataclass
class Evaluation:
    """What `evaluate_answers` found.

    Attributes:
        rows: One for each answer to each case: "case", "patient", "answer", and the scores that there are.
        correlations: The cross-patient correlation of each answer, and of the true volumes.
        failures: A sentence for each case or answer that could not be scored.
        sections: Slices of each case, by the answer and `sections.PLANES`; the truth is under `TRUE_VOLUME`.
    """

    rows: list[dict[str, str | float]] = field(default_factory=list)
    correlations: dict[str, Estimate] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    sections: dict[str, dict[str, dict[str, Int16[np.ndarray, "r c"]]]] = field(default_factory=dict)

    @property
    def answers(self) -> list[str]:
        """All that was scored."""
        return list(dict.fromkeys([*(row["answer"] for row in self.rows), *self.correlations]))

    @property
    def scores(self) -> list[str]:
        """The names of all scores of a case."""
        return list(dict.fromkeys(key for row in self.rows for key in row if key not in ("case", "patient", "answer")))

    def summary(self) -> dict[str, dict[str, Estimate]]:
        """The mean of every score of every answer, and the cross-patient correlation, which has no margin."""
        summary = {}
        for answer in self.answers:
            means = {name: self._patient_means(answer, name) for name in self.scores}
            summary[answer] = {name: Estimate.of(values) for name, values in means.items() if values}
            if answer in self.correlations:
                summary[answer][CORRELATION] = self.correlations[answer]
        return summary

    def write(self, folder: Path) -> None:
        """Write scores.csv, summary.csv and report.html, all or nothing."""
        from X2CTTrainingLib.evaluation_report import write_evaluation

        write_evaluation(folder, self)

    def _patient_means(self, answer: str, score_name: str) -> list[float]:
        values: dict[str, list[float]] = {}
        for row in self.rows:
            if row["answer"] == answer and score_name in row:
                values.setdefault(row["patient"], []).append(row[score_name])
        return [float(np.mean(own)) for own in values.values()]


def evaluate_answers(
    cases: Sequence[Case],
    training: Sequence[Case],
    answers: Mapping[str, Answer],
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Score answers, and beside them what needs no model: mean volume, planimetry, and the segmentation itself.

    Args:
        cases: What none of the answers' makers has seen.
        training: Whose mean volume is the baseline.
        answers: By the name that they get in tables.
        progress: Told before every case and every answer.
        cancel: Looked at as often.

    Raises:
        InputError: A patient is in both sets, two cases have one name, or none of them can be scored.
        Cancelled: `cancel` was raised.
    """
    _check(cases, training)
    mean = mean_volume(training)
    work = _Work(len(cases) * (2 + len(answers)), progress, cancel or CancelToken())
    evaluation = Evaluation()
    truths = _measure(cases, evaluation, work)
    for name, answer in {**answers, MEAN_VOLUME: lambda case: mean}.items():
        residuals = []
        for truth in truths:
            work.next(f"Scoring {name} on {truth.case.name}")
            hu = _score_answer(evaluation, truth, name, answer)
            if hu is not None:
                residuals.append(hu - mean)
        if name != MEAN_VOLUME:
            _correlate(evaluation, name, residuals)
    for truth in truths:
        _score_yardsticks(evaluation, truth)
    _correlate(evaluation, TRUE_VOLUME, [truth.hu - mean for truth in truths])
    progress(1.0, "Scored")
    return evaluation


def mean_volume(training: Sequence[Case]) -> Float[np.ndarray, "k j i"]:
    """The mean of the patients' cubes, or of the phantoms' where there is no patient.

    Raises:
        InputError: There is no case.
    """
    chosen = [case for case in training if case.real] or list(training)
    if not chosen:
        raise InputError("The mean volume needs at least one training case.")
    total = np.zeros(chosen[0].hu.shape, np.float64)
    for case in chosen:
        total += case.hu
    return (total / len(chosen)).astype(np.float32)


def cross_patient_correlation(residuals: Sequence[Float[np.ndarray, "k j i"]]) -> float:
    """Mean correlation between what a model adds to the mean volume for different patients.

    1 for a model that adds the same to everyone; one that tells patients apart comes down to what the patients
    themselves have in common beyond the mean volume, near 0 where it is the mean of many.
    """
    # Of unit vectors, the sum over all pairs is what the squared length of their sum has beyond n.
    total = np.zeros(residuals[0].shape, np.float64)
    for residual in residuals:
        centred = residual - residual.mean(dtype=np.float64)
        total += centred / np.linalg.norm(centred)
    n = len(residuals)
    return float((np.sum(total**2) - n) / (n * (n - 1)))


def _check(cases: Sequence[Case], training: Sequence[Case]) -> None:
    """Raise InputError if two cases have one name, or a patient is in both sets."""
    if twice := [name for name, count in Counter(case.name for case in cases).items() if count > 1]:
        raise InputError(f"Two of the cases are called {twice[0]}. Rename one, so that tables can tell them apart.")
    keys, patients = {case.key for case in training}, {case.patient for case in training}
    for case in cases:
        if case.key in keys or case.patient in patients:
            raise InputError(
                f"{case.name}, or another CT of this patient, is among the training data, too. "
                "Score a model on patients it has not seen."
            )


class _Work:
    """Counts what has been done, tells it, and stops when asked to."""

    def __init__(self, steps: int, progress: Progress, cancel: CancelToken) -> None:
        self.steps, self.progress, self.cancel = steps, progress, cancel
        self.done = 0

    def next(self, message: str) -> None:
        self.cancel.check()
        self.progress(self.done / self.steps, message)
        self.done += 1


def _measure(cases: Sequence[Case], evaluation: Evaluation, work: _Work) -> list[Truth]:
    """What is known of the cases that can be scored.

    Raises:
        InputError: There is none.
    """
    truths = []
    for case in cases:
        work.next(f"Measuring {case.name}")
        try:
            truths.append(Truth.of(case))
        except InputError as error:
            evaluation.failures.append(f"{case.name}: {error}")
    if not truths:
        raise InputError("\n".join(["None of the cases can be scored.", *evaluation.failures]))
    return truths


def _score_answer(evaluation: Evaluation, truth: Truth, name: str, answer: Answer) -> Float[np.ndarray, "k j i"] | None:
    """Score one answer and keep its slices; None, and a failure more, if there is none."""
    case = truth.case
    try:
        hu = np.asarray(answer(case), dtype=np.float32)
        if not np.isfinite(hu).all():
            raise InputError("It holds values that are not numbers.")
    except (InputError, ModelError) as error:
        evaluation.failures.append(f"{case.name}, {name}: {error}")
        return None
    try:
        organs = find_organs(hu)
    except InputError as error:
        # Left out of the organs' scores, the worst answers would make the best means.
        evaluation.failures.append(f"{case.name}, {name}: all organs count as missed. {error}")
        organs = np.zeros_like(truth.organs)
    evaluation.rows.append(_row(truth, name, score(truth, hu, organs)))
    centre = lungs_middle(truth.organs)
    shown = evaluation.sections.setdefault(case.name, {TRUE_VOLUME: sections(truth.hu, centre)})
    shown[name] = sections(np.round(hu).astype(np.int16), centre)
    return hu


def _correlate(evaluation: Evaluation, answer: str, residuals: Sequence[Float[np.ndarray, "k j i"]]) -> None:
    """Keep the cross-patient correlation of an answer, if it was given for more than one case."""
    if len(residuals) > 1:
        evaluation.correlations[answer] = Estimate(cross_patient_correlation(residuals), len(residuals))


def _score_yardsticks(evaluation: Evaluation, truth: Truth) -> None:
    """Rows of what no answer is needed for."""
    if truth.case.labels is not None:
        evaluation.rows.append(_row(truth, TRUE_VOLUME, score_organs(find_organs(truth.hu), truth)))
    evaluation.rows.append(_row(truth, PLANIMETRY, planimetry(truth)))


def _row(truth: Truth, answer: str, scores: dict[str, float]) -> dict[str, str | float]:
    return {"case": truth.case.name, "patient": truth.case.patient, "answer": answer, **scores}
