"""The user's models: added, removed, offered by others and downloaded."""

import io
import json
import time
from email.message import Message
from urllib.request import Request

import pytest

from X2CTLib import cards, cli, downloads
from X2CTLib.card_facts import facts
from X2CTLib.errors import Cancelled, InputError, ModelError
from X2CTLib.files import sha256
from X2CTLib.progress import CancelToken
from X2CTLib.worker import Worker

MANIFEST = "https://models.example/list.json"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("X2CT_MODELS", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def a_model(tmp_path):
    """Files that look like a model, as far as the catalogue looks."""
    weights = tmp_path / "there" / "chest.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(bytes(range(256)) * 1000)
    write_card(weights, name="Chest", architecture={"views": ["PA"]}, sha256=sha256(weights))
    return weights


def write_card(weights, **card):
    cards.card_path(weights).write_text(json.dumps(card), encoding="utf-8")


def manifest_of(weights, address="", **changes):
    files = [
        {"name": path.name, "url": address + path.name, "sha256": sha256(path)}
        for path in (weights, cards.card_path(weights))
    ]
    return [{"name": "Chest", "description": "Of chests.", "size": weights.stat().st_size, "files": files, **changes}]


@pytest.fixture
def a_manifest(a_model):
    path = a_model.with_name("manifest.json")
    path.write_text(json.dumps(manifest_of(a_model)), encoding="utf-8")
    return path


class Web:
    """An opener whose internet is a dictionary."""

    def __init__(self, pages):
        self.pages = pages

    def open(self, url, *, timeout):
        assert timeout
        if url not in self.pages:
            raise OSError("Not found")
        return io.BytesIO(self.pages[url])


# The user's folder


def test_a_model_is_added_and_removed(a_model, own_folder):
    copy = cards.add_model(a_model)
    assert copy.read_bytes() == a_model.read_bytes() and cards.load_card(copy)["name"] == "Chest"
    assert cards.reconstruction_models()[copy] == "Chest" and copy not in cards.styler_models()
    assert cards.add_model(copy) == copy, "again, from where it lies"
    cards.remove_model(copy)
    assert list(own_folder.iterdir()) == [] and a_model.is_file()
    with pytest.raises(ModelError, match="no model file"):
        cards.remove_model(copy)


def test_who_has_one_radiograph_is_told_which_models_need_no_other(a_model):
    write_card(a_model, name="Sideways", architecture={"views": ["LATERAL"]})
    cards.add_model(a_model)
    assert cards.models_for(["LATERAL"]) == ["Sideways"] and "Sideways" not in cards.models_for(["PA"])
    assert set(cards.models_for(["PA", "LATERAL"])) == set(cards.reconstruction_models().values())
    assert cards.models_for([]) == []


def test_stylers_are_listed_apart(a_model):
    write_card(a_model, name="Style", architecture={"width": 1}, conventions={"styler": "radiograph to DRR"})
    copy = cards.add_model(a_model)
    assert cards.styler_models()[copy] == "Style" and copy not in cards.reconstruction_models()


def test_what_is_damaged_or_of_no_use_is_not_added(a_model, own_folder):
    write_card(a_model, name="Chest", architecture={"views": ["PA"]}, sha256="0" * 64)
    with pytest.raises(ModelError, match="does not match its card"):
        cards.add_model(a_model)
    write_card(a_model, name="Organs", architecture={"kind": "segmenter"})
    with pytest.raises(ModelError, match="Organs does not reconstruct"):
        cards.add_model(a_model)
    cards.card_path(a_model).unlink()
    with pytest.raises(ModelError, match="no readable card"):
        cards.add_model(a_model)
    assert not own_folder.exists() or list(own_folder.iterdir()) == []


def test_the_extensions_own_models_stay(own_folder):
    with pytest.raises(ModelError, match="not one of your own"):
        cards.remove_model(cards.DEFAULT_MODEL)
    assert cards.DEFAULT_MODEL.is_file()


# Manifests


def test_a_manifest_beside_its_files(a_manifest, a_model, own_folder):
    (offer,) = downloads.read_manifest(str(a_manifest))
    told = []
    copy = downloads.download(offer, lambda fraction, message: told.append(fraction))
    assert copy == own_folder / a_model.name and copy.read_bytes() == a_model.read_bytes()
    assert len(told) > 4 and told == sorted(told) and told[-1] == 1


def test_a_manifest_on_the_web(a_model, own_folder):
    elsewhere = manifest_of(a_model)
    elsewhere[0]["files"][1]["url"] = "https://cards.example/chest.json"
    web = Web(
        {
            MANIFEST: json.dumps(elsewhere).encode(),
            "https://models.example/chest.safetensors": a_model.read_bytes(),
            "https://cards.example/chest.json": cards.card_path(a_model).read_bytes(),
        }
    )
    (offer,) = downloads.read_manifest(MANIFEST, web)
    assert downloads.download(offer, opener=web).read_bytes() == a_model.read_bytes()
    with pytest.raises(InputError, match=r"no model 'Knee', only Chest"):
        downloads.choose([offer], "Knee")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("{}", "not a list"),
        ('["Chest"]', "Each model of a manifest has"),
        ('[{"name": "Chest"}]', "Each model of a manifest has"),
    ],
)
def test_what_is_no_manifest_is_said(text, said):
    with pytest.raises(InputError, match=said):
        downloads.read_manifest(MANIFEST, Web({MANIFEST: text.encode()}))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"name": "../chest.json"}, "no plain name"),
        ({"name": 5}, "Each model of a manifest has"),
        ({"name": "hat.json"}, "of the same name"),
        ({"sha256": "abc"}, "no sha256"),
        ({"url": "http://models.example/chest.json"}, "not downloaded"),
        ({"url": "file:///etc/hostname"}, "not downloaded"),
    ],
)
def test_a_file_that_must_not_be_fetched_is_said(a_model, file, said):
    manifest = manifest_of(a_model)
    manifest[0]["files"][1] |= file
    with pytest.raises(InputError, match=said):
        downloads.read_manifest(MANIFEST, Web({MANIFEST: json.dumps(manifest).encode()}))


