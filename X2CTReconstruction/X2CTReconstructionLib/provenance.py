"""What everything made from a reconstruction says of where it comes from."""

from X2CTLib.geometry import View
from X2CTLib.reconstruction import Reconstruction

VIEW_NAMES = {View.PA: "PA radiograph", View.LATERAL: "Lateral radiograph"}


def anonymous_notes(reconstruction: Reconstruction) -> list[str]:
    """The notes with the views' names in place of file names, which may be those of patients."""
    sources = sorted(reconstruction.sources.items(), key=lambda item: len(item[1]), reverse=True)
    names = [source for _, source in sources]
    notes = list(reconstruction.notes)
    for view, source in sources:
        name = VIEW_NAMES[view] if names.count(source) == 1 else "One radiograph"
        notes = [note.replace(source, name) for note in notes] if source else notes
    return notes
