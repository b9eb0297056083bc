"""Line integrals and seconds beside those of other projectors, on one CT, in one run.

    .venv/bin/python Testing/Benchmarks/drr_against_others.py CT

Needs any of plastimatch (Debian's package or PyPI's), `itk-rtk` and `diffdrr` (both PyPI); what is missing is left out.
Prints, for some projections, the relative RMSE of ours over the body, as against each of them, and the seconds of all.
Plastimatch is timed as a process, which has to read the file.
"""

import importlib.metadata
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from jaxtyping import Float

from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.drr import line_integrals
from X2CTLib.geometry import ProjectionGeometry, View, VolumeGeometry, clinical_projection, paper_projection

BODY = 0.05
"""Rays that meet more than this part of the longest integral cross the body."""
ANGLES = [(0, 0), (10, 0), (30, 15), (45, 0), (45, 35)]
SHEAR = np.array([[0.9, -0.3, 0.1, 0], [0.3, 1.0, 0.2, 0], [0, -0.2, 1.1, 0], [0, 0, 0, 1]])
"""A linear transform above the volume, of which only DiffDRR's ray tracer knows, since it works in voxels."""

Projector = Callable[[Float[np.ndarray, "k j i"], VolumeGeometry, ProjectionGeometry], tuple[np.ndarray, float]]
"""Gives the line integrals in value times mm, and the seconds that they took."""


def ours(values, geometry, projection) -> tuple[np.ndarray, float]:
    """On the processor, in torch."""
    volume = torch.from_numpy(values)[None]
    start = time.perf_counter()
    image = line_integrals(volume, geometry, projection)
    return image[0].numpy(), time.perf_counter() - start


def plastimatch(values, geometry, projection) -> tuple[np.ndarray, float]:
    """`plastimatch drr -i exact`: the exact paths of rays through voxels of one value each."""
    size_mm = (projection.pixel_mm * projection.rows, projection.pixel_mm * projection.columns)
    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(geometry.to_image(values), f"{folder}/ct.mha")
        command = ["plastimatch", "drr", "-i", "exact", "-P", "none", "-t", "pfm", "-a", "1"]
        command += ["--sad", str(projection.sad_mm), "--sid", str(projection.sid_mm)]
        command += ["-r", f"{projection.rows} {projection.columns}", "-z", " ".join(map(str, size_mm))]
        command += ["-o", " ".join(map(str, projection.isocentre_lps))]
        command += ["-n", " ".join(map(str, -projection.beam_lps)), "--vup", "0 0 1"]
        start = time.perf_counter()
        subprocess.run([*command, "-O", f"{folder}/drr", f"{folder}/ct.mha"], check=True, capture_output=True)
        seconds = time.perf_counter() - start
        (image,) = Path(folder).glob("*.pfm")
        # It integrates along centimetres, and its columns run as seen from behind the detector.
        return read_pfm(image)[:, ::-1] * 10, seconds


def read_pfm(path: Path) -> np.ndarray:
    """A portable float map as plastimatch writes it, its first line being the topmost."""
    with path.open("rb") as file:
        assert file.readline().strip() == b"Pf"
        columns, rows = map(int, file.readline().split())
        scale = float(file.readline())
        data = np.frombuffer(file.read(), "<f4" if scale < 0 else ">f4")
    return data.reshape(rows, columns)


def rtk(values, geometry, projection) -> tuple[np.ndarray, float]:
    """RTK's Joseph filter."""
    import itk
    from itk import RTK

    volume = itk.image_from_array(values)
    volume.SetSpacing(geometry.spacing.tolist())
    volume.SetOrigin(geometry.ijk_to_lps[:3, 3].tolist())
    volume.SetDirection(itk.matrix_from_array(geometry.ijk_to_lps[:3, :3] / geometry.spacing))
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
    start = time.perf_counter()
    joseph.Update()
    return itk.array_from_image(joseph.GetOutput())[0], time.perf_counter() - start


def diffdrr(values, geometry, projection) -> tuple[np.ndarray, float]:
    """DiffDRR's Siddon renderer, in voxel indices."""
    from diffdrr.renderers import Siddon

    columns, rows = np.meshgrid(np.arange(projection.columns), np.arange(projection.rows))
    pixels = np.stack([columns, rows, 0 * rows, 1 + 0 * rows], axis=-1).reshape(-1, 4) @ projection.pixel_to_lps.T
    lengths = np.linalg.norm(pixels[:, :3] - projection.source_lps, axis=1)
    to_ijk = np.linalg.inv(geometry.ijk_to_lps)
    source, targets = (to_ijk @ [*projection.source_lps, 1])[:3], (pixels @ to_ijk.T)[:, :3]
    source, targets, lengths = (torch.from_numpy(x).float() for x in (source, targets, lengths))
    volume = torch.from_numpy(values).permute(2, 1, 0)
    start = time.perf_counter()
    parts = [
        Siddon()(volume, source.expand(1, len(part), 3), part[None], length[None, None])[0, 0]
        for part, length in zip(targets.split(8192), lengths.split(8192), strict=True)
    ]
    return torch.cat(parts).reshape(rows.shape).numpy(), time.perf_counter() - start


def others() -> dict[str, Projector]:
    """Those that are installed."""
    packages = {distribution.name.lower() for distribution in importlib.metadata.distributions()}
    there = {plastimatch: shutil.which("plastimatch"), rtk: "itk-rtk" in packages, diffdrr: "diffdrr" in packages}
    return {projector.__name__: projector for projector, installed in there.items() if installed}


def compare(name: str, values, geometry, projection, projectors: dict[str, Projector]) -> None:
    """Print a line."""
    image, seconds = ours(values, geometry, projection)
    line = f"{name:28} ours {seconds:.2f} s"
    for label, projector in projectors.items():
        reference, seconds = projector(values, geometry, projection)
        body = reference > BODY * reference.max()
        error = np.sqrt(np.mean((image - reference)[body] ** 2) / np.mean(reference[body] ** 2))
        line += f" | {label} {100 * error:.2f} %, {seconds:.2f} s"
    print(line, flush=True)


def main(ct: str) -> None:
    """Print the table."""
    hu, geometry = standard_cube(*read_ct(ct), voxels=320)
    values = (hu.astype(np.float32) + 1024).clip(0)
    centre = tuple(geometry.centre_lps.tolist())
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {hu.shape} voxels")
    projectors = others()
    for view in View:
        for gantry, cranial in ANGLES:
            projection = replace(paper_projection(view), isocentre_lps=centre, gantry_deg=gantry, cranial_deg=cranial)
            compare(f"{view.name} {gantry}°, {cranial}°", values, geometry, projection, projectors)
    moved = VolumeGeometry(geometry.shape, SHEAR @ geometry.ijk_to_lps)
    if "diffdrr" in projectors:
        projection = replace(clinical_projection(View.PA, 320), isocentre_lps=tuple(moved.centre_lps.tolist()))
        compare("PA, the volume sheared", values, moved, projection, {"diffdrr": diffdrr})


if __name__ == "__main__":
    main(sys.argv[1])