@pytest.mark.parametrize("changes", [{"size": 0}, {"size": "1"}, {"description": None}, {"name": 1}])
def test_a_manifest_says_what_and_how_large(a_model, changes):
    with pytest.raises(InputError, match="number of bytes"):
        downloads.read_manifest(MANIFEST, Web({MANIFEST: json.dumps(manifest_of(a_model, **changes)).encode()}))


def test_no_unsafe_address():
    with pytest.raises(InputError, match="only https and file"):
        downloads.read_manifest("http://models.example/list.json")
    with pytest.raises(InputError, match="only https addresses"):
        downloads._SecureRedirects().redirect_request(
            Request(MANIFEST), None, 302, "Found", Message(), "http://models.example/list.json"
        )


# Downloads that do not end well


def test_a_missing_or_altered_file_leaves_nothing(a_manifest, a_model, own_folder):
    (offer,) = downloads.read_manifest(str(a_manifest))
    cards.card_path(a_model).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="checksum differs"):
        downloads.download(offer)
    cards.card_path(a_model).unlink()
    with pytest.raises(InputError, match=r"Cannot download .*chest\.json"):
        downloads.download(offer)
    assert not own_folder.exists()


def test_a_cancelled_download_leaves_nothing(a_manifest, own_folder):
    (offer,) = downloads.read_manifest(str(a_manifest))
    cancel, told = CancelToken(), []

    def progress(fraction, message):
        told.append(fraction)
        cancel.cancel()

    with pytest.raises(Cancelled):
        downloads.download(offer, progress, cancel)
    assert len(told) == 1 and not own_folder.exists()


# Front ends


def test_a_worker_downloads(a_manifest, a_model, own_folder):
    worker, events = Worker(server="X2CTLib.downloads"), []
    worker.submit({"manifest": str(a_manifest), "name": "Chest"})
    deadline = time.monotonic() + 60
    while worker.busy and time.monotonic() < deadline:
        events += worker.poll()
        time.sleep(0.05)
    worker.close()
    assert events[-1] == {"event": "done", "output": str(own_folder / a_model.name)}
    assert events[0]["event"] == "progress"


def test_the_command_line(a_manifest, a_model, own_folder, capsys):
    def said(*argv, code=0):
        assert cli.main(["models", *argv]) == code
        return capsys.readouterr()

    said("download", str(a_manifest), "Chest")
    assert (own_folder / a_model.name).is_file()
    assert "X2CT-GAN+B" in said("list").out and "Chest" in said().out
    said("remove", "chest")
    assert "Chest" not in said().out
    said("add", str(a_model))
    assert str(own_folder / a_model.name) in said().out
    assert "not one of your own" in said("remove", "../there/chest.safetensors", code=2).err


def test_a_card_is_told_in_words():
    card = {
        "architecture": {"views": ["PA", "LATERAL"]},
        "data": {"ct": ["a", "b"], "phantoms": 60},
        "limits": "Adults.",
    }
    told = {"Reads": "PA and lateral", "Trained on": "2 CTs, 60 phantoms", "Limits": "Adults."}
    assert facts(card) == told
    assert facts({"data": "CTs of LIDC-IDRI"}) == {"Trained on": "CTs of LIDC-IDRI"}
