"""Bodies to learn from: CTs and phantoms as standard cubes, prepared once and kept in a cache."""

import csv
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16, UInt8

from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.errors import InputError
from X2CTLib.files import replace_file
from X2CTLib.geometry import CUBE_VOXELS, VolumeGeometry
from X2CTLib.phantom import make_phantom
from X2CTLib.progress import CancelToken, Progress, silent

CACHE = Path.home() / ".cache" / "x2ctgan" / "cubes"
PHANTOMS = "phantoms"
"""A source that is no file: `phantoms:60` are those of the seeds 0 to 59, `phantoms:100-109` ten others."""
SOURCES_HELP = "CT files, folders of CT files or DICOM series, lists (.csv), or phantoms:N or phantoms:FIRST-LAST"

_DEFAULT_PHANTOMS = 60
_FILES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_CACHE_VERSION = 1
"""Raise when the preparation of a cube changes."""
_PHANTOM_VERSION = 2
"""Raise when phantoms change."""


@dataclass(frozen=True, eq=False)
class Case:
    """A body to learn from.

    Attributes:
        name: As logs and cards call it.
        patient: Whose it is; cases of one patient are never on both sides of a split.
        key: Of its cube in the cache: what is in the file, and how it was prepared.
        hu: The standard cube.
        real: A patient's CT; otherwise a phantom.
        labels: Its organs as `X2CTLib.phantom.LABELS`, of a phantom.
        part: What a list says it is for: "train", "validation", "test", or nothing.
    """

    name: str
    patient: str
    key: str
    hu: Int16[np.ndarray, "k j i"]
    real: bool = True
    labels: UInt8[np.ndarray, "k j i"] | None = None
    part: str = ""

    def record(self) -> dict:
        """Who it is, as plain values."""
        return {"name": self.name, "patient": self.patient, "key": self.key, "real": self.real}


def recorded_case(record: dict, cache: Path) -> Case:
    """The case of a `Case.record`, from the cache.

    Raises:
        InputError: It is not in the cache.
    """
    folder = cache / record["key"]
    if not folder.is_dir():
        raise InputError(
            f"{record['name']} is not in {cache} any more. Train on with the same data to prepare it again."
        )
    return Case(**record, **_arrays(folder))


@dataclass(frozen=True)
class Source:
    """A case that has not been prepared yet; of a phantom, `path` is None and `phantom` its seed.

    Attributes:
        name: See `Case`.
        patient: The same.
        path: Of the CT, as `ct.read_ct` takes it.
        phantom: Seed.
        part: See `Case`.
        series: As `ct.read_ct` takes it.
    """

    name: str
    patient: str
    path: Path | None = None
    phantom: int = 0
    part: str = ""
    series: str = ""

    def read(self) -> tuple[Float[np.ndarray, "k j i"], VolumeGeometry]:
        """The CT; see `ct.read_ct`."""
        return read_ct(self.path, self.series)


