"""How somebody wants DRRs of a volume to be taken, in plain numbers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from X2CTLib.exposure import Exposure
from X2CTLib.geometry import PROJECTIONS, ProjectionGeometry, View, VolumeGeometry


@dataclass(frozen=True)
class PlacedVolume:
    """A volume that a process shall project.

    Attributes:
        name: What it is called.
        values: An .npy file of Hounsfield units.
        geometry: Where they lie.
        isocentre_lps: What the central rays pass.
    """

    name: str
    values: Path
    geometry: VolumeGeometry
    isocentre_lps: tuple[float, float, float]


@dataclass(frozen=True)
class DrrSettings:
    """Geometry and exposure; lengths in mm, angles in degrees.

    Attributes:
        views: Names of `geometry.View`.
        geometry: Name of the preset (`geometry.PROJECTIONS`) that the others start from.
        sid_mm: From the source to the detector; None for the preset's. Parallel rays have none.
        sad_mm: From the source to the isocentre; the same.
        detector_mm: Width and height of the detector; None for the preset's.
        pixels: Along its longer edge.
        gantry_deg: See `geometry.ProjectionGeometry`.
        cranial_deg: The same.
        body_only: Whether the table, and what else is no body, is left out.
        kvp: See `exposure.Exposure`; as the rest.
        scatter: Scatter-to-primary ratio.
        photons: Per pixel without a patient; None for no noise.
        blur_mm: Of the detector.
        seed: Of the noise.
    """

    views: tuple[str, ...] = ("PA", "LATERAL")
    geometry: str = "clinical"
    sid_mm: float | None = None
    sad_mm: float | None = None
    detector_mm: tuple[float, float] | None = None
    pixels: int = 512
    gantry_deg: float = 0.0
    cranial_deg: float = 0.0
    body_only: bool = True
    kvp: float | None = None
    scatter: float = 0.0
    photons: float | None = None
    blur_mm: float = 0.0
    seed: int = 0

    @property
    def exposure(self) -> Exposure:
        """What lies between line integrals and the radiographs.

        Raises:
            InputError: A number is impossible.
        """
        return Exposure(kvp=self.kvp, scatter=self.scatter, photons=self.photons, blur_mm=self.blur_mm, seed=self.seed)

    def projections(self, isocentre_lps: tuple[float, float, float]) -> list[ProjectionGeometry]:
        """One for each view, through a point of the patient.

        Raises:
            InputError: A number is impossible.
        """
        return [self._projection(View[name], isocentre_lps) for name in self.views]

    def request(self, volumes: Sequence[PlacedVolume], formats: Sequence[str], output: Path) -> dict:
        """What `drr_worker.project` takes.

        Raises:
            InputError: A number is impossible.
        """
        return {
            "task": "project",
            "volumes": [
                {
                    "name": volume.name,
                    "values": str(volume.values),
                    "ijk_to_lps": volume.geometry.ijk_to_lps.tolist(),
                    "projections": [projection.to_dict() for projection in self.projections(volume.isocentre_lps)],
                }
                for volume in volumes
            ],
            "exposure": asdict(self.exposure),
            "body_only": self.body_only,
            "formats": list(formats),
            "output": str(output),
        }

    def _projection(self, view: View, isocentre_lps: tuple[float, float, float]) -> ProjectionGeometry:
        preset = PROJECTIONS[self.geometry](view)
        width, height = self.detector_mm or preset_lengths(self.geometry)[2:]
        return replace(
            preset.with_detector(width, height, self.pixels),
            sid_mm=preset.sid_mm if self.sid_mm is None else self.sid_mm,
            sad_mm=preset.sad_mm if self.sad_mm is None else self.sad_mm,
            isocentre_lps=isocentre_lps,
            gantry_deg=self.gantry_deg,
            cranial_deg=self.cranial_deg,
        )


def preset_lengths(geometry: str) -> tuple[float | None, float | None, float, float]:
    """What a preset sets: SID and SAD (None for parallel rays), width and height of the detector in mm."""
    preset = PROJECTIONS[geometry](View.PA)
    return preset.sid_mm, preset.sad_mm, preset.columns * preset.pixel_mm, preset.rows * preset.pixel_mm
