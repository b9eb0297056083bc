"""The heart."""

from dataclasses import dataclass

import numpy as np

from X2CTLib.phantom.person import Frame
from X2CTLib.phantom.shapes import Shape, ellipsoid, union

_WIDTH = 130.0
"""Width of the heart that the offsets below describe, mm."""


@dataclass(frozen=True, eq=False)
class Heart:
    """The heart's shapes.

    Attributes:
        muscle: All of it, the chambers' walls included.
        chambers: The blood in it.
        centre: Its middle, mm.
        size: Its size relative to the heart that this file describes.
        deep: How much deeper, from front to back, the chest lets it be.
    """

    muscle: Shape
    chambers: Shape
    centre: np.ndarray
    size: float
    deep: float

    def at(self, left: float, behind: float, above: float) -> np.ndarray:
        """A point given from its middle, for a heart of the described size."""
        return self.centre + self.size * np.array([left, behind * self.deep, above])


def make_heart(frame: Frame) -> Heart:
    """Four chambers about an axis to the left, down and forward, of the width the cardiothoracic ratio asks."""
    person = frame.person
    size = 2 * person.half_width * person.cardiothoracic_ratio / _WIDTH
    z = frame.level(person.right_dome) - 0.4 * person.pitch + 36 * size
    room = frame.spine_y(z) - 32 - frame.front(z)
    deep = float(np.clip(0.92 * room / (108 * size), 0.75, 1.3))
    place = Heart(None, None, np.array([17 * size, frame.front(z) + 6 + 54 * size * deep, z]), size, deep)

    axis = np.array([np.cos(person.heart_tilt), -0.55, -np.sin(person.heart_tilt)])
    axis /= np.linalg.norm(axis)
    across = np.cross(axis, [0, 1, 0])
    across /= np.linalg.norm(across)
    along = np.array([axis, across, np.cross(axis, across)])

    # Middle, radii, wall, and the axes of the radii: left and right ventricle, right and left atrium.
    plan = [
        (place.at(26, 6, -6), np.array([50, 37, 36]) * (1 + deep) / 2, 10, along),
        (place.at(2, -20, -8), np.array([46, 34 * deep, 30]), 4.5, np.eye(3)),
        (place.at(-31, -2, 2), np.array([29, 34 * deep, 42]), 3, np.eye(3)),
        (place.at(-4, 30, 18), np.array([38, 24 * deep, 28]), 3, np.eye(3)),
    ]
    muscle = union(*(ellipsoid(middle, size * radii, axes) for middle, radii, _, axes in plan), width=18 * size)
    blood = union(*(ellipsoid(middle, size * radii - wall, axes) for middle, radii, wall, axes in plan))
    return Heart(muscle, blood, place.centre, size, deep)
