"""`python -m tl_core fetch`: weights and sample data while there is a network, and on a stick for where there is none.

python -m tl_core fetch vgg16 resnet50 --top        into Keras' cache
python -m tl_core fetch gpt2 bge_small_zh           into the Hugging Face Hub's cache
python -m tl_core fetch --samples flower_photos     into $TL_HOME/samples
python -m tl_core fetch --class-kit /media/stick    all that, or what a class usually needs, onto a stick
python -m tl_core fetch --from /media/stick         from the stick to where the app looks for it
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tl_core.base import archives
from tl_core.base.errors import UserError
from tl_core.base.events import Event, Progress
from tl_core.base.messages import message
from tl_core.images.data import samples
from tl_core.images.data.samples import SAMPLES, sample
from tl_core.images.pretrained import packages, weights
from tl_core.images.pretrained.backbones import BACKBONES, Backbone, WeightsFile, backbone
from tl_core.images.pretrained.packages import PackageFile
from tl_core.offline import kit
from tl_core.text.data import labelled_samples
from tl_core.text.pretrained import encoders, hub, registry
from tl_core.text.pretrained.encoders import ENCODERS, Encoder
from tl_core.text.pretrained.hub_format import FILES
from tl_core.text.pretrained.registry import CHECKPOINTS, Checkpoint

# What a kit holds when nothing is named.
KIT_MODELS = ("efficientnet_lite0", "mobilenet_0.25", "vgg16", "resnet50", "gpt2")
KIT_SAMPLES = ("cats_dogs", "flower_photos")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `python -m tl_core fetch`."""
    parser.add_argument("models", nargs="*", metavar="model", help="names as --list shows them")
    parser.add_argument(
        "--all", action="store_true", help="all backbones; language models and encoders have to be named"
    )
    parser.add_argument("--top", action="store_true", help="also the ImageNet classifiers")
    parser.add_argument(
        "--size", type=int, help="only what this image size needs (MobileNets have a file for each size)"
    )
    parser.add_argument("--samples", nargs="+", default=[], metavar="NAME", help="sample data, as --list shows them")
    parser.add_argument(
        "--class-kit",
        type=Path,
        metavar="DIR",
        help=f"pack it all into DIR; with nothing named: {', '.join((*KIT_MODELS, *KIT_SAMPLES))}",
    )
    parser.add_argument("--from", type=Path, metavar="DIR", dest="source", help="install a class kit from DIR")
    parser.add_argument("--list", action="store_true", help="show what there is and what is already here")


def main(args: argparse.Namespace) -> int:
    """Get what was asked for; 0 if everything is on this computer (and in the kit) at the end, else 1.

    Raises:
        UserError: a name is unknown, or the kit cannot be read or written.
    """
    if args.list:
        return _list()
    if args.source:
        return _install(args.source)
    if args.class_kit and not (args.models or args.all or args.samples):
        args.models, args.samples, args.top = list(KIT_MODELS), list(KIT_SAMPLES), True
    jobs = _jobs(args)
    if not jobs:
        print(message("Name one or more models, or use --all. --list shows them."), file=sys.stderr)
        return 2
    failed = _fetch_all(jobs)
    if failed:
        print(message("Missing: {files}. Run the same command again to go on.", files=failed), file=sys.stderr)
    if args.class_kit:
        _pack(args.class_kit, jobs)
    return 1 if failed else 0


AnySample = samples.Sample | labelled_samples.Sample


@dataclass(frozen=True)
class Job:
    """One thing to have: how to find it here, and how to get it."""

    name: str
    size: int  # bytes
    section: str  # of a class kit
    here: Callable[[], list[Path] | None]
    get: Callable[[Callable[[Event], None]], list[Path]]
    licence: str = ""


