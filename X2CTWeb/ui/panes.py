"""The main area: each radiograph beside the slice that it compares with, and the volume."""

from trame.widgets import client, html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui import Slider
from trame_slicer.views import AbstractView, SliceView, ThreeDView
from undo_stack import Signal

from X2CTLib.geometry import View
from X2CTLib.mark import MARK
from X2CTWeb.state import PROJECT, RECONSTRUCT, AppState, RadiographState
from X2CTWeb.ui.radiographs_section import sides
from X2CTWeb.ui.section import on_show

MOUSE_IN_SLICES = "Wheel: through the slices. Right button: zoom. Middle button: pan."
MOUSE_IN_3D = "Left button: turn. Wheel or right button: zoom. Middle button: pan."
DIRECTIONS = {
    "PA": ("PA", "The patient faces you"),
    "LATERAL": ("Lateral", "From the patient's left"),
    "OBLIQUE": ("Oblique", "From the left, in front and above"),
    "SOURCE": ("Source", "Along the rays of the PA radiograph, which shows the mirror image of this"),
}
"""Where the 3D view can be looked at from."""


class Pane(html.Div):
    """One of the six fields: a head with title and buttons, what it shows, and a foot.

    Attributes:
        buttons: The head's right end.
        content: What it shows.
        foot: The line below.
    """

    def __init__(self, key: str, title: str, typed_state: TypedState[AppState], colour: str = "transparent") -> None:
        enlarged = typed_state.name.display.enlarged
        super().__init__(id=f"pane-{key}", classes=(f"['x2ct-pane', {enlarged} === '{key}' && 'x2ct-enlarged']",))
        with self:
            with html.Div(classes="x2ct-pane-head", style=f"border-top-color: {colour}"):
                html.Span(title)
                v.VSpacer()
                self.buttons = html.Div(classes="x2ct-pane-buttons")
                IconButton(
                    (f"{enlarged} === '{key}' ? 'mdi-arrow-collapse' : 'mdi-arrow-expand'",),
                    "Enlarge, or show all",
                    f"{enlarged} = {enlarged} === '{key}' ? '' : '{key}'",
                )
            self.content = html.Div(classes="x2ct-pane-content")
            self.foot = html.Div(classes="x2ct-pane-foot")

    def add_letters(self, sides: dict[str, str], assumed: str = "false") -> None:
        """Write the patient's sides at the edges.

        Args:
            sides: Expression for a letter for any of "left", "right", "top" and "bottom".
            assumed: Expression that says whether nobody has said so.
        """
        with self.content:
            for side, letter in sides.items():
                html.Div(
                    f"{{{{ {letter} + ({assumed} ? '?' : '') }}}}",
                    classes=(f"['x2ct-letter', 'x2ct-{side}', {assumed} && 'x2ct-assumed']",),
                )


class IconButton(v.VBtn):
    """A small button of a pane's head."""

    def __init__(self, icon, title: str, click) -> None:
        super().__init__(icon=icon, title=title, click=click, variant="text", classes="x2ct-icon", ripple=False)


