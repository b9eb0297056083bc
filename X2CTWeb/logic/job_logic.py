"""The reconstruction: it runs in the worker process, and this listens to it."""

import asyncio
import logging
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


class JobLogic:
    """Starts, follows and cancels; `done` is emitted with the directory of the result.

    Args:
        typed_state: The page's.
        folder: For the results.
        worker: Does the work.
    """

    done = Signal(Path)

    def __init__(self, typed_state: TypedState[AppState], folder: SessionFolder, worker: Worker) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._folder = folder
        self._worker = worker
        self._task: asyncio.Task | None = None

    def start(self, request: Request) -> None:
        """Do what is asked; a reconstruction that is running goes on instead."""
        if self._data.job.running:
            return
        output = self._folder.new("result") / "reconstruction"
        self._data.error = ""
        self._data.job = JobState(running=True, message="Starting")
        self._worker.submit({"request": request.to_dict(), "output": str(output)})
        self._task = create_task(self._follow())

    def cancel(self) -> None:
        """Stop at once; what is on show stays."""
        if self._data.job.running:
            self._task.cancel()
            self._worker.cancel()
            self._data.job = JobState()

    def close(self) -> None:
        """End the worker process."""
        self._worker.close()

    async def _follow(self) -> None:
        while self._data.job.running:
            await asyncio.sleep(POLL_SECONDS)
            for event in self._worker.poll():
                await self._take(event)
                self._state.flush()

    async def _take(self, event: dict) -> None:
        job = self._data.job
        if event["event"] == "progress":
            job.percent, job.message = round(100 * event["fraction"]), event["message"]
            return
        try:
            if event["event"] == "error":
                raise X2CTError(event["message"])
            await self.done.async_emit(Path(event["output"]))
        except X2CTError as error:
            self._data.error = str(error)
        except Exception as error:
            logging.exception("The reconstruction could not be shown.")
            self._data.error = f"The reconstruction could not be shown: {error}"
        self._data.job = JobState()
