"""Writes the files of a result in a process of its own.

It would halt the page for many seconds, and export makes scenes, of which the app's process bears no second one.
`python -m X2CTWeb.export_process SCENE FOLDER REQUEST KIND...`, where the scene is a `.mrb` file with one study, and
the request that led to it is JSON.
"""

import asyncio
import json
import os
import sys
from collections.abc import Collection
from pathlib import Path

from X2CTLib.request import Request


async def export(scene: Path, folder: Path, request: Request, kinds: Collection[str]) -> str:
    """Do as `X2CTReconstructionLib.export.export_study` does; return why that failed, or nothing."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "X2CTWeb.export_process", str(scene), str(folder), json.dumps(request.to_dict()), *kinds),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    _, errors = await process.communicate()
    return errors.decode(errors="replace").strip().rpartition("\n")[2] if process.returncode else ""


def main(scene: Path, folder: Path, request: Request, kinds: Collection[str]) -> None:
    """The process."""
    from X2CTLib.pipeline import read_radiographs
    from X2CTReconstructionLib.export import export_study
    from X2CTReconstructionLib.headless import HeadlessScene
    from X2CTReconstructionLib.study import find_studies, load_scene

    headless = HeadlessScene()
    load_scene(headless.scene, scene)
    (study,) = find_studies(headless.scene)
    radiographs = read_radiographs(request) if "report" in kinds else {}
    export_study(study, folder, kinds, radiographs=radiographs)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Request.from_dict(json.loads(sys.argv[3])), sys.argv[4:])
