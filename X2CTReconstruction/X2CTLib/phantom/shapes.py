"""Solid shapes as signed depths: how many millimetres a point lies inside (positive) or outside (negative).

Points are patient coordinates in mm (x left, y posterior, z superior). A depth is exact only near the surface,
where it makes the partial-volume edge.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Point = Sequence[float]
Depth = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

EVERYWHERE = 1e4
"""A coordinate beyond every cube, for the open sides of a box."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A solid and the box that holds it.

    Attributes:
        low, high: Corners of the box, mm.
        depth: Signed depth at points (x, y, z).
        parts: A union's parts; a canvas evaluates each in its own box.
        width: A union's creases are filled over some `width` mm.
        radius: Half thickness of a stick; where voxels are wider, it is painted translucent.
    """

    low: np.ndarray
    high: np.ndarray
    depth: Depth
    parts: tuple["Shape", ...] = ()
    width: float = 0.0
    radius: float = np.inf


def ellipsoid(centre: Point, radii: Point, axes: np.ndarray | None = None) -> Shape:
    """An ellipsoid; the rows of `axes` are the unit vectors of its radii (the patient's axes by default)."""
    centre, radii = np.asarray(centre, np.float32), np.asarray(radii, np.float32)
    axes = np.eye(3, dtype=np.float32) if axes is None else np.asarray(axes, np.float32)
    reach = np.sqrt(((axes * radii[:, None]) ** 2).sum(axis=0))

    def depth(x, y, z):
        x, y, z = x - centre[0], y - centre[1], z - centre[2]
        unit, slope = 0.0, 0.0
        for axis, radius in zip(axes, radii, strict=True):
            along = _along(x, y, z, axis / radius)
            along *= along
            unit, slope = unit + along, slope + along / radius**2
        unit = np.sqrt(unit)
        return unit * (1 - unit) / np.sqrt(slope + np.float32(1e-9))

    return Shape(centre - reach, centre + reach, depth)


def capsule(start: Point, end: Point, radii: tuple[float, float], height: float = 1.0) -> Shape:
    """A round stick between two points; `height` stretches its section along the patient's axis."""
    stretch = np.array([1, 1, 1 / height], np.float32)
    start, end = np.asarray(start, np.float32), np.asarray(end, np.float32)
    origin, along = start * stretch, (end - start) * stretch
    along_unit2 = along / (along @ along + np.float32(1e-6))
    first, growth = np.float32(radii[0]), np.float32(radii[1] - radii[0])
    reach = max(radii) / stretch

    def depth(x, y, z):
        x, y, z = x - origin[0], y - origin[1], z * stretch[2] - origin[2]
        t = _along(x, y, z, along_unit2)
        np.minimum(np.maximum(t, 0, out=t), 1, out=t)
        distance2 = 0.0
        for offset, step in zip((x, y, z), along, strict=True):
            offset = offset - t * step
            distance2 = distance2 + offset * offset
        return first + t * growth - np.sqrt(distance2)

    return Shape(np.minimum(start, end) - reach, np.maximum(start, end) + reach, depth, radius=min(radii))


def tube(points: Sequence[Point], radii: float | Sequence[float], height: float = 1.0) -> Shape:
    """A chain of capsules through `points`."""
    radii = np.broadcast_to(np.asarray(radii, float), len(points))
    ends = zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)
    return union(*(capsule(p, q, (r, s), height) for p, q, r, s in ends))


def plate(centre: Point, half: Point, axes: np.ndarray, rounding: float) -> Shape:
    """A box of half sizes `half` along the rows of `axes`, with round edges."""
    centre, axes = np.asarray(centre, np.float32), np.asarray(axes, np.float32)
    inner = np.asarray(half, np.float32) - np.float32(rounding)
    reach = np.abs(axes * np.asarray(half)[:, None]).sum(axis=0)

    def depth(x, y, z):
        x, y, z = x - centre[0], y - centre[1], z - centre[2]
        beyond = [np.abs(_along(x, y, z, axis)) - size for axis, size in zip(axes, inner, strict=True)]
        far = np.sqrt(sum(np.maximum(b, 0) ** 2 for b in beyond))
        near = np.minimum(np.maximum(np.maximum(*beyond[:2]), beyond[2]), 0)
        return np.float32(rounding) - far - near

    return Shape(centre - reach, centre + reach, depth)


