"""A step of both modes: how the volume is shown."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTReconstructionLib.presets import PRESETS, WINDOWS
from X2CTWeb.state import RECONSTRUCT, AppState
from X2CTWeb.ui.section import Choice, Section, Slide, Switch, on_show


class SeeSection(Section):
    """Volume rendering, and what is in the slices; emits `reset_clicked`.

    Args:
        typed_state: The page's.
        number: Of the step.
        mode: Of the page. A reconstruction has organs and radiographs to be shown, too.
    """

    reset_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState], number: int, mode: str) -> None:
        super().__init__(number, "see", "See")
        display, shown = typed_state.name.display, on_show(typed_state.name)
        with self.body, html.Div(classes="x2ct-fields"):
            html.Label("Rendering", classes="x2ct-label")
            presets = [*PRESETS.items(), ("", "Off")]
            self.server.state.presets = [{"value": name, "title": title} for name, title in presets]
            Choice(display.preset, "presets", id="preset", disabled=(f"!{shown}",))
            html.Label("Shift", classes="x2ct-label", title="To the right, only denser tissue is seen")
            words = f"({display.shift} > 0 ? '+' : '') + {display.shift} + ' HU'"
            Slide(display.shift, -300, 300, 10, words, id="shift", disabled=(f"!{shown}",))
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
            Switch(display.crop, "Crop the rendering; drag the box's handles", id="crop-box", disabled=(f"!{shown}",))
            if mode == RECONSTRUCT:
                Switch(
                    display.detectors, "Radiographs in 3D, at their detectors", id="detectors", disabled=(f"!{shown}",)
                )
            v.VBtn("Reset", id="reset", click=self.reset_clicked, disabled=(f"!{shown}",), title="As it was at first")
