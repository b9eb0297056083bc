"""The sixth step: what was measured."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Section


class MeasureSection(Section):
    """The table of measurements."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        result = typed_state.name.result
        super().__init__(6, "measure", "Measure")
        with self.body:
            html.Div("After the reconstruction.", v_if=(f"!{result.shown}",), classes="x2ct-detail")
            with (
                html.Table(id="measurements", classes="x2ct-table", v_else=True),
                html.Tbody(),
                html.Tr(v_for=f"row in {result.measurements}", key="row.name", title=("row.note",)),
            ):
                with html.Td("{{ row.name }}"):
                    v.VIcon("mdi-information-outline", v_if="row.note", size=13, color="#66717f", classes="ml-1")
                html.Td("{{ row.value }}", classes="x2ct-number")
                html.Td("{{ row.unit }}", classes="x2ct-unit")
