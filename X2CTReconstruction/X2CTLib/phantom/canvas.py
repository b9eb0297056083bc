"""The volume that shapes are painted on, one over the other."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Int

from X2CTLib.geometry import VolumeGeometry
from X2CTLib.phantom.shapes import EVERYWHERE, Shape, join

AIR_HU = -1000.0


class Posture:
    """How the patient stands in the cube: slightly turned, with soft waves that make every shape irregular."""

    def __init__(self, rng: np.random.Generator, turn_deg: float = 3.0, wave_mm: float = 2.0) -> None:
        pitch, roll, yaw = np.deg2rad(rng.normal(0, turn_deg, 3).clip(-6, 6) * [0.7, 0.4, 1.0])
        self._matrix = (_rotation(2, yaw) @ _rotation(0, pitch) @ _rotation(1, roll)).astype(np.float32)
        self._waves = rng.normal(0, 0.012, (3, 3)).astype(np.float32)
        self._phases = rng.uniform(0, 2 * np.pi, 3).astype(np.float32)
        self._sizes = rng.normal(0, wave_mm, (3, 3)).clip(-2 * wave_mm, 2 * wave_mm).astype(np.float32)

    def to_patient(self, x, y, z):
        """Cube coordinates to patient coordinates, mm."""
        x, y, z = (row[0] * x + row[1] * y + row[2] * z for row in self._matrix)
        return tuple(a + shift for a, shift in zip((x, y, z), self._shift(x, y, z), strict=True))

    def to_cube(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes of the cube, (n, 3) each corner in mm, that hold boxes of the patient."""
        middle, half = ((low + high) / 2).T, ((high - low) / 2).T
        centre = self._matrix.T @ (middle - np.stack(list(self._shift(*middle))))
        # The waves bend a box by a few per cent of its size, and the inverse is exact to about a millimetre.
        reach = np.abs(self._matrix.T) @ half + 0.06 * half.max(axis=0) + 1.5
        return (centre - reach).T, (centre + reach).T

    def _shift(self, x, y, z):
        waves = [np.sin(w[0] * x + w[1] * y + w[2] * z + p) for w, p in zip(self._waves, self._phases, strict=True)]
        return (sum(size * wave for size, wave in zip(sizes, waves, strict=True)) for sizes in self._sizes)


class Canvas:
    """HU and labels of a cube whose voxels know their place in the patient.

    Attributes:
        hu: float32 (k, j, i).
        labels: uint8 (k, j, i), 0 outside the body.
        points: Patient coordinates x, y, z of the voxel centres in mm, float32 (k, j, i) each.
        voxel: Edge of a voxel in mm.
    """

    def __init__(self, geometry: VolumeGeometry, posture: Posture, values: dict[str, int]) -> None:
        self._posture, self._values = posture, values
        self._origin = geometry.ijk_to_lps[:3, 3]
        self.voxel = float(geometry.spacing[0])
        self.hu = np.full(geometry.shape, AIR_HU, np.float32)
        self.labels = np.zeros(geometry.shape, np.uint8)
        steps = self.voxel * np.arange(geometry.shape[0])
        x, y, z = ((origin + steps).astype(np.float32) for origin in self._origin)
        self.points = posture.to_patient(x, y[:, None], z[:, None, None])

    def paint(self, shape: Shape, *layers: tuple, over: Collection[str] = (), within: Collection[str] = ()) -> None:
        """Paint a shape over what is there, with soft edges.

        Args:
            shape: Where.
            layers: (depth in mm at which the layer begins, its HU, its label), from the outside in; without
                a label, the layer leaves the labels as they are.
            over: Paint only on voxels with one of these labels.
            within: Labels that stay, because the shape runs into what has them and is a part of it there.
        """
        (window,) = self._windows([shape])
        hu, labels = self.hu[_slices(window)], self.labels[_slices(window)]
        if not hu.size:
            return
        depth = self._depth(shape, window)
        allowed = np.isin(labels, [self._values[name] for name in over]) if over else np.True_
        named = allowed & ~np.isin(labels, [self._values[name] for name in within])
        for begin, value, *label in layers:
            cover = np.clip(depth * np.float32(1 / self.voxel) + np.float32(0.5 - begin / self.voxel), 0, 1)
            hu += cover * allowed * (np.float32(value) - hu)
            if label:
                labels[(depth > begin) & named] = self._values[label[0]]

    def _windows(self, shapes: Collection[Shape], margin: float = 0.0) -> Int[np.ndarray, "n 2 3"]:
        """First and last plus one index (k, j, i) of the boxes of shapes, widened by `margin` mm."""
        low, high = (np.clip([getattr(s, side) for s in shapes], -400, 400) for side in ("low", "high"))
        margin += self.voxel / 2
        low, high = self._posture.to_cube(low - margin, high + margin)
        first, last = np.ceil((low - self._origin) / self.voxel), np.floor((high - self._origin) / self.voxel) + 1
        return np.stack([first, last], axis=1)[..., ::-1].clip(0, len(self.hu)).astype(int)

    def _depth(self, shape: Shape, window: Int[np.ndarray, "2 3"]) -> np.ndarray:
        """Depth of a shape in a window; the parts of a union are evaluated only near where they lie."""
        if not shape.parts:
            return self._translucent(shape.depth(*(axis[_slices(window)] for axis in self.points)), shape.radius)
        depth = np.full(window[1] - window[0], -EVERYWHERE, np.float32)
        for part, place in zip(shape.parts, self._windows(shape.parts, shape.width), strict=True):
            place = place.clip(*window)
            if (place[0] < place[1]).all():
                here = _slices(place - window[0])
                depth[here] = join(depth[here], self._depth(part, place), shape.width)
        return depth

    def _translucent(self, depth: np.ndarray, radius: float) -> np.ndarray:
        """Give a stick thinner than a voxel the area of its section; its soft edge is a cone around it."""
        voxel = np.float32(self.voxel)
        opacity = 3 * radius**2 * voxel / (radius + voxel / 2) ** 3 if radius < voxel else 1.0
        return depth if opacity >= 1 else voxel * (np.float32(opacity) * np.clip(depth / voxel + 0.5, 0, 1) - 0.5)


def _slices(window: Int[np.ndarray, "2 3"]) -> tuple[slice, ...]:
    return tuple(slice(first, last) for first, last in window.T)


def _rotation(axis: int, angle: float) -> np.ndarray:
    matrix = np.eye(3)
    a, b = (n for n in range(3) if n != axis)
    matrix[a, a] = matrix[b, b] = np.cos(angle)
    matrix[a, b], matrix[b, a] = -np.sin(angle), np.sin(angle)
    return matrix
