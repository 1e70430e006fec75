"""Pretrain a bundled model anew, or measure what one is worth: `python -m tl_core pretrain`. Knows no run."""

import argparse
import importlib
from typing import Any

KINDS = {
    "image": ("tl_core.pretrain.images", "pretrain a compact image backbone from labelled pictures"),
    "text": ("tl_core.pretrain.text", "pretrain a small GPT-2 from a collection of tales"),
    "evaluate": ("tl_core.pretrain.worth", "measure what the bundled image backbone is worth on other photographs"),
}


class _Kind(argparse.ArgumentParser):
    """The parser of one kind: TensorFlow comes with its module, so that is imported when the kind was asked for."""

    def parse_known_args(self, *args: Any, **options: Any) -> Any:
        module = importlib.import_module(KINDS[self.prog.split()[-1]][0])
        module.add_arguments(self)
        self.set_defaults(pretrain=module.main)
        return super().parse_known_args(*args, **options)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line; each kind has arguments of its own."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar=" | ".join(KINDS), parser_class=_Kind)
    for kind, (_module, purpose) in KINDS.items():
        kinds.add_parser(kind, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")


def main(args: argparse.Namespace) -> int:
    """Run what was chosen."""
    return args.pretrain(args)
