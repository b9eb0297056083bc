"""Ours and other programs' projectors, each prepared to give the line integrals of some views again and again.

Plastimatch is measured as the process that it is, which has to read the file. DiffDRR's renderers work in voxels.
"""

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float

from X2CTLib.drr import line_integrals
from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry

_TRILINEAR_POINTS = 500
_RAYS_AT_ONCE = 8192

Values = Float[np.ndarray, "k j i"]
Images = list[Float[np.ndarray, "r c"]]
Run = Callable[[], Images]
"""Gives the line integrals of each view, in value times mm."""


def ours(values: Values, geometry: VolumeGeometry, projections: Sequence[ProjectionGeometry]) -> Run:
    """On the processor, in torch."""
    volume = torch.from_numpy(values)[None]
    return lambda: [line_integrals(volume, geometry, projection)[0].numpy() for projection in projections]


def ours_with_gradient(values, geometry, projections) -> Run:
    """The same, and the gradient of their sum in the volume."""
    volume = torch.from_numpy(values)[None].requires_grad_()

    def run() -> Images:
        images = [line_integrals(volume, geometry, projection)[0] for projection in projections]
        torch.autograd.grad(sum(image.sum() for image in images), volume)
        return [image.detach().numpy() for image in images]

    return run


def plastimatch(values, geometry, projections) -> Run:
    """`plastimatch drr -i exact`: the exact paths of rays through voxels of one value each."""
    folder = tempfile.TemporaryDirectory()
    sitk.WriteImage(geometry.to_image(values), f"{folder.name}/ct.mha")
    return lambda: [_plastimatch(Path(folder.name), projection) for projection in projections]


def _plastimatch(folder: Path, projection: ProjectionGeometry) -> Float[np.ndarray, "r c"]:
    size_mm = (projection.pixel_mm * projection.rows, projection.pixel_mm * projection.columns)
    command = ["plastimatch", "drr", "-i", "exact", "-P", "none", "-t", "pfm", "-a", "1"]
    command += ["--sad", str(projection.sad_mm), "--sid", str(projection.sid_mm)]
    command += ["-r", f"{projection.rows} {projection.columns}", "-z", " ".join(map(str, size_mm))]
    command += ["-o", " ".join(map(str, projection.isocentre_lps))]
    command += ["-n", " ".join(map(str, -projection.beam_lps)), "--vup", "0 0 1"]
    subprocess.run([*command, "-O", f"{folder}/drr", f"{folder}/ct.mha"], check=True, capture_output=True)
    (image,) = folder.glob("*.pfm")
    # It integrates along centimetres, and its columns run as seen from behind the detector.
    return read_pfm(image)[:, ::-1] * 10


def read_pfm(path: Path) -> np.ndarray:
    """A portable float map as plastimatch writes it, its first line being the topmost."""
    with path.open("rb") as file:
        assert file.readline().strip() == b"Pf"
        columns, rows = map(int, file.readline().split())
        scale = float(file.readline())
        data = np.frombuffer(file.read(), "<f4" if scale < 0 else ">f4")
    return data.reshape(rows, columns)


def rtk(values, geometry, projections) -> Run:
    """RTK's Joseph filter."""
    import itk

    volume = itk.image_from_array(values)
    volume.SetSpacing(geometry.spacing.tolist())
    volume.SetOrigin(geometry.ijk_to_lps[:3, 3].tolist())
    volume.SetDirection(itk.matrix_from_array(geometry.ijk_to_lps[:3, :3] / geometry.spacing))
    return lambda: [_rtk(volume, projection) for projection in projections]


def _rtk(volume, projection: ProjectionGeometry) -> Float[np.ndarray, "r c"]:
    import itk
    from itk import RTK

    middle = np.array([projection.columns - 1, projection.rows - 1, 0]) / 2
    detector = itk.image_from_array(np.zeros((1, projection.rows, projection.columns), np.float32))
    detector.SetSpacing([projection.pixel_mm, projection.pixel_mm, 1.0])
    detector.SetOrigin((-middle * projection.pixel_mm).tolist())
    place = RTK.ThreeDCircularProjectionGeometry.New()
    centre = (projection.pixel_to_lps @ [*middle, 1])[:3]
    place.AddProjection(*(axis.tolist() for axis in (projection.source_lps, centre, *projection.axes_lps[1:])))
    joseph = RTK.JosephForwardProjectionImageFilter[(itk.Image[itk.F, 3],) * 2].New(Geometry=place)
    joseph.SetInput(0, detector)
    joseph.SetInput(1, volume)
    joseph.Update()
    return itk.array_from_image(joseph.GetOutput())[0]


def diffdrr(values, geometry, projections) -> Run:
    """DiffDRR's trilinear renderer."""
    volume = torch.from_numpy(values).permute(2, 1, 0)
    rays = [_rays(geometry, projection) for projection in projections]
    return lambda: [_diffdrr(volume, *each).numpy() for each in rays]


def diffdrr_with_gradient(values, geometry, projections) -> Run:
    """The same, and the gradient of their sum in the volume."""
    volume = torch.from_numpy(values).permute(2, 1, 0).requires_grad_()
    rays = [_rays(geometry, projection) for projection in projections]

    def run() -> Images:
        images = [_diffdrr(volume, *each) for each in rays]
        torch.autograd.grad(sum(image.sum() for image in images), volume)
        return [image.detach().numpy() for image in images]

    return run


def _rays(geometry: VolumeGeometry, projection: ProjectionGeometry):
    """Source and targets in voxel indices, and lengths in mm, of the rays of a projection."""
    columns, rows = np.meshgrid(np.arange(projection.columns), np.arange(projection.rows))
    pixels = np.stack([columns, rows, 0 * rows, 1 + 0 * rows], axis=-1) @ projection.pixel_to_lps.T
    lengths = np.linalg.norm(pixels[..., :3] - projection.source_lps, axis=-1)
    to_ijk = np.linalg.inv(geometry.ijk_to_lps)
    source, targets = (to_ijk @ [*projection.source_lps, 1])[:3], (pixels @ to_ijk.T)[..., :3]
    return [torch.from_numpy(x).float() for x in (source, targets, lengths)]


def _diffdrr(volume: torch.Tensor, source: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    from diffdrr.renderers import Trilinear

    parts = zip(targets.flatten(0, 1).split(_RAYS_AT_ONCE), lengths.flatten().split(_RAYS_AT_ONCE), strict=True)
    images = [
        Trilinear()(volume, source.expand(1, len(part), 3), part[None], length[None, None], _TRILINEAR_POINTS)[0, 0]
        for part, length in parts
    ]
    return torch.cat(images).reshape(lengths.shape)


PROJECTORS = {
    "ours": ours,
    "ours with gradient": ours_with_gradient,
    "plastimatch": plastimatch,
    "rtk": rtk,
    "diffdrr": diffdrr,
    "diffdrr with gradient": diffdrr_with_gradient,
}