def _jobs(args: argparse.Namespace) -> list[Job]:
    language = [CHECKPOINTS[name] for name in args.models if name in CHECKPOINTS]
    readers = [ENCODERS[name] for name in args.models if name in ENCODERS]
    others = [name for name in args.models if name not in CHECKPOINTS and name not in ENCODERS]
    rows = list(BACKBONES.values()) if args.all else [backbone(name) for name in others]
    packaged = [row.package for row in rows if row.package]
    wanted = [(file, row) for row in rows for file in _files(row, args.size, args.top)]
    names = [*SAMPLES, *labelled_samples.SAMPLES] if args.samples == ["all"] else args.samples
    return [
        *(_package_job(file) for file in packaged),
        *(_weights_job(*pair) for pair in wanted),
        *(_language_job(row) for row in language if row.repository),  # the bundled one is here anyway
        *(_encoder_job(row) for row in readers),
        *(_sample_job(name) for name in names),
    ]


def _package_job(file: PackageFile) -> Job:
    """Weights that are installed with the app: converted now, so that a kit can carry them like all others."""

    def here() -> list[Path] | None:
        path = packages.converted(file)
        return [path] if path else None

    return Job(file.converted, file.size, "packages", here, lambda emit: [packages.convert(file)], file.licence)


def _weights_job(file: WeightsFile, row: Backbone) -> Job:
    def here() -> list[Path] | None:
        path = weights.cached(file)
        return [path] if path else None

    return Job(file.name, file.size, "weights", here, lambda emit: [weights.fetch(file, row, emit)])


def _language_job(row: Checkpoint) -> Job:
    def get(emit: Callable[[Event], None]) -> list[Path]:
        registry.obtain(row.name, emit)
        return _of_hub(row.repository, FILES) or []

    return Job(row.name, row.size, "models", lambda: _of_hub(row.repository, FILES), get, row.licence)


def _encoder_job(row: Encoder) -> Job:
    """From the Hub even where a package has it: a kit carries what the Hub's cache holds."""
    files = encoders.files(row)

    def get(emit: Callable[[Event], None]) -> list[Path]:
        hub.fetch(row.repository, files, emit, lambda: False, row.name)
        return _of_hub(row.repository, files) or []

    return Job(row.name, row.size, "models", lambda: _of_hub(row.repository, files), get, row.licence)


def _of_hub(repository: str, files: Sequence[str]) -> list[Path] | None:
    """A model's files in the Hub's cache, and at last the one that names the commit they belong to."""
    folder = hub.cached(repository, files)
    return [*(folder / name for name in files), folder.parent.parent / "refs" / "main"] if folder else None


def _sample_job(name: str) -> Job:
    texts = labelled_samples.SAMPLES.get(name)
    if texts is not None:
        return _archives_job(texts, lambda emit: [labelled_samples.fetch(texts, emit)])
    pictures = sample(name)
    return _archives_job(pictures, lambda emit: samples.fetch(pictures, emit))


def _archives_job(sample: AnySample, get: Callable[[Callable[[Event], None]], list[Path]]) -> Job:
    def here() -> list[Path] | None:
        found = [path for archive in sample.archives if (path := archives.cached(archive))]
        return found if len(found) == len(sample.archives) else None

    return Job(sample.key, sample.size, "samples", here, get, str(sample.licence))


def _fetch_all(jobs: list[Job]) -> list[str]:
    """Get one after the other, saying so; the names of those that could not be had."""
    failed, total = [], 0
    for number, job in enumerate(jobs, 1):
        label = f"[{number}/{len(jobs)}] {job.name}"
        found = job.here()
        if found:
            print(message("{label}: already here", label=label))
        else:
            try:
                found = job.get(_printer(label))
                size = sum(path.stat().st_size for path in found)
                print(message("{label}: {size} MB, checked", label=label, size=_megabytes(size)))
            except UserError as error:
                failed.append(job.name)
                print(message("{label}: failed", label=label))
                print(f"  {error.what}\n  {error.remedy}", file=sys.stderr)
        total += sum(path.stat().st_size for path in found or [])
    folders = [str(kit.SECTIONS[section]()) for section in dict.fromkeys(job.section for job in jobs)]
    print(
        message(
            "{ready} of {wanted} files are ready in {folder} ({size} MB).",
            ready=len(jobs) - len(failed),
            wanted=len(jobs),
            folder=folders,
            size=_megabytes(total),
        )
    )
    return failed


