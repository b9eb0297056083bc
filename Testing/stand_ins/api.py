"""What a running Slicer 5.13 has: widget classes with their properties, signals and slots, and call signatures."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WidgetApi:
    """One widget class as Python sees it, with what it has from QWidget.

    Attributes:
        name: Class.
        properties: Type and whether it can be written, by name.
        signals: Signatures.
        slots: Signatures.
        names: All names that an instance has.
    """

    name: str
    properties: dict[str, tuple[str, bool]]
    signals: frozenset[str]
    slots: frozenset[str]
    names: frozenset[str]


@functools.cache
def slicer_api() -> dict:
    """The whole listing."""
    return json.loads(Path(__file__).with_name("slicer-5.13.json").read_text(encoding="utf-8"))


@functools.cache
def widget_api(name: str) -> WidgetApi:
    """The API of a widget class.

    Raises:
        AttributeError: Slicer has no such class, or the listing was not asked for it.
    """
    widgets = slicer_api()["widgets"]
    if name not in widgets:
        raise AttributeError(f"the listing of Slicer 5.13 has no widget class {name}")
    listed = [widgets["QWidget"], widgets[name]]
    properties = {key: tuple(value) for part in listed for key, value in part["properties"].items()}
    signals = frozenset(signal for part in listed for signal in part["signals"])
    slots = frozenset(slot for part in listed for slot in part["slots"])
    names = {signature.partition("(")[0] for signature in signals | slots} | properties.keys()
    other = [entry for part in listed for entry in part["other"]]
    # PythonQt gives every QObject its objectName as "name", too, which dir() does not show.
    return WidgetApi(name, properties, signals, slots, frozenset([*names, *other, "name"]))
