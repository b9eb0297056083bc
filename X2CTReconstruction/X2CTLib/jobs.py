"""One job at a time in a process, for a front end with an event loop or a console. Standard library only."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from X2CTLib.errors import X2CTError
from X2CTLib.progress import Progress, silent
from X2CTLib.worker import Worker

POLL_INTERVAL_MS = 100


@dataclass(frozen=True)
class Job:
    """Work for a server of `worker`.

    Attributes:
        request: What to do.
        finish: To be called when it is done; returns what the job was for.
        server: The module that does it, as `Worker` takes it; None for that of the runner.
        yields: Whether another job may be started before it is done, which nobody is told then.
    """

    request: dict
    finish: Callable[[], object]
    server: str | None = None
    yields: bool = False


class JobRunner:
    """Has jobs done, one at a time; a process for each server stays for the next job.

    Args:
        temporary: Where their files come to lie, until the next one.
        find_python: Called before the first job; returns the interpreter.
        server: The module that does them, as `Worker` takes it.
    """

    def __init__(self, temporary: str, find_python: Callable[[], str], server: str = "X2CTLib.worker") -> None:
        self._temporary, self._find_python, self._server = temporary, find_python, server
        self._workers: dict[str, Worker] = {}
        self._folder: tempfile.TemporaryDirectory | None = None
        self._job: Job | None = None
        self._waiting = False

    @property
    def busy(self) -> bool:
        """Whether a job has not been done yet."""
        return self._waiting or any(worker.busy for worker in self._workers.values())

    def new_folder(self) -> Path:
        """An empty folder for the files of the next job; those of the last are removed."""
        if self._folder:
            self._folder.cleanup()
        self._folder = tempfile.TemporaryDirectory(prefix="X2CT-", dir=self._temporary, ignore_cleanup_errors=True)
        return Path(self._folder.name)

    def start(self, job: Job) -> None:
        """Begin a job and return; `poll` tells how it goes. It waits for one that yields, whose process stays so.

        Raises:
            RuntimeError: Another one has not been done yet.
        """
        if self.busy and not self._job.yields:
            raise RuntimeError("Another job has not been done yet; cancel it first.")
        self._waiting, self._job = self.busy, job
        if not self._waiting:
            self._submit()

    def poll(self) -> list[dict]:
        """The process's events since the last call, without waiting; `X2CTLib.worker` says what they are."""
        events = [event for worker in self._workers.values() for event in worker.poll()]
        if not self._waiting:
            return events
        if not any(worker.busy for worker in self._workers.values()):
            self._waiting = False
            self._submit()
        return []

    def finish(self):
        """After the event "done": what the job was for."""
        return self._job.finish()

    def run(self, job: Job, progress: Progress | None = None):
        """Do a job, wait for it, and return what it was for.

        Raises:
            X2CTError: It cannot be done.
        """
        progress = progress or silent
        self.start(job)
        while True:
            for event in self.poll():
                if event["event"] == "done":
                    return self.finish()
                if event["event"] == "error":
                    raise X2CTError(event["message"])
                progress(event["fraction"], event["message"])
            time.sleep(POLL_INTERVAL_MS / 1000)

    def close(self) -> None:
        """End the process, whatever it does, and remove its files."""
        for worker in self._workers.values():
            worker.close()
        if self._folder:
            self._folder.cleanup()
        self._folder, self._waiting = None, False

    def _submit(self) -> None:
        server = self._job.server or self._server
        if server not in self._workers:
            self._workers[server] = Worker(self._find_python(), server)
        self._workers[server].submit(self._job.request)
