"""The third step to radiographs: what lies between line integrals and a picture."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Scale, Section, number_row


class ExposureSection(Section):
    """Nothing, or an X-ray tube with scatter, noise and blur."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        drr = typed_state.name.drr
        super().__init__(3, "exposure", "Exposure", f"{drr.tube} ? {drr.kvp} + ' kV' : 'none'")
        with self.body:
            with v.VBtnToggle(
                v_model=(drr.tube,), mandatory=True, divided=True, density="compact", classes="x2ct-toggle"
            ):
                v.VBtn("Line integrals", value=("false",), title="The attenuation that each ray meets, at 70 keV")
                v.VBtn("X-ray tube", id="tube", value=("true",), title="Tungsten, behind 2.5 mm of aluminium")
            with html.Div(v_if=(drr.tube,), classes="x2ct-numbers"):
                number_row("kvp", "Voltage", "Peak tube voltage", drr.kvp, (40, 150, 1), "kV")
                of_scatter = "Scatter-to-primary ratio; about 1 with a grid"
                number_row("scatter", "Scatter", of_scatter, drr.scatter, (0, 10, 0.1), "")
                html.Label("Photons", classes="x2ct-label", title="A pixel gets without a patient; few make noise")
                Scale(drr.log_photons, 2, 8, 0.5)
                html.Span(f"{{{{ Math.round(10 ** {drr.log_photons}).toLocaleString() }}}}", classes="x2ct-wide")
                number_row("blur", "Blur", "Standard deviation of the detector's", drr.blur_mm, (0, 3, 0.05), "mm")
