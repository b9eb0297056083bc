"""Draws the report of a result in a process of its own, because drawing would halt the page for many seconds.

`python -m X2CTWeb.report_process FOLDER VIEW=FILE...`, where the folder holds the reconstruction and its measurements,
and the files are the radiographs.
"""

import asyncio
import csv
import os
import sys
from pathlib import Path

from X2CTLib.anatomy import Measurement
from X2CTLib.geometry import View

VOLUME, MEASUREMENTS, REPORT = "volume.nrrd", "measurements.csv", "report.html"
"""Files in the folder of a result."""


async def draw_report(folder: Path, radiographs: dict[View, Path]) -> str:
    """Write the report into the folder of a result; return why that failed, or nothing."""
    files = [f"{view.name}={path}" for view, path in radiographs.items()]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "X2CTWeb.report_process", str(folder), *files),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    _, errors = await process.communicate()
    return errors.decode(errors="replace").strip().rpartition("\n")[2] if process.returncode else ""


def main(folder: Path, radiographs: dict[View, Path]) -> None:
    """The process."""
    from X2CTLib.radiograph import read_radiograph
    from X2CTLib.reconstruction import Reconstruction
    from X2CTReconstructionLib.headless import HeadlessScene
    from X2CTReconstructionLib.nodes import add_reconstruction
    from X2CTReconstructionLib.rendering import render_pictures
    from X2CTReconstructionLib.report import write_report

    reconstruction = Reconstruction.load(folder)
    given = {view: read_radiograph(path, view) for view, path in radiographs.items()}
    headless = HeadlessScene()
    volume = add_reconstruction(headless.scene, reconstruction.hu, reconstruction.geometry, "CT (synthetic)")
    pictures = render_pictures(volume, folder / "renderings")
    write_report(folder / REPORT, reconstruction, given, _measurements(folder / MEASUREMENTS), pictures)


def _measurements(path: Path) -> list[Measurement]:
    with path.open(newline="", encoding="utf-8") as file:
        return [Measurement(**{**row, "value": float(row["value"])}) for row in csv.DictReader(file)]


if __name__ == "__main__":
    files = (argument.split("=", 1) for argument in sys.argv[2:])
    main(Path(sys.argv[1]), {View[name]: Path(path) for name, path in files})
