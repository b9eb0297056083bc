"""The panels as they look, drawn by Qt without Slicer: no text is cut, nothing is empty or on top of something else."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(importlib.util.find_spec("PySide6") is None, reason="needs PySide6")


def draw(folder: Path) -> subprocess.CompletedProcess:
    """In a process of its own: Qt and VTK want the same display."""
    command = [sys.executable, str(ROOT / "Testing" / "render_panels.py"), str(folder)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120)


def test_nothing_is_cut_or_covered(tmp_path):
    result = draw(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    for name in ("X2CTReconstruction", "X2CTTraining"):
        width, height = Image.open(tmp_path / f"{name}.png").size
        assert width == 520 and height > 1000
