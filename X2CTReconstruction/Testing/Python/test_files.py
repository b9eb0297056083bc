import os

import pytest

from X2CTLib.errors import InputError
from X2CTLib.files import replace_file, whole_folder


def test_files_arrive_together(tmp_path):
    with whole_folder(tmp_path / "out") as scratch:
        (scratch / "inner").mkdir()
        (scratch / "inner" / "a").write_text("a", encoding="utf-8")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "inner" / "a").read_text(encoding="utf-8") == "a"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_arrives_after_an_error(tmp_path):
    with pytest.raises(ValueError), whole_folder(tmp_path / "out") as scratch:
        (scratch / "a").write_text("a", encoding="utf-8")
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_stays(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine", encoding="utf-8")
    (tmp_path / "out" / "a").write_text("old", encoding="utf-8")
    with whole_folder(tmp_path / "out") as scratch:
        (scratch / "a").write_text("new", encoding="utf-8")
    assert (tmp_path / "out" / "mine").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "out" / "a").read_text(encoding="utf-8") == "new"


def test_a_clash_is_noticed_before_anything_moves(tmp_path):
    (tmp_path / "out" / "b").mkdir(parents=True)
    with pytest.raises(InputError, match="in the way"), whole_folder(tmp_path / "out") as scratch:
        (scratch / "a").write_text("a", encoding="utf-8")
        (scratch / "b").write_text("b", encoding="utf-8")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b"]


def test_a_folder_that_cannot_be_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="Choose another output folder"), whole_folder(tmp_path / "file" / "out"):
        pass


def test_a_file_that_is_being_read_is_replaced_afterwards(tmp_path, monkeypatch):
    """As Windows does it."""
    path, refusals, replace = tmp_path / "status.json", iter(range(3)), os.replace

    def refuse_at_first(source, target) -> None:
        for _ in refusals:
            raise PermissionError
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse_at_first)
    with replace_file(path) as partial:
        partial.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "new"