def column(half_width: "Curve", front: "Curve", back: "Curve", middle: "Curve", exponent: float, box) -> Shape:
    """An upright trunk whose sections are superellipses; the curves give its extents at each height z."""
    power, root = np.float32(exponent / 2), np.float32(1 / exponent)

    def depth(x, y, z):
        near, far = front(z), back(z)
        x, y = x - middle(z), y - (near + far) / 2
        a, b = np.maximum(half_width(z), np.float32(0.5)), np.maximum((far - near) / 2, np.float32(0.5))
        x2, y2 = x * x, y * y
        unit = ((x2 / (a * a)) ** power + (y2 / (b * b)) ** power) ** root + np.float32(1e-4)
        return np.sqrt(x2 + y2) * (1 / unit - 1)

    return Shape(*np.asarray(box, float), depth)


def union(*parts: Shape, width: float = 0.0) -> Shape:
    """All points of any part; `width` fills the creases between the parts."""
    if not width:
        parts = tuple(leaf for part in parts for leaf in (part.parts if part.parts and not part.width else (part,)))

    def depth(x, y, z):
        result = parts[0].depth(x, y, z)
        for part in parts[1:]:
            result = join(result, part.depth(x, y, z), width)
        return result

    low, high = np.min([p.low for p in parts], axis=0), np.max([p.high for p in parts], axis=0)
    return Shape(low - width / 4, high + width / 4, depth, tuple(parts), width)


def join(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
    """The depth of a union of two."""
    result = np.maximum(first, second)
    if width:
        gap = np.maximum(np.float32(width) - np.abs(first - second), 0)
        result += gap * gap / np.float32(4 * width)
    return result


def grow(shape: Shape, mm: float) -> Shape:
    """The shape with its surface moved outwards."""
    if shape.parts:
        return union(*(grow(part, mm) for part in shape.parts), width=shape.width)
    return Shape(shape.low - mm, shape.high + mm, lambda x, y, z: shape.depth(x, y, z) + np.float32(mm))


def intersection(first: Shape, *others: Shape) -> Shape:
    """The points that all the shapes share."""

    def depth(x, y, z):
        result = first.depth(x, y, z)
        for other in others:
            result = np.minimum(result, other.depth(x, y, z))
        return result

    shapes = (first, *others)
    return Shape(np.max([s.low for s in shapes], axis=0), np.min([s.high for s in shapes], axis=0), depth)


def outside(shape: Shape) -> Shape:
    """Everything but the shape."""
    limit = np.full(3, EVERYWHERE)
    return Shape(-limit, limit, lambda x, y, z: -shape.depth(x, y, z))


def half_space(point: Point, normal: Point) -> Shape:
    """All that lies behind the plane through `point`; `normal` points out of it."""
    normal = np.asarray(normal, np.float32) / np.float32(np.linalg.norm(normal))
    offset = np.float32(np.dot(point, normal))
    limit = np.full(3, EVERYWHERE)
    return Shape(-limit, limit, lambda x, y, z: offset - _along(x, y, z, normal))


class Curve:
    """A smooth function of one variable through knots, constant beyond them; float32."""

    _STEP = 0.25

    def __init__(self, knots: Sequence[float], values: Sequence[float], blur: float = 6.0) -> None:
        order = np.argsort(knots)
        knots, values = np.asarray(knots, float)[order], np.asarray(values, float)[order]
        self._start = np.float32(knots[0] - 3 * blur)
        at = np.arange(self._start, knots[-1] + 3 * blur, self._STEP)
        reach = int(3 * blur / self._STEP)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * self._STEP / blur) ** 2)
        padded = np.pad(np.interp(at, knots, values), reach, mode="edge")
        self._table = np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)

    def __add__(self, other: "Curve") -> Callable:
        return lambda at: self(at) + other(at)

    def __call__(self, at):
        index = ((at - self._start) * np.float32(1 / self._STEP) + np.float32(0.5)).astype(np.int32)
        return self._table.take(index, mode="clip")


def smooth_path(points: Sequence[Point], steps: int) -> np.ndarray:
    """A smooth path, (steps, 3), through control points (Catmull-Rom)."""
    points = np.array([np.asarray(p, float) for p in points])
    padded = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    at = np.linspace(0, len(points) - 1, steps)
    first = np.minimum(at.astype(int), len(points) - 2)
    t = (at - first)[:, None]
    p0, p1, p2, p3 = (padded[first + n] for n in range(4))
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)


def _along(x, y, z, axis):
    return x * axis[0] + y * axis[1] + z * axis[2]
