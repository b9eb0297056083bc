"""How far a reconstruction changes when its radiographs are framed and exposed a little differently.

Where it changes, the radiographs do not hold it fast. The volumes are compared where they lie: to move them back as
far as the radiographs were moved would hide the edges, at which reconstructions err most.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from X2CTLib.framing import Framing, standard_view
from X2CTLib.geometry import ProjectionGeometry, View
from X2CTLib.progress import Progress, part
from X2CTLib.radiograph import Radiograph

# Standard deviations. Those errors of framing that remain are about so large; with twice of it the spread follows the
# error less well.
_MOVE_MM, _SIZE, _CONTRAST = 2.0, 0.01, 0.1


def spread(
    first: Float[np.ndarray, "k j i"],
    radiographs: Mapping[View, Radiograph],
    framings: Mapping[View, Framing],
    projections: Mapping[View, ProjectionGeometry],
    passes: int,
    run: Callable[[dict[View, Float[np.ndarray, "r c"]], Progress], Float[np.ndarray, "k j i"]],
    progress: Progress,
) -> Float[np.ndarray, "k j i"]:
    """Standard deviation over a reconstruction and further ones from slightly different views.

    Args:
        first: The reconstruction in HU.
        radiographs: What it was made from.
        framings: How they were framed.
        projections: Of the standard views.
        passes: How many further ones.
        run: Makes a reconstruction of views, and tells its progress.
        progress: Told by every pass.
    """
    # Of the differences to the first, for which float32 is precise enough.
    total, squares = np.zeros_like(first), np.zeros_like(first)
    for number in range(passes):
        rng = np.random.default_rng(number)
        size = 1 + _SIZE * rng.normal()
        views = {view: _varied(radiographs[view], framings[view], projections[view], size, rng) for view in framings}
        told = part(progress, number / passes, (number + 1) / passes, f"Further pass {number + 1} of {passes}: ")
        difference = run(views, told) - first
        total += difference
        squares += difference**2
    count = passes + 1
    return np.sqrt((squares / count - (total / count) ** 2).clip(0))


def _varied(
    radiograph: Radiograph, framing: Framing, projection: ProjectionGeometry, size: float, rng: np.random.Generator
) -> Float[np.ndarray, "r c"]:
    """A standard view that lies a little elsewhere, shows a little more or less, and has another contrast."""
    centre = np.add(framing.centre, _MOVE_MM / framing.mm_per_pixel * rng.normal(size=2))
    moved = replace(framing, centre=tuple(centre.tolist()), mm_per_pixel=framing.mm_per_pixel * size)
    view = standard_view(radiograph, moved, projection)
    return view ** np.float32(np.exp(_CONTRAST * rng.normal()))
