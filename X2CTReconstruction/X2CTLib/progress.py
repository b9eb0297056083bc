"""How slow work tells where it is, and how it is told to stop."""

import threading
from collections.abc import Callable

from X2CTLib.errors import Cancelled

Progress = Callable[[float, str], None]
"""Called with the fraction done in [0, 1] and what is being done now."""


def silent(fraction: float, message: str) -> None:
    """Report to nobody."""


def part(progress: Progress, start: float, end: float, prefix: str = "") -> Progress:
    """The progress of a step that leads from one fraction of the whole to another, `prefix` before its messages."""
    return lambda fraction, message: progress(start + (end - start) * fraction, prefix + message)


def both(one: Progress, other: Progress) -> Progress:
    """The progress of a step that two want to hear of."""

    def progress(fraction: float, message: str) -> None:
        one(fraction, message)
        other(fraction, message)

    return progress


class CancelToken:
    """A flag that any thread may raise, and slow work looks at between its steps."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next step."""
        self._event.set()

    @property
    def raised(self) -> bool:
        """Whether `cancel` has been called."""
        return self._event.is_set()

    def check(self) -> None:
        """Stop here if asked to.

        Raises:
            Cancelled: `cancel` has been called.
        """
        if self.raised:
            raise Cancelled
