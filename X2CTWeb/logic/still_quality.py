"""Volume rendering that follows the mouse on any computer, and is sharp once the mouse rests."""

import asyncio

from slicer import vtkMRMLViewNode
from trame_slicer.views import ThreeDView

REST_SECONDS = 0.4
_MOVES = ("LeftButtonPressEvent", "MiddleButtonPressEvent", "RightButtonPressEvent")
_RESTS = ("LeftButtonReleaseEvent", "MiddleButtonReleaseEvent", "RightButtonReleaseEvent")
_WHEEL = ("MouseWheelForwardEvent", "MouseWheelBackwardEvent")


class StillQuality:
    """Takes the sampling steps that there is time for: little while the camera moves, any when it has stopped.

    Only the time is changed. Another of Slicer's qualities would be another shader, and without a graphics card a
    shader takes seconds to compile.
    """

    def __init__(self, view: ThreeDView) -> None:
        self._view = view
        self._sharpen_later: asyncio.TimerHandle | None = None
        view.get_view_node().SetVolumeRenderingQuality(vtkMRMLViewNode.Adaptive)
        self._interactor = view.interactor()
        for events, handler in ((_MOVES, self._on_move), (_RESTS, self._on_rest), (_WHEEL, self._on_wheel)):
            for event in events:
                self._interactor.AddObserver(event, handler)

    def draft(self) -> None:
        """Draw roughly now, and sharpen at once afterwards: what is drawn is new."""
        self._on_wheel()

    def _on_move(self, *_) -> None:
        if self._sharpen_later:
            self._sharpen_later.cancel()
        self._allow(self._interactor.GetDesiredUpdateRate())

    def _on_rest(self, *_) -> None:
        self._sharpen_later = asyncio.get_running_loop().call_later(REST_SECONDS, self._sharpen)

    def _on_wheel(self, *_) -> None:
        self._on_move()
        self._on_rest()

    def _sharpen(self) -> None:
        self._allow(self._interactor.GetStillUpdateRate())
        self._view.schedule_render()

    def _allow(self, frames_a_second: float) -> None:
        self._view.render_window().SetDesiredUpdateRate(frames_a_second)
