"""Models that others offer: a manifest says which, and a download checks them before they join the user's models.

A manifest is a JSON list of `{"name", "description", "size": bytes, "files": [{"name", "url", "sha256"}]}`. The files
of a model are its weights (.safetensors) and its card (.json, of the same stem); their urls may be relative to the
manifest. `python -m X2CTLib.downloads` is a server for `worker.Worker`, which takes `{"manifest": address, "name": of
the model}`. This file imports the standard library only.
"""

import contextlib
import http.client
import json
import re
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO, Protocol
from urllib.parse import urljoin, urlsplit

from X2CTLib.cards import add_model
from X2CTLib.errors import InputError
from X2CTLib.files import sha256
from X2CTLib.progress import CancelToken, Progress, silent
from X2CTLib.worker import Emit, telling
from X2CTLib.worker import main as serve_worker

_TIMEOUT_S = 10.0
_CHUNK = 1 << 16
_MANIFEST_LIMIT = 1 << 20


class Opener(Protocol):
    """What fetches a URL, as `urllib.request.OpenerDirector` does."""

    def open(self, url: str, *, timeout: float) -> BinaryIO:
        """The content, to be read and closed; OSError or http.client.HTTPException if there is none."""


class _SecureRedirects(urllib.request.HTTPRedirectHandler):
    """Follows what leads to https, and nothing else."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        _check_scheme(newurl, ("https",))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


INTERNET = urllib.request.build_opener(_SecureRedirects)


@dataclass(frozen=True)
class RemoteFile:
    """A file of a model: its name, its absolute URL, and the checksum that it must have."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Offer:
    """A model of a manifest; `size` is that of its files together, in bytes."""

    name: str
    description: str
    size: int
    files: tuple[RemoteFile, RemoteFile]


def read_manifest(address: str, opener: Opener = INTERNET) -> list[Offer]:
    """The models that a manifest offers.

    Args:
        address: Path of a file, or an https URL.
        opener: What fetches it.

    Raises:
        InputError: It cannot be had, or is no manifest.
    """
    url = address if "://" in address else Path(address).resolve().as_uri()
    _check_scheme(url)
    try:
        with contextlib.closing(opener.open(url, timeout=_TIMEOUT_S)) as stream:
            entries = json.loads(stream.read(_MANIFEST_LIMIT))
    except (OSError, http.client.HTTPException) as error:
        raise InputError(f"Cannot read the manifest {address}: {_reason(error)}") from error
    except ValueError as error:
        raise InputError(f"{address} is not a manifest of models: it is not JSON.") from error
    if not isinstance(entries, list):
        raise InputError(f"{address} is not a manifest of models: it is not a list.")
    return [_offer(entry, url) for entry in entries]


def choose(offers: list[Offer], name: str) -> Offer:
    """The offer of a name.

    Raises:
        InputError: There is none.
    """
    for offer in offers:
        if offer.name == name:
            return offer
    raise InputError(f"The manifest has no model {name!r}, only {', '.join(offer.name for offer in offers)}.")


def download(
    offer: Offer, progress: Progress = silent, cancel: CancelToken | None = None, opener: Opener = INTERNET
) -> Path:
    """Fetch a model to the user's models, whole or not at all; one of this file name is replaced.

    Args:
        offer: See `read_manifest`.
        progress: Told after every chunk.
        cancel: Looked at before every chunk. A server that has gone silent is waited for, 10 s at most.
        opener: What fetches the files.

    Returns:
        The weights file.

    Raises:
        InputError: A file cannot be had, or has another checksum than the manifest says.
        ModelError: The files are no model that can be used here.
        Cancelled: `cancel` was raised.
    """
    done = 0
    with tempfile.TemporaryDirectory(prefix="x2ct-download-") as folder:
        for file in offer.files:
            for count in _fetch(file, Path(folder, file.name), opener):
                if cancel:
                    cancel.check()
                done += count
                progress(min(1.0, done / offer.size), f"Downloading {offer.name}")
        return add_model(next(Path(folder).glob("*.safetensors")))


def _fetch(file: RemoteFile, path: Path, opener: Opener) -> Iterator[int]:
    """Write a file of a model to a path; yields the bytes of each chunk."""
    try:
        with path.open("wb") as target, contextlib.closing(opener.open(file.url, timeout=_TIMEOUT_S)) as stream:
            while chunk := stream.read(_CHUNK):
                target.write(chunk)
                yield len(chunk)
    except (OSError, http.client.HTTPException) as error:
        raise InputError(f"Cannot download {file.url}: {_reason(error)}") from error
    if sha256(path) != file.sha256:
        raise InputError(
            f"{file.url} is not what the manifest describes: its checksum differs. Try again, or tell who offers it."
        )


def _reason(error: Exception) -> str:
    return f"{getattr(error, 'reason', None) or error}. Check the address and the connection."


def _check_scheme(url: str, allowed: tuple[str, ...] = ("https", "file")) -> None:
    if urlsplit(url).scheme not in allowed:
        raise InputError(f"{url} is not downloaded: only {' and '.join(allowed)} addresses are.")


def _offer(entry: dict, manifest: str) -> Offer:
    """An entry of a manifest, checked."""
    try:
        name, description, size = entry["name"], entry["description"], entry["size"]
        files = tuple(_file(file, manifest) for file in entry["files"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "Each model of a manifest has name, description, size, and files with name, url and sha256. "
            f"This one has not: {json.dumps(entry)[:200]}"
        ) from error
    if not (isinstance(name, str) and isinstance(description, str) and isinstance(size, int) and size > 0):
        raise InputError(f"In the manifest, name and description of {name!r} must be texts, size a number of bytes.")
    paths = [PurePath(file.name) for file in files]
    if sorted(path.suffix for path in paths) != [".json", ".safetensors"] or paths[0].stem != paths[1].stem:
        raise InputError(f"The files of the model {name} must be one .safetensors and one .json of the same name.")
    return Offer(name, description, size, files)


def _file(entry: dict, manifest: str) -> RemoteFile:
    file = RemoteFile(entry["name"], urljoin(manifest, entry["url"]), entry["sha256"].lower())
    if not re.fullmatch(r"\w[\w.+-]*", file.name) or not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
        raise InputError(f"In the manifest, the file {file.name!r} has no plain name, or no sha256 of 64 digits.")
    # Who offers models on the web has no say in what is read from this machine.
    _check_scheme(file.url, ("https",) if urlsplit(manifest).scheme == "https" else ("https", "file"))
    return file


def _answer(request: dict, emit: Emit) -> None:
    weights = download(choose(read_manifest(request["manifest"]), request["name"]), telling(emit))
    emit({"event": "done", "output": str(weights)})


if __name__ == "__main__":
    serve_worker(_answer)
