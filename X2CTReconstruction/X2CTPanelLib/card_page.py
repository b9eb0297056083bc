"""A model's card as HTML, for who chooses the model."""

from html import escape

from slicer.i18n import tr as _

from X2CTLib.card_facts import facts
from X2CTLib.page import quantity


def cardPage(card):
    """What a model reads and was trained on, its limits, and what it scores."""
    titles = {"Reads": _("Reads"), "Trained on": _("Trained on"), "Limits": _("Limits"), "Licence": _("Licence")}
    paragraphs = [f"<b>{titles[name]}:</b> {escape(text)}" for name, text in facts(card).items()]
    scores = card.get("scores")
    tables = [_table(name, of) for name, of in scores.items()] if isinstance(scores, dict) else []
    return "<br>".join([*paragraphs, *tables])


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
