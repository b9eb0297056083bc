"""Branching trees: the vessels and airways inside a lung."""

import numpy as np

from X2CTLib.phantom.shapes import Shape, capsule, union

_MURRAY = 2.7
"""Exponent that ties a branch's radius to those of its daughters."""


def scatter(rng: np.random.Generator, shape: Shape, count: int, margin: float) -> np.ndarray:
    """Random points, (count, 3) mm, that lie at least `margin` mm inside a shape."""
    found = np.empty((0, 3), np.float32)
    while len(found) < count:
        points = rng.uniform(shape.low.clip(-200), shape.high.clip(max=200), (8 * count, 3)).astype(np.float32)
        found = np.concatenate([found, points[shape.depth(*points.T) > margin]])
    return found[:count]


def grow_tree(root: np.ndarray, tips: np.ndarray, tip_radius: float, detour: float = 0.35) -> Shape:
    """Connect points to a root by a tree that is short and yet reaches every point without a long way round.

    Each point, near ones first, joins the branch point that minimises its own length plus `detour` times the
    way from there to the root.
    """
    nodes = np.concatenate([[root], tips[np.argsort(np.linalg.norm(tips - root, axis=1))]])
    parents, way = np.zeros(len(nodes), int), np.zeros(len(nodes))
    for n in range(1, len(nodes)):
        lengths = np.linalg.norm(nodes[:n] - nodes[n], axis=1)
        parents[n] = np.argmin(lengths + detour * way[:n])
        way[n] = way[parents[n]] + lengths[parents[n]]
    supply = np.zeros(len(nodes))
    for n in range(len(nodes) - 1, 0, -1):
        supply[n] = max(supply[n], tip_radius**_MURRAY)
        supply[parents[n]] += supply[n]
    radii = supply ** (1 / _MURRAY)
    starts = np.minimum(radii[parents], 1.3 * radii)
    return union(*(capsule(nodes[parents[n]], nodes[n], (starts[n], radii[n])) for n in range(1, len(nodes))))
