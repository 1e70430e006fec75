"""`python -m tl_core record ID --name NAME`: make a recording of a finished run, or of an experiment of several runs.

With `--writing NAME --model MODEL` it is a text that a model writes now.
"""

import argparse
import contextlib
import sys
from pathlib import Path

from tl_core.base.errors import UserError
from tl_core.base.messages import message
from tl_core.experiments import groups
from tl_core.recordings.lessons import TEXTS
from tl_core.recordings.record import record
from tl_core.recordings.record_group import record_group


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "run", nargs="?", help="id of a finished run or experiment of this computer (in the address of its page)"
    )
    parser.add_argument("--name", help="of the recording; a lesson's name brings its title along, others need one")
    parser.add_argument(
        "--writing",
        metavar="NAME",
        help=f"instead of a run: let a language model write; known: {', '.join(TEXTS)}; others need a title",
    )
    parser.add_argument("--model", default="gpt2", help="with --writing: who writes, a name or a folder")
    parser.add_argument("--prompt", help="with --writing: instead of the article's")
    parser.add_argument("--machine", default="", help="what it ran on, instead of what this computer says of itself")
    parser.add_argument("--title", default="", help="in English")
    parser.add_argument("--notice", default="", help="what to look at, in English")
    parser.add_argument("--data", default="", help="what the data are, in English")
    parser.add_argument(
        "--text-is-public",
        action="store_true",
        help="the private text that the run learned from is yours or in the public domain, and everybody may read it",
    )
    parser.add_argument("--into", type=Path, help="folder of all recordings (default: the app's own)")


def main(args: argparse.Namespace) -> int:
    """Record one run, or one text, and say where; 2 if it is not clear what."""
    if args.writing:
        from tl_core.recordings.record_generation import record_writing
        from tl_core.tasks.text_generation.sampling import ARTICLE_PROMPT

        words = {"machine": args.machine, "title": args.title, "notice": args.notice}
        folder = record_writing(args.writing, args.model, args.into, prompt=args.prompt or ARTICLE_PROMPT, **words)
    elif args.run and args.name:
        words = {"machine": args.machine, "title": args.title, "notice": args.notice, "data": args.data}
        experiment = None
        with contextlib.suppress(UserError):
            experiment = groups.get(args.run)
        if experiment:
            folder = record_group(experiment, args.name, args.into, **words, public=args.text_is_public)
        else:
            folder = record(args.run, args.name, args.into, **words, public=args.text_is_public)
    else:
        print(message("Name a run and, with --name, its recording; or a text with --writing."), file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {size / 1000:.0f} kB")
    return 0
