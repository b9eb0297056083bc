"""What the organs lie in: skin and fat, the muscular wall, the rib cage's inside, and the diaphragm."""

import numpy as np

from X2CTLib.phantom.person import SECTION, Frame
from X2CTLib.phantom.shapes import (
    EVERYWHERE,
    Curve,
    Shape,
    column,
    ellipsoid,
    grow,
    half_space,
    intersection,
    outside,
    tube,
    union,
)
from X2CTLib.phantom.skeleton import arms

_BOX = ((-300, -300, -300), (300, 300, 300))


def cavity(frame: Frame) -> Shape:
    """The inside of the rib cage, and of the abdomen below it."""
    width = frame.person.half_width + 5
    low, high = (-width, -160, -300), (width, 160, frame.level(0.2))
    trunk = column(frame.half_width, frame.front, frame.back, frame.middle, SECTION, (low, high))
    return intersection(trunk, half_space((0, 0, frame.level(0.45)), (0, 0, 1)))


def pleurae(cavity: Shape, diaphragm: Shape) -> dict[int, Shape]:
    """The space of each lung, -1 right and 1 left, before the mediastinum is laid between them."""
    above = intersection(cavity, outside(diaphragm))
    return {side: intersection(above, half_space((0, 0, 0), (-side, 0, 0))) for side in (-1, 1)}


def wall(frame: Frame) -> Shape:
    """The ribs and the muscles of the trunk, neck and shoulders."""
    person = frame.person
    trunk = _trunk(frame, lateral=9 + person.muscle, behind=42, before=11 + 0.35 * person.muscle, neck=52)
    chest = person.half_width
    pectorals = [
        ellipsoid(
            (side * 0.5 * chest, frame.front(frame.level(4.6)) + 2, frame.level(4.6)),
            (0.48 * chest, 14 + 0.6 * person.muscle, 2.2 * person.pitch),
        )
        for side in (-1, 1)
    ]
    return union(trunk, *pectorals, arms(frame), width=25)


def axillae(frame: Frame) -> Shape:
    """The fat of the armpits."""
    fat = 0.3 * frame.person.fat
    places = (frame.wall(side, 1.8, frame.level(4.2), 20) for side in (-1, 1))
    return union(*(ellipsoid(place, (12 + fat, 22 + fat, 2 * frame.person.pitch)) for place in places))


def skin(frame: Frame) -> Shape:
    """The outer surface of the body."""
    fat = frame.person.fat
    trunk = _trunk(
        frame,
        lateral=11 + frame.person.muscle + fat,
        behind=45 + 0.7 * fat,
        before=14 + 0.35 * frame.person.muscle + 0.8 * fat,
        neck=56 + 0.4 * fat,
    )
    return union(trunk, grow(arms(frame), 2 + 0.5 * fat), *breasts(frame), width=25)


def breasts(frame: Frame) -> list[Shape]:
    """Both breasts, or none."""
    r = frame.person.breast
    return [ellipsoid(centre, (1.1 * r, 0.75 * r, r)) for centre in _breast_centres(frame)]


def glands(frame: Frame) -> list[Shape]:
    """The glandular tissue of the breasts."""
    r = frame.person.breast
    return [ellipsoid(c - [0, 0.25 * r, 0], (0.6 * r, 0.4 * r, 0.55 * r)) for c in _breast_centres(frame)]


def _breast_centres(frame: Frame) -> list[np.ndarray]:
    z = frame.level(frame.person.breast_level)
    x, y = 0.62 * frame.person.half_width, frame.front(z) - 14
    return [np.array([side * x, y, z]) for side in (-1, 1)] if frame.person.breast else []


def paraspinal(frame: Frame) -> Shape:
    """The long muscles on both sides of the spinous processes."""
    sides = (tube([frame.spine(n, right, 42) for n in range(-3, 19)], 17) for right in (-22, 22))
    return union(*sides, width=10)


def diaphragm(frame: Frame) -> Shape:
    """Everything below the diaphragm's upper surface, as far as the rib cage's inside."""
    person = frame.person
    base, right = frame.level(person.sulcus), frame.level(person.right_dome)
    y = 0.45 * frame.back(right) + 0.55 * frame.front(right)
    reach, half = (frame.back(right) - frame.front(right)) / 2, person.half_width
    # Behind and beside, the lung reaches down to the sulcus; in front it ends a hand's breadth higher.
    floor = half_space((0, frame.back(base), base), (0, 0.26, 1))
    domes = (
        (-0.5 * half, y, 0.5 * half, reach, right),
        (0.5 * half, y, 0.5 * half, reach, frame.level(person.left_dome)),
        (0.04 * half, y - 8, 0.55 * half, 0.85 * reach, right - 0.6 * person.pitch),
    )
    return union(*(_dome((x, y, base - 30), (a, b, top - base + 30)) for x, y, a, b, top in domes), floor, width=14)


def _dome(centre, radii) -> Shape:
    """An ellipsoid's upper half on a cylinder without end."""
    top = ellipsoid(centre, radii)
    low = np.array([*top.low[:2], -EVERYWHERE])
    return Shape(low, top.high, lambda x, y, z: top.depth(x, y, np.maximum(z, np.float32(centre[2]))))


def _trunk(frame: Frame, lateral: float, behind: float, before: float, neck: float) -> Shape:
    """The rib cage thickened to the sides, behind and in front, rising into the neck."""
    half = frame.person.half_width
    levels = [-5, -1.5, -0.2, 0.8, 2, 3.5, 6, 9, 12, 14, 18]
    at = [frame.level(n) for n in levels]
    axilla = 14 * (1 - frame.person.female * 0.3)
    wide = [neck, neck + 4, neck + 32, half * 0.86 + lateral, half * 0.95 + lateral + axilla, half + lateral + axilla]
    wide += [half * share + lateral for share in (1.0, 1.0, 0.95, 0.93, 0.98)]
    back = [frame.spine_y(z) + 14 + behind for z in at]
    front = [min(frame.front(z) - before, frame.spine_y(z) - 12 - neck) for z in at]
    return column(Curve(at, wide, 10), Curve(at, front, 10), Curve(at, back, 10), frame.middle, 2.5, _BOX)
