"""The organs of a volume and what they measure, as a process hands them over."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from X2CTLib.anatomy import Measurement

_LABELS, _MEASUREMENTS = "organs.npy", "organs.json"


def write_examination(folder: Path, labels: UInt8[np.ndarray, "k j i"], measurements: list[Measurement]) -> None:
    """Write what `read_examination` reads into a folder that is there."""
    np.save(folder / _LABELS, labels)
    rows = [asdict(measurement) for measurement in measurements]
    (folder / _MEASUREMENTS).write_text(json.dumps(rows) + "\n", encoding="utf-8")


def read_examination(folder: Path) -> tuple[UInt8[np.ndarray, "k j i"], list[Measurement]]:
    """The organs, as `anatomy.LABELS`, and the measurements that a process has written."""
    rows = json.loads((folder / _MEASUREMENTS).read_text(encoding="utf-8"))
    return np.load(folder / _LABELS), [Measurement(**row) for row in rows]
