"""A polychromatic beam: what is in it, and what water and bone leave of it (beam hardening).

Attenuation factors into energy and place: each material's coefficient times how much of it a ray meets. So two line
integrals a ray, of water and of bone, do for all energies (Alvarez and Macovski, Phys. Med. Biol. 21:733, 1976).
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from X2CTLib.drr import attenuation
from X2CTLib.errors import InputError

KVP_RANGE = (40.0, 150.0)
"""Tube voltages of diagnostic radiography that the tables below cover."""

_KEV = (10, 15, 20, 30, 40, 50, 60, 80, 100, 150)
# Mass attenuation coefficients in cm2/g and densities in g/cm3: Hubbell and Seltzer, Tables of X-Ray Mass Attenuation
# Coefficients, NISTIR 5632 (NIST Standard Reference Database 126), tables 1 to 4; bone is cortical (ICRU-44).
_WATER = (5.329, 1.673, 0.8096, 0.3756, 0.2683, 0.2269, 0.2059, 0.1837, 0.1707, 0.1505)
_BONE = (28.51, 9.032, 4.001, 1.331, 0.6655, 0.4242, 0.3148, 0.2229, 0.1855, 0.1480)
_ALUMINIUM = (26.23, 7.955, 3.441, 1.128, 0.5685, 0.3681, 0.2778, 0.2018, 0.1704, 0.1378)
_BONE_DENSITY, _ALUMINIUM_DENSITY = 1.92, 2.699

_CT_KEV = 70.0  # the energy of drr.MU_WATER_PER_MM, at which Hounsfield units are taken to be measured
_STEP_KEV = 2.0
_SOFT_TISSUE_HU = 100.0  # the densest tissue without mineral


def _coefficient(table: tuple[float, ...], kev: Float[np.ndarray, "*e"] | float) -> Float[np.ndarray, "*e"]:
    """Interpolate a table; between absorption edges coefficients are nearly powers of the energy."""
    return np.exp(np.interp(np.log(kev), np.log(_KEV), np.log(table)))


def tube_spectrum(kvp: float, aluminium_mm: float) -> tuple[Float[np.ndarray, " e"], Float[np.ndarray, " e"]]:
    """The beam of a tungsten tube, as a detector sees it that adds up energies.

    Kramers' law of thick targets, photons ~ (kVp - E) / E (Phil. Mag. 46:836, 1923), through the filter. Neither the
    anode's own filtration nor its characteristic lines are in it.

    Args:
        kvp: Peak tube voltage.
        aluminium_mm: Total filtration; 2.5 mm is the least that is allowed (IEC 60601-1-3).

    Returns:
        Photon energies in keV, and the part of the signal that each brings without a patient; they add up to one.

    Raises:
        InputError: Outside of `KVP_RANGE`, or a negative filter.
    """
    low, high = KVP_RANGE
    if not low <= kvp <= high:
        raise InputError(f"A tube voltage of {kvp:g} kVp is not one of radiography: choose {low:g} to {high:g}.")
    if not aluminium_mm >= 0:
        raise InputError(f"A filter is not {aluminium_mm:g} mm thick: choose 0 or more.")
    kev = np.arange(_KEV[0] + _STEP_KEV / 2, kvp, _STEP_KEV)
    filtered = np.exp(-_coefficient(_ALUMINIUM, kev) * _ALUMINIUM_DENSITY * aluminium_mm / 10)
    # Photons times their energy.
    signal = (kvp - kev) * filtered
    return kev, signal / signal.sum()


def water_and_bone(hu: Float[Tensor, "b k j i"]) -> Float[Tensor, "material b k j i"]:
    """Split attenuation into that of water and that of cortical bone, per mm at the energy of the CT.

    Up to 100 HU tissue is water of some density; from there to cortical bone it is mixed with ever more bone. The two
    add up to `drr.attenuation`.
    """
    total = attenuation(hu)
    full = _coefficient(_BONE, _CT_KEV) * _BONE_DENSITY / _coefficient(_WATER, _CT_KEV)
    share = (hu.float() - _SOFT_TISSUE_HU) / (1000 * (full - 1) - _SOFT_TISSUE_HU)
    bone = torch.minimum(share.clamp_min(0) * full * attenuation(torch.zeros(())).item(), total)
    return torch.stack([total - bone, bone])


def hardened(
    integrals: Float[Tensor, "material b r c"], kev: Float[np.ndarray, " e"], signal: Float[np.ndarray, " e"]
) -> Float[Tensor, "b r c"]:
    """The -log(I/I0) of a beam as `tube_spectrum` gives it, after the line integrals of `water_and_bone`."""
    water, bone = integrals
    part = torch.zeros_like(water)
    for energy, weight in zip(kev, signal, strict=True):
        of_water, of_bone = (
            float(_coefficient(table, energy) / _coefficient(table, _CT_KEV)) for table in (_WATER, _BONE)
        )
        part = part + weight * torch.exp(-(of_water * water + of_bone * bone))
    return -part.clamp_min(torch.finfo(part.dtype).tiny).log()
