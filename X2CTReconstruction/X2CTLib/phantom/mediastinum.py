"""What lies between the lungs beside the heart: vessels, airways, oesophagus, and the fat around them."""

from dataclasses import dataclass

import numpy as np

from X2CTLib.phantom.heart import Heart
from X2CTLib.phantom.person import Frame
from X2CTLib.phantom.shapes import Shape, ellipsoid, grow, plate, smooth_path, tube, union


class Landmarks:
    """The points that the tubes of the mediastinum run through, mm.

    Attributes:
        carina: Where the trachea divides.
        hila: Where the vessels enter each lung, -1 right and 1 left.
        bronchi: Where the airways enter each lung.
        fork: Where the pulmonary trunk divides.
        arch: Top of the aortic arch.
        knuckle: Where the arch turns down.
        cava: Upper end of the superior vena cava.
        inlet: Height of the upper opening of the thorax.
    """

    def __init__(self, frame: Frame) -> None:
        self.size = size = frame.person.half_width / 128
        out = frame.person.unfolding
        self.carina = frame.spine(5.1, 2, -34 * size)
        y = self.carina[1]
        self.hila = {
            -1: np.array([-44 * size, y + 4, frame.level(5.9)]),
            1: np.array([44 * size, y + 4, frame.level(5.6)]),
        }
        self.bronchi = {-1: self.hila[-1] + [6, 4, -6], 1: self.hila[1] + [-2, 4, -10]}
        self.fork = np.array([12 * size, y - 18, frame.level(5.7)])
        self.arch = np.array([-4, y - 18, frame.level(3.6) - 5 + 6 * out])
        self.knuckle = frame.spine(4.1, -25 - 12 * out, -24 * size)
        self.cava = np.array([-27 * size, y - 22, frame.level(4)])
        self.inlet = frame.level(0.2)


@dataclass(frozen=True, eq=False)
class Mediastinum:
    """The shapes between the lungs; `fat` holds all the others and the heart."""

    aorta: Shape
    pulmonary: Shape
    great_vessels: Shape
    airways: Shape
    oesophagus: Shape
    fat: Shape


def make_mediastinum(frame: Frame, heart: Heart, marks: Landmarks) -> Mediastinum:
    """Everything between the lungs but the heart."""
    arteries = _pulmonary_arteries(heart, marks)
    vessels = [_aorta(frame, heart, marks), arteries, union(_venae_cavae(frame, heart, marks), _branches(marks))]
    airways, oesophagus = _airways(frame, marks), _oesophagus(frame)
    fat = _fat(frame, heart, marks, [*vessels, airways, oesophagus])
    aorta, arteries, great_vessels = vessels
    return Mediastinum(aorta, union(arteries, _pulmonary_veins(heart, marks)), great_vessels, airways, oesophagus, fat)


def _aorta(frame: Frame, heart: Heart, marks: Landmarks) -> Shape:
    person, size, arch, knuckle = frame.person, marks.size, marks.arch, marks.knuckle
    bow = 8 * person.unfolding
    root = heart.at(-6, -2, 26)
    path = [root, [-20 - 1.5 * bow, root[1] - 6, (root[2] + arch[2]) / 2], arch - [12, 12, 8], arch + [6, 8, 8]]
    path += [knuckle + [-4, -6, 12], knuckle]
    path += [frame.spine(n, -20 - bow * np.sin((n - 4) / 8 * np.pi), -17 * size) for n in (5, 6.5, 8, 9.5)]
    path += [frame.spine(12, -4, -26 * size), frame.spine(18, -4, -28 * size)]
    radii = person.aorta * size * np.interp(np.linspace(0, 1, 40), [0, 0.35, 1], [1, 0.85, 0.7])
    return tube(smooth_path(path, 40), radii)


def _pulmonary_arteries(heart: Heart, marks: Landmarks) -> Shape:
    size, fork, right, left = marks.size, marks.fork, marks.hila[-1], marks.hila[1]
    trunk = heart.at(16, -26, 24)
    behind_aorta = [-14, fork[1] + 2, fork[2] - 4]
    return union(
        tube(smooth_path([trunk, (trunk + fork) / 2 + [4, -4, 4], fork], 10), 13 * size),
        tube(smooth_path([fork, behind_aorta, right], 10), np.linspace(10.5, 8.5, 10) * size),
        tube(smooth_path([fork, left + [-14, -4, 6], left], 10), np.linspace(11, 8.5, 10) * size),
    )


