"""The thorax as a whole: what it is made of, painted in the order in which later things lie over earlier ones."""

import numpy as np

from X2CTLib.phantom import skeleton, torso
from X2CTLib.phantom.abdomen import make_abdomen
from X2CTLib.phantom.canvas import Canvas
from X2CTLib.phantom.heart import Heart, make_heart
from X2CTLib.phantom.mediastinum import Landmarks, Mediastinum, make_mediastinum
from X2CTLib.phantom.person import Frame
from X2CTLib.phantom.shapes import Shape, ellipsoid, grow, half_space, intersection, outside, union
from X2CTLib.phantom.tree import grow_tree, scatter

_NAMES = """
skin fat breasts muscle right_lung left_lung nodule effusion airways heart aorta pulmonary_vessels great_vessels
oesophagus liver stomach stomach_gas spleen kidneys spine canal ribs cartilage sternum clavicles scapulae
"""
LABELS = {name.replace("_", " "): value for value, name in enumerate(_NAMES.split(), start=1)}
"""Values of the label map; 0 is the air around the body."""
BONES = ("spine", "ribs", "sternum", "clavicles", "scapulae")
"""The labels that are bone, with its marrow."""

LUNGS = {-1: "right lung", 1: "left lung"}
_GRAIN = {"right lung": 22.0, "left lung": 22.0, "spine": 35.0, "sternum": 30.0, "ribs": 25.0}
"""Standard deviation of the texture where it is not `_NOISE`, HU."""
_NOISE = 8.0
_GRAVITY = 0.35
"""How much denser lung grows towards the back on which the patient lies, HU/mm."""


def paint_thorax(canvas: Canvas, frame: Frame, rng: np.random.Generator) -> None:
    """Paint everything, with its texture."""
    cavity, diaphragm = torso.cavity(frame), torso.diaphragm(frame)
    heart, marks = make_heart(frame), Landmarks(frame)
    mediastinum = make_mediastinum(frame, heart, marks)
    pleura = torso.pleurae(cavity, diaphragm)
    _paint_wall(canvas, frame, cavity)
    for side, space in pleura.items():
        _paint_lung(canvas, frame, side, space, intersection(space, outside(mediastinum.fat)), marks, rng)
    _paint_effusion(canvas, frame, pleura)
    canvas.paint(mediastinum.fat, (0, -75, "fat"), over=[*LUNGS.values(), "effusion", "nodule"])
    _paint_heart(canvas, frame, heart, mediastinum)
    _paint_abdomen(canvas, frame, cavity, diaphragm)
    _paint_tubes(canvas, frame, mediastinum)
    _paint_bones(canvas, frame)
    _texture(canvas, rng)


def _paint_wall(canvas: Canvas, frame: Frame, cavity: Shape) -> None:
    canvas.paint(torso.skin(frame), (0, 20, "skin"), (2, -100, "fat"))
    for gland in torso.glands(frame):
        canvas.paint(gland, (0, 0, "breasts"))
    canvas.paint(torso.wall(frame), (0, 52, "muscle"))
    canvas.paint(torso.axillae(frame), (0, -95, "fat"), over=["muscle"])
    # The fat plane on which shoulder blade and long muscles glide.
    plane = 1 + 0.12 * frame.person.fat
    canvas.paint(grow(cavity, 11 + plane), (0, -85, "fat"), (plane, 52, "muscle"), over=["muscle"])


def _paint_lung(canvas: Canvas, frame: Frame, side: int, pleura: Shape, free: Shape, marks: Landmarks, rng) -> None:
    """One lung, its vessels and airways, which end in what the mediastinum leaves `free`, and its nodules."""
    person = frame.person
    canvas.paint(pleura, (0, person.lung_hu, LUNGS[side]))
    hilum, bronchus = marks.hila[side], marks.bronchi[side]
    arteries = grow_tree(hilum, scatter(rng, free, 300, 3), 0.75)
    veins = grow_tree(hilum + [0, 0, -22], scatter(rng, free, 180, 3), 0.7)
    bronchi = grow_tree(bronchus, scatter(rng, free, 26, 15), 1.3)
    canvas.paint(union(arteries, veins), (0, person.blood_hu))
    canvas.paint(bronchi, (0, 0), (1.2, -960))
    for radius in (radius for radius in person.nodules if rng.random() < 0.5):
        (place,) = scatter(rng, free, 1, radius)
        canvas.paint(ellipsoid(place, radius * rng.uniform(0.8, 1.2, 3)), (0, 35, "nodule"), over=[LUNGS[side]])


