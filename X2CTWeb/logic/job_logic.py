"""Slow work: it runs in a worker process, and this listens to it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from trame_server.utils.asynchronous import create_task
from trame_server.utils.typed_state import TypedState

from X2CTLib.errors import X2CTError
from X2CTLib.worker import Worker
from X2CTWeb.state import AppState, JobState

POLL_SECONDS = 0.1
_TELLING = 0.25
"""From this fraction on, the time that is left is told; before, the model is loaded, if it has to be."""


Finish = Callable[[Path], Awaitable[None]]
"""Takes what was written into the request's "output"."""


class JobLogic:
    """Starts, follows and cancels, one job at a time.

    Args:
        typed_state: The page's.
        job: What of it tells how the job stands.
        worker: Does the work.
    """

    def __init__(self, typed_state: TypedState[AppState], job: JobState, worker: Worker) -> None:
        self._state = typed_state.state
        self._data = typed_state.data
        self._job = job
        self._worker = worker
        self._task: asyncio.Task | None = None
        self._told: tuple[float, float] | None = None

    def start(self, request: dict, finish: Finish) -> None:
        """Do what is asked; a job that is running goes on instead."""
        if self._job.running:
            return
        self._data.error = ""
        TypedState.from_dataclass(self._job, JobState(running=True, message="Starting"))
        self._told = None
        self._worker.submit(request)
        self._task = create_task(self._follow(finish))

    def cancel(self) -> None:
        """Stop at once; what is on show stays."""
        if self._job.running:
            self._task.cancel()
            self._worker.cancel()
            self._rest()

    def close(self) -> None:
        """End the worker process."""
        self._worker.close()

    def _rest(self) -> None:
        TypedState.from_dataclass(self._job, JobState())

    async def _follow(self, finish: Finish) -> None:
        while self._job.running:
            await asyncio.sleep(POLL_SECONDS)
            for event in self._worker.poll():
                if event["event"] == "progress":
                    self._tell(event["fraction"], event["message"])
                else:
                    await self._end(event, finish)
                self._state.flush()

    def _tell(self, fraction: float, message: str) -> None:
        job = self._job
        job.percent, job.message = round(100 * fraction), message
        now = time.monotonic()
        if fraction >= _TELLING and self._told is None:
            self._told = fraction, now
        elif self._told and fraction > self._told[0]:
            start, since = self._told
            job.left = _in_words((now - since) * (1 - fraction) / (fraction - start))

    async def _end(self, event: dict, finish: Finish) -> None:
        try:
            if event["event"] == "error":
                raise X2CTError(event["message"])
            self._job.left = ""
            await finish(Path(event["output"]))
        except X2CTError as error:
            self._data.error = str(error)
        except Exception as error:
            logging.exception("The result could not be shown.")
            self._data.error = f"The result could not be shown: {error}"
        self._rest()


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{5 * max(round(seconds / 5), 1)} s left"
