"""Which radiographs belong together: pairs in folders and among files, by DICOM attributes or by names.

A front end may use this before the engine's packages are installed: pydicom, which DICOM files need, and SimpleITK,
which files need that say nothing, come with Slicer.
"""

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from X2CTLib.errors import InputError
from X2CTLib.formats import PICTURES, SLICES

VIEWS = {"PA": "PA", "LATERAL": "lateral"}
"""Names of the views, and what they are called in a sentence."""
_WORD = re.compile(
    r"(?<![^\W\d_])(?:(?P<PA>pa|(?P<AP>ap)|frontal|front)|(?P<LATERAL>lateral|lat|ll|rl|side|profile))(?![^\W\d_])",
    re.IGNORECASE,
)
_UNNAMED = "study"
_NAMED_AT_MOST = 5

T = TypeVar("T")
LeftOut = dict[str, list[str]]
"""Names of files by the reason for which they are in no pair."""


@dataclass
class Pair:
    """Radiographs of one patient, each of another view.

    Attributes:
        name: Safe as the name of a folder; from the names of pictures, and from nothing that a DICOM file says.
        files: By the name of the view (`geometry.View`): both views, or the one that was found.
        notes: What was assumed, and what was left out, in words.
    """

    name: str
    files: dict[str, Path]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Candidate:
    """A file that may be a radiograph.

    Attributes:
        path: Where it is.
        view: PA or LATERAL; None where nothing says.
        keys: What it shares with its partner for sure, and what with one that may be its partner.
        order: What sorts first is preferred among those of one view.
        name: What the pair may be called.
        stated: What it says of itself, for the notes.
    """

    path: Path
    view: str | None
    keys: tuple[Hashable, Hashable]
    order: tuple
    name: str
    stated: str = ""

    def __str__(self) -> str:
        return f"{self.path.name} ({self.stated})" if self.stated else self.path.name


def find_pairs(paths: Iterable[Path] | Path, wanted: Sequence[str] = ()) -> list[Pair]:
    """Find the radiographs in folders and among files, and put together those of one patient.

    DICOM files are told by content and grouped by study, else by patient; their attributes say the view. Pictures are
    grouped by their names without the words for views; their folders may be named by views, too. Of two files for
    whose views nothing speaks, the more symmetric picture is taken for the frontal one. What has no place in a pair is
    named in the notes: of its own pair, or of the first one. Otherwise, only headers are read.

    Args:
        paths: Folders, which are searched with all that is below them, and files, which may show another thing than a
            chest: that is objected to when they are read.
        wanted: Views for whose radiographs there is room: a lone file that says nothing is taken for the first of them.

    Returns:
        At least one pair, each with at least one file; in the order of their names.

    Raises:
        InputError: A path does not exist, or there is no radiograph of a known view.
    """
    paths = [Path(path) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    left_out: LeftOut = defaultdict(list)
    candidates = [found for path, root in _files(paths) if (found := _candidate(path, root, left_out))]
    # Who gives two files means them to be a pair; in a folder of two, names may say otherwise.
    told = any(candidate.view for candidate in candidates) and any(path.is_dir() for path in paths)
    groups = [candidates] if len(candidates) == 2 and not told else _groups(candidates)
    room = wanted if len(candidates) == 1 else ()
    pairs = [pair for group in groups if (pair := _pair(group, room, left_out))]
    remarks = [_remark(reason, names) for reason, names in left_out.items()]
    if not pairs:
        where = ", ".join(path.name or str(path) for path in paths) or "nothing"
        raise InputError(" ".join([f"There is no radiograph of a known view in {where}.", *remarks]))
    pairs.sort(key=lambda pair: (_natural(pair.name), [_natural(str(path)) for path in pair.files.values()]))
    pairs[0].notes += remarks
    _name_apart(pairs)
    return pairs


def view_in_words(text: str) -> str | None:
    """The view that a name or a description tells: PA (for AP, too) or LATERAL; None if neither or both."""
    views = {view for match in _WORD.finditer(text) for view in VIEWS if match[view]}
    return views.pop() if len(views) == 1 else None


def without_view_words(name: str) -> str:
    """A name without the words that tell views, and without the marks that joined them to the rest."""
    return re.sub(r"([\W_])[\W_]+", r"\1", _WORD.sub("", name)).strip(" _-.,;()[]")


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, Path | None]]:
    """All files, each once, with the folder that was given, or None for a file that was given itself."""
    seen = set()
    for path in paths:
        if not path.exists():
            raise InputError(f"There is no file or folder {path}. Check its name.")
        root = path if path.is_dir() else None
        for file in sorted(path.rglob("*")) if root else [path]:
            hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
            if file.is_file() and not hidden and file.name.upper() != "DICOMDIR" and file.resolve() not in seen:
                seen.add(file.resolve())
                yield file, root