def _pack(folder: Path, jobs: list[Job]) -> None:
    files = [(job.section, path) for job in jobs for path in job.here() or []]
    items = kit.pack(files, folder, _kit_printer(str(message("Packing"))))
    for job in jobs:
        if job.licence and job.here():
            print(f"{job.name}, {_megabytes(job.size)} MB: {job.licence}")
    size = _megabytes(sum(item.size for item in items))
    print(
        message("The class kit in {folder} holds {n} files ({size} MB).", folder=str(folder), n=len(items), size=size)
    )
    print(message("On each computer: `python -m tl_core fetch --from {folder}`", folder=str(folder)))


def _install(folder: Path) -> int:
    items = kit.install(folder, _kit_printer(str(message("Installing"))))
    size = _megabytes(sum(item.size for item in items))
    print(message("{n} files of the class kit are installed and checked ({size} MB).", n=len(items), size=size))
    return 0


def _files(row: Backbone, image_size: int | None, top: bool) -> list[WeightsFile]:
    """What a class has to download of a backbone: one file, or with the MobileNets one for each image size."""
    if row.package:
        return []
    sizes = [image_size] if image_size else list(row.sizes)
    files = [row.weights_file(size) for size in sizes]
    if top:
        files.append(row.weights_file(row.native_size, top=True))
    return list(dict.fromkeys(files))


def _list() -> int:
    for row in BACKBONES.values():
        if row.package:
            print(
                f"{row.name:<20} {row.title:<22} {_megabytes(row.package.size):>7} MB  {_of_package(row, row.package)}"
            )
            print(f"    {row.package.licence}")
            continue
        files = _files(row, None, top=False)
        ready = sum(weights.cached(file) is not None for file in files)
        size = _megabytes(sum(file.size for file in files))
        print(f"{row.name:<20} {row.title:<22} {size:>7} MB  {ready}/{len(files)}")
    for model in CHECKPOINTS.values():
        if model.repository:
            ready = len(FILES) if hub.cached(model.repository, FILES) else 0
            print(f"{model.name:<20} {model.title:<22} {_megabytes(model.size):>7} MB  {ready}/{len(FILES)}")
            print(f"    {model.licence}")
    for encoder in ENCODERS.values():
        files_of = encoders.files(encoder)
        ready = len(files_of) if hub.cached(encoder.repository, files_of) else 0
        print(f"{encoder.name:<20} {encoder.title:<22} {_megabytes(encoder.size):>7} MB  {ready}/{len(files_of)}")
        print(f"    {encoder.licence}")
    sets: list[AnySample] = [*SAMPLES.values(), *labelled_samples.SAMPLES.values()]
    for item in sets:
        ready = sum(archives.cached(archive) is not None for archive in item.archives)
        print(f"{item.key:<20} {item.title!s:<22} {_megabytes(item.size):>7} MB  {ready}/{len(item.archives)}")
        print(f"    {item.licence}")
    folders = [str(folder()) for folder in kit.SECTIONS.values()]
    print(message("The last column counts the files that are already in {folder}.", folder=folders))
    return 0


def _of_package(row: Backbone, file: PackageFile) -> str:
    if missing := weights.package_problem(row):
        return f"0/1  {missing}"
    return "1/1  " + str(message("in the installed package {package}", package=file.distribution))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _printer(label: str) -> Callable[[Event], None]:
    """Print the progress of a download, see `_line`."""
    line = _line()

    def show(event: Event) -> None:
        if isinstance(event, Progress) and event.total:
            text = f"{label}: {_megabytes(event.done)} / {_megabytes(event.total)} MB"
            text += f", {event.rate / 1e6:.1f} MB/s" if event.rate else ""
            line(text, event.done, event.total)

    return show


def _kit_printer(label: str) -> kit.ProgressFunction:
    line = _line()
    return lambda done, total: line(f"{label}: {_megabytes(done)} / {_megabytes(total)} MB", done, total)


def _line() -> Callable[[str, int, int], None]:
    """Print (text, done, total): one line that is written over on a terminal, a line for each tenth elsewhere."""
    printed = 0

    def show(text: str, done: int, total: int) -> None:
        nonlocal printed
        tenth = done * 10 // max(total, 1)
        if sys.stdout.isatty():
            print(f"\r{text}", end="\n" if done >= total else "", flush=True)
        elif tenth > printed:
            printed = tenth
            print(text, flush=True)

    return show
