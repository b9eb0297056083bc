"""How a radiograph is exposed: tube voltage, scattered radiation, dose and detector, from nothing of that to all."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from X2CTLib.drr import line_integrals, radiographs
from X2CTLib.errors import InputError
from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry
from X2CTLib.spectrum import hardened, tube_spectrum, water_and_bone

MOST_PHOTONS = 1e9
"""That meet a pixel."""


@dataclass(frozen=True)
class Exposure:
    """What lies between line integrals and a radiograph; by default nothing does.

    Attributes:
        kvp: Peak tube voltage (0018,0060); None for one energy, that of the CT.
        aluminium_mm: Filtration of the beam, where there is a tube voltage.
        scatter: Scatter-to-primary ratio behind the patient, on average. Behind the mediastinum it is about 9 without
            an antiscatter grid and above 1 with one (Niklason, Sorenson and Nelson, Med. Phys. 8:677, 1981).
        scatter_mm: Standard deviation of the scatter of a pencil beam on the detector, a Gaussian (Boone, Arnold and
            Seibert, Med. Phys. 13:254, 1986); its width is an assumption.
        photons: Photons that meet a pixel where no patient is; None for no noise. A microgray at the detector is about
            30000 of them a square millimetre (IEC 62220-1, RQA 5).
        blur_mm: Standard deviation of the detector's point spread function, as in a scintillator of caesium iodide.
        seed: Of the noise.
    """

    kvp: float | None = None
    aluminium_mm: float = 2.5
    scatter: float = 0.0
    scatter_mm: float = 40.0
    photons: float | None = None
    blur_mm: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (min(self.scatter, self.blur_mm) >= 0 and self.scatter_mm > 0):
            raise InputError("Scatter and blur are not negative, and scatter has a width.")
        if self.photons is not None and not 1 <= self.photons <= MOST_PHOTONS:
            raise InputError(f"A pixel is not met by {self.photons:g} photons: choose 1 to a thousand million.")
        if self.kvp is not None:
            tube_spectrum(self.kvp, self.aluminium_mm)


LINE_INTEGRALS = Exposure()
"""Nothing but the attenuation that each ray meets."""


def expose(
    hu: Float[Tensor, "b k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry, exposure: Exposure
) -> Float[Tensor, "b r c"]:
    """Radiographs of CTs as -log(I/I0), I being the detector's signal and I0 that without a patient.

    Raises:
        InputError: The source is inside the volume.
    """
    image = _primary(hu, geometry, projection, exposure)
    if not (exposure.scatter or exposure.photons or exposure.blur_mm):
        return image
    signal = torch.exp(-image)
    if exposure.scatter:
        signal = signal + scattered(image, exposure.scatter, exposure.scatter_mm / projection.pixel_mm)
    if exposure.photons:
        signal = with_noise(signal, exposure.photons, exposure.seed)
    if exposure.blur_mm:
        # After the noise: light spreads where a photon has been absorbed.
        signal = blurred(signal, exposure.blur_mm / projection.pixel_mm)
    # Where no photon arrived, half a one.
    darkest = 0.5 / exposure.photons if exposure.photons else torch.finfo(signal.dtype).tiny
    return -signal.clamp_min(darkest).log()


def _primary(
    hu: Float[Tensor, "b k j i"], geometry: VolumeGeometry, projection: ProjectionGeometry, exposure: Exposure
) -> Float[Tensor, "b r c"]:
    """-log(I/I0) of what has come straight from the source."""
    if exposure.kvp is None:
        return radiographs(hu, geometry, projection)
    materials = water_and_bone(hu)
    integrals = line_integrals(materials.flatten(0, 1), geometry, projection)
    return hardened(integrals.unflatten(0, materials.shape[:2]), *tube_spectrum(exposure.kvp, exposure.aluminium_mm))


def scattered(image: Float[Tensor, "b r c"], ratio: float, sigma: float) -> Float[Tensor, "b r c"]:
    """The scatter that a patient adds to the primary exp(-image).

    A ray that passes n mean free paths of matter scatters about n times as much forward as it leaves over, so that
    the open beam scatters nothing and the mediastinum more than the lungs. What it scatters is spread over the
    detector, all of it within its borders.

    Args:
        image: -log(I/I0).
        ratio: Scatter-to-primary ratio at the mean of `image`, weighted with itself.
        sigma: Standard deviation of the spread in pixels.
    """
    tiny = torch.finfo(image.dtype).tiny
    image = image.clamp_min(0)
    mean = image.square().sum(dim=(1, 2), keepdim=True) / image.sum(dim=(1, 2), keepdim=True).clamp_min(tiny)
    return ratio * blurred(image / mean.clamp_min(tiny) * torch.exp(-image), sigma)


def with_noise(signal: Float[Tensor, "b r c"], photons: float, seed: int) -> Float[Tensor, "b r c"]:
    """Count photons (Poisson), `photons` of them being a signal of one."""
    rng = torch.Generator().manual_seed(seed)
    return (torch.poisson((signal.double() * photons).cpu(), generator=rng) / photons).to(signal)


def blurred(signal: Float[Tensor, "b r c"], sigma: float) -> Float[Tensor, "b r c"]:
    """Spread a signal by a Gaussian of `sigma` pixels, reflected at the borders, so that its total stays."""
    for axis in (1, 2):
        length = signal.shape[axis]
        mirrored = torch.cat([signal, signal.flip(axis)], dim=axis)
        frequencies = torch.fft.rfftfreq(2 * length, device=signal.device)
        passed = torch.exp(-2 * (math.pi * sigma * frequencies).square())
        spectrum = torch.fft.rfft(mirrored, dim=axis) * passed.reshape([-1 if d == axis else 1 for d in range(3)])
        signal = torch.fft.irfft(spectrum, n=2 * length, dim=axis).narrow(axis, 0, length)
    return signal
