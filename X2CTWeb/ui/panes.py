"""The main area: each radiograph beside the slice that it compares with, and the volume."""

from trame.widgets import client, html
from trame.widgets import vuetify3 as v
from trame_server.utils.typed_state import TypedState
from trame_slicer.app.logic import connect_slice_view_slider_to_state
from trame_slicer.app.ui import Slider
from trame_slicer.views import AbstractView, SliceView, ThreeDView, ViewDirection

from X2CTLib.mark import MARK
from X2CTWeb.state import AppState, RadiographState

MOUSE_IN_SLICES = "Wheel: through the slices. Right button: zoom. Middle button: pan."
MOUSE_IN_3D = "Left button: turn. Wheel or right button: zoom. Middle button: pan."


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

    def add_letters(self, sides: dict[str, str], known: str = "true") -> None:
        """Write the patient's sides at the edges.

        Args:
            sides: A letter for any of "left", "right", "top" and "bottom".
            known: Expression that says whether these are the patient's sides.
        """
        with self.content:
            for side, letter in sides.items():
                html.Div(letter, v_if=(known,), classes=f"x2ct-letter x2ct-{side}")


class IconButton(v.VBtn):
    """A small button of a pane's head."""

    def __init__(self, icon, title: str, click) -> None:
        super().__init__(icon=icon, title=title, click=click, variant="text", classes="x2ct-icon", ripple=False)


class RadiographPane(Pane):
    """A radiograph, or what the network saw of it."""

    def __init__(
        self,
        key: str,
        title: str,
        name: RadiographState,
        typed_state: TypedState[AppState],
        sides: dict[str, str],
    ) -> None:
        super().__init__(key, title, typed_state)
        shown = typed_state.name.input.shown
        seen = f"({shown} === 'seen' && {name.seen})"
        with self.content:
            html.Img(
                src=(f"{seen} ? {name.seen} : {name.picture}",),
                v_if=(name.picture,),
                alt=title,
                classes="x2ct-radiograph",
            )
            html.Div("Choose a file on the left", v_else=True, classes="x2ct-empty")
        self.add_letters(sides, known=f"{seen} || {name.oriented}")
        with (
            self.buttons,
            v.VBtnToggle(v_if=(name.seen,), v_model=(shown,), mandatory=True, classes="x2ct-toggle"),
        ):
            v.VBtn("As taken", value="taken")
            v.VBtn("Network input", value="seen")
        with self.foot:
            html.Span(f"{{{{ {seen} ? {name.seen_details} : {name.details} }}}}", classes="x2ct-detail")


class VolumePane(Pane):
    """A view of the scene, empty until there is a volume."""

    def __init__(
        self, key: str, title: str, view: AbstractView, typed_state: TypedState[AppState], mouse: str, **kwargs
    ) -> None:
        super().__init__(key, title, typed_state, **kwargs)
        names = typed_state.name
        self.shown = names.result.shown
        with self.content:
            client.ServerTemplate(name=view.get_singleton_tag())
            html.Div(
                f"{{{{ {names.job.running} ? 'Reconstructing …' : "
                f"{names.input.ready} ? 'Press Reconstruct' : {names.input.wanted} }}}}",
                v_if=(f"!{self.shown}",),
                classes="x2ct-empty",
            )
            with html.Div(v_if=(self.shown,), classes="x2ct-mark-small"):
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
        self.add_letters({side: letters[side] for side in ("left", "right", "top", "bottom")})
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
    """The volume rendering, and from where to look at it."""

    def __init__(self, view: ThreeDView, typed_state: TypedState[AppState]) -> None:
        super().__init__("threed", "Volume rendering", view, typed_state, MOUSE_IN_3D)
        with self.foot, html.Div(v_if=(self.shown,), classes="x2ct-directions"):
            html.Span("Seen from", classes="x2ct-detail")
            for direction in (ViewDirection.ANTERIOR, ViewDirection.LEFT, ViewDirection.POSTERIOR, ViewDirection.RIGHT):
                v.VBtn(
                    direction.name.lower(),
                    variant="text",
                    click=lambda direction=direction: view.rotate_to_view_direction(direction),
                )
