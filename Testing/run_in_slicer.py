"""Runs the modules' own tests in an installed Slicer, as its build system does.

    python Testing/run_in_slicer.py --slicer /path/to/Slicer

Both modules are taken from this folder. Tests that need packages which this Slicer lacks say so and are left out.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path.parent for path in ROOT.glob("*/CMakeLists.txt"))


def command(slicer: Path, module: Path) -> list[str]:
    """How the tests of a module are run: `slicer.testing.runUnitTest` ends Slicer with 1 if one fails."""
    test = f"import slicer.testing; slicer.testing.runUnitTest([{str(module)!r}], {module.name!r})"
    paths = [str(folder) for folder in MODULES]
    options = ["--testing", "--no-splash", "--ignore-slicerrc", "--disable-settings"]
    return [str(slicer), *options, "--additional-module-paths", *paths, "--python-code", test]


def main() -> int:
    """Run them one after another; returns how many modules have failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slicer", type=Path, required=True, help="the Slicer executable")
    slicer = parser.parse_args().slicer
    failed = [module.name for module in MODULES if subprocess.run(command(slicer, module), check=False).returncode]
    print(f"Failed: {', '.join(failed)}" if failed else "All module tests have passed.")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
