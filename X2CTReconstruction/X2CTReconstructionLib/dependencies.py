"""The Python packages that the engine needs, installed into Slicer when they are first needed, and the interpreter."""

import importlib.util
import shutil
from pathlib import Path

from slicer.i18n import tr as _

REQUESTER = "X2CT"
ENGINE = Path(__file__).resolve().parent.parent / "Resources" / "requirements.txt"
"""What X2CTLib needs to reconstruct."""


def install(requirements: Path) -> None:
    """Install what is missing; Slicer asks first, and shows the progress.

    PyTorch comes first, from its own extension, which knows the computer's GPU; another package would bring any.

    Args:
        requirements: A requirements file without PyTorch.

    Raises:
        RuntimeError: The user declines, or PyTorch cannot be had.
    """
    if importlib.util.find_spec("torch") is None:
        _install_torch()
    install_packages(requirements)


def install_packages(requirements: Path) -> None:
    """The same without PyTorch, for what does not run the network."""
    import slicer.packaging

    slicer.packaging.pip_ensure(slicer.packaging.load_requirements(requirements), requester=REQUESTER)


def _install_torch() -> None:
    try:
        from PyTorchUtils import PyTorchUtilsLogic
    except ImportError as error:
        raise RuntimeError(
            _("PyTorch is missing. Install the extension PyTorch in the Extensions Manager, and restart Slicer.")
        ) from error
    if PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=">=2.6") is None:
        raise RuntimeError(_("PyTorch was not installed, and the reconstruction needs it."))


def python_slicer() -> str:
    """Slicer's Python interpreter; `sys.executable` may be Slicer itself.

    Raises:
        RuntimeError: There is none.
    """
    python = shutil.which("PythonSlicer")
    if python is None:
        raise RuntimeError(_("PythonSlicer, the Python interpreter of 3D Slicer, was not found."))
    return python
