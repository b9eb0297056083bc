"""Pictures on labels, with the letters of the patient's directions around them, as HTML."""

import html

from X2CTLib.errors import InputError
from X2CTLib.page import png_uri
from X2CTReconstructionLib.inputs import picture
from X2CTReconstructionLib.png import grey_levels, png

THUMBNAIL_PIXELS = 132
LETTERS = {"PA": ("R", "L"), "LATERAL": ("A", "P")}
"""What is to the left and to the right of a radiograph in the frame of `geometry`, by the name of its view."""


def thumbnail(volume, view):
    """A radiograph of the scene before it is read, which may tell how it is oriented; in words if it is none.

    Args:
        volume: A volume node.
        view: PA or LATERAL.
    """
    try:
        return lettered(png(grey_levels(picture(volume, THUMBNAIL_PIXELS))), LETTERS[view], assumed=True)
    except InputError as error:
        return html.escape(str(error))


def lettered(file, letters, assumed):
    """A picture between its letters.

    Args:
        file: A PNG file.
        letters: What is to its left and to its right.
        assumed: Whether they are not known.
    """
    doubt = "?" if assumed else ""
    left, right = (f"<td valign='middle'><b>{letter}{doubt}</b></td>" for letter in letters)
    width, height = (int.from_bytes(file[start : start + 4], "big") for start in (16, 20))
    longest = f"{'width' if width > height else 'height'}='{THUMBNAIL_PIXELS}'"
    return (
        "<table align='center'><tr><td></td><td align='center'><b>S</b></td><td></td></tr>"
        f"<tr>{left}<td><img src='{png_uri(file)}' {longest}></td>{right}</tr></table>"
    )
