"""The sample cases: a real pair of radiographs in a clone, and the DRR pair of a CT, which every installation has."""

from pathlib import Path

from X2CTLib.geometry import View

_MODULE = Path(__file__).resolve().parent.parent
# Licensed for non-commercial use, so it is not installed; see the notice in its folder.
_REAL = _MODULE.parent / "Resources" / "SampleRadiographs"
_DRR = _MODULE / "Resources" / "SampleData"


def sample_case() -> dict[View, Path]:
    """The real pair where there is one, else the DRR pair."""
    real = {view: _REAL / f"{view.name.lower()}.png" for view in View}
    return real if all(path.is_file() for path in real.values()) else sample_drrs()


def sample_drrs() -> dict[View, Path]:
    """DRRs of the CT LIDC-IDRI-0001, with their geometries as sidecars."""
    return {view: _DRR / f"x2ct_lidc_0001_{view.name.lower()}.png" for view in View}


def sample_ct() -> Path:
    """The CT that the DRRs were made from, as a standard cube."""
    return _DRR / "x2ct_lidc_0001_ct.nrrd"
