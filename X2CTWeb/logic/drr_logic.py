"""Radiographs of a CT: it is read once, previewed while the controls move, and projected to files."""

import asyncio
import shutil
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from trame_server import Server
from trame_server.utils.asynchronous import create_task
from trame_server.utils.typed_state import TypedState

from X2CTLib.drr_files import FORMATS
from X2CTLib.drr_settings import DrrSettings, PlacedVolume, preset_lengths
from X2CTLib.errors import InputError, X2CTError
from X2CTLib.formats import SLICES
from X2CTLib.geometry import View, VolumeGeometry
from X2CTLib.pairing import Pair
from X2CTLib.prepared_ct import PreparedCt
from X2CTLib.quick_drr import PIXELS, QuickDrr
from X2CTLib.sample import sample_ct
from X2CTReconstructionLib.nodes import add_reconstruction
from X2CTReconstructionLib.study import new_study
from X2CTWeb.folder import SessionFolder
from X2CTWeb.logic.display_logic import DisplayLogic
from X2CTWeb.logic.job_logic import JobLogic
from X2CTWeb.logic.pictures import grey_url, reduced
from X2CTWeb.logic.uploads import keep
from X2CTWeb.state import ALL_DRRS, PROJECT, AppState

_FINE_PIXELS = 224
_REST_SECONDS = 0.3
"""Without a change, before the preview is drawn finely."""
_SETTINGS = ("sid_mm", "sad_mm", "width_mm", "height_mm", "pixels", "gantry_deg", "cranial_deg")
_EXPOSURE = ("tube", "kvp", "scatter", "log_photons", "blur_mm")


