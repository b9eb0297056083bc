"""The second step to radiographs: where source and detector stand."""

from trame.widgets import html
from trame_server.utils.typed_state import TypedState

from X2CTLib.geometry import MOST_PIXELS
from X2CTWeb.state import AppState, DrrState
from X2CTWeb.ui.section import Choice, Number, Section, number_row

GEOMETRIES = {
    "clinical": "Clinical: chest stand at 1.8 m",
    "paper": "Paper: source at 0.95 m",
    "parallel": "Parallel rays",
}
"""The presets (`X2CTLib.geometry.PROJECTIONS`) in words."""


class GeometrySection(Section):
    """A preset, and all that can differ from it."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        drr = typed_state.name.drr
        parallel = f"{drr.geometry} === 'parallel'"
        magnification = f"'magnifies ' + ({parallel} ? 1 : {drr.sid_mm} / {drr.sad_mm}).toFixed(2) + ' times'"
        super().__init__(2, "geometry", "Geometry", magnification)
        self.server.state.geometries = [{"value": name, "title": title} for name, title in GEOMETRIES.items()]
        with self.body:
            Choice(drr.geometry, "geometries", id="geometry")
            with html.Div(classes="x2ct-numbers"):
                for key, label, title, name in (
                    ("sid", "Source–detector", "SID: from the source to the detector", drr.sid_mm),
                    ("sad", "Source–isocentre", "SAD: from the source to the middle of the lungs", drr.sad_mm),
                ):
                    number_row(key, label, title, name, (500, 3000, 10), "mm", disabled=(parallel,))
                number_row("gantry", "Turn", "Of the gantry, towards the left", drr.gantry_deg, (-90, 90, 1), "°")
                number_row("cranial", "Tilt", "Of the detector, towards the head", drr.cranial_deg, (-45, 45, 1), "°")
            self._detector(drr)

    def _detector(self, drr: DrrState) -> None:
        with html.Div(classes="x2ct-detector"):
            html.Label("Detector", classes="x2ct-label", title="Width and height")
            Number(drr.width_mm, title="Width")
            html.Span("×")
            Number(drr.height_mm, title="Height")
            html.Span("mm")
            Number(drr.pixels, id="pixels", min=1, max=MOST_PIXELS, title="Along the longer edge")
            html.Span("pixels")
