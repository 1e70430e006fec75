"""The command line: `python -m tl_core fetch | bench | pretrain | record | work | engine`.

Each command lives beside the thing it does, in a module with `add_arguments(parser)` and `main(args) -> exit status`;
only the module of the command that was asked for is imported, so `--help` stays fast.
"""

import argparse
import importlib
import sys

from tl_core.base.errors import UserError

COMMANDS = {
    "fetch": ("tl_core.offline.fetch", "get weights and sample data beforehand, for a class without a network"),
    "bench": ("tl_core.bench", "measure training speed against plain Keras"),
    "pretrain": ("tl_core.pretrain", "pretrain a bundled model anew, from pictures or from text"),
    "record": ("tl_core.recordings.command", "record a finished run, to be replayed on any computer"),
    "work": ("tl_core.runs.worker", "train one queued run (started by the app)"),
    "engine": ("tl_core.engine.server", "hold loaded models and answer questions (started by the app)"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status; a UserError is printed and gives 1."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="python -m tl_core", description="The transfer learning lab.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    asked = argv[0] if argv else None
    for name, (module, purpose) in COMMANDS.items():
        command = commands.add_parser(name, help=purpose, description=purpose[0].upper() + purpose[1:] + ".")
        if name == asked:
            run = importlib.import_module(module)
            run.add_arguments(command)
            command.set_defaults(action=run.main)
    args = parser.parse_args(argv)
    try:
        return args.action(args)
    except UserError as error:
        print(f"{error.what}\n{error.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
