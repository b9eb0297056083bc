"""The whole page: title bar with the mark, drawer with the steps, main area with six panes."""

from collections.abc import Callable
from pathlib import Path

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html
from trame.widgets import vuetify3 as v
from trame_server import Server
from trame_server.utils.typed_state import TypedState
from trame_slicer.views import SliceView, ThreeDView
from undo_stack import Signal

from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTWeb.state import PROJECT, RECONSTRUCT, AppState
from X2CTWeb.ui.ct_section import CtSection
from X2CTWeb.ui.drr_pane import DrrPane
from X2CTWeb.ui.drr_section import DrrSection
from X2CTWeb.ui.exposure_section import ExposureSection
from X2CTWeb.ui.files import DropArea
from X2CTWeb.ui.geometry_section import GeometrySection
from X2CTWeb.ui.keep_section import KeepSection
from X2CTWeb.ui.measure_section import MeasureSection
from X2CTWeb.ui.model_section import ModelSection
from X2CTWeb.ui.panes import RadiographPane, SlicePane, ThreeDPane
from X2CTWeb.ui.radiographs_section import RadiographsSection
from X2CTWeb.ui.reconstruct_section import ReconstructSection
from X2CTWeb.ui.see_section import SeeSection
from X2CTWeb.ui.trust_section import TrustSection

TITLE = "Chest CT from two radiographs"
SLICE_COLOURS = {"Axial": "#e2574c", "Sagittal": "#e0c246", "Coronal": "#6fae5b"}
"""Those of Slicer's own views."""
_THEME = {
    "theme": {
        "defaultTheme": "x2ct",
        "themes": {
            "x2ct": {
                "dark": True,
                "colors": {
                    "background": "#0b0e12",
                    "surface": "#14181e",
                    "primary": "#3b86bd",
                    "error": "#a83c36",
                },
            }
        },
    },
    "defaults": {"VBtn": {"variant": "tonal", "density": "comfortable", "size": "small"}},
}
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%234d9fd6' "
    "stroke-width='2'%3E%3Cpath d='M12 2l9 5v10l-9 5-9-5V7zM3 7l9 5 9-5M12 12v10'/%3E%3C/svg%3E"
)


class Page(VAppLayout):
    """Builds all of it; its sections' signals are what the user does. Emits `files_dropped`, as `DropArea` has them."""

    files_dropped = Signal(list, list)

    def __init__(
        self,
        server: Server,
        typed_state: TypedState[AppState],
        slices: dict[str, tuple[SliceView, dict[str, str]]],
        threed: ThreeDView,
        result_file: Callable,
        drr_file: Callable,
    ) -> None:
        self.state_name = typed_state.name
        self._typed_state = typed_state
        server.state.trame__title = "X2CTGAN"
        server.state.trame__favicon = _ICON
        server.state.trame__vuetify3_config = _THEME
        super().__init__(server)
        with self:
            client.Style((Path(__file__).parent / "style.css").read_text(encoding="utf-8"))
            self._title_bar()
            with v.VNavigationDrawer(permanent=True, width=360, classes="x2ct-drawer"):
                self._modes()
                with self._steps(RECONSTRUCT, self.state_name.steps):
                    self.radiographs = RadiographsSection(typed_state)
                    self.model = ModelSection(typed_state)
                    self.reconstruct = ReconstructSection(typed_state)
                    see_result = SeeSection(typed_state, 4, RECONSTRUCT)
                    TrustSection(typed_state)
                    MeasureSection(typed_state)
                    KeepSection(typed_state, result_file)
                with self._steps(PROJECT, self.state_name.drr.steps):
                    self.ct = CtSection(typed_state)
                    GeometrySection(typed_state)
                    ExposureSection(typed_state)
                    self.drrs = DrrSection(typed_state, drr_file)
                    see_ct = SeeSection(typed_state, 5, PROJECT)
                self.see = see_result, see_ct
            DropArea(server.trigger_name(self.files_dropped.async_emit))
            with v.VMain(), html.Div(classes="x2ct-grid"):
                self._panes(slices, threed)
                self._alert()

    def _modes(self) -> None:
        with (
            html.Div(classes="x2ct-modes"),
            v.VBtnToggle(v_model=(self.state_name.mode,), mandatory=True, divided=True, density="compact"),
        ):
            v.VBtn("Radiographs to CT", value=RECONSTRUCT, id="mode-reconstruct", title="Reconstruct a chest CT")
            v.VBtn("CT to radiographs", value=PROJECT, id="mode-project", title="Compute the radiographs of a CT")
        to_top = "window.document.querySelector('.x2ct-drawer .v-navigation-drawer__content').scrollTop = 0"
        client.ClientStateChange(value=self.state_name.mode, change=to_top)

    def _steps(self, mode: str, unfolded: str) -> v.VExpansionPanels:
        return v.VExpansionPanels(
            v_if=(f"{self.state_name.mode} === '{mode}'",),
            v_model=(unfolded,),
            multiple=True,
            variant="accordion",
            flat=True,
            static=True,
            tile=True,
        )

    def _title_bar(self) -> None:
        with v.VAppBar(height=48, flat=True, classes="x2ct-bar"):
            v.VIcon("mdi-cube-scan", color="primary", size=22, classes="ml-4 mr-3")
            html.Span("X2CTGAN", classes="x2ct-name")
            html.Span(TITLE, classes="x2ct-subtitle")
            v.VSpacer()
            html.Div(MARK, id="mark", classes="x2ct-mark")

    def _alert(self) -> None:
        error = self.state_name.error
        v.VAlert(
            id="alert",
            v_if=(error,),
            text=(error,),
            type="error",
            variant="flat",
            density="compact",
            closable=True,
            click_close=f"{error} = ''",
            classes="x2ct-alert",
        )

    def _panes(self, slices: dict[str, tuple[SliceView, dict[str, str]]], threed: ThreeDView) -> None:
        state, names = self._typed_state, self.state_name.input

        def add_slice(name: str) -> None:
            SlicePane(*slices[name], state, SLICE_COLOURS[name])

        def add_radiograph(view: View, title: str) -> None:
            with v.Template(v_if=(f"{self.state_name.mode} === '{RECONSTRUCT}'",)):
                RadiographPane(view, title, getattr(names, view.name.lower()), state)
            with v.Template(v_else=True):
                DrrPane(view, title, state)

        add_radiograph(View.PA, "PA radiograph")
        add_slice("Coronal")
        self.threed = ThreeDPane(threed, state)
        add_radiograph(View.LATERAL, "Lateral radiograph")
        add_slice("Sagittal")
        add_slice("Axial")
