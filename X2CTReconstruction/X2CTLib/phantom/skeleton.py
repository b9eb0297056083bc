"""Bones: spine, ribs with their cartilage, sternum, clavicles, scapulae."""

import numpy as np

from X2CTLib.phantom.person import Frame
from X2CTLib.phantom.shapes import Shape, capsule, ellipsoid, plate, tube, union

LEVELS = np.arange(-3, 19)
"""The vertebrae, from the neck down to below the cube's lower face (0 is C7, 13 is L1)."""
RIB_OUT = 4.5
"""The ribs' middle lies this far outside the rib cage's inner surface, mm."""


def vertebral_bodies(frame: Frame) -> tuple[Shape, Shape]:
    """The column with its discs, and the bodies alone."""
    pitch = frame.person.pitch
    size = frame.person.half_width / 128

    def section(x, y, z, waist):
        level = frame.level(0) - z
        grown = size * (1 + 0.022 * (level / pitch - 6)) * waist
        a, b = 17.5 * grown, 14.5 * grown
        x, y = x - frame.spine_x(z), y - frame.spine_y(z)
        unit = np.sqrt((x / a) ** 2 + (y / b) ** 2) + np.float32(1e-4)
        return np.hypot(x, y) * (1 / unit - 1)

    def bodies(x, y, z):
        level = (frame.level(0) - z) / pitch
        height = np.abs(level - np.round(level)) * pitch
        half = pitch / 2 - 2.2
        waist = 0.9 + 0.1 * np.minimum(height / half, 1) ** 2
        return np.minimum(section(x, y, z, waist), half - height)

    low, high = np.array([-45, -90, -200.0]), np.array([45, 110, 200.0])
    return Shape(low, high, lambda x, y, z: section(x, y, z, 0.95)), Shape(low, high, bodies)


def neural_arches(frame: Frame) -> tuple[Shape, Shape]:
    """Pedicles, laminae and processes of all the vertebrae, and the spinal canal."""
    arches = []
    for n in LEVELS:
        size = frame.person.half_width / 128 * (1 + 0.02 * (n - 6))
        slope = np.interp(n, [0, 2, 6, 9, 11, 13], [6, 12, 24, 20, 8, 2])
        spread = np.interp(n, [0, 2, 8, 11, 12, 14], [26, 34, 30, 24, 20, 34])
        for side in (-1, 1):

            def at(right, behind, above, n=n, size=size, side=side):
                return frame.spine(n, side * right * size, behind * size, above)

            arches += [
                capsule(at(11, 9, 4), at(13, 19, 2), (4, 4), 1.5),
                capsule(at(13, 21, 1), at(1, 31, -4), (3.2, 3.2), 2.2),
                capsule(at(14, 21, 2), at(spread, 33, 5), (5, 4)),
                capsule(at(14, 21, 9), at(14, 23, -12), (4.5, 4)),
            ]
        tip = frame.spine(n, 0, 56 * size, -slope)
        arches.append(capsule(frame.spine(n, 0, 31 * size, -4), tip, (3.0, 3.4), 1.8))
    canal = tube([frame.spine(n, 0, 23 * frame.person.half_width / 128) for n in LEVELS], 7.5)
    return union(*arches), canal


def ribs(frame: Frame) -> tuple[Shape, Shape]:
    """The twelve pairs of ribs, and the cartilage that ties ten of them to the sternum."""
    pairs = [_rib(frame, n, side) for n in range(1, 13) for side in (-1, 1)]
    return union(*(rib for rib, _ in pairs)), union(*(cartilage for _, cartilage in pairs if cartilage))


def _rib(frame: Frame, n: int, side: int) -> tuple[Shape, Shape | None]:
    pitch, size = frame.person.pitch, frame.person.half_width / 128
    drop = pitch * np.interp(n, [1, 2, 4, 7, 10, 12], [1.7, 2.6, 3.8, 4.8, 4.5, 3.0])
    end = np.interp(n, [1, 3, 7, 8, 9, 10, 11, 12], [2.5, 2.62, 2.5, 2.35, 2.15, 1.95, 1.45, 0.95])
    top = frame.level(n) + pitch * 0.35
    angles = np.linspace(0.34, end, 18)
    shell = [frame.wall(side, a, top - drop * _descent(a), RIB_OUT) for a in angles]
    head = [frame.spine(n, -side * 17 * size, 8 * size, pitch * 0.35), frame.spine(n, -side * 30 * size, 27 * size, 6)]
    rib = tube([*(head if n > 1 else head[:1]), *shell], 3.2, 1.9)
    if n > 10:
        return rib, None
    joint = frame.level(3.1 + 0.95 * (min(n, 7) - 1)) if n > 1 else frame.level(2.6)
    start = shell[-1]
    goal = frame.wall(side, np.pi - 0.12 - 0.05 * max(n - 7, 0), joint - pitch * 0.9 * max(n - 7, 0), RIB_OUT)
    low = np.array([*(start + goal)[:2] / 2, start[2] - 0.15 * abs(start[2] - goal[2])])
    share = np.linspace(0, 1, 7)[:, None]
    path = (1 - share) ** 2 * start + 2 * share * (1 - share) * low + share**2 * goal
    return rib, tube(path, 4.0, 1.6)


