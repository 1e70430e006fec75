"""Pretrain a bundled model anew: `python -m tl_core pretrain image | text`."""

import argparse
import importlib

KINDS = {
    "image": ("tl_core.vision.pretrain", "a compact image backbone from labelled pictures"),
    "text": ("tl_core.text.pretrain", "a small GPT-2 from a collection of tales"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line; each kind has arguments of its own, and TensorFlow comes only with them."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="image|text")
    for kind, (module, purpose) in KINDS.items():
        command = kinds.add_parser(kind, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        recipe = importlib.import_module(module)
        recipe.add_arguments(command)
        command.set_defaults(pretrain=recipe.main)


def main(args: argparse.Namespace) -> int:
    """Run the chosen pretraining."""
    return args.pretrain(args)
