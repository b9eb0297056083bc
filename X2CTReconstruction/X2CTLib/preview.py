"""What a request would reconstruct from, for a front end to show; `preview_files` writes it.

This file imports the standard library only, so that a front end can show it before the engine's packages are installed.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from X2CTLib.errors import InputError

RECORD = "preview.json"


@dataclass(frozen=True)
class ViewPreview:
    """One radiograph, as corrected.

    Attributes:
        picture: The radiograph as a PNG of 8 bit, or None if it cannot be read.
        seen: The standard view, which the network sees; None where the model does not read it.
        styled: The same from the styler, if one is asked for.
        words: Its size, in pixels and millimetres.
        notes: Assumptions and warnings; why it cannot be read.
        oriented: Whether it is known which way the patient faces.
        mirrored: Whether the picture is used mirrored, because the patient faces the other way.
        chest_crop: The `Correction.crop` that leaves the chest; None where it was not found.
    """

    picture: Path | None = None
    seen: Path | None = None
    styled: Path | None = None
    words: str = ""
    notes: tuple[str, ...] = ()
    oriented: bool = False
    mirrored: bool = False
    chest_crop: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Preview:
    """The radiographs of a request.

    Attributes:
        views: By the name of the view (`geometry.View`).
        notes: What does not quite go together, and what was overridden.
        problem: What would stop the reconstruction, in words, or None.
        overridable: Whether `Request.override` would let it go on.
    """

    views: dict[str, ViewPreview]
    notes: tuple[str, ...] = ()
    problem: str | None = None
    overridable: bool = False

    @classmethod
    def load(cls, folder: Path):
        """Read what `preview_files.write_preview` wrote.

        Raises:
            InputError: The folder does not hold a preview.
        """
        folder = Path(folder)
        try:
            record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            views = {name: _view(folder, entry) for name, entry in record["views"].items()}
            return cls(**{**record, "views": views, "notes": tuple(record["notes"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{folder} does not hold a preview.") from error


def _view(folder: Path, entry: dict) -> ViewPreview:
    files = {name: entry[name] and folder / entry[name] for name in ("picture", "seen", "styled")}
    crop = entry["chest_crop"]
    return ViewPreview(**{**entry, **files, "notes": tuple(entry["notes"]), "chest_crop": crop and tuple(crop)})