def _descent(angle: float) -> float:
    """How much of a rib's fall has been reached at an angle around the body, 0 to 1."""
    return (1 - np.cos(min(angle, 2.9))) / 2


def sternum(frame: Frame) -> Shape:
    """Manubrium, body and xiphoid, in front of the rib cage."""
    parts = []
    for first, last, half_width, half_depth in ((2.6, 4.5, 27, 7), (4.6, 8.9, 18, 6), (8.8, 10.1, 8, 4)):
        top, bottom = (np.array([frame.spine_x(z), frame.front(z) - 5, z]) for z in map(frame.level, (first, last)))
        along = (top - bottom) / np.linalg.norm(top - bottom)
        axes = np.array([[1, 0, 0], np.cross([1, 0, 0], along), along])
        size = frame.person.half_width / 128
        half = (half_width * size, half_depth, np.linalg.norm(top - bottom) / 2)
        parts.append(plate((top + bottom) / 2, half, axes, 3.9))
    return union(*parts)


def clavicles(frame: Frame) -> Shape:
    """Both clavicles, lifted with the arms."""
    sticks = []
    for side in (-1, 1):
        z = frame.level(2.5)
        start = np.array([side * 22, frame.front(z) - 6, z])
        reach = frame.person.half_width * 1.08
        rise = 26 + 30 * (frame.person.arm_lift - 0.5)
        t = np.linspace(0, 1, 9)
        path = start + np.stack([side * reach * t, 55 * t - 11 * np.sin(2 * np.pi * t), rise * t**1.4], axis=1)
        sticks.append(tube(path, 5 + 2.5 * (1 - t) ** 3 + t**3))
    return union(*sticks)


def shoulders(frame: Frame) -> tuple[Shape, Shape]:
    """The thin blades of the scapulae, and their thick parts with the humeral heads."""
    blades, knobs = [], []
    for side in (-1, 1):
        # The blade follows the rib cage between the second and the seventh rib, turned out by the raised arm.
        corners = {"top": (0.85, 2.0, 20), "tip": (1.05, 7.3, 20), "glenoid": (1.55, 2.4, 34)}
        top, tip, glenoid = (frame.wall(side, a, frame.level(n), out) for a, n, out in corners.values())
        glenoid = glenoid + [side * 12, 0, 8]
        for t in np.linspace(0, 1, 9):
            lateral = tip + t * (glenoid - tip)
            medial = tip + t * (top - tip)
            middle = (lateral + medial) / 2
            middle = frame.wall(side, _angle(frame, middle), middle[2], 18)
            blades.append(tube([medial, middle, lateral], 1.8, 6))
        ridge = top + 0.3 * (tip - top)
        acromion = glenoid + [side * 10, 12, 22]
        knobs += [
            tube([ridge, (ridge + glenoid) / 2 + [0, 10, 4], acromion], [3, 5, 6]),
            capsule(tip, glenoid, (4, 7)),
            capsule(glenoid, glenoid + [side * -4, -28, 14], (6, 5)),
            ellipsoid(glenoid + [side * 24, -4, 10], (24, 23, 24)),
            capsule(glenoid + [side * 24, -4, 10], glenoid + _arm(frame, side) * 160, (15, 12)),
        ]
    return union(*blades), union(*knobs)


def arms(frame: Frame) -> Shape:
    """The flesh of the shoulders and of the raised arms, as far as the cube sees them."""
    parts = []
    for side in (-1, 1):
        glenoid = frame.wall(side, 1.55, frame.level(2.4), 36)
        root = frame.wall(side, 1.5, frame.level(4.5), 2)
        bulk = 44 + frame.person.muscle * 0.6 + frame.person.fat * 0.3
        far = glenoid + _arm(frame, side) * 200
        parts.append(tube([root, glenoid, far], [bulk * 0.9, bulk, bulk * 0.9]))
    return union(*parts)


def _arm(frame: Frame, side: int) -> np.ndarray:
    lift = frame.person.arm_lift
    return np.array([side * np.cos(lift), -0.25, np.sin(lift)])


def _angle(frame: Frame, point: np.ndarray) -> float:
    """The angle around the body of a point near the wall; the inverse of `Frame.wall`."""
    front, back = frame.front(point[2]), frame.back(point[2])
    across = abs(point[0] - frame.middle(point[2])) / frame.half_width(point[2])
    along = (point[1] - (front + back) / 2) / ((back - front) / 2)
    return float(np.arctan2(across**1.2, np.sign(along) * abs(along) ** 1.2))
