"""What a model's card says beside its scores, in words, for who chooses the model.

This file needs no package that Slicer lacks.
"""

from X2CTLib.pairing import VIEWS


def facts(card: dict) -> dict[str, str]:
    """By what they are about: Reads, Trained on, Limits, Licence; what the card does not say is left out."""
    architecture = card.get("architecture")
    views = architecture.get("views", []) if isinstance(architecture, dict) else []
    told = {
        "Reads": " and ".join(VIEWS.get(name, str(name)) for name in views),
        "Trained on": _training_data(card.get("data", "")),
        "Limits": str(card.get("limits", "")),
        "Licence": str(card.get("licence", "")),
    }
    return {name: text for name, text in told.items() if text}


def _training_data(data: dict | str) -> str:
    """Of a list of cases, how many there are."""
    if not isinstance(data, dict):
        return str(data)
    counts = {name: len(value) if isinstance(value, list) else value for name, value in data.items()}
    return ", ".join(f"{count} {'CTs' if name == 'ct' else name}" for name, count in counts.items())
