"""The reconstruction: it runs in the worker process, and this listens to it."""

import asyncio
import logging
import time
from pathlib import Path

from trame_server.utils.asynchronous import create_task
from trame_server.utils.typed_state import TypedState
from undo_stack import Signal

from X2CTLib.errors import X2CTError
from X2CTLib.request import Request
from X2CTLib.worker import Worker
from X2CTWeb.folder import SessionFolder
from X2CTWeb.state import AppState, JobState

POLL_SECONDS = 0.1
_TELLING = 0.25
"""From this fraction on, the time that is left is told; before, the model is loaded, if it has to be."""


class JobLogic:
    """Starts, follows and cancels; `done` is emitted with the directory of the result and the request.

    Args:
        typed_state: The page's.
        folder: For the results.
        worker: Does the work.
    """

    done = Signal(Path, Request)

    def __init__(self, typed_state: TypedState[AppState], folder: SessionFolder, worker: Worker) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._folder = folder
        self._worker = worker
        self._task: asyncio.Task | None = None
        self._told: tuple[float, float] | None = None

    def start(self, request: Request) -> None:
        """Do what is asked; a reconstruction that is running goes on instead."""
        if self._data.job.running:
            return
        output = self._folder.new("result") / "reconstruction"
        self._data.error = ""
        self._data.job = JobState(running=True, message="Starting")
        self._told = None
        self._worker.submit({"request": request.to_dict(), "output": str(output)})
        self._task = create_task(self._follow(request))

    def cancel(self) -> None:
        """Stop at once; what is on show stays."""
        if self._data.job.running:
            self._task.cancel()
            self._worker.cancel()
            self._data.job = JobState()

    def close(self) -> None:
        """End the worker process."""
        self._worker.close()

    async def _follow(self, request: Request) -> None:
        while self._data.job.running:
            await asyncio.sleep(POLL_SECONDS)
            for event in self._worker.poll():
                if event["event"] == "progress":
                    self._tell(event["fraction"], event["message"])
                else:
                    await self._end(event, request)
                self._state.flush()

    def _tell(self, fraction: float, message: str) -> None:
        job = self._data.job
        job.percent, job.message = round(100 * fraction), message
        now = time.monotonic()
        if fraction >= _TELLING and self._told is None:
            self._told = fraction, now
        elif self._told and fraction > self._told[0]:
            start, since = self._told
            job.left = _in_words((now - since) * (1 - fraction) / (fraction - start))

    async def _end(self, event: dict, request: Request) -> None:
        try:
            if event["event"] == "error":
                raise X2CTError(event["message"])
            self._data.job.left = ""
            await self.done.async_emit(Path(event["output"]), request)
        except X2CTError as error:
            self._data.error = str(error)
        except Exception as error:
            logging.exception("The reconstruction could not be shown.")
            self._data.error = f"The reconstruction could not be shown: {error}"
        self._data.job = JobState()


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{5 * max(round(seconds / 5), 1)} s left"
