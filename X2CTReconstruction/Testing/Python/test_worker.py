"""The worker process, for real: it answers, survives bad requests, is reused, and is gone once it is cancelled."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from X2CTLib.request import Request
from X2CTLib.worker import Worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


@pytest.fixture
def worker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the package must be found from anywhere
    worker = Worker()
    yield worker
    worker.close()


@pytest.fixture
def a_request(tmp_path) -> dict:
    (tmp_path / "pa.dcm").write_text("This is not a radiograph.", encoding="utf-8")
    (tmp_path / "lateral.dcm").write_text("Nor is this.", encoding="utf-8")
    request = Request({"PA": tmp_path / "pa.dcm", "LATERAL": tmp_path / "lateral.dcm"})
    return {"request": request.to_dict(), "output": str(tmp_path / "output")}


def wait_for(worker: Worker, *kinds: str, seconds: float = 60.0) -> dict:
    """The first event of these kinds; every poll on the way must return at once."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        start = time.monotonic()
        events = worker.poll()
        assert time.monotonic() - start < 0.5, "poll must never wait"
        for event in events:
            if event["event"] in kinds:
                return event
        time.sleep(0.02)
    raise AssertionError(f"no {kinds} event within {seconds} s")


def session_members(leader: int) -> list[int]:
    """The processes of a session that run; a killed one whose parent has not taken notice is a zombie."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, _, _, session = stat.read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                members.append(int(stat.parent.name))
    return members


def session_is_gone(leader: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while members := session_members(leader):
        if time.monotonic() > deadline:
            print("still running:", members)
            return False
        time.sleep(0.01)
    return True


def test_a_bad_file_is_an_error_in_words_and_the_process_lives_on(worker, a_request):
    worker.submit(a_request)
    assert worker.busy
    event = wait_for(worker, "error", "done")
    assert event["event"] == "error"
    assert "pa.dcm" in event["message"]
    assert not worker.busy
    assert not Path(a_request["output"]).exists()
    pid = worker.pid

    worker.submit(a_request)
    assert wait_for(worker, "error", "done")["event"] == "error"
    assert worker.pid == pid


def test_an_incomplete_request_is_told_what_it_lacks(worker):
    worker.submit({"request": {"pa": "x.png"}, "output": "out"})
    assert "no pa" in wait_for(worker, "error")["message"]
    worker.submit({"request": {}, "output": "out"})
    assert '"files"' in wait_for(worker, "error")["message"]
    assert worker.pid is not None


def test_one_request_at_a_time(worker, a_request):
    worker.submit(a_request)
    with pytest.raises(RuntimeError, match="busy"):
        worker.submit(a_request)


def test_cancel_kills_the_process_within_a_second(worker, a_request):
    worker.submit(a_request)
    wait_for(worker, "progress")
    pid = worker.pid
    assert session_members(pid) == [pid]
    start = time.monotonic()
    worker.cancel()
    assert session_is_gone(pid, 1.0)
    assert time.monotonic() - start < 1.0
    assert worker.poll() == []
    assert not worker.busy and worker.pid is None

    worker.submit(a_request)
    assert wait_for(worker, "error")["message"]
    assert worker.pid != pid


def test_cancel_reaches_the_child_of_a_launcher(tmp_path, a_request):
    """PythonSlicer is such a launcher: it runs the interpreter as a child and passes standard input on."""
    launcher = tmp_path / "launcher"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    worker = Worker(str(launcher))
    worker.submit(a_request)
    wait_for(worker, "progress")
    pid = worker.pid
    assert len(session_members(pid)) == 2
    worker.cancel()
    assert session_is_gone(pid, 1.0)


def test_a_death_is_reported_and_the_next_request_starts_anew(worker, a_request):
    worker.submit(a_request)
    wait_for(worker, "progress")
    pid = worker.pid
    os.killpg(pid, 9)
    message = wait_for(worker, "error", seconds=5)["message"]
    assert "unexpectedly" in message and "-9" in message
    assert not worker.busy

    worker.submit(a_request)
    wait_for(worker, "error")
    assert worker.pid != pid


def test_the_process_ends_with_its_front_end(a_request):
    """Standard output carries events only, and the end of standard input ends the server."""
    result = subprocess.run(
        [sys.executable, "-m", "X2CTLib.worker"],
        input=f"not JSON\n{json.dumps(a_request)}\n",
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert result.returncode == 0
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["error", "progress", "progress", "error"]
