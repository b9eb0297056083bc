"""Volume rendering that follows the mouse on any computer, and is sharp once the mouse rests."""

import asyncio

from trame_slicer.views import ThreeDView

REST_SECONDS = 0.4
_MOVES = ("LeftButtonPressEvent", "MiddleButtonPressEvent", "RightButtonPressEvent")
_RESTS = ("LeftButtonReleaseEvent", "MiddleButtonReleaseEvent", "RightButtonReleaseEvent")
_WHEEL = ("MouseWheelForwardEvent", "MouseWheelBackwardEvent")


class StillQuality:
    """Renders adaptively while the camera moves, and at Slicer's normal quality when it has stopped.

    Without a graphics card a frame of normal quality takes seconds.
    """

    def __init__(self, view: ThreeDView) -> None:
        self._node = view.get_view_node()
        self._sharpen_later: asyncio.TimerHandle | None = None
        interactor = view.interactor()
        for events, handler in ((_MOVES, self._on_move), (_RESTS, self._on_rest), (_WHEEL, self._on_wheel)):
            for event in events:
                interactor.AddObserver(event, handler)

    def draft(self) -> None:
        """Draw roughly now, and sharpen at once afterwards: what is drawn is new."""
        self._on_wheel()

    def _on_move(self, *_) -> None:
        if self._sharpen_later:
            self._sharpen_later.cancel()
        self._node.SetVolumeRenderingQuality(self._node.Adaptive)

    def _on_rest(self, *_) -> None:
        self._sharpen_later = asyncio.get_running_loop().call_later(REST_SECONDS, self._sharpen)

    def _on_wheel(self, *_) -> None:
        self._on_move()
        self._on_rest()

    def _sharpen(self) -> None:
        self._node.SetVolumeRenderingQuality(self._node.Normal)
