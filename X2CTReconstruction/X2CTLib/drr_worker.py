"""DRRs in a process: `X2CTLib.worker.Worker(python, server=__name__)` is its client.

Requests are those of `TASKS`, by their "task"; each writes into its folder "output".
"""

from pathlib import Path

import numpy as np

from X2CTLib.geometry import ProjectionGeometry, VolumeGeometry
from X2CTLib.progress import Progress, part
from X2CTLib.worker import Task, answering, main


def read(request: dict, progress: Progress) -> None:
    """A CT as `prepared_ct.PreparedCt` loads it.

    Request: "ct" (what `ct.read_ct` takes).
    """
    from X2CTLib.prepared_ct import prepare

    prepare(Path(request["ct"]), Path(request["output"]), progress)


def project(request: dict, progress: Progress) -> None:
    """DRRs of volumes: a folder for each, named by its number, with the files of `drr_files.write_drrs`.

    Request: "volumes", each with "name", "values" (an .npy file), "ijk_to_lps" and "projections"; "exposure" (of
    `exposure.Exposure`); "body_only"; "formats" (of `drr_files.FORMATS`).
    """
    from X2CTLib.drr_files import write_drrs
    from X2CTLib.exposure import Exposure
    from X2CTLib.files import whole_folder
    from X2CTLib.quick_drr import without_table

    volumes, exposure = request["volumes"], Exposure(**request["exposure"])
    with whole_folder(Path(request["output"])) as scratch:
        for number, volume in enumerate(volumes):
            own = part(progress, number / len(volumes), (number + 1) / len(volumes), f"{volume['name']}: ")
            hu = np.load(volume["values"])
            geometry = VolumeGeometry(hu.shape, np.array(volume["ijk_to_lps"]))
            if request["body_only"]:
                own(0.0, "Finding the body")
                hu = without_table(hu, geometry)
            projections = [ProjectionGeometry.from_dict(values) for values in volume["projections"]]
            folder = scratch / str(number)
            write_drrs(hu, geometry, folder, projections, volume["name"], exposure, request["formats"], own)


TASKS: dict[str, Task] = {"read": read, "project": project}

if __name__ == "__main__":
    main(answering(TASKS))
