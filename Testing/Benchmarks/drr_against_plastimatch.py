"""Line integrals and speed beside `plastimatch drr -i exact`, on one CT, in one run.

    .venv/bin/python Testing/Benchmarks/drr_against_plastimatch.py CT

Needs Debian's package plastimatch. Prints, for each view of the paper's geometry, the relative RMSE over the body and
the ratio of the times; ours is timed without reading the file, theirs as a process, which has to read it.
"""

import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from X2CTLib.ct import read_ct, standard_cube
from X2CTLib.drr import line_integrals
from X2CTLib.geometry import ProjectionGeometry, View, paper_projection

BODY = 0.05
"""Rays that meet more than this part of the longest integral cross the body."""


def read_pfm(path: Path) -> np.ndarray:
    """A portable float map as plastimatch writes it, its first line being the topmost."""
    with path.open("rb") as file:
        assert file.readline().strip() == b"Pf"
        columns, rows = map(int, file.readline().split())
        scale = float(file.readline())
        data = np.frombuffer(file.read(), "<f4" if scale < 0 else ">f4")
    return data.reshape(rows, columns)


def plastimatch(volume: Path, projection: ProjectionGeometry) -> tuple[np.ndarray, float]:
    """Line integrals in value times mm, and the seconds that the process took."""
    pixels_mm = projection.pixel_mm * projection.rows
    with tempfile.TemporaryDirectory() as folder:
        command = ["plastimatch", "drr", "-i", "exact", "-P", "none", "-t", "pfm", "-a", "1"]
        command += ["--sad", str(projection.sad_mm), "--sid", str(projection.sid_mm)]
        command += ["-r", f"{projection.rows} {projection.columns}", "-z", f"{pixels_mm} {pixels_mm}"]
        command += ["-o", " ".join(map(str, projection.isocentre_lps))]
        command += ["-n", " ".join(map(str, -projection.beam_lps)), "--vup", "0 0 1"]
        start = time.perf_counter()
        subprocess.run([*command, "-O", f"{folder}/drr", str(volume)], check=True, capture_output=True)
        seconds = time.perf_counter() - start
        (image,) = Path(folder).glob("*.pfm")
        # It integrates along centimetres, and its columns run as seen from behind the detector.
        return read_pfm(image)[:, ::-1] * 10, seconds


def main(ct: str) -> None:
    """Print the table."""
    hu, geometry = standard_cube(*read_ct(ct), voxels=320)
    values = (hu.astype(np.float32) + 1024).clip(0)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {hu.shape} voxels")
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder) / "ct.mha"
        sitk.WriteImage(geometry.to_image(values), volume)
        for view in View:
            projection = ProjectionGeometry(
                **{**paper_projection(view).__dict__, "isocentre_lps": tuple(geometry.centre_lps.tolist())}
            )
            theirs, their_seconds = plastimatch(volume, projection)
            tensor = torch.from_numpy(values)[None]
            ours = line_integrals(tensor, geometry, projection)[0].numpy()
            start = time.perf_counter()
            line_integrals(tensor, geometry, projection)
            our_seconds = time.perf_counter() - start
            body = theirs > BODY * theirs.max()
            error = np.sqrt(np.mean((ours - theirs)[body] ** 2) / np.mean(theirs[body] ** 2))
            print(
                f"{view.name:8} relative RMSE {100 * error:.2f} %, "
                f"{our_seconds:.2f} s beside {their_seconds:.2f} s: {their_seconds / our_seconds:.1f} times as fast"
            )


if __name__ == "__main__":
    main(sys.argv[1])
