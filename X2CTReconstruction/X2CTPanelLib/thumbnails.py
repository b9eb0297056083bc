"""Pictures on labels, with the letters of the patient's directions around them, as HTML."""

import html

from X2CTLib.errors import InputError
from X2CTReconstructionLib.inputs import picture
from X2CTReconstructionLib.png import picture_uri

THUMBNAIL_PIXELS = 140
LETTERS = {"PA": ("R", "L"), "LATERAL": ("A", "P")}
"""What is to the left and to the right of a radiograph in the frame of `geometry`, by the name of its view."""


def thumbnail(volume, view):
    """A radiograph of the scene as it will be used; in words if it is none.

    Args:
        volume: A volume node.
        view: PA or LATERAL.
    """
    try:
        return lettered(picture_uri(picture(volume, THUMBNAIL_PIXELS)), view)
    except InputError as error:
        return html.escape(str(error))


def lettered(uri, view):
    """A picture between its letters."""
    left, right = (f"<td valign='middle'><b>{letter}</b></td>" for letter in LETTERS[view])
    return (
        "<table align='center'><tr><td></td><td align='center'><b>S</b></td><td></td></tr>"
        f"<tr>{left}<td><img src='{uri}' height='{THUMBNAIL_PIXELS}'></td>{right}</tr></table>"
    )