class RadiographPane(Pane):
    """A radiograph, or what became of it."""

    def __init__(self, view: View, title: str, name: RadiographState, typed_state: TypedState[AppState]) -> None:
        super().__init__(view.name.lower(), title, typed_state)
        shown = typed_state.name.input.shown
        pictures = {
            "taken": ("As taken", name.taken),
            "unstyled": ("Unstyled", name.unstyled),
            "seen": ("Input", name.seen),
            "reprojected": ("Reprojected", name.reprojected),
            "difference": ("Difference", name.difference),
        }
        every = ", ".join(f"{key}: {picture}" for key, (_, picture) in pictures.items())
        picture = f"({{{every}}}[{shown}] || {name.taken})"
        framed = f"({shown} !== 'taken' && {name.seen})"
        with self.content:
            html.Img(src=(picture,), v_if=(name.taken,), alt=title, classes="x2ct-radiograph")
            html.Div("Choose or drop files", v_else=True, classes="x2ct-empty")
            html.Div(f"{{{{ {framed} ? {name.seen_details} : {name.details} }}}}", classes="x2ct-corner")
            with html.Div(v_if=(f"{framed} && {shown} === 'difference'",), classes="x2ct-corner x2ct-legend"):
                html.Span("input brighter", style="color: #ff9628")
                html.Span("reprojection brighter", style="color: #4696ff")
        self.add_letters(sides(view, f"{name.mirrored} && !{framed}"), assumed=f"!{framed} && !{name.oriented}")
        with (
            self.foot,
            v.VBtnToggle(v_if=(name.seen,), v_model=(shown,), mandatory=True, classes="x2ct-toggle"),
        ):
            for key, (label, url) in pictures.items():
                v.VBtn(label, value=key, v_if=(url,))


class VolumePane(Pane):
    """A view of the scene, empty until there is a volume."""

    def __init__(
        self, key: str, title: str, view: AbstractView, typed_state: TypedState[AppState], mouse: str, **kwargs
    ) -> None:
        super().__init__(key, title, typed_state, **kwargs)
        names = typed_state.name
        self.shown = on_show(names)
        project = f"{names.mode} === '{PROJECT}'"
        with self.content:
            client.ServerTemplate(name=view.get_singleton_tag())
            html.Div(
                f"{{{{ {project} ? ({names.drr.job.running} ? 'Reading the CT …' : 'Choose or drop a CT') : "
                f"{names.job.running} ? 'Reconstructing …' : "
                f"{names.input.ready} ? 'Press Reconstruct' : {names.input.wanted} }}}}",
                v_if=(f"!{self.shown}",),
                classes="x2ct-empty",
            )
            with html.Div(v_if=(f"!({project}) && {self.shown}",), classes="x2ct-mark-small"):
                html.Span(MARK)
        with self.buttons:
            v.VIcon("mdi-mouse", title=mouse, size=15, color="#66717f", classes="mr-1")
            IconButton("mdi-fit-to-screen-outline", "Fit to the pane", view.reset_view)


class SlicePane(VolumePane):
    """A slice with the patient's sides and a slider."""

    def __init__(
        self, view: SliceView, letters: dict[str, str], typed_state: TypedState[AppState], colour: str
    ) -> None:
        title = view.get_singleton_tag()
        super().__init__(title.lower(), title, view, typed_state, MOUSE_IN_SLICES, colour=colour)
        self.add_letters({side: f"'{letters[side]}'" for side in ("left", "right", "top", "bottom")})
        slider = connect_slice_view_slider_to_state(self.server, view)
        value = slider.name.value
        with self.foot:
            Slider(slider, v_if=(self.shown,), color="grey", thumb_size=12, track_size=2, density="compact")
            html.Span(
                f"{{{{ Math.abs({value}).toFixed(0) }}}} mm "
                f"{{{{ {value} >= 0 ? '{letters['front']}' : '{letters['back']}' }}}}",
                v_if=(self.shown,),
                classes="x2ct-offset",
            )


class ThreeDPane(VolumePane):
    """The volume rendering, and from where to look at it; emits `look_clicked` with the direction."""

    look_clicked = Signal(str)

    def __init__(self, view: ThreeDView, typed_state: TypedState[AppState]) -> None:
        super().__init__("threed", "Volume rendering", view, typed_state, MOUSE_IN_3D)
        with self.foot, html.Div(v_if=(self.shown,), classes="x2ct-directions"):
            html.Span("Seen from", classes="x2ct-detail")
            for direction, (label, title) in DIRECTIONS.items():
                v.VBtn(
                    label,
                    v_if=("true" if direction != "SOURCE" else f"{typed_state.name.mode} === '{RECONSTRUCT}'",),
                    title=title,
                    variant="text",
                    click=(self.look_clicked, f"['{direction}']"),
                )