def _candidate(path: Path, root: Path | None, left_out: LeftOut) -> _Candidate | None:
    """What a file may be; None for what is no radiograph of a chest, unless it was given as one."""
    try:
        if _is_dicom(path):
            return _dicom(path, root is None, left_out)
    except Exception as error:  # whatever a damaged file makes a library raise
        left_out[f"cannot be read ({type(error).__name__})"].append(path.name)
        return None
    return _picture(path, root or path.parent) if path.name.lower().endswith(PICTURES + SLICES) else None


def _is_dicom(path: Path) -> bool:
    """Whether the prefix of PS3.10, 7.1, is there, or the name says so."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom")


def _dicom(path: Path, given: bool, left_out: LeftOut) -> _Candidate | None:
    from pydicom import dcmread

    from X2CTLib import dicom_tags as tags

    dataset = dcmread(path, stop_before_pixels=True, force=True)
    modality, part = tags.text(dataset, "Modality"), tags.other_body_part(dataset)
    reasons = {
        f"no radiograph, but {modality}": modality not in tags.MODALITIES and not given,
        f"another part of the body, {part}": part and not given,
        "without an image": "Rows" not in dataset,
    }
    if reason := next((words for words, so in reasons.items() if so), None):
        left_out[reason].append(path.name)
        return None
    position = tags.view_position(dataset)
    description = f"{tags.text(dataset, 'SeriesDescription')} {tags.text(dataset, 'ProtocolName')}"
    order = (
        tags.text(dataset, "PresentationIntentType") == "FOR PROCESSING",
        position in ("AP", "RL"),
        -tags.when(dataset),
        _natural(str(path)),
    )
    study = tags.study_hash(dataset) or str(path.parent)
    return _Candidate(
        path=path,
        view=tags.VIEWS.get(position) or tags.view_by_sides(dataset) or view_in_words(description),
        keys=(("study", study), ("patient", tags.patient_hash(dataset) or study)),
        order=order,
        name=_UNNAMED,
        stated=position,
    )


def _picture(path: Path, root: Path) -> _Candidate:
    """The view is told by the file's own name, else by the next folder that is named by one."""
    stem = re.sub(r"\.nii$", "", path.stem, flags=re.IGNORECASE)
    names = [root.resolve().name, *path.relative_to(root).parent.parts, stem]
    view = next((view for name in reversed(names) if (view := view_in_words(name))), None)
    top, *folders, case = (without_view_words(name) for name in names)
    place = (root.resolve().parent, top, *filter(None, folders))
    return _Candidate(
        path=path,
        view=view,
        keys=((*place, case.lower()), (*place, re.sub(r"[0-9]+", "", case.lower()))),
        order=(any(match["AP"] for match in _WORD.finditer(stem)), _natural(str(path))),
        name="-".join(filter(None, [*folders, case])) or top or _UNNAMED,
    )


