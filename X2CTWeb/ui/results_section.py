"""The drawer's last parts: what was measured, and the files to take away."""

from collections.abc import Callable

from trame.widgets import html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState

from X2CTWeb.state import AppState
from X2CTWeb.ui.section import Section


class MeasurementsSection(Section):
    """The table of measurements."""

    def __init__(self, typed_state: TypedState[AppState]) -> None:
        super().__init__("4 · Measurements")
        result = typed_state.name.result
        with self:
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


class DownloadsSection(Section):
    """The files of the result.

    Args:
        typed_state: The page's.
        downloads: File names, each with the function that gives the content.
    """

    def __init__(self, typed_state: TypedState[AppState], downloads: dict[str, Callable]) -> None:
        super().__init__("5 · Downloads")
        result = typed_state.name.result
        with self:
            with html.Div(classes="x2ct-row"):
                for name, content in downloads.items():
                    trigger = self.server.trigger_name(content)
                    v.VBtn(
                        name,
                        disabled=(f"!{result.shown} || {result.report_busy}",),
                        click=f"trigger('{trigger}').then((file) => file && utils.download('{name}', file))",
                    )
            html.Div("Drawing the report …", v_if=(result.report_busy,), classes="x2ct-detail mt-2")
