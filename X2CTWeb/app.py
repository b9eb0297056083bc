"""The app in the browser: `x2ct app`, which `./run` opens."""

import argparse
import os
import signal
import socket
import sys
import webbrowser
from pathlib import Path

from trame.app import TrameApp
from trame_server.utils.asynchronous import get_event_loop
from trame_server.utils.typed_state import TypedState
from trame_slicer.core import SlicerApp

from X2CTLib.errors import InputError
from X2CTLib.request import Request
from X2CTLib.sample import sample_case
from X2CTLib.worker import Worker
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.display_logic import DisplayLogic
from X2CTWeb.logic.job_logic import JobLogic
from X2CTWeb.logic.model_logic import ModelLogic
from X2CTWeb.logic.radiographs_logic import RadiographsLogic
from X2CTWeb.logic.results_logic import ResultsLogic
from X2CTWeb.logic.viewer_logic import ViewerLogic, edge_letters
from X2CTWeb.loopback import HOST, guard
from X2CTWeb.report_process import MEASUREMENTS, REPORT, VOLUME
from X2CTWeb.state import AppState
from X2CTWeb.ui.page import Page

UNCERTAINTY_PASSES = 4
"""Further reconstructions, if the user wants to know the uncertainty."""


class App(TrameApp):
    """Joins logic and page.

    Args:
        model: Weights file; None for the shipped one.

    Raises:
        ModelError: The model has no card that says what it reads.
    """

    def __init__(self, model: Path | None = None) -> None:
        super().__init__()
        typed_state = TypedState(self.state, AppState)
        self._data = typed_state.data
        self._folder = SessionFolder()
        self._radiographs = RadiographsLogic(typed_state, self._folder, sample_case())
        self._model = ModelLogic(typed_state, self._folder, model)
        self._job = JobLogic(typed_state, self._folder, Worker())
        viewer = ViewerLogic(self.server, SlicerApp())
        self._display = DisplayLogic(typed_state, viewer)
        self._results = ResultsLogic(self.server, typed_state, viewer.scene, self._display)
        self.ui = Page(
            self.server,
            typed_state,
            slices={name: (view, edge_letters(view)) for name, view in viewer.slices.items()},
            threed=viewer.threed,
            downloads={
                VOLUME: self._results.volume,
                MEASUREMENTS: self._results.measurements,
                REPORT: self._results.report,
            },
        )
        self._connect()
        self._on_model()
        # Before there is a page, so that it cannot miss it.
        get_event_loop().run_until_complete(self._radiographs.load_sample())

    def _connect(self) -> None:
        radiographs, model, reconstruct = self.ui.radiographs, self.ui.model, self.ui.reconstruct
        radiographs.files_chosen.connect(self._radiographs.take)
        radiographs.pa_chosen.connect(self._radiographs.take_pa)
        radiographs.lateral_chosen.connect(self._radiographs.take_lateral)
        radiographs.pair_chosen.connect(self._radiographs.choose_pair)
        radiographs.sample_clicked.connect(self._radiographs.load_sample)
        radiographs.swap_clicked.connect(self._radiographs.swap)
        radiographs.override_clicked.connect(self._radiographs.override)
        model.model_added.connect(self._model.add)
        model.delete_clicked.connect(self._model.delete)
        reconstruct.reconstruct_clicked.connect(self._reconstruct)
        reconstruct.cancel_clicked.connect(self._job.cancel)
        self.ui.see.reset_clicked.connect(self._display.reset)
        self.ui.threed.look_clicked.connect(self._display.look_from)
        self._radiographs.changed.connect(self._job.cancel, self._results.clear)
        self._radiographs.corrected.connect(self._job.cancel, self._results.outdate)
        self._model.changed.connect(self._on_model, self._results.outdate)
        self._job.done.connect(self._results.take)
        self.server.controller.on_server_bind.add(lambda wslink: guard(wslink.app))

    def _on_model(self) -> None:
        self._radiographs.need(self._model.views)

    def _reconstruct(self) -> None:
        self._job.start(
            Request(
                files={view.name: path for view, path in self._radiographs.files.items()},
                corrections={view.name: correction for view, correction in self._radiographs.corrections.items()},
                override=self._data.input.overridden,
                model=self._model.model,
                styler=self._model.styler,
                device=self._data.model.device,
                precision=self._data.model.precision,
                uncertainty_passes=UNCERTAINTY_PASSES if self._data.uncertainty else 0,
            )
        )

    def close(self) -> None:
        """End the worker process and delete the session's files."""
        self._job.close()
        self._folder.close()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `x2ct app`."""
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any that is free)")
    parser.add_argument("--model", type=Path, help="weights file; the shipped model if none is named")
    parser.add_argument("--no-browser", "--server", action="store_true", help="serve only; do not open a browser")


def run(arguments: argparse.Namespace) -> None:
    """Serve the app on the loopback interface until it is interrupted.

    Raises:
        InputError: The port cannot be had.
        ModelError: The model has no card that says what it reads.
    """
    _check_port(arguments.port)
    os.environ["WSLINK_READY_MSG"] = ""  # the library's own words; ours follow
    if not _has_display():
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")  # VTK would try X in vain, and say so
    app = App(arguments.model)
    server = app.server

    @server.controller.add("on_server_ready")
    def announce(**_) -> None:
        url = f"http://{HOST}:{server.port}/"
        print(f"X2CTGAN is ready at {url}", flush=True)
        if not arguments.no_browser and _has_display():
            webbrowser.open(url)

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.default_int_handler)  # the terminal is closed: leave no patient's file
    try:
        server.start(
            port=arguments.port,
            host=HOST,
            timeout=0,
            open_browser=False,
            show_connection_info=False,
            disable_logging=True,
        )
    finally:
        app.close()


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise InputError(f"Port {port} cannot be had ({error}). Name another, or none at all.") from error


def _has_display() -> bool:
    """Whether a browser would open a window; without one it might take over the terminal."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