class DrrLogic:
    """Holds one CT at a time; one that cannot be read changes nothing.

    Args:
        server: Hands out the files.
        typed_state: The page's.
        folder: For what is uploaded and made.
        job: Reads and projects, see `X2CTLib.drr_worker`.
        scene: For the CT.
        display: Shows it.
    """

    def __init__(
        self,
        server: Server,
        typed_state: TypedState[AppState],
        folder: SessionFolder,
        job: JobLogic,
        scene,
        display: DisplayLogic,
    ) -> None:
        self._server = server
        self._data = typed_state.data
        self._folder = folder
        self._job = job
        self._scene = scene
        self._display = display
        self._ct: PreparedCt | None = None
        self._quick: QuickDrr | None = None
        self._made: Path | None = None
        self._stale = False
        self._preview: asyncio.Task | None = None
        names = typed_state.name.drr
        settings = tuple(getattr(names, name) for name in (*_SETTINGS, *_EXPOSURE))
        typed_state.bind_changes({names.geometry: self._on_preset, settings: self._on_settings})

    async def take(self, files: list[dict], paths: list[str]) -> None:
        """Read the CT that the browser sends; see `uploads.keep`."""
        try:
            chosen = keep(self._folder, files, paths)
            self._read(await asyncio.to_thread(_ct_among, chosen, self._folder.new("ct")))
        except X2CTError as error:
            self._data.error = str(error)

    def take_sample(self) -> None:
        """Read the sample CT."""
        self._read(sample_ct())

    def make(self) -> None:
        """Project the CT as the controls say, at full resolution."""
        self._data.drr.reading = False
        volume = PlacedVolume(self._data.drr.ct, self._ct.values, self._ct.geometry, self._isocentre)
        request = self._settings().request([volume], FORMATS, self._folder.new("drrs") / "made")
        self._job.start(request, self._take_drrs)

    def cancel(self) -> None:
        """Stop reading, or making."""
        self._job.cancel()

    @property
    def pair(self) -> Pair:
        """What was made, as radiographs to reconstruct from."""
        return Pair(self._data.drr.ct, {view.name: self._made / f"{view.name.lower()}.dcm" for view in View})

    async def file(self, name: str):
        """One of the files that were made, or `ALL_DRRS`."""
        path = self._made / name
        if name == ALL_DRRS:
            archive = self._folder.new("zip") / "radiographs"
            path = Path(await asyncio.to_thread(shutil.make_archive, archive, "zip", self._made))
        return self._server.protocol.addAttachment(path.read_bytes())

    def close(self) -> None:
        """End the process."""
        self._job.close()

    def _read(self, ct: Path) -> None:
        self._job.cancel()
        self._data.drr.reading = True
        request = {"task": "read", "ct": str(ct), "output": str(self._folder.new("ct") / "prepared")}
        self._job.start(request, partial(self._take_ct, ct.name))

    async def _take_ct(self, name: str, folder: Path) -> None:
        self._ct = await asyncio.to_thread(PreparedCt.load, folder)
        self._quick = await asyncio.to_thread(QuickDrr, self._ct.hu, self._ct.geometry)
        self._show_ct()
        self._data.drr.ct, self._data.drr.details = name, self._ct.words
        self._on_settings()

    def _show_ct(self) -> None:
        """Where the isocentre is the origin and in such voxels as in a reconstruction, so that the two compare."""
        volume = add_reconstruction(self._scene, self._ct.coarse, VolumeGeometry.cube(), "CT (given)")
        self._display.show(new_study(self._scene, volume), PROJECT)

    async def _take_drrs(self, folder: Path) -> None:
        self._made = folder / "0"
        for view in View:
            picture = await asyncio.to_thread(sitk.ReadImage, self._made / f"{view.name.lower()}.png")
            self._show_radiograph(view, reduced(sitk.GetArrayFromImage(picture).astype(np.float32)))
        self._data.drr.made = True

    def _show_radiograph(self, view: View, pixels: np.ndarray | None) -> None:
        setattr(self._data.drr, view.name.lower(), "" if pixels is None else grey_url(pixels))

    def _settings(self) -> DrrSettings:
        """What the controls say."""
        drr = self._data.drr
        distances = {} if drr.geometry == "parallel" else {"sid_mm": drr.sid_mm, "sad_mm": drr.sad_mm}
        exposure = {"kvp": drr.kvp, "scatter": drr.scatter, "photons": 10**drr.log_photons, "blur_mm": drr.blur_mm}
        return DrrSettings(
            geometry=drr.geometry,
            detector_mm=(drr.width_mm, drr.height_mm),
            pixels=drr.pixels,
            gantry_deg=drr.gantry_deg,
            cranial_deg=drr.cranial_deg,
            body_only=False,  # the cube has no table any more
            **distances,
            **(exposure if drr.tube else {}),
        )

    @property
    def _isocentre(self) -> tuple[float, float, float]:
        return tuple(self._ct.geometry.centre_lps.tolist())

    def _on_preset(self, name: str) -> None:
        drr = self._data.drr
        sid, sad, drr.width_mm, drr.height_mm = preset_lengths(name)
        drr.sid_mm, drr.sad_mm = sid or drr.sid_mm, sad or drr.sad_mm
        self._on_settings()

    def _on_settings(self, *_) -> None:
        """What was made, or is being made, is of other settings."""
        if not self._data.drr.reading:
            self._job.cancel()
        self._data.drr.made = False
        self._stale = True
        if self._ct and (self._preview is None or self._preview.done()):
            self._preview = create_task(self._follow())

    async def _follow(self) -> None:
        """Draw the preview roughly at once, and finely when the controls rest."""
        while self._stale:
            self._stale = False
            await self._draw(PIXELS)
            await asyncio.sleep(_REST_SECONDS)
            if not self._stale:
                await self._draw(_FINE_PIXELS)

    async def _draw(self, pixels: int) -> None:
        drr = self._data.drr
        try:
            settings = self._settings()
            pictures = {
                projection.view: await asyncio.to_thread(self._quick.image, projection, settings.exposure, pixels)
                for projection in settings.projections(self._isocentre)
            }
            drr.problem = ""
        except X2CTError as error:
            pictures = dict.fromkeys(View)
            drr.problem = str(error)
        if not drr.made:
            for view, picture in pictures.items():
                self._show_radiograph(view, picture)
        self._server.state.flush()


def _ct_among(chosen: list[Path], scratch: Path) -> Path:
    """What the user means by files: the only volume among them, or the folder of the slices.

    Raises:
        InputError: It is an archive that cannot be unpacked.
    """
    if len(chosen) > 1:
        root = chosen[0].parent.rename(scratch / "slices")
    elif chosen[0].suffix.lower() == ".zip":
        root = _unpacked(chosen[0], scratch / chosen[0].stem)
    else:
        root = chosen[0]
    files = root.rglob("*") if root.is_dir() else [root]
    volumes = [path for path in files if path.name.lower().endswith(SLICES)]
    return volumes[0] if len(volumes) == 1 else root


def _unpacked(archive: Path, folder: Path) -> Path:
    try:
        shutil.unpack_archive(archive, folder)
    except (shutil.ReadError, zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise InputError(f"{archive.name} cannot be unpacked ({error}). Unpack it, and choose the folder.") from error
    return folder
