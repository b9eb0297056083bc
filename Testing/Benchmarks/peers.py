"""Other programs to measure beside.

They lie in a folder of their own and never in what users need: what DiffDRR asks for would replace torch.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path.home() / ".cache" / "x2ctgan" / "benchmark-peers"
HOW_TO_GET = {
    "plastimatch": "not installed; a package of Debian's",
    "rtk": "not installed; --install-peers does",
    "diffdrr": "not installed; --install-peers does",
}


def install() -> None:
    """Put RTK and DiffDRR's renderers into `FOLDER`."""
    for options in (["itk-rtk"], ["--no-deps", "diffdrr"]):  # all that its renderers need is here already
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", FOLDER, *options], check=True)


def make_importable() -> None:
    """Behind everything else, so that what is here already is not replaced."""
    sys.path.append(str(FOLDER))


def present() -> list[str]:
    """Which of `HOW_TO_GET` there are."""
    there = {
        "plastimatch": shutil.which("plastimatch"),
        "rtk": importlib.util.find_spec("itk"),
        "diffdrr": importlib.util.find_spec("diffdrr"),
    }
    return [name for name, found in there.items() if found]
