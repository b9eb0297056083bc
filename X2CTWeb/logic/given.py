"""A radiograph that the user has given: as it was read, as it is set right, and how the page shows it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from trame_server.utils.typed_state import TypedState

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError
from X2CTLib.framing import Framing
from X2CTLib.radiograph import Radiograph, read_radiograph
from X2CTWeb.logic.pictures import grey_url, reduced
from X2CTWeb.state import CorrectionState, RadiographState


@dataclass(frozen=True)
class Given:
    """A radiograph that the user has given.

    Attributes:
        path: Its file.
        radiograph: As it was read, whatever speaks against it.
        picture: The same as the page shows it.
        correction: What the user has set right.
        corrected: As it is used.
    """

    path: Path
    radiograph: Radiograph
    picture: Float[np.ndarray, "r c"]
    correction: Correction
    corrected: Radiograph

    @classmethod
    def read(cls, path: Path):
        """Read it.

        Raises:
            InputError: It cannot be read.
        """
        radiograph = read_radiograph(path, override=True)
        return cls(path, radiograph, reduced(radiograph.pixels), Correction(), radiograph)

    def with_correction(self, correction: Correction):
        """The same, set right in another way.

        Raises:
            InputError: The crop leaves nothing.
        """
        return replace(self, correction=correction, corrected=self.radiograph.corrected(correction))

    def show(self, shown: RadiographState, framing: Framing | None) -> None:
        """Show it on the page; what is cropped away is darkened, and what a reconstruction made of it stays."""
        rows, columns = self.corrected.pixels.shape
        size = f", {self.corrected.pixel_mm:.3g} mm" if self.corrected.pixel_mm else ""
        notes = [*self.corrected.notes, *(framing.notes if framing else ())]
        whole = replace(self.correction, crop=Correction.crop)
        shown.name = self.path.name
        shown.details = f"{columns} × {rows} pixels{size}"
        shown.notes = [_without_name(note, self.path.name) for note in notes]
        shown.oriented = self.corrected.oriented
        shown.mirrored = framing is not None and framing.mirrored
        shown.taken = grey_url(whole.apply(self.picture), self.correction.crop)
        TypedState.from_dataclass(shown.correction, _controls(self.correction))


def correction_by(shown: CorrectionState) -> Correction:
    """What the controls say.

    Raises:
        InputError: It makes no sense.
    """
    (left, right), (top, bottom) = shown.columns, shown.rows
    try:
        pixel_mm = float(shown.pixel_mm) if shown.pixel_mm else None
    except ValueError as error:
        raise InputError(f"The pixel size, {shown.pixel_mm}, is no number.") from error
    return Correction(
        quarter_turns=shown.quarter_turns % 4,
        mirrored=shown.mirrored,
        inverted=shown.inverted,
        crop=(left / 100, top / 100, (100 - right) / 100, (100 - bottom) / 100),
        pixel_mm=pixel_mm,
    )


def _controls(correction: Correction) -> CorrectionState:
    """The reverse."""
    left, top, right, bottom = (round(100 * part) for part in correction.crop)
    return CorrectionState(
        quarter_turns=correction.quarter_turns,
        mirrored=correction.mirrored,
        inverted=correction.inverted,
        columns=[left, 100 - right],
        rows=[top, 100 - bottom],
        pixel_mm=f"{correction.pixel_mm:g}" if correction.pixel_mm else "",
    )


def _without_name(note: str, name: str) -> str:
    """A note as it stands below the file's name."""
    note = note.removeprefix(f"{name}: ")
    return note[:1].upper() + note[1:]
