"""What a front end asks of the engine for one reconstruction; `pipeline` does it.

This file needs no package that Slicer lacks.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path

from X2CTLib.corrections import Correction
from X2CTLib.errors import InputError


@dataclass(frozen=True)
class Request:
    """One patient's radiographs, and what to do with them. Views are named as in `geometry.View`: PA, LATERAL.

    Attributes:
        files: The radiographs by the name of their view.
        corrections: What the user set right in them, by the name of the view.
        override: Whether what speaks against the radiographs becomes a warning, where one can go on at all.
        model: Weights file; None for the shipped one.
        styler: Weights file of a styler; None leaves the radiographs as they are.
        device: See `device.choose_device`.
        precision: See `device.choose_precision`.
        uncertainty_passes: Further reconstructions from slightly moved radiographs; their spread is the uncertainty.
    """

    files: dict[str, Path]
    corrections: dict[str, Correction] = field(default_factory=dict)
    override: bool = False
    model: Path | None = None
    styler: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    uncertainty_passes: int = 0

    def to_dict(self) -> dict:
        """For JSON."""
        return {
            **{name: value for name, value in vars(self).items() if value is not None},
            "files": {view: str(path) for view, path in self.files.items()},
            "corrections": {view: correction.to_dict() for view, correction in self.corrections.items()},
            **{name: str(path) for name in ("model", "styler") if (path := getattr(self, name))},
        }

    @classmethod
    def from_dict(cls, values: dict):
        """What `to_dict` gave.

        Raises:
            InputError: It is something else.
        """
        try:
            unknown = values.keys() - {entry.name for entry in fields(cls)}
            if unknown:
                raise InputError(f"A request has no {', '.join(sorted(unknown))}.")
            return cls(
                **{
                    **values,
                    "files": {view: Path(path) for view, path in values["files"].items()},
                    "corrections": {
                        view: Correction.from_dict(entry) for view, entry in values.get("corrections", {}).items()
                    },
                    **{name: Path(values[name]) for name in ("model", "styler") if values.get(name)},
                }
            )
        except (KeyError, AttributeError, TypeError) as error:
            raise InputError(
                'A request is a JSON object with "files", which has paths by the names of views.'
            ) from error