def gather(
    sources: Sequence[str],
    cache: Path = CACHE,
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> tuple[list[Case], list[str]]:
    """Read CTs and make phantoms, or find them in the cache.

    Args:
        sources: CT files; folders of CT files or of DICOM series, however deep; lists (.csv with the columns path and,
            if wanted, patient, part, name, and series, the Series Instance UID of one in a folder with several);
            "phantoms:N" or "phantoms:FIRST-LAST".
        cache: Folder for the prepared cubes; made if missing. Several processes may use it at once.
        progress: Told after every case.
        cancel: Looked at before every case.

    Returns:
        The cases, and a sentence about each CT that was skipped because it cannot be used.

    Raises:
        InputError: A source does not exist, or there is no case at all.
        Cancelled: `cancel` was raised.
    """
    found = find_sources(sources)
    cases, skipped = [], []
    for index, source in enumerate(found):
        if cancel:
            cancel.check()
        try:
            cases.append(prepare(source, cache))
        except InputError as error:
            skipped.append(f"Skipped {source.name}: {error}")
        progress((index + 1) / len(found), f"Prepared {source.name}")
    if not cases:
        raise InputError("\n".join(["There is no CT to work with: give CT files or folders, or phantoms:N.", *skipped]))
    return cases, skipped


def find_sources(sources: Sequence[str]) -> list[Source]:
    """The cases of sources, which are not opened for it.

    Raises:
        InputError: There is no such thing.
    """
    return [case for source in sources for case in _expand(str(source))]


def _expand(source: str) -> Iterator[Source]:
    """The cases of a source, in an order that does not depend on the machine."""
    kind, _, count = source.partition(":")
    path = Path(source)
    if kind == PHANTOMS and not path.exists():
        for seed in _seeds(source, count):
            yield Source(f"phantom-{seed}", f"phantom-{seed}", phantom=seed)
    elif path.suffix == ".csv":
        yield from _listed(path)
    elif path.is_dir():
        yield from _below(path)
    elif path.is_file():
        yield _file(path)
    else:
        raise InputError(f"There is no file or folder {source}. The data may be {SOURCES_HELP}.")


def _seeds(source: str, numbers: str) -> range:
    """The seeds of "60" or "100-109"; of nothing, as many as usual."""
    first, dash, last = numbers.partition("-")
    try:
        seeds = range(int(first), int(last) + 1) if dash else range(int(first or _DEFAULT_PHANTOMS))
    except ValueError:
        seeds = range(0)
    if not seeds:
        raise InputError(f"'{source}' are no phantoms; write phantoms:60 or phantoms:100-109, for example.")
    return seeds


def _file(path: Path, patient: str = "", part: str = "", name: str = "", series: str = "") -> Source:
    name = name or path.name.split(".")[0]
    return Source(name, patient or name, path, part=part, series=series)


def _below(folder: Path) -> Iterator[Source]:
    """Every CT file in a folder, and every folder with DICOM slices in it."""
    for directory, folders, names in os.walk(folder):
        folders.sort()
        files = [name for name in sorted(names) if not name.startswith(".")]
        volumes = [name for name in files if name.lower().endswith(_FILES)]
        yield from (_file(Path(directory, name)) for name in volumes)
        slices = [name for name in files if name.lower().endswith(".dcm") or "." not in name or name[-1].isdigit()]
        if slices and not volumes:
            series = Path(directory)
            name = "-".join(series.relative_to(folder).parts) or series.name
            yield Source(name, _dicom_patient(series / slices[0]) or name, series)


def _dicom_patient(file: Path) -> str:
    """An opaque hash of DICOM's Patient ID (0010,0020); nothing if there is none."""
    import pydicom

    try:
        identity = str(pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID", ""))
    except (pydicom.errors.InvalidDicomError, OSError):
        return ""
    return anonymous(identity) if identity else ""


def anonymous(patient_id: str) -> str:
    """An opaque hash, the same for the same patient wherever the CT comes from."""
    return hashlib.sha256(patient_id.encode()).hexdigest()[:12]


def _listed(path: Path) -> Iterator[Source]:
    """The rows of a list; paths are relative to it."""
    if not path.is_file():
        raise InputError(f"There is no list {path}.")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if not row.get("path") or (row.get("part") or "") not in ("", "train", "validation", "test"):
            raise InputError(
                f"{path.name} is not a list of CTs: it needs a column 'path', may have 'patient', 'part' "
                "(train, validation or test), 'name' and 'series'."
            )
        more = (row.get(column) or "" for column in ("patient", "part", "name", "series"))
        yield _file(path.parent / row["path"], *more)


def prepare(source: Source, cache: Path) -> Case:
    """The case of a source, by way of the cache.

    Raises:
        InputError: The CT cannot be used.
    """
    if source.path is None:
        key = f"phantom-{source.phantom}-{CUBE_VOXELS}-v{_PHANTOM_VERSION}"

        def make() -> dict[str, np.ndarray]:
            phantom = make_phantom(source.phantom)
            return {"hu": phantom.hu, "labels": phantom.labels}
    else:
        if not source.path.exists():
            raise InputError(f"There is no file or folder {source.path}.")
        of_series = f"-{hashlib.sha256(source.series.encode()).hexdigest()[:12]}" if source.series else ""
        key = f"{_content_hash(source.path, cache)}{of_series}-{CUBE_VOXELS}-v{_CACHE_VERSION}"

        def make() -> dict[str, np.ndarray]:
            return {"hu": standard_cube(*source.read())[0]}

    arrays = cached(cache / key, make)
    return Case(source.name, source.patient, key, real=source.path is not None, part=source.part, **arrays)


def _content_hash(path: Path, cache: Path) -> str:
    """A name for what is in a CT file or folder; read again only if a name, size or time of change is another."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    stamps = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    known = cache / "hashes" / hashlib.sha256(repr(stamps).encode()).hexdigest()[:24]
    if known.is_file():
        return known.read_text(encoding="utf-8")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    content = digest.hexdigest()[:24]
    with replace_file(known) as partial:
        partial.write_text(content, encoding="utf-8")
    return content


def cached(folder: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays by their name, made if they are not there yet; they stay on disk until they are looked at."""
    if not folder.is_dir():
        arrays = make()
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = folder.with_name(f".{folder.name}.{os.getpid()}")
        scratch.mkdir(exist_ok=True)
        for name, array in arrays.items():
            np.save(scratch / f"{name}.npy", array)
        try:
            scratch.rename(folder)
        except OSError:  # another process was faster
            for file in scratch.iterdir():
                file.unlink()
            scratch.rmdir()
    return _arrays(folder)


def _arrays(folder: Path) -> dict[str, np.ndarray]:
    return {file.stem: np.load(file, mmap_mode="r") for file in folder.glob("*.npy")}