def _groups(candidates: Iterable[_Candidate]) -> list[list[_Candidate]]:
    """What belongs together for sure; and, where there are just two of one view each, what may belong together."""
    groups, halves = [], []
    for group in _alike(candidates, lambda candidate: candidate.keys[0]):
        half = {candidate.view for candidate in group} in ({view} for view in VIEWS)
        (halves if half else groups).append(group)
    for found in _alike(halves, lambda group: group[0].keys[1]):
        views = {group[0].view for group in found}
        groups += [list(itertools.chain(*found))] if len(found) == len(views) == 2 else found
    return groups


def _alike(items: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    found = defaultdict(list)
    for item in items:
        found[key(item)].append(item)
    return list(found.values())


def _pair(group: list[_Candidate], wanted: Sequence[str], left_out: LeftOut) -> Pair | None:
    """The best of each view, or of the one that there is; None where no view is known."""
    group = sorted(group, key=lambda candidate: candidate.order)
    by_view = {view: [candidate for candidate in group if candidate.view == view] for view in (*VIEWS, None)}
    unknown = by_view.pop(None)
    guess, notes = _guess(unknown, [view for view in VIEWS if not by_view[view]], wanted)
    by_view |= {view: [candidate] for view, candidate in guess.items()}
    if not guess and unknown:
        left_out["nothing says whether PA or lateral"] += [candidate.path.name for candidate in unknown]
    best = {view: found[0] for view, found in by_view.items() if found}
    if not best:
        return None
    for view, chosen in best.items():
        notes += [f"{other} is left out; {chosen} is used." for other in by_view[view][1:]]
    if len({chosen.keys[0] for chosen in best.values()}) > 1:
        notes.append(f"{' and '.join(map(str, best.values()))} may not belong together. Check that they do.")
    return Pair(next(iter(best.values())).name, {view: chosen.path for view, chosen in best.items()}, notes)


def _guess(
    unknown: list[_Candidate], missing: list[str], wanted: Sequence[str]
) -> tuple[dict[str, _Candidate], list[str]]:
    """Files that say nothing by the views that they are taken for, and the note on it; none if there are too many."""
    if len(unknown) == len(missing) == 2:
        pa, lateral = sorted(unknown, key=_asymmetry)
        return dict(zip(VIEWS, (pa, lateral), strict=True)), [
            f"Nothing says their views: {pa} is taken for PA, since it is more symmetric than {lateral}. "
            "Swap them if it is not."
        ]
    room = missing if len(missing) == 1 else wanted[:1]
    if len(unknown) == len(room) == 1:
        words = f"nothing says its view; taken for {VIEWS[room[0]]}. Swap the radiographs if it is not."
        return {room[0]: unknown[0]}, [f"{unknown[0]}: {words}"]
    return {}, []


def _asymmetry(candidate: _Candidate) -> float:
    """Less for what looks more like a frontal view; the same for all that cannot be looked at."""
    from X2CTLib.symmetry import symmetry

    try:
        return -symmetry(candidate.path)
    except Exception:  # whatever a picture that is none makes the library raise; its reader will say what is wrong
        return 0.0


def _remark(reason: str, names: list[str]) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"Left out: {', '.join(names[:_NAMED_AT_MOST])}{more} ({reason})."


def _name_apart(pairs: Iterable[Pair]) -> None:
    """Number the pairs of one name, and those without one."""
    taken = {pair.name.lower() for pair in pairs}
    for same in _alike(pairs, lambda pair: pair.name.lower()):
        name = same[0].name
        if len(same) > 1 or name == _UNNAMED:
            numbered = (f"{name}-{number}" for number in itertools.count(1))
            for pair in same:
                pair.name = next(free for free in numbered if free.lower() not in taken)


def _natural(text: str) -> list[str | int]:
    """For sorting: numbers in it by their size."""
    return [int(piece) if piece.isdecimal() else piece.lower() for piece in re.split(r"([0-9]+)", text)]
