"""The fourth step: how the volume is shown."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTReconstructionLib.presets import PRESETS, WINDOWS
from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Choice, Section, Switch


class SeeSection(Section):
    """Volume rendering preset, window of the slices, outlines of the organs."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        super().__init__(4, "see", "See")
        display, shown = typed_state.name.display, typed_state.name.result.shown
        with self.body, html.Div(classes="x2ct-fields"):
            html.Label("Rendering", classes="x2ct-label")
            self.server.state.presets = list(PRESETS)
            Choice(display.preset, "presets", id="preset", disabled=(f"!{shown}",))
            html.Label("Window", classes="x2ct-label")
            with v.VBtnToggle(
                v_model=(display.window,),
                mandatory=True,
                divided=True,
                density="compact",
                disabled=(f"!{shown}",),
                classes="x2ct-toggle",
            ):
                for name, (width, level) in WINDOWS.items():
                    v.VBtn(name, value=name, title=f"W {width:g}  L {level:g} HU")
            Switch(display.organs, "Outline organs in the slices", disabled=(f"!{shown}",))
