"""HTML pages that hold all they show: a report is mailed, archived and printed on its own."""

import base64
import datetime
import os
from pathlib import Path

from X2CTLib.mark import MARK

_FOLDER = Path(__file__).resolve().parent.parent / "Resources" / "Report"


def write_page(path: Path, template: Path, **content) -> None:
    """Fill in a page, which is written whole or not at all.

    Args:
        path: The `.html` file.
        template: Jinja2; it extends `x2ct_page.html.j2`, which has the style and the mark.
        content: What the template names; `mark` and `date` are there already.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([template.parent, _FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quantity"] = quantity
    html = environment.get_template(template.name).render(mark=MARK, date=datetime.date.today().isoformat(), **content)
    partial = Path(path).with_suffix(".partial")
    partial.write_text(html, encoding="utf-8")
    os.replace(partial, path)


def quantity(value: float | int) -> str:
    """A number with three digits that say something, as measurements and scores have; counts as they are."""
    if isinstance(value, int):
        return f"{value:,}"
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{decimals}f}"


def png_uri(png: bytes) -> str:
    """The bytes of a PNG file as an address that a page can show."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
