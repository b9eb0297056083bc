"""The sixth step: what was measured."""

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTLib.anatomy import CARDIOTHORACIC_RATIO
from X2CTReconstructionLib.nodes import SEGMENTS
from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Section, Switch


class MeasureSection(Section):
    """The organs, the lines that can be dragged, and the table of measurements; the ratio stays with the title."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        result, display = typed_state.name.result, typed_state.name.display
        row = f"{result.measurements}.find(({{name}}) => name === '{CARDIOTHORACIC_RATIO}')"
        super().__init__(6, "measure", "Measure", f"{row} ? '{CARDIOTHORACIC_RATIO} ' + {row}.value : ''")
        with self.body:
            html.Div("After the reconstruction.", v_if=(f"!{result.shown}",), classes="x2ct-detail")
            with v.Template(v_else=True):
                with html.Div(classes="x2ct-fields"):
                    html.Label("Organs", classes="x2ct-label")
                    with v.VBtnToggle(
                        v_model=(display.organs_in,),
                        id="organs",
                        multiple=True,
                        divided=True,
                        density="compact",
                        classes="x2ct-toggle",
                    ):
                        v.VBtn("In the slices", value="slices")
                        v.VBtn("In 3D", value="3d")
                with v.VChipGroup(
                    v_model=(display.organs,),
                    v_if=(f"{display.organs_in}.length",),
                    multiple=True,
                    column=True,
                    filter=True,
                    classes="x2ct-organs",
                ):
                    for name, (colour, *_) in SEGMENTS.items():
                        v.VChip(name, value=name, size="small", variant="tonal", color=f"rgb{colour}")
                Switch(display.lines, "Heart and thorax lines; drag their ends", id="lines")
                self._table(result.measurements)

    def _table(self, measurements: str) -> None:
        with (
            html.Table(id="measurements", classes="x2ct-table"),
            html.Tbody(),
            html.Tr(v_for=f"row in {measurements}", key="row.name", title=("row.note",)),
        ):
            with html.Td("{{ row.name }}"):
                v.VIcon("mdi-information-outline", v_if="row.note", size=13, color="#66717f", classes="ml-1")
            html.Td("{{ row.value }}", classes="x2ct-number")
            html.Td("{{ row.unit }}", classes="x2ct-unit")