def _paint_effusion(canvas: Canvas, frame: Frame, pleura: dict[int, Shape]) -> None:
    """Fluid that has run to the back and the base of a pleural space."""
    side, depth = frame.person.effusion
    if side:
        base = frame.level(frame.person.sulcus)
        surface = half_space((0, frame.back(base), base + 1.3 * depth), (0, -0.5, 1))
        canvas.paint(intersection(pleura[side], surface), (0, 12, "effusion"))


def _paint_heart(canvas: Canvas, frame: Frame, heart: Heart, mediastinum: Mediastinum) -> None:
    blood = frame.person.blood_hu
    canvas.paint(heart.muscle, (0, 50, "heart"))
    canvas.paint(heart.chambers, (0, blood, "heart"))
    canvas.paint(mediastinum.pulmonary, (0, blood, "pulmonary vessels"), within=["heart"])


def _paint_abdomen(canvas: Canvas, frame: Frame, cavity: Shape, diaphragm: Shape) -> None:
    under = intersection(cavity, diaphragm)
    canvas.paint(under, (0, 50, "muscle"), (2.5, -95, "fat"))
    belly = make_abdomen(frame, grow(under, -2.5))
    enhanced = 0.3 * (frame.person.blood_hu - 40)
    canvas.paint(belly.kidneys, (0, 32 + enhanced, "kidneys"))
    canvas.paint(belly.spleen, (0, 48 + enhanced, "spleen"))
    canvas.paint(belly.liver, (0, 58 + enhanced, "liver"))
    canvas.paint(belly.stomach, (0, 28, "stomach"))
    canvas.paint(belly.bubble, (0, -980, "stomach gas"))


def _paint_tubes(canvas: Canvas, frame: Frame, mediastinum: Mediastinum) -> None:
    blood = frame.person.blood_hu
    canvas.paint(mediastinum.oesophagus, (0, 35, "oesophagus"))
    canvas.paint(mediastinum.great_vessels, (0, blood, "great vessels"), within=["heart"])
    canvas.paint(mediastinum.aorta, (0, blood, "aorta"), within=["heart"])
    canvas.paint(grow(mediastinum.airways, 1.5), (0, 30, "airways"), (1.5, -985))


def _paint_bones(canvas: Canvas, frame: Frame) -> None:
    spongy = frame.person.bone_hu
    cortex = 3 * spongy
    canvas.paint(torso.paraspinal(frame), (0, 50, "muscle"))
    ribs, cartilage = skeleton.ribs(frame)
    blades, knobs = skeleton.shoulders(frame)
    column, bodies = skeleton.vertebral_bodies(frame)
    arches, canal = skeleton.neural_arches(frame)
    canvas.paint(cartilage, (0, 95, "cartilage"))
    canvas.paint(ribs, (0, 1.5 * cortex, "ribs"), (1.2, spongy))
    canvas.paint(blades, (0, 1.6 * cortex, "scapulae"))
    canvas.paint(knobs, (0, 1.3 * cortex, "scapulae"), (2.2, spongy))
    canvas.paint(skeleton.clavicles(frame), (0, 1.5 * cortex, "clavicles"), (2.6, spongy))
    canvas.paint(skeleton.sternum(frame), (0, cortex, "sternum"), (1.3, 0.7 * spongy))
    canvas.paint(column, (0, 85, "spine"))
    canvas.paint(bodies, (0, cortex, "spine"), (1.2, spongy))
    canvas.paint(arches, (0, 0.7 * cortex, "spine"), (1.2, 0.8 * spongy))
    canvas.paint(canal, (0, 25, "canal"))


def _texture(canvas: Canvas, rng: np.random.Generator) -> None:
    """Soft grain, stronger in lung and cancellous bone, and the lungs' gradient."""
    noise = rng.standard_normal(canvas.hu.shape, dtype=np.float32)
    for axis in range(3):
        noise = (noise + np.roll(noise, 1, axis)) * np.float32(np.sqrt(0.5))
    grain = np.full(len(LABELS) + 1, _NOISE, np.float32)
    grain[0] = 0
    for name, value in _GRAIN.items():
        grain[LABELS[name]] = value
    canvas.hu += noise * grain[canvas.labels]
    lungs = np.isin(canvas.labels, [LABELS[name] for name in LUNGS.values()])
    canvas.hu[lungs] += _GRAVITY * canvas.points[1][lungs]
