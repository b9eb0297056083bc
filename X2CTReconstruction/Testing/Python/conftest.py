"""What several test files need: a scene, and a small reconstruction whose every voxel is known."""

from dataclasses import dataclass

import numpy as np
import pytest

from X2CTLib.anatomy import LABELS, Measurement
from X2CTLib.geometry import View, VolumeGeometry, clinical_projection
from X2CTLib.reconstruction import Reconstruction
from X2CTLib.trust import VERY_UNLIKE, Trust

VOXELS = 32


@pytest.fixture
def a_scene():
    """A MRML scene as the command line has it."""
    from X2CTReconstructionLib.headless import HeadlessScene

    headless = HeadlessScene()
    yield headless.scene
    headless.scene.Clear(True)


@dataclass
class Chest:
    """A boxy chest of 32 voxels of 10 mm an edge.

    Attributes:
        hu: Air, a body, two lungs, a spine, heart and liver, and above them a bright cube, to the left and in front.
        labels: Its organs.
        geometry: The 320 mm cube.
        cube_lps: The bright cube's centre: left, anterior and superior of the middle.
    """

    hu: np.ndarray
    labels: np.ndarray
    geometry: VolumeGeometry
    cube_lps: tuple[float, float, float]


@pytest.fixture(scope="session")
def a_chest() -> Chest:
    geometry = VolumeGeometry.cube(VOXELS)
    labels = np.zeros(geometry.shape, np.uint8)
    labels[2:30, 8:26, 4:28] = LABELS["body"]
    labels[8:24, 10:20, 6:14] = LABELS["right lung"]
    labels[10:24, 10:20, 19:26] = LABELS["left lung"]
    labels[2:22, 21:24, 14:18] = LABELS["bones"]
    labels[9:18, 10:19, 14:19] = LABELS["heart"]
    labels[3:8, 10:20, 6:20] = LABELS["liver"]
    hu = np.choose(labels, [-1000, 40, -800, -800, 400, 40, 60]).astype(np.int16)
    hu[26:29, 9:12, 22:25] = 1400
    return Chest(hu, labels, geometry, tuple(geometry.ijk_to_lps[:3] @ [23, 10, 27, 1]))


@pytest.fixture(scope="session")
def a_reconstruction(a_chest) -> Reconstruction:
    gradient = np.linspace(0, 1, VOXELS, dtype=np.float32) * np.ones((VOXELS, 1), np.float32)
    trust = Trust(
        reprojections=dict.fromkeys(View, gradient[:, ::-1]),
        reprojection_correlations={View.PA: 0.97, View.LATERAL: -1.0},
        familiarity={View.PA: 0.5, View.LATERAL: 0.01},
        uncertainty=np.where(a_chest.labels > 0, 30.0, 0.0).astype(np.float32),
        words=["The lateral radiograph is <far> from the training data."],
        doubts=[VERY_UNLIKE],
    )
    return Reconstruction(
        hu=a_chest.hu,
        geometry=a_chest.geometry,
        views=dict.fromkeys(View, gradient),
        projections={view: clinical_projection(view, VOXELS) for view in View},
        card={"name": "tiny", "sha256": "0" * 64, "data": "none", "scores": {"PSNR": 18.25, "held out": ["a", "b"]}},
        notes=["jane-doe.png: taken as upright.", "jane-doe-side.dcm: mirrored <b>twice</b>."],
        sources={View.PA: "jane-doe.png", View.LATERAL: "jane-doe-side.dcm"},
        trust=trust,
    )


@pytest.fixture
def a_study(a_scene, a_reconstruction, a_chest, some_measurements):
    """All of it in the scene."""
    from X2CTReconstructionLib.study import add_study

    return add_study(a_scene, a_reconstruction, a_chest.labels, some_measurements)


@pytest.fixture(scope="session")
def some_measurements() -> list[Measurement]:
    return [
        Measurement("Right lung volume", 1280.0, "mL"),
        Measurement("Cardiothoracic ratio", 0.4567, "", "wider than deep & <rough>"),
    ]
