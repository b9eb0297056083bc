"""Reads a Qt Designer file as Qt's loader does, and refuses what Slicer's classes do not have."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from .widgets import Widget, make_widget


def load_ui(path: Path) -> Widget:
    """The root widget of a .ui file, with its children, properties and connections.

    Raises:
        AttributeError: It names a class, property, signal or slot that Slicer 5.13 does not have.
    """
    document = ElementTree.parse(path).getroot()
    named: dict[str, Widget] = {}
    root = _widget(document.find("widget"), named)
    for connection in document.iterfind("connections/connection"):
        sender, signal, receiver, slot = (connection.findtext(tag) for tag in ("sender", "signal", "receiver", "slot"))
        if slot not in named[receiver]._api.slots:
            raise AttributeError(f"{named[receiver]._api.name} has no slot {slot} in Slicer 5.13")
        named[sender].connect(signal, getattr(named[receiver], slot.partition("(")[0]))
    return root


def _widget(element: ElementTree.Element, named: dict[str, Widget]) -> Widget:
    widget = make_widget(element.get("class"))
    widget.objectName = element.get("name")
    if widget.objectName in named:
        raise AttributeError(f"two widgets have the name {widget.objectName}")
    named[widget.objectName] = widget
    for prop in element.iterfind("property"):
        _set_property(widget, prop)
    for child in _child_widgets(element):
        widget._children.append(_widget(child, named))
    return widget


def _set_property(widget: Widget, element: ElementTree.Element) -> None:
    name, value = element.get("name"), _value(element[0])
    if element.get("stdset") == "0":
        widget.setProperty(name, value)
    elif name not in widget._api.properties:
        raise AttributeError(f"{widget._api.name} has no property {name} in Slicer 5.13")
    else:
        setattr(widget, name, value)


def _value(element: ElementTree.Element):
    if element.tag == "bool":
        return element.text == "true"
    if element.tag == "number":
        return int(element.text)
    if element.tag == "double":
        return float(element.text)
    if element.tag == "stringlist":
        return [item.text or "" for item in element.iterfind("string")]
    if element.tag in ("string", "enum", "set"):
        return element.text or ""
    return {part.tag: int(part.text) for part in element}  # rect, size


def _child_widgets(element: ElementTree.Element):
    """Widgets directly below, also those that layouts hold."""
    for child in element:
        if child.tag == "widget":
            yield child
        elif child.tag in ("layout", "item"):
            yield from _child_widgets(child)
