"""Where pretrained weights come from: a local file, an installed package, Keras' cache, the official download, or the
bundled file.

The source is always named, never replaced by random weights in silence. Files are kept under Keras' own names in Keras'
own cache folder, so that Keras and this app share them. `python -m tl_core fetch` prepares a machine for a class
without a network. Nothing here imports TensorFlow.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tl_core.base import download
from tl_core.base.errors import UserError
from tl_core.base.events import Event, Notice, Phase, Progress
from tl_core.base.messages import Message, message
from tl_core.images.pretrained import packages
from tl_core.images.pretrained.backbones import Backbone, WeightsFile
from tl_core.images.pretrained.packages import PackageFile

OFFICIAL = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Source:
    """Weights that lie on this computer, and where they came from."""

    kind: Literal["file", "package", "cache", "download", "bundled"]
    path: Path
    description: Message  # one sentence for the page


def cache_folder() -> Path:
    """Keras' cache of weights: `$KERAS_HOME/models`, by default `~/.keras/models`. It need not exist."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / "models"


def url(file: WeightsFile) -> str:
    """The official address; `TL_WEIGHTS_URL` replaces the address of Keras' storage (a mirror in a school, a test)."""
    return (os.environ.get("TL_WEIGHTS_URL") or OFFICIAL).rstrip("/") + "/" + file.path


def find(row: Backbone, weights: str, image_size: int, top: bool = False) -> Source | None:
    """The weights if they are on this computer already; no network is used.

    Args:
        row: the backbone.
        weights: "imagenet", "bundled", "patterns" or the path of a local file.
        image_size: pixels, square.
        top: whether the ImageNet classifier is wanted too.

    Raises:
        UserError: the local file, the package or the bundled file does not exist, or one of the latter is damaged.
    """
    if weights in ("bundled", "patterns"):
        return _bundled(row, weights)
    if weights != "imagenet":
        return _local_file(Path(weights).expanduser())
    if row.package:
        return _packaged(row.package)
    path = cached(row.weights_file(image_size, top))
    if path is None:
        return None
    return Source("cache", path, message("ImageNet weights from Keras' cache: {file}.", file=path.name))


def package_problem(row: Backbone) -> UserError | None:
    """Why the weights out of this backbone's package cannot be had; None where they can."""
    try:
        find(row, "imagenet", row.native_size)
    except UserError as error:
        return error
    return None


def cached(file: WeightsFile) -> Path | None:
    """The file in Keras' cache if it is there and, where a checksum is published, undamaged."""
    path = cache_folder() / file.name
    return path if path.is_file() and download.intact(path, file.checksum) else None


def obtain(
    row: Backbone,
    weights: str,
    image_size: int,
    top: bool = False,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Source:
    """The weights, downloaded if need be; `emit` gets a notice that names the source, and the download's progress.

    Raises:
        UserError: they cannot be had; the remedy says how to get them.
        Stopped: `should_stop` answered True.
    """
    source = find(row, weights, image_size, top)
    if source is None:
        file = row.weights_file(image_size, top)
        path = fetch(file, row, emit, should_stop)
        source = Source("download", path, message("ImageNet weights downloaded from {url}.", url=url(file)))
    elif source.kind == "package" and row.package:
        source = replace(source, path=packages.convert(row.package))
    if emit:
        emit(Notice(source.description))
    return source


def fetch(
    file: WeightsFile,
    row: Backbone | None = None,
    emit: Callable[[Event], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Download one official file into Keras' cache, checked, with Phase and Progress events in bytes.

    Raises:
        UserError: with the remedy for an offline class.
        Stopped: `should_stop` answered True; what has arrived is kept and the next try goes on from there.
    """

    def progress(done: int, total: int, rate: float | None) -> None:
        if emit and rate is None:
            emit(Phase(phase="weights", total=total, unit="bytes"))
        elif emit:
            emit(Progress(phase="weights", done=done, total=total, rate=rate))

    target = cache_folder() / file.name
    try:
        return download.download(url(file), target, file.size, file.checksum, progress, should_stop or (lambda: False))
    except download.Unavailable as error:
        command = f"python -m tl_core fetch {row.name if row else '--top --all'}"
        raise UserError(
            message(
                "{file} ({size} MB) is not on this computer and could not be downloaded: {reason}",
                file=file.name,
                size=_megabytes(file.size),
                reason=error.reason,
            ),
            message(
                "Try again with a network, run `{command}` beforehand where there is one, or copy it to {folder}.",
                command=command,
                folder=str(cache_folder()),
            ),
        ) from error


def card_path(path: Path) -> Path:
    """The card of a bundled weights file: JSON, with the file's SHA-256 and how it was made."""
    return path.with_name(path.name.removesuffix(".weights.h5") + ".json")


def card(path: Path) -> dict[str, Any]:
    """The card of the bundled weights file `path`: how it was made and what it is worth."""
    return json.loads(card_path(path).read_text(encoding="utf-8"))


def _bundled(row: Backbone, weights: str) -> Source:
    path = row.bundled_file(weights)
    if path is None:
        raise UserError(
            message("{backbone} has no bundled weights.", backbone=row.title)
            if weights == "bundled"
            else message("{backbone} has no bundled weights that saw patterns only.", backbone=row.title),
            message("Choose one of: {allowed}.", allowed=list(row.sources)),
        )
    if not download.intact(path, card(path)["sha256"]):
        raise UserError(
            message("{file}, which came with the app, is damaged.", file=path.name),
            message("Install the app again, or choose other weights."),
        )
    if weights == "patterns":
        said = message(
            "Bundled weights that only ever saw drawn patterns: {file}. A wrong source, for contrast.", file=path.name
        )
    else:
        said = message("This project's own weights, smaller and weaker than ImageNet's: {file}.", file=path.name)
    return Source("bundled", path, said)


def _packaged(file: PackageFile) -> Source:
    """What has been converted, else the file in the package, which `obtain` converts."""
    said = message("ImageNet weights from the installed package {package}.", package=file.distribution)
    return Source("package", packages.converted(file) or packages.located(file), said)


def _local_file(path: Path) -> Source:
    if not path.is_file():
        raise UserError(
            message("There is no weights file {file}.", file=str(path)),
            message("Check the path; it must lie on the computer that runs the app."),
        )
    if path.suffix not in (".h5", ".keras"):
        raise UserError(
            message("{file} is not a Keras weights file.", file=path.name),
            message("Choose a file that ends in .h5, .weights.h5 or .keras."),
        )
    return Source("file", path, message("Weights from the local file {file}.", file=str(path)))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"
