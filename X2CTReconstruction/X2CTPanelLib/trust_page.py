"""What a reconstruction is worth, as HTML for the panel."""

from html import escape

import slicer
from slicer.i18n import tr as _

from X2CTReconstructionLib.png import comparison_uris

PICTURE_HEIGHT = 110
WARNING_COLOUR = "#e53935"
"""A red that is read on the panel of the light theme and of the dark one."""


def trustPage(study):
    """In words; what speaks against a reconstruction comes in red."""
    trust = study.trust
    if not trust:
        return _("Nothing is known of how far to trust this volume.")
    words = "<br>".join(escape(text) for text in trust["words"])
    if not trust["low"]:
        return f"<b>{_('Nothing speaks against this reconstruction.')}</b><br>{words}"
    return f"<span style='color: {WARNING_COLOUR}'><b>{_('Low trust.')}</b></span><br>{words}"


def comparisonPage(study):
    """A row a view: what the network saw, what the volume would show, the difference, and the numbers."""
    trust = study.trust
    if not trust:
        return ""
    titles = (_("Seen"), _("Reprojected"), _("Difference"))
    head = "".join(f"<td align='center'>{title}</td>" for title in titles)
    rows = "".join(
        _row(view.name, radiograph, study.reprojections[view], trust)
        for view, radiograph in study.radiographs.items()
        if view in study.reprojections
    )
    return f"<table align='center' cellpadding='2'><tr>{head}</tr>{rows}</table>"


def _row(name, radiograph, reprojection, trust):
    seen, projected = (slicer.util.arrayFromVolume(node)[0] for node in (radiograph, reprojection))
    cells = "".join(f"<td><img src='{uri}' height='{PICTURE_HEIGHT}'></td>" for uri in comparison_uris(seen, projected))
    text = _("{view}: correlation {value:.2f}").format(
        view=radiograph.GetName(), value=trust["reprojection_correlations"][name]
    )
    if name in trust["familiarity"]:
        text += _(", familiarity {value:.2f}").format(value=trust["familiarity"][name])
    return f"<tr>{cells}</tr><tr><td colspan='3' align='center'>{escape(text)}</td></tr>"
