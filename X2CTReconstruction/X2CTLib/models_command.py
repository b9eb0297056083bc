"""`x2ct models`: which models there are, and getting and losing some."""

import argparse
from pathlib import Path

from X2CTLib import cards
from X2CTLib.cli import terminal_progress
from X2CTLib.downloads import choose, download, read_manifest
from X2CTLib.progress import part


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.set_defaults(action=_list)
    actions = parser.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="which there are (what it does when nothing is said)")
    add = actions.add_parser("add", help="copy a model, with its card, to your own")
    add.add_argument("file", type=Path, help="the .safetensors file; its .json card lies beside it")
    add.set_defaults(action=_add)
    remove = actions.add_parser("remove", help="delete one of your own")
    remove.add_argument("name", help="of its file, as the list has it")
    remove.set_defaults(action=_remove)
    get = actions.add_parser("download", help="get models that a manifest offers")
    get.add_argument("manifest", help="path, or https address")
    get.add_argument("name", nargs="?", help="of the model; default: all of them")
    get.set_defaults(action=_download)


def run(arguments: argparse.Namespace) -> None:
    """Do what was asked for."""
    arguments.action(arguments)


def _list(_: argparse.Namespace) -> None:
    for what, models in (("reconstructs", cards.reconstruction_models()), ("styler", cards.styler_models())):
        for path, name in models.items():
            origin = "installed" if path.parent == cards.MODELS_FOLDER else "own"
            print(f"{name:30} {what:13} {origin:10} {path}")


def _add(arguments: argparse.Namespace) -> None:
    print(f"Added {cards.add_model(arguments.file)}")


def _remove(arguments: argparse.Namespace) -> None:
    path = cards.own_models_folder() / f"{arguments.name.removesuffix('.safetensors')}.safetensors"
    cards.remove_model(path)
    print(f"Removed {path}")


def _download(arguments: argparse.Namespace) -> None:
    offers = read_manifest(arguments.manifest)
    chosen = [choose(offers, arguments.name)] if arguments.name else offers
    with terminal_progress() as progress:
        paths = [
            download(offer, part(progress, number / len(chosen), (number + 1) / len(chosen)))
            for number, offer in enumerate(chosen)
        ]
    print(*(f"Added {path}" for path in paths), sep="\n")
