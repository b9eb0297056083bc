"""From a `Request` to a `Reconstruction`: the one way that the command line, the worker process and batches take."""

from functools import lru_cache
from pathlib import Path

from X2CTLib.geometry import View
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.radiograph import Radiograph, read_radiograph
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request


def read_radiographs(request: Request) -> dict[View, Radiograph]:
    """The radiographs of a request, with the user's corrections.

    Raises:
        InputError: One of them cannot be used.
    """
    radiographs = {}
    for name, path in request.files.items():
        radiograph = read_radiograph(path, View[name])
        correction = request.corrections.get(name)
        radiographs[View[name]] = radiograph.corrected(correction) if correction else radiograph
    return radiographs


def reconstruct_files(
    request: Request, progress: Progress = silent, cancel: CancelToken | None = None
) -> Reconstruction:
    """Read, frame, style and reconstruct; models that the last request used are still there.

    Raises:
        InputError: A radiograph or the device cannot be used.
        ModelError: A model cannot be used.
        Cancelled: `cancel` was raised.
    """
    progress(0.0, "Reading the radiographs")
    radiographs = read_radiographs(request)

    # The engine proper, and torch with it, only once the radiographs are known to be good.
    from X2CTLib.inference import reconstruct

    return reconstruct(
        radiographs,
        _model(request.model),
        _styler(request.styler) if request.styler else None,
        device=request.device,
        precision=request.precision,
        override=request.override,
        progress=progress,
        cancel=cancel,
    )


@lru_cache(maxsize=1)
def _model(path: Path | None):
    from X2CTLib.weights import load_model

    return load_model(path)


@lru_cache(maxsize=1)
def _styler(path: Path):
    from X2CTLib.styler import load_styler

    return load_styler(path)
