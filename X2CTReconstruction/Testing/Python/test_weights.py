import json

import numpy as np
import pytest
import torch

from X2CTLib.cards import card_path, views_read
from X2CTLib.errors import ModelError
from X2CTLib.geometry import View
from X2CTLib.networks.generator import Generator
from X2CTLib.weights import Model, load_model, load_templates, save_model


@pytest.fixture
def a_model_file(tmp_path):
    torch.manual_seed(0)
    card = {"name": "tiny", "architecture": {"kind": "x2ct", "views": ["PA", "LATERAL"], "width": 0.1}}
    templates = {view: np.full((128, 128), 0.25, np.float32) for view in View}
    path = tmp_path / "tiny.safetensors"
    save_model(path, Model(Generator(width=0.1), card, templates))
    return path


def test_a_model_survives_the_disk(a_model_file):
    model = load_model(a_model_file)
    torch.manual_seed(0)
    for loaded, saved in zip(model.generator.parameters(), Generator(width=0.1).parameters(), strict=True):
        assert torch.equal(loaded, saved.half().float())
    assert model.card["name"] == "tiny" and model.templates[View.PA][3, 4] == 0.25
    assert not model.generator.training


def test_templates_are_read_alone(a_model_file):
    templates, model = load_templates(a_model_file), load_model(a_model_file)
    assert list(templates) == list(model.generator.views)
    assert all(np.array_equal(templates[view], model.templates[view]) for view in View)


def test_a_tampered_file_is_refused(a_model_file):
    content = bytearray(a_model_file.read_bytes())
    content[-1] ^= 1
    a_model_file.write_bytes(content)
    with pytest.raises(ModelError, match="does not match its card"):
        load_model(a_model_file)


def test_a_card_for_another_network_is_refused(a_model_file):
    card = json.loads(card_path(a_model_file).read_text(encoding="utf-8"))
    card["architecture"]["width"] = 0.5
    card_path(a_model_file).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="do not fit"):
        load_model(a_model_file)


def test_a_card_for_no_network_at_all_is_refused(a_model_file):
    card = json.loads(card_path(a_model_file).read_text(encoding="utf-8"))
    del card["architecture"]["kind"]
    card_path(a_model_file).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="no network of kind"):
        load_model(a_model_file)


def test_a_model_of_other_conventions_is_refused(a_model_file):
    card = json.loads(card_path(a_model_file).read_text(encoding="utf-8"))
    card["conventions"]["hu_range"] = [0, 1]
    card_path(a_model_file).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="another version"):
        load_model(a_model_file)


@pytest.mark.parametrize("card", [None, "", "[]", "{}", "{"])
def test_a_model_without_a_readable_card_is_refused(a_model_file, card):
    if card is None:
        card_path(a_model_file).unlink()
    else:
        card_path(a_model_file).write_text(card, encoding="utf-8")
    with pytest.raises(ModelError, match="card"):
        load_model(a_model_file)


def test_the_card_tells_which_views_a_model_reads(a_model_file):
    assert views_read() == ["PA", "LATERAL"], "the shipped model"
    card = json.loads(card_path(a_model_file).read_text(encoding="utf-8"))
    card["architecture"]["views"] = ["PA"]
    card_path(a_model_file).write_text(json.dumps(card), encoding="utf-8")
    assert views_read(a_model_file) == ["PA"]
    del card["architecture"]
    card_path(a_model_file).write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="does not reconstruct"):
        views_read(a_model_file)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"nothing\.safetensors"):
        load_model(tmp_path / "nothing.safetensors")
