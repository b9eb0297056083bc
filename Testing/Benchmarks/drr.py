"""DRRs beside those of other projectors: seconds of two views, and how far the line integrals are apart."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from Benchmarks.peers import HOW_TO_GET, present
from Benchmarks.projectors import PROJECTORS, Images, Values
from Benchmarks.racing import Contender, Outcome, Settings, race
from Benchmarks.results import Result, faster, missing, seconds
from X2CTLib.ct import FINE_VOXELS, read_ct, standard_cube
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry, clinical_projection, paper_projection
from X2CTLib.phantom import make_phantom

BODY = 0.05
"""Rays that meet more than this part of the longest integral cross the body."""
ANGLES = [(0, 0), (10, 0), (30, 15), (45, 0), (45, 35)]
"""Of the gantry, and cranial, in degrees."""
_PIXELS = 320
_SPEED = {"plastimatch": 5.0, "rtk": 1.0, "diffdrr": 20.0}


def measure(settings: Settings) -> list[Result]:
    """Seconds beside each peer that is there, with and without the gradient, and errors over the body."""
    there = present()
    values, geometry = body(settings)
    projections = [_centred(clinical_projection(view), geometry, settings) for view in View]
    names = ["ours", *there]
    if "diffdrr" in there:
        names += ["ours with gradient", "diffdrr with gradient"]
    outcomes = race({name: Contender(PROJECTORS[name], (values, geometry, projections)) for name in names}, settings)
    results = [seconds("DRR", "two views", outcomes["ours"]), *(_speed(peer, outcomes) for peer in HOW_TO_GET)]
    if "diffdrr" in there:
        ours, peer = outcomes["ours with gradient"], outcomes["diffdrr with gradient"]
        results.append(faster("DRR", "with their gradient, times as fast as diffdrr", ours, peer, name="diffdrr"))
    return results + (_errors(values, geometry, settings, "rtk" in there) if "plastimatch" in there else [])


def body(settings: Settings) -> tuple[Values, VolumeGeometry]:
    """A CT, or a phantom, as attenuation relative to water's in thousandths."""
    voxels = round(FINE_VOXELS * settings.scale)
    if settings.ct:
        hu, geometry = standard_cube(*read_ct(settings.ct), voxels=voxels)
    else:
        hu = torch.from_numpy(make_phantom(0).hu)[None, None].float()
        hu = F.interpolate(hu, (voxels,) * 3, mode="trilinear", align_corners=False)[0, 0].numpy()
        geometry = VolumeGeometry.cube(voxels)
    return (hu.astype(np.float32) + 1024).clip(0), geometry


def _centred(projection: ProjectionGeometry, geometry: VolumeGeometry, settings: Settings) -> ProjectionGeometry:
    """Around the volume's middle, at the size of this benchmark."""
    resized = projection.resized(round(_PIXELS * settings.scale))
    return replace(resized, isocentre_lps=tuple(geometry.centre_lps.tolist()))


def _speed(peer: str, outcomes: Mapping[str, Outcome]) -> Result:
    figure = f"two views, times as fast as {peer}"
    if peer not in outcomes:
        return missing("DRR", figure, _SPEED[peer], HOW_TO_GET[peer])
    return faster("DRR", figure, outcomes["ours"], outcomes[peer], _SPEED[peer], peer)


def _errors(values: Values, geometry: VolumeGeometry, settings: Settings, with_rtk: bool) -> list[Result]:
    """The largest relative RMSE over the body against plastimatch's exact integrals, which should not exceed RTK's."""
    projections = [
        replace(_centred(paper_projection(view), geometry, settings), gantry_deg=gantry, cranial_deg=cranial)
        for view in View
        for gantry, cranial in ANGLES
    ]
    exact = PROJECTORS["plastimatch"](values, geometry, projections)()
    errors = {}
    for name in ["rtk"] * with_rtk + ["ours"]:
        errors[name] = relative_errors(PROJECTORS[name](values, geometry, projections)(), exact)
    return [
        Result(
            "DRR",
            f"{name}, largest of {len(projections)} relative RMSE against plastimatch",
            max(each),
            "%",
            min(each),
            max(each),
            target=max(errors["rtk"]) if name == "ours" and with_rtk else None,
            at_least=False,
        )
        for name, each in errors.items()
    ]


def relative_errors(images: Images, exact: Images) -> list[float]:
    """Root mean square error of each image over the body, in percent of what is exact."""
    errors = []
    for image, true in zip(images, exact, strict=True):
        inside = true > BODY * true.max()
        errors.append(100 * float(np.sqrt(np.mean((image - true)[inside] ** 2) / np.mean(true[inside] ** 2))))
    return errors
