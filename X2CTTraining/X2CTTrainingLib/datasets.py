"""Training cases as standard CT cubes, prepared once and kept in a cache."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int16

from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.errors import InputError
from X2CTLib.geometry import CUBE_VOXELS
from X2CTLib.phantom import make_phantom
from X2CTLib.progress import CancelToken, Progress, silent

_CACHE_VERSION = 1
"""Raise when the preparation of a cube changes."""


@dataclass(frozen=True)
class Case:
    """A body to learn from.

    Attributes:
        name: As logs and cards call it.
        hu: The standard cube.
        real: A patient's CT; otherwise a phantom.
    """

    name: str
    hu: Int16[np.ndarray, "k j i"]
    real: bool


def load_cases(
    paths: Sequence[Path],
    phantom_seeds: Sequence[int],
    cache: Path,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> list[Case]:
    """Read CT files and make phantoms, or find them in the cache.

    Args:
        paths: CT files or DICOM folders.
        phantom_seeds: One phantom for each.
        cache: Folder for the prepared cubes; made if missing.
        progress: Told after every case.
        cancel: Looked at before every case.

    Raises:
        InputError: There is no case, or a CT cannot be used.
    """
    makers = [(path.name.split(".")[0], True, _ct_key(path), lambda path=path: _read(path)) for path in paths]
    makers += [
        (f"phantom-{seed}", False, f"phantom-{seed}", lambda seed=seed: make_phantom(seed).hu) for seed in phantom_seeds
    ]
    if not makers:
        raise InputError("There is nothing to train on: give CT files, or a number of phantoms.")
    cases = []
    for index, (name, real, key, make) in enumerate(makers):
        if cancel:
            cancel.check()
        cases.append(Case(name, _cached(cache / f"{key}-{CUBE_VOXELS}-v{_CACHE_VERSION}.npy", make), real))
        progress((index + 1) / len(makers), f"Prepared {name}")
    return cases


def _read(path: Path) -> Int16[np.ndarray, "k j i"]:
    return standard_cube(*read_ct(path))[0]


def _ct_key(path: Path) -> str:
    """A name for the contents of a CT file or of a folder of slices."""
    digest = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


def _cached(path: Path, make) -> Int16[np.ndarray, "k j i"]:
    if path.exists():
        return np.load(path)
    hu = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{os.getpid()}.partial.npy")
    np.save(partial, hu)
    os.replace(partial, path)
    return hu
