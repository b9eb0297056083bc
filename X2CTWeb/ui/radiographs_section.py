"""The drawer's first part: choose the two radiographs, and read what is said of them."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.geometry import View
from X2CTWeb.state import LARGEST_UPLOAD, AppState, RadiographState
from X2CTWeb.ui.section import Section

# The file, or of one that is too large, its name and size only: the logic says what is wrong with it.
_SENT = f"(file => file.size > {LARGEST_UPLOAD} ? {{name: file.name, size: file.size}} : file)($event.target.files[0])"


class RadiographsSection(Section):
    """Emits `sample_clicked`, `swap_clicked`, and `pa_chosen` and `lateral_chosen` with the file."""

    sample_clicked = Signal()
    swap_clicked = Signal()
    pa_chosen = Signal(dict)
    lateral_chosen = Signal(dict)

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        super().__init__("1 · Radiographs")
        names = typed_state.name
        busy = f"({names.job.running} || {names.input.reading})"
        with self:
            v.VProgressLinear(active=(names.input.reading,), indeterminate=True, absolute=True, color="primary")
            RadiographCard(View.PA, "PA", names.input.pa, busy, self.pa_chosen)
            RadiographCard(View.LATERAL, "Lateral", names.input.lateral, busy, self.lateral_chosen)
            with html.Ul(classes="x2ct-notes", v_if=(f"{names.input.notes}.length",)):
                html.Li("{{ note }}", v_for=f"note in {names.input.notes}", key="note")
            html.Div(f"{{{{ {names.input.problem} }}}}", v_if=(names.input.problem,), classes="x2ct-problem")
            with html.Div(classes="x2ct-row"):
                v.VBtn(
                    "Sample case",
                    prepend_icon="mdi-account-outline",
                    click=self.sample_clicked.async_emit,
                    disabled=(busy,),
                )
                v.VBtn(
                    "Swap",
                    prepend_icon="mdi-swap-vertical",
                    click=self.swap_clicked.async_emit,
                    disabled=(f"{busy} || !({names.input.pa.name} && {names.input.lateral.name})",),
                )


class RadiographCard(html.Label):
    """A thumbnail with file name and notes; all of it opens the file dialog, and takes a dropped file."""

    def __init__(self, view: View, title: str, name: RadiographState, busy: str, chosen: Signal) -> None:
        super().__init__(classes="x2ct-card")
        trigger = self.server.trigger_name(chosen.async_emit)
        with self:
            html.Input(
                type="file",
                id=f"{view.name.lower()}-file",
                disabled=(busy,),
                change=f"trigger('{trigger}', [{_SENT}]).then(() => $event.target.value = '')",
            )
            with html.Div(classes="x2ct-thumbnail"):
                html.Img(src=(name.picture,), v_if=(name.picture,), alt=f"{title} radiograph")
                v.VIcon("mdi-image-plus-outline", v_else=True)
            with html.Div(classes="x2ct-card-text"):
                with html.Div(classes="x2ct-card-head"):
                    html.Span(title)
                    html.Span(f"{{{{ {name.name} ? 'Change' : 'Choose file' }}}}", classes="x2ct-link")
                html.Div(f"{{{{ {name.name} || 'DICOM or picture' }}}}", classes="x2ct-file", title=(name.name,))
                html.Div(f"{{{{ {name.details} }}}}", classes="x2ct-detail", v_if=(name.details,))
                html.Div("{{ note }}", classes="x2ct-note", v_for=f"note in {name.notes}", key="note")