def _pulmonary_veins(heart: Heart, marks: Landmarks) -> Shape:
    ends = ((side, low) for side in (-1, 1) for low in (-14, -34))
    return union(
        *(tube([heart.at(side * 22 - 4, 30, 18), marks.hila[side] + [side * 2, 2, low]], [7, 5]) for side, low in ends)
    )


def _venae_cavae(frame: Frame, heart: Heart, marks: Landmarks) -> Shape:
    cava, inlet = marks.cava, marks.inlet
    top = cava + [-2, -4, 20]
    lower = [heart.at(-28, 14, -16), frame.spine(10.5, 26, -36), frame.spine(18, 18, -30)]
    return union(
        tube(smooth_path([heart.at(-34, 0, 14), cava, top], 10), 9 * marks.size),
        tube(smooth_path([top, [-42, cava[1] - 6, inlet - 14], [-54, cava[1], inlet + 30]], 8), 6.5),
        tube(smooth_path([top, [24, cava[1] - 16, inlet - 42], [52, cava[1], inlet + 30]], 10), 6),
        tube(smooth_path(lower, 10), 11),
    )


def _branches(marks: Landmarks) -> Shape:
    """The arteries that leave the arch for the head and the arms."""
    arch, knuckle, inlet, y = marks.arch, marks.knuckle, marks.inlet, marks.carina[1]
    return union(
        tube(smooth_path([arch + [-6, 2, 8], [-24, y - 8, inlet], [-30, y - 16, inlet + 90]], 8), 5.5),
        tube(smooth_path([arch + [4, 8, 10], [22, y - 10, inlet], [30, y - 20, inlet + 90]], 8), 4),
        tube(smooth_path([knuckle + [-2, -4, 16], [30, y + 2, inlet - 6], [62, y, inlet + 22]], 8), 4.5),
    )


def _airways(frame: Frame, marks: Landmarks) -> Shape:
    """The lumen of the trachea and the main bronchi."""
    size, carina = marks.size, marks.carina
    above = [frame.spine(n, 1, y * size) for n, y in ((-3, -40), (0, -38), (2.5, -37))]
    main = [smooth_path([carina, (carina + end) / 2 + [0, 0, 2], end], 6) for end in marks.bronchi.values()]
    return union(
        tube(smooth_path([*above, carina], 14), 9.5 * size),
        tube(main[0], np.linspace(8, 6, 6) * size),
        tube(main[1], np.linspace(7.5, 5.5, 6) * size),
    )


def _oesophagus(frame: Frame) -> Shape:
    path = [frame.spine(n, right, -24) for n, right in ((-3, -3), (2, -5), (5, -4), (8, -3))]
    return tube(smooth_path([*path, frame.spine(10, -10, -36), frame.spine(11, -22, -46)], 24), 6.5)


def _fat(frame: Frame, heart: Heart, marks: Landmarks, tubes: list[Shape]) -> Shape:
    """Fat that fills the creases between the organs, and so gives the lungs their inner faces."""
    size, z, dome = marks.size, frame.level(4.6), frame.level(frame.person.right_dome)
    spine = tube([frame.spine(n) for n in range(-2, 18)], 19 * size)
    thymus = ellipsoid((0, frame.front(z) + 16, z), (26 * size, 14, 48 * size))
    pad = ellipsoid((4, frame.front(frame.level(7)) + 14, frame.level(7)), (22 * size, 12, 50 * size))
    behind_heart = [(2, (frame.spine_y(z) + marks.fork[1]) / 2 - 8, z) for z in (marks.fork[2], dome)]
    septum = plate((2, frame.spine_y(z) - 60, (z + dome) / 2), (6, 70, (z - dome) / 2 + 40), np.eye(3), 4)
    top, y = frame.level(1.2), frame.spine_y(frame.level(1.2))
    inlet = plate((0, y - 55, top), (21 * size, 60, 2.2 * frame.person.pitch), np.eye(3), 10)
    parts = [grow(heart.muscle, 3), *(grow(part, 3) for part in tubes), thymus, pad, spine, septum, inlet]
    return union(*parts, tube(behind_heart, 22 * size), width=16)
