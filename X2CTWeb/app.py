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
from X2CTLib.weights import load_templates
from X2CTLib.worker import Worker
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.display_logic import DisplayLogic
from X2CTWeb.logic.drr_logic import DrrLogic
from X2CTWeb.logic.job_logic import JobLogic
from X2CTWeb.logic.keep_logic import KeepLogic
from X2CTWeb.logic.measure_logic import MeasureLogic
from X2CTWeb.logic.model_logic import ModelLogic
from X2CTWeb.logic.radiographs_logic import RadiographsLogic
from X2CTWeb.logic.results_logic import ResultsLogic
from X2CTWeb.logic.viewer_logic import ViewerLogic, edge_letters
from X2CTWeb.loopback import HOST, guard
from X2CTWeb.state import PROJECT, RECONSTRUCT, AppState
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
        self._job = JobLogic(typed_state, self._data.job, Worker())
        viewer = ViewerLogic(self.server, SlicerApp())
        self._display = DisplayLogic(typed_state, viewer)
        drr_job = JobLogic(typed_state, self._data.drr.job, Worker(server="X2CTLib.drr_worker"))
        self._drr = DrrLogic(self.server, typed_state, self._folder, drr_job, viewer.scene, self._display)
        keep = KeepLogic(self.server, typed_state, self._folder, viewer.scene)
        self._results = ResultsLogic(typed_state, viewer.scene, self._display, MeasureLogic(typed_state), keep)
        self.ui = Page(
            self.server,
            typed_state,
            slices={name: (view, edge_letters(view)) for name, view in viewer.slices.items()},
            threed=viewer.threed,
            result_file=keep.file,
            drr_file=self._drr.file,
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
        radiographs.crop_clicked.connect(self._radiographs.crop_to_chest)
        model.model_added.connect(self._model.add)
        model.delete_clicked.connect(self._model.delete)
        reconstruct.override_clicked.connect(self._radiographs.override)
        reconstruct.reconstruct_clicked.connect(self._reconstruct)
        reconstruct.cancel_clicked.connect(self._job.cancel)
        for see in self.ui.see:
            see.reset_clicked.connect(self._display.reset)
        self.ui.threed.look_clicked.connect(self._display.look_from)
        self._radiographs.changed.connect(self._job.cancel, self._results.clear)
        self._radiographs.corrected.connect(self._job.cancel, self._results.outdate)
        self._model.changed.connect(self._on_model, self._results.outdate)
        self._connect_drr()
        self.server.controller.on_server_bind.add(lambda wslink: guard(wslink.app))

    def _connect_drr(self) -> None:
        ct, drrs = self.ui.ct, self.ui.drrs
        self.ui.files_dropped.connect(self._take_dropped)
        ct.files_chosen.connect(self._drr.take)
        ct.sample_clicked.connect(self._drr.take_sample)
        ct.cancel_clicked.connect(self._drr.cancel)
        drrs.make_clicked.connect(self._drr.make)
        drrs.cancel_clicked.connect(self._drr.cancel)
        drrs.reconstruct_clicked.connect(self._reconstruct_drrs)

    async def _take_dropped(self, files: list[dict], paths: list[str]) -> None:
        take = self._drr.take if self._data.mode == PROJECT else self._radiographs.take
        await take(files, paths)

    async def _reconstruct_drrs(self) -> None:
        """Make what was projected the radiographs to reconstruct from."""
        self._data.mode = RECONSTRUCT
        await self._radiographs.take_pair(self._drr.pair)

    def _on_model(self) -> None:
        self._radiographs.need(load_templates(self._model.model))

    def _reconstruct(self) -> None:
        try:
            corrections = self._radiographs.corrections
        except InputError as error:
            self._data.error = str(error)
            return
        request = Request(
            files={view.name: path for view, path in self._radiographs.files.items()},
            corrections={view.name: correction for view, correction in corrections.items()},
            override=self._data.input.overridden,
            model=self._model.model,
            styler=self._model.styler,
            device=self._data.model.device,
            precision=self._data.model.precision,
            uncertainty_passes=UNCERTAINTY_PASSES if self._data.uncertainty else 0,
        )
        output = self._folder.new("result") / "reconstruction"
        self._job.start(
            {"request": request.to_dict(), "output": str(output)}, lambda folder: self._results.take(folder, request)
        )

    def close(self) -> None:
        """End the worker processes and delete the session's files."""
        self._job.close()
        self._drr.close()
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
    os.environ["WSLINK_HEART_BEAT"] = "600"  # seconds; a busy computer without a graphics card draws for long
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
