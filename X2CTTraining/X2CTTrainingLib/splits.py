"""Who is trained on and who is held out: patient by patient, fixed, and recorded with the run."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from X2CTLib.errors import InputError
from X2CTLib.files import replace_file
from X2CTTrainingLib.datasets import CACHE, Case, recorded_case
from X2CTTrainingLib.experiment import Data

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Cases by what they are for; no patient is in two parts."""

    train: list[Case]
    validation: list[Case]
    test: list[Case]

    def record(self, folder: Path) -> None:
        """Write split.json, or check that it is the one that is there.

        Raises:
            InputError: The folder holds a run on other cases.
        """
        keep_record(folder / "split.json", self._record())

    def _record(self) -> dict[str, list[dict]]:
        return {part: [case.record() for case in getattr(self, part)] for part in PARTS}

    @classmethod
    def load(cls, folder: Path, cache: Path = CACHE):
        """The cases of a run, from the cache that it was trained with.

        Raises:
            InputError: The folder holds no run, or the cache does not hold all of its cases.
        """
        return cls(
            **{
                part: [recorded_case(entry, cache) for entry in entries]
                for part, entries in read_record(folder).items()
            }
        )


def keep_record(path: Path, content: dict) -> None:
    """Write what a run is trained on, or check that it is what it was begun with.

    Raises:
        InputError: The folder holds a run on other data.
    """
    if not path.exists():
        with replace_file(path) as partial:
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    elif _read(path) != content:
        raise InputError(f"{path.parent} holds a run on other data. Give the same data, or another output folder.")


def read_record(folder: Path) -> dict[str, list[dict]]:
    """Who a run's cases are, by part.

    Raises:
        InputError: The folder holds no run.
    """
    return _read(Path(folder) / "split.json")


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.parent} does not hold a training run: there is no readable {path.name} in it."
        ) from error


def split_cases(cases: Sequence[Case], data: Data, seed: int = 0) -> Split:
    """Hold patients out, by lot; and phantoms, in the same shares.

    Which patient is held out depends on the seed and the patients alone, not on the order of the cases. A case whose
    list names its part goes there.

    Raises:
        InputError: There are too few patients to hold any out.
    """
    if len({case.key for case in cases}) < len(cases):
        raise InputError("The same CT is given twice. Give each one once.")
    parts: dict[str, list[Case]] = {part: [case for case in cases if case.part == part] for part in PARTS}
    for real in (True, False):
        drawn = [case for case in cases if case.real == real and not case.part]
        lots = sorted({case.patient for case in drawn}, key=lambda patient: _lot(patient, seed))
        test = math.ceil(data.test * len(lots))
        # Two patients are enough for a training; then nobody is left to look at meanwhile.
        validation = max(0, min(math.ceil(data.validation * len(lots)), len(lots) - test - 1))
        if lots and test >= len(lots):
            raise InputError(
                f"One {'patient' if real else 'phantom'} cannot be both trained on and held out. "
                "Give more, or set data.test to 0 in the experiment."
            )
        for part, count in (("test", test), ("validation", validation)):
            held_out, lots = set(lots[:count]), lots[count:]
            parts[part] += [case for case in drawn if case.patient in held_out]
        parts["train"] += [case for case in drawn if case.patient in set(lots)]
    _check_apart(parts)
    return Split(**parts)


def _lot(patient: str, seed: int) -> str:
    return hashlib.sha256(f"{seed} {patient}".encode()).hexdigest()


def _check_apart(parts: dict[str, list[Case]]) -> None:
    """Raise InputError if nobody is left to train on, or somebody is in two parts."""
    if not parts["train"]:
        raise InputError("There is nobody to train on: all cases are held out.")
    patients = {part: {case.patient for case in cases} for part, cases in parts.items()}
    for part, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if both := sorted(patients[part] & patients[other]):
            raise InputError(f"{both[0]} is in both parts, {part} and {other}, of the data. Keep a patient in one.")
