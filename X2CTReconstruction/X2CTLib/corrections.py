"""What a user sets right in a radiograph by hand: orientation, polarity, crop and pixel size.

This file imports numpy only, so that a front end can show a correction before the engine's packages are installed.
"""

from dataclasses import asdict, dataclass

import numpy as np

from X2CTLib.errors import InputError


@dataclass(frozen=True)
class Correction:
    """Applied in this order to a radiograph as it was read.

    Attributes:
        quarter_turns: Counter-clockwise turns by 90 degrees.
        mirrored: Left and right exchanged, after the turns.
        inverted: Black and white exchanged.
        crop: Parts of the turned and mirrored picture to cut off at the left, top, right and bottom.
        pixel_mm: Millimetres of patient for each pixel at the isocentre; None leaves what the file says.
    """

    quarter_turns: int = 0
    mirrored: bool = False
    inverted: bool = False
    crop: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    pixel_mm: float | None = None

    def __post_init__(self) -> None:
        left, top, right, bottom = self.crop
        if not (all(side >= 0 for side in self.crop) and left + right <= 0.9 and top + bottom <= 0.9):
            raise InputError("The crop leaves too little of the radiograph. Cut off less.")
        if self.pixel_mm is not None and not 0.01 <= self.pixel_mm <= 10:
            raise InputError(f"{self.pixel_mm:g} mm is no pixel size of a chest radiograph; 0.1 to 0.4 mm are usual.")

    @property
    def moves(self) -> bool:
        """Whether a pixel ends up elsewhere."""
        return bool(self.quarter_turns % 4 or self.mirrored or any(self.crop))

    @property
    def words(self) -> str:
        """What was done, for the notes."""
        done = {
            f"turned by {90 * (self.quarter_turns % 4)} degrees counter-clockwise": self.quarter_turns % 4,
            "mirrored": self.mirrored,
            "inverted": self.inverted,
            "cropped": any(self.crop),
            f"pixel size set to {self.pixel_mm} mm": self.pixel_mm,
        }
        return ", ".join(words for words, so in done.items() if so) + " by hand"

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """The corrected picture.

        Args:
            pixels: (rows, columns), of any type and scale.
        """
        turned = np.rot90(pixels, self.quarter_turns)
        turned = turned[:, ::-1] if self.mirrored else turned
        rows, columns = turned.shape
        left, top, right, bottom = self.crop
        part = turned[round(top * rows) : rows - round(bottom * rows), round(left * columns) :]
        part = part[:, : part.shape[1] - round(right * columns)]
        return pixels.min() + pixels.max() - part if self.inverted else part

    def further_crop(self, parts: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """The `crop` that also cuts off parts of what this one leaves."""
        left, top, right, bottom = self.crop
        kept = (1 - left - right, 1 - top - bottom) * 2
        return tuple(cut + part * rest for cut, part, rest in zip(self.crop, parts, kept, strict=True))

    def to_dict(self) -> dict:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict):
        """What `to_dict` gave.

        Raises:
            InputError: It is something else.
        """
        try:
            return cls(**{**values, "crop": tuple(values.get("crop", cls.crop))})
        except TypeError as error:
            raise InputError(f"This is no correction of a radiograph: {values}.") from error
