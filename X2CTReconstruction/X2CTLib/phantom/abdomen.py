"""What is seen under the diaphragm."""

from dataclasses import dataclass

from X2CTLib.phantom.person import Frame
from X2CTLib.phantom.shapes import Shape, ellipsoid, intersection, union


@dataclass(frozen=True, eq=False)
class Abdomen:
    """The organs' shapes."""

    liver: Shape
    stomach: Shape
    bubble: Shape
    spleen: Shape
    kidneys: Shape


def make_abdomen(frame: Frame, inside: Shape) -> Abdomen:
    """The organs of the upper abdomen, cut to the space `inside` under the diaphragm."""
    person = frame.person
    half, size = person.half_width, person.half_width / 128
    right, left = frame.level(person.right_dome), frame.level(person.left_dome)
    middle = 0.5 * (frame.back(right) + frame.front(right))
    deep = 0.5 * (frame.back(right) - frame.front(right))
    lobes = union(
        ellipsoid((-0.52 * half, middle + 5, right - 66 * size), (0.56 * half, 0.98 * deep, 84 * size)),
        ellipsoid((0.02 * half, middle - 0.35 * deep, right - 40 * size), (0.5 * half, 0.5 * deep, 44 * size)),
        width=30,
    )
    stomach = union(
        ellipsoid((0.44 * half, middle + 0.05 * deep, left - 38 * size), (0.3 * half, 0.42 * deep, 46 * size)),
        ellipsoid((0.3 * half, middle - 0.35 * deep, left - 80 * size), (0.35 * half, 0.35 * deep, 40 * size)),
        width=20,
    )
    gas = person.bubble
    bubble = ellipsoid((0.46 * half, middle - 0.02 * deep, left - 8 - gas * 0.7), (gas * 1.2, gas, gas * 0.7))
    spleen = ellipsoid((0.7 * half, middle + 0.52 * deep, left - 46 * size), (0.25 * half, 0.36 * deep, 46 * size))
    kidneys = union(*(ellipsoid(frame.spine(14.2, -side * 58, 4), (28, 26, 52)) for side in (-1, 1)))
    cut = [intersection(organ, inside) for organ in (lobes, stomach, bubble, spleen)]
    return Abdomen(*cut, kidneys)
