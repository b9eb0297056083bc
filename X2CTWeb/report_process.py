"""Draws the report of a result in a process of its own, because drawing would halt the page for many seconds.

`python -m X2CTWeb.report_process FOLDER REQUEST`, where the folder holds the reconstruction and its measurements, and
the request that led to it is JSON.
"""

import asyncio
import csv
import json
import os
import sys
from pathlib import Path

from X2CTLib.anatomy import Measurement
from X2CTLib.request import Request

VOLUME, MEASUREMENTS, REPORT = "volume.nrrd", "measurements.csv", "report.html"
"""Files in the folder of a result."""


async def draw_report(folder: Path, request: Request) -> str:
    """Write the report into the folder of a result; return why that failed, or nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "X2CTWeb.report_process", str(folder), json.dumps(request.to_dict())),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    _, errors = await process.communicate()
    return errors.decode(errors="replace").strip().rpartition("\n")[2] if process.returncode else ""


def main(folder: Path, request: Request) -> None:
    """The process."""
    from X2CTLib.pipeline import read_radiographs
    from X2CTLib.reconstruction import Reconstruction
    from X2CTReconstructionLib.headless import HeadlessScene
    from X2CTReconstructionLib.nodes import add_reconstruction
    from X2CTReconstructionLib.rendering import render_pictures
    from X2CTReconstructionLib.report import write_report

    reconstruction = Reconstruction.load(folder)
    headless = HeadlessScene()
    volume = add_reconstruction(headless.scene, reconstruction.hu, reconstruction.geometry, "CT (synthetic)")
    pictures = render_pictures(volume, folder / "renderings")
    measurements = _measurements(folder / MEASUREMENTS)
    write_report(folder / REPORT, reconstruction, read_radiographs(request), measurements, pictures)


def _measurements(path: Path) -> list[Measurement]:
    with path.open(newline="", encoding="utf-8") as file:
        return [Measurement(**{**row, "value": float(row["value"])}) for row in csv.DictReader(file)]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Request.from_dict(json.loads(sys.argv[2])))
