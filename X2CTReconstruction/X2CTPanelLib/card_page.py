"""A model's card as HTML, for who chooses the model."""

from html import escape

from slicer.i18n import tr as _

from X2CTLib.page import quantity


def cardPage(card):
    """What a model was trained on, what it scores, and its limits."""
    parts = {
        _("Limits"): _words(card.get("limits")),
        _("Trained on"): _words(card.get("data")),
        _("Licence"): _words(card.get("licence")),
    }
    paragraphs = [f"<b>{title}:</b> {text}" for title, text in parts.items() if text]
    scores = card.get("scores")
    tables = [_table(name, of) for name, of in scores.items()] if isinstance(scores, dict) else []
    return "<br>".join([*paragraphs, *tables])


def _words(value):
    """What a card says; of a list of cases, how many there are."""
    if isinstance(value, dict):
        names = {"ct": _("CTs"), "phantoms": _("phantoms")}
        return ", ".join(f"{_words(part)} {escape(names.get(key, str(key)))}" for key, part in value.items())
    if isinstance(value, list):
        return str(len(value))
    return escape(str(value)) if value else ""


def _table(name, columns):
    """Scores on one set of cases: a row a score, a column for the model and for each that it is compared with."""
    if not isinstance(columns, dict):
        return f"{escape(str(name))}: {_number(columns)}"
    columns = columns if all(isinstance(column, dict) for column in columns.values()) else {"": columns}
    rows = dict.fromkeys(row for column in columns.values() for row in column)
    head = "".join(f"<td align='right'><i>{escape(str(title))}</i></td>" for title in columns)
    lines = "".join(
        f"<tr><td>{escape(str(row))}</td>"
        + "".join(f"<td align='right'>&nbsp;{_number(column.get(row, ''))}</td>" for column in columns.values())
        + "</tr>"
        for row in rows
    )
    return f"<table><tr><td><b>{escape(str(name))}</b></td>{head}</tr>{lines}</table>"


def _number(value):
    return quantity(value) if isinstance(value, int | float) else escape(str(value))
