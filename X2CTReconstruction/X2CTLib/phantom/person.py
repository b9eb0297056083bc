"""Who the phantom is: the numbers that differ between people, sampled from a seed, and the frame they span."""

from dataclasses import dataclass

import numpy as np

from X2CTLib.phantom.shapes import Curve

SECTION = 2.4
"""Exponent of the rib cage's superelliptic sections."""


@dataclass(frozen=True)
class Person:
    """Sampled anatomy. Lengths are mm, positions along the body are vertebral levels (1 = T1, 12 = T12, 13 = L1).

    Attributes:
        female: Sex; it shifts the sizes and adds breasts.
        pitch: Height of a thoracic vertebra with its disc.
        half_width: Of the rib cage, inside, at its widest.
        chest_depth: From the sternum to the middle of the vertebral bodies, inside, at T9.
        kyphosis: How far T7 lies behind T1.
        scoliosis: Sideways bow of the spine.
        fat: Thickness of the subcutaneous fat at the flank.
        muscle: Thickness of the chest wall's muscle outside the ribs at the flank.
        breast: Radius of the breasts, 0 for none.
        breast_level: Level of their middle.
        right_dome, left_dome: Levels of the diaphragm's tops.
        sulcus: Level of the posterior costophrenic sulcus.
        cardiothoracic_ratio: Width of the heart over that of the rib cage, inside.
        heart_tilt: How far the heart's axis hangs from horizontal, radians.
        aorta: Radius of the ascending aorta.
        unfolding: How far the aortic arch swings out with age, 0 to 1.
        blood_hu: Of the heart's chambers and vessels; contrast medium raises it.
        lung_hu: Of the lungs between their vessels.
        bone_hu: Of cancellous bone.
        effusion: Side of a pleural effusion (-1 right, 1 left, 0 none) and how high it stands.
        nodules: Radii of nodules in the lungs.
        bubble: Radius of the stomach's gas bubble.
        arm_lift: How steeply the raised arms leave the shoulders, radians.
    """

    female: bool
    pitch: float
    half_width: float
    chest_depth: float
    kyphosis: float
    scoliosis: float
    fat: float
    muscle: float
    breast: float
    breast_level: float
    right_dome: float
    left_dome: float
    sulcus: float
    cardiothoracic_ratio: float
    heart_tilt: float
    aorta: float
    unfolding: float
    blood_hu: float
    lung_hu: float
    bone_hu: float
    effusion: tuple[int, float]
    nodules: tuple[float, ...]
    bubble: float
    arm_lift: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Person":
        """Draw a person."""

        def normal(mean, spread):
            return float(mean + spread * np.clip(rng.normal(), -2.2, 2.2))

        female = bool(rng.random() < 0.5)
        stature = normal(0, 1)
        right_dome = normal(9.8, 0.7)
        fat = float(rng.gamma(2.2, 7.5)) + 5
        return cls(
            female=female,
            pitch=(21.2 if female else 22.8) + 0.9 * stature,
            half_width=(120 if female else 133) + 4 * stature + normal(0, 6),
            chest_depth=(144 if female else 161) + 3 * stature + normal(0, 12),
            kyphosis=normal(32, 9),
            scoliosis=normal(0, 3),
            fat=min(fat, 45),
            muscle=normal(10 if female else 14, 2.5),
            breast=float(rng.uniform(35, 62) + 0.4 * min(fat, 45)) if female else 0.0,
            breast_level=normal(7.5, 0.5),
            right_dome=right_dome,
            left_dome=right_dome + normal(0.45, 0.2),
            sulcus=right_dome + normal(3.3, 0.4),
            cardiothoracic_ratio=float(np.clip(normal(0.47, 0.05), 0.39, 0.61)),
            heart_tilt=normal(0.6, 0.15),
            aorta=normal(15, 2),
            unfolding=float(rng.beta(1.5, 3)),
            blood_hu=float(rng.uniform(110, 260)) if rng.random() < 0.35 else normal(40, 4),
            lung_hu=normal(-840, 25),
            bone_hu=normal(200, 40),
            effusion=(int(rng.choice([-1, 1])), float(rng.uniform(15, 110))) if rng.random() < 0.08 else (0, 0.0),
            nodules=tuple(rng.uniform(3, 16, rng.integers(1, 5)).tolist()) if rng.random() < 0.12 else (),
            bubble=float(rng.uniform(6, 30)),
            arm_lift=float(rng.uniform(0.5, 1.0)),
        )


class Frame:
    """The curves along the body that every organ hangs on, as functions of z."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._centre = (0.8 + person.sulcus) / 2
        self.spine_x = self._along({-4: 0, 3: 0.3, 7: 1, 11: 0, 18: 0}, person.scoliosis)
        # The right half of the rib cage is the wider one.
        self.middle = self._along({-4: 0, 2: -0.01, 7: -0.015, 18: -0.015}, person.half_width, plus=self.spine_x)
        spine = {-4: -16, -2: -8, 1: 4, 4: 22, 7: 32, 10: 29, 12: 23, 15: 10, 18: 0}
        self.spine_y = self._along({n: y * (person.kyphosis / 32 if n > 0 else 1) + 27 for n, y in spine.items()})
        widths = {0.3: 0, 0.55: 0.2, 0.8: 0.33, 1.2: 0.43, 2: 0.56, 3: 0.7, 4: 0.8, 5: 0.88, 6.5: 0.96}
        widths |= {8: 1, 9.5: 1, 11: 0.97, 13: 0.9, 16: 0.86, 18: 0.86}
        self.half_width = self._along(widths, person.half_width, blur=4)
        gutters = {0.3: 0, 0.6: 6, 1: 12, 2: 20, 4: 30, 7: 36, 10: 35, 12: 30, 15: 22, 18: 20}
        self.back = self._along(gutters, person.half_width / 128, plus=self.spine_y)
        fronts = {0.3: -0.1, 0.8: -0.2, 1.3: -0.36, 2.2: -0.52, 3: -0.62, 4.5: -0.77, 6.5: -0.92, 9: -1, 12: -1.02}
        self.front = self._along(fronts | {18: -1.0}, person.chest_depth, plus=self.spine_y)

    def level(self, n: float) -> float:
        """The height z of the middle of a vertebral body."""
        return (self._centre - n) * self.person.pitch

    def spine(self, n: float, right: float = 0.0, behind: float = 0.0, above: float = 0.0) -> np.ndarray:
        """A point given from the middle of a vertebral body (`right` may be negative: left)."""
        z = self.level(n)
        return np.array([self.spine_x(z) - right, self.spine_y(z) + behind, z + above])

    def wall(self, side: int, angle: float, z: float, out: float) -> np.ndarray:
        """A point `out` mm outside the inner surface of the rib cage.

        Args:
            side: -1 right, 1 left.
            angle: Around the body: 0 behind, pi in front.
            z: Height.
            out: Distance from the surface.
        """
        front, back = self.front(z) - out, self.back(z) + out
        sine, cosine = np.sin(angle), np.cos(angle)
        x = (self.half_width(z) + out) * abs(sine) ** (2 / SECTION)
        y = (front + back) / 2 + (back - front) / 2 * np.sign(cosine) * abs(cosine) ** (2 / SECTION)
        return np.array([side * x + self.middle(z), y, z])

    def _along(self, by_level: dict, factor: float = 1.0, plus=None, blur: float = 8.0) -> Curve:
        heights = [self.level(n) for n in by_level]
        curve = Curve(heights, [factor * v for v in by_level.values()], blur)
        return curve if plus is None else curve + plus
