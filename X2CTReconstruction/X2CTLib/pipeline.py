"""From a `Request` to a `Reconstruction`: the one way that the command line, the worker process and batches take."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from X2CTLib.corrections import Correction
from X2CTLib.geometry import View
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.radiograph import Radiograph, check_views, read_radiograph
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.request import Request


def read_radiographs(request: Request) -> dict[View, Radiograph]:
    """The radiographs of a request, with the user's corrections.

    Raises:
        InputError: One of them cannot be used, or something speaks against them that the request does not override.
    """
    radiographs = {View[name]: read_corrected(request, name) for name in request.files}
    check_views(radiographs, request.override)
    return radiographs


def read_corrected(request: Request, name: str) -> Radiograph:
    """The radiograph of the view of this name, whatever speaks against it: a correction may have set that right.

    Raises:
        InputError: It cannot be read, or nothing is left of it.
    """
    radiograph = read_radiograph(request.files[name], View[name], override=True)
    return radiograph.corrected(request.corrections.get(name, Correction()))


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
    return reconstruct_radiographs(request, read_radiographs(request), progress, cancel)


def reconstruct_radiographs(
    request: Request,
    radiographs: Mapping[View, Radiograph],
    progress: Progress = silent,
    cancel: CancelToken | None = None,
) -> Reconstruction:
    """The same once `read_radiographs` has read them."""
    # The engine proper, and torch with it, only once the radiographs are known to be good.
    from X2CTLib.inference import reconstruct

    return reconstruct(
        radiographs,
        request_model(request),
        request_styler(request),
        device=request.device,
        precision=request.precision,
        override=request.override,
        uncertainty_passes=request.uncertainty_passes,
        progress=progress,
        cancel=cancel,
    )


def request_model(request: Request):
    """The model of a request, which stays loaded until a request names another one.

    Raises:
        ModelError: It cannot be used.
    """
    return _model(request.model)


def request_styler(request: Request):
    """The same of its styler; None where none is named."""
    return _styler(request.styler) if request.styler else None


@lru_cache(maxsize=1)
def _model(path: Path | None):
    from X2CTLib.weights import load_model

    return load_model(path)


@lru_cache(maxsize=1)
def _styler(path: Path):
    from X2CTLib.styler import load_styler

    return load_styler(path)
