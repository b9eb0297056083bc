"""The first step: choose the two radiographs, read what is said of them, and set them right."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.geometry import View
from X2CTWeb.state import AppState, InputState, RadiographState
from X2CTWeb.ui.files import FileField
from X2CTWeb.ui.section import Choice, Section, note_classes, notes

_SIDES = {View.PA: ("R", "L"), View.LATERAL: ("A", "P")}


def sides(view: View, mirrored: str = "false") -> dict[str, str]:
    """Expressions for the patient's sides at the left and the right edge of a radiograph.

    Args:
        view: What it is.
        mirrored: Expression that says whether it is shown the other way round.
    """
    left, right = _SIDES[view]
    return {"left": f"({mirrored} ? '{right}' : '{left}')", "right": f"({mirrored} ? '{left}' : '{right}')"}


class RadiographsSection(Section):
    """Emits what the user does; files as `FileField` has them."""

    files_chosen = Signal(list, list)
    pa_chosen = Signal(list, list)
    lateral_chosen = Signal(list, list)
    pair_chosen = Signal(int)
    sample_clicked = Signal()
    swap_clicked = Signal()
    crop_clicked = Signal()

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        names = typed_state.name.input
        both = f"[{names.pa.name}, {names.lateral.name}].filter(Boolean).join(' + ')"
        super().__init__(1, "radiographs", "Radiographs", both)
        with self.body:
            v.VProgressLinear(active=(names.reading,), indeterminate=True, absolute=True, color="primary")
            self._sources(names)
            Choice(
                names.pair,
                names.pairs,
                v_if=(f"{names.pairs}.length",),
                id="pair",
                label="Pair",
                update_modelValue=(self.pair_chosen.async_emit, "[Number($event)]"),
            )
            RadiographCard(View.PA, "PA", names.pa, self._trigger(self.pa_chosen))
            RadiographCard(View.LATERAL, "Lateral", names.lateral, self._trigger(self.lateral_chosen))
            self._tools(names)
            notes(names.notes)

    def _trigger(self, signal: Signal) -> str:
        return self.server.trigger_name(signal.async_emit)

    def _sources(self, names: InputState) -> None:
        trigger = self._trigger(self.files_chosen)
        with html.Div(classes="x2ct-row"):
            with v.VBtn("Files", prepend_icon="mdi-file-upload-outline", title="Or drop them anywhere on the page"):
                FileField("files", trigger, multiple=True)
            with v.VBtn("Folder", prepend_icon="mdi-folder-upload-outline", title="Finds the pairs in it"):
                FileField("folder", trigger, folder=True)
            v.VBtn("Sample", id="sample", click=self.sample_clicked.async_emit, title="A pair to try it with")

    def _tools(self, names: InputState) -> None:
        tools = (
            ("swap", "Swap", "mdi-swap-vertical", "PA and lateral", self.swap_clicked),
            (
                "crop",
                "Crop to chest",
                "mdi-crop-free",
                "Darken what is not the chest, and leave it out",
                self.crop_clicked,
            ),
        )
        with html.Div(classes="x2ct-row", v_if=(f"{names.pa.name} || {names.lateral.name}",)):
            for key, text, icon, title, signal in tools:
                v.VBtn(text, id=key, prepend_icon=icon, title=title, click=signal.async_emit)


class RadiographCard(html.Div):
    """A radiograph with its file name, notes and tools; most of it opens the file dialog, and takes a dropped file."""

    def __init__(self, view: View, title: str, name: RadiographState, trigger: str) -> None:
        super().__init__(classes="x2ct-card", id=f"card-{view.name.lower()}")
        with self:
            with html.Div(classes="x2ct-card-main"):
                FileField(f"{view.name.lower()}-file", trigger)
                with html.Div():
                    self._thumbnail(view, title, name)
                    with v.Template(v_if=(name.name,)):
                        self._tools(name)
                with html.Div(classes="x2ct-card-text"):
                    with html.Div(classes="x2ct-card-head"):
                        html.Span(title)
                        html.Span(f"{{{{ {name.name} ? 'Change' : 'Choose' }}}}", classes="x2ct-link")
                    html.Div(f"{{{{ {name.name} || 'DICOM or picture' }}}}", classes="x2ct-file", title=(name.name,))
                    html.Div(f"{{{{ {name.details} }}}}", classes="x2ct-detail", v_if=(name.details,))
                    html.Div("{{ note }}", classes=note_classes("x2ct-note"), v_for=f"note in {name.notes}", key="note")
            with v.Template(v_if=(name.name,)):
                self._crop(name)

    def _thumbnail(self, view: View, title: str, name: RadiographState) -> None:
        with html.Div(classes="x2ct-thumbnail"):
            html.Img(src=(name.taken,), v_if=(name.taken,), alt=f"{title} radiograph")
            v.VIcon("mdi-image-plus-outline", v_else=True)
            with v.Template(v_if=(name.taken,)):
                for side, letter in sides(view, name.mirrored).items():
                    html.Span(
                        f"{{{{ {letter} + ({name.oriented} ? '' : '?') }}}}",
                        title=(f"{name.oriented} ? '' : 'Assumed: nothing in the file says so'",),
                        classes=(f"['x2ct-letter', 'x2ct-{side}', !{name.oriented} && 'x2ct-assumed']",),
                    )

    def _tools(self, name: RadiographState) -> None:
        correction, adjusting = name.correction, name.adjusting
        turn = f"{correction.quarter_turns} = ({correction.quarter_turns} + {{}}) % 4"
        tools = (
            ("mdi-rotate-left", "Turn left", turn.format(1), ""),
            ("mdi-rotate-right", "Turn right", turn.format(3), ""),
            ("mdi-flip-horizontal", "Mirror", f"{correction.mirrored} = !{correction.mirrored}", correction.mirrored),
            ("mdi-invert-colors", "Invert", f"{correction.inverted} = !{correction.inverted}", correction.inverted),
            ("mdi-crop", "Crop, and pixel size", f"{adjusting} = !{adjusting}", adjusting),
        )
        with html.Div(classes="x2ct-tools"):
            for icon, title, click, active in tools:
                v.VBtn(
                    icon=icon,
                    title=title,
                    click=click,
                    active=(active or "false",),
                    variant="text",
                    classes="x2ct-icon",
                    ripple=False,
                )

    def _crop(self, name: RadiographState) -> None:
        correction = name.correction
        with html.Div(v_if=(name.adjusting,), classes="x2ct-fields x2ct-crop"):
            for label, kept in (("Left, right", correction.columns), ("Top, bottom", correction.rows)):
                html.Label(label, classes="x2ct-label")
                v.VRangeSlider(
                    v_model=(kept,),
                    min=0,
                    max=100,
                    step=1,
                    density="compact",
                    hide_details=True,
                    thumb_size=12,
                    track_size=2,
                )
            html.Label("Pixel size", classes="x2ct-label")
            v.VTextField(
                v_model_lazy=(correction.pixel_mm,),
                placeholder="as the file says",
                suffix="mm",
                title="Millimetres of patient a pixel; usually 0.1 to 0.4",
                density="compact",
                variant="outlined",
                hide_details=True,
                classes="x2ct-select",
            )
