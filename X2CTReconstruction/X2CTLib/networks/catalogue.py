"""The networks by name: what a model's card or an experiment calls its architecture, to the network itself."""

import inspect
from collections.abc import Mapping
from typing import Any

from X2CTLib.errors import ModelError
from X2CTLib.geometry import View
from X2CTLib.networks.generator import Generator
from X2CTLib.networks.lifting import LiftingNetwork
from X2CTLib.networks.single_image import SingleImageNetwork

ReconstructionNetwork = Generator | LiftingNetwork | SingleImageNetwork
"""It has `views`, `pixels` (of an edge of each standard view) and `forward(images, coarse=False)`."""

KINDS = {"x2ct": Generator, "lifting": LiftingNetwork, "2dcnn": SingleImageNetwork}
_MOST_VIEWS = {"x2ct": 2, "lifting": 2, "2dcnn": 1}
_FITTING = {
    "width": ("above 0, up to 4", lambda value: 0 < value <= 4),
    "dropout": ("from 0 to below 1", lambda value: 0 <= value < 1),
}


def build_network(architecture: Mapping[str, Any]) -> ReconstructionNetwork:
    """Build a network with fresh weights.

    Args:
        architecture: `kind`, one of `KINDS`; `views`, names of `View`; and, where they are not the usual ones, the
            other arguments of its class: `width` and, for x2ct, `connections` and `dropout`.

    Raises:
        ModelError: There is no such network.
    """
    settings = dict(architecture)
    kind = str(settings.pop("kind", ""))
    if kind not in KINDS:
        raise ModelError(f"There is no network of kind {kind!r}. Choose one of {', '.join(KINDS)}.")
    known = inspect.signature(KINDS[kind]).parameters
    for name, value in settings.items():
        if name not in known:
            raise ModelError(f"A network of kind {kind} has no {name!r}, only {', '.join(known)}.")
        if name in _FITTING:
            _check_number(name, value)
        elif not (isinstance(value, list | tuple) and all(isinstance(word, str) for word in value)):
            raise ModelError(f"The network's {name} are a list of names, not {value!r}.")
    settings["views"] = _views(settings.get("views", ()), _MOST_VIEWS[kind])
    return KINDS[kind](**settings)


def _check_number(name: str, value: Any) -> None:
    range_, fits = _FITTING[name]
    if not (isinstance(value, int | float) and fits(value)):
        raise ModelError(f"The network's {name} is a number {range_}, not {value!r}.")


def _views(names: list[str], most: int) -> list[View]:
    if not (0 < len(names) <= most and len(set(names)) == len(names) and set(names) <= set(View.__members__)):
        raise ModelError(
            f"A network of this kind looks at {'one' if most == 1 else 'one or both'} of "
            f"{', '.join(View.__members__)}, not at {', '.join(names) or 'none'}."
        )
    return [View[name] for name in names]
