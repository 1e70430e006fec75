"""Bring pictures in: from a folder, a ZIP (in one or several parts) or single files, to a dataset on disk.

Every file is read once, verified, cleaned and written under the hash of its bytes; only names and sizes stay in memory.
What cannot be taken is listed with the reason; good files are always kept.
"""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from tl_core.base import paths
from tl_core.base.errors import Stopped, UserError, disk_full_explained
from tl_core.base.events import Progress
from tl_core.base.messages import Message, message
from tl_core.images.data import dataset as datasets
from tl_core.images.data import pictures
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.layout import arrange, natural
from tl_core.images.data.sources import Candidate, File, Source

WORKERS = max(2, min(4, os.cpu_count() or 2))
STALE = 24 * 3600  # seconds after which the remains of a crashed ingest are cleared away

ProgressFunction = Callable[[Progress], None]
Stored = tuple[str, int, int, int]  # hash, width, height, bytes


def ingest(
    source: Path | Sequence[File],
    *,
    name: str,
    owner: str = "",
    progress: ProgressFunction = lambda event: None,
    refused: Callable[[int], None] = lambda count: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Dataset:
    """Verify and store all pictures of `source`.

    Args:
        source: a folder, a ZIP file, a folder of ZIP parts named part-<n>.zip (one upload), or (name, path or bytes)
            pairs. Sub-folder = class; a level of train, validation, test folders above the classes is kept as the
            split.
        name: what people call the dataset.
        owner: who may edit it.
        progress: told at most five times a second, in images.
        refused: told as often how many files could not be taken so far.
        should_stop: asked between pictures.

    Raises:
        UserError: no picture could be taken, there are too many files, or the disk is full.
        Stopped: `should_stop` answered True; nothing is left behind.
    """
    _clear_stale()
    building = paths.datasets() / f".ingest-{os.getpid()}-{time.time_ns()}"
    try:
        with disk_full_explained():
            building.mkdir(parents=True)
            manifest, size = _built(source, building, name, progress, refused, should_stop)
            return _published(building, manifest, name, owner, size)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _built(
    source: Path | Sequence[File],
    building: Path,
    name: str,
    progress: ProgressFunction,
    refused: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> tuple[dict[str, Any], int]:
    """Write the pictures to `building`; their manifest, and how many bytes they take."""
    scratch = building / "unpacked"
    scratch.mkdir()
    with Source(source, scratch, should_stop) as opened:
        rejected, total = opened.rejected, len(opened.candidates)
        taken: dict[str, Stored] = {}
        started, told = time.monotonic(), 0.0
        for done, (key, result) in enumerate(_cleaned(opened.candidates, building, should_stop), 1):
            if isinstance(result, Message):
                rejected.append((key, result))
            else:
                taken[key] = result
            now = time.monotonic()
            if now - told >= 0.2 or done == total:
                told = now
                progress(Progress("ingest", done, total, done / max(now - started, 1e-3)))
                refused(len(rejected))
    shutil.rmtree(scratch, ignore_errors=True)
    if not taken:
        raise UserError(
            message("No picture could be taken from {name}.", name=name),
            message(
                "{first} Bring a folder with one sub-folder of pictures for each class.",
                first=rejected[0][1] if rejected else message("There are no files in it."),
            ),
        )
    sizes = {stored[0]: stored[3] for stored in taken.values()}
    return _manifest(taken, rejected, sorted(opened.folders)), sum(sizes.values())


def _cleaned(
    candidates: Sequence[Candidate], building: Path, should_stop: Callable[[], bool]
) -> Iterator[tuple[str, Message | Stored]]:
    """Clean pictures on threads (Pillow releases the GIL while it decodes), a bounded number of them ahead."""
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="pictures") as pool:
        waiting = iter(candidates)
        pending = [(item, pool.submit(_stored, item, building)) for item in islice(waiting, 4 * WORKERS)]
        try:
            while pending:
                candidate, future = pending.pop(0)
                yield candidate.key, future.result()
                if should_stop():
                    raise Stopped
                pending += [(item, pool.submit(_stored, item, building)) for item in islice(waiting, 1)]
        finally:
            for _, future in pending:
                future.cancel()


def _stored(candidate: Candidate, building: Path) -> Message | Stored:
    """Clean one file and write it; the reason if it cannot be taken."""
    try:
        picture = pictures.clean(candidate.read())
    except pictures.Rejected as error:
        return error.reason
    except PermissionError:
        return message("The file may not be read.")
    except Exception as error:  # damaged ZIP entries raise what their decompressor raises: zlib, lzma, EOFError, ...
        return message("The file is damaged ({reason}).", reason=str(error)[:120])
    digest = hashlib.sha256(picture.data).hexdigest()
    path = datasets.image_path(building, digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{id(candidate):x}")
        part.write_bytes(picture.data)
        part.replace(path)
    return digest, picture.width, picture.height, len(picture.data)


def _manifest(
    taken: dict[str, Stored], rejected: Sequence[tuple[str, Message]], folders: Sequence[str]
) -> dict[str, Any]:
    layout = arrange(list(taken), folders)
    number = {name: index for index, name in enumerate(layout.classes)}
    images, loose = [], []
    for (key, (digest, width, height, _)), place in zip(taken.items(), layout.places, strict=True):
        if place.label:
            images.append([digest, place.key, number[place.label], place.part, width, height])
        else:
            loose.append((key, message("The picture lies outside the class folders.")))
    return {
        "version": 1,
        "classes": list(layout.classes),
        "images": sorted(images, key=lambda row: natural(row[1])),
        "rejected": [[key, reason.to_json()] for key, reason in [*rejected, *loose]],
        "notices": [notice.to_json() for notice in layout.notices],
    }


def _published(building: Path, manifest: dict[str, Any], name: str, owner: str, size: int) -> Dataset:
    """Give the finished folder the hash of its content as name.

    The same content from the same owner again is the same dataset, as ingested and under its new name; from another
    owner it becomes a dataset of its own, so that nobody edits or deletes what others work with.
    """
    content = json.dumps([manifest["classes"], manifest["images"]], ensure_ascii=False).encode()
    name = name.strip()[:120]
    while True:
        folder = _folder_for(content, owner)
        if (folder / "manifest.json").is_file():
            datasets.write_json(folder / "manifest.json", manifest)  # other files may have been refused this time
            break
        summary = {
            "name": name or folder.name,
            "classes": manifest["classes"],
            "images": len(manifest["images"]),
            "bytes": size,
            "created": time.time(),
            "owner": owner,
        }
        datasets.write_json(building / "manifest.json", manifest)
        datasets.write_json(building / "summary.json", summary)
        try:
            building.rename(folder)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # else: somebody brought the same pictures in a moment ago
    id = datasets.reset(folder.name)
    if name and datasets.summary(id).name != name:
        datasets.rename(id, name)
    return datasets.load(id)


def _folder_for(content: bytes, owner: str) -> Path:
    """Where this content lies or may lie for this owner; what is left of a half-deleted dataset is cleared away."""
    common, own = (
        paths.datasets() / hashlib.sha256(text).hexdigest()[:16] for text in (content, content + owner.encode())
    )
    for folder in (own, common):
        if not (folder / "manifest.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
        elif datasets.summary(folder.name).owner == owner:
            return folder
    return own if common.exists() else common


def _clear_stale() -> None:
    for folder in paths.datasets().glob(".*-*"):
        try:
            if time.time() - folder.stat().st_mtime > STALE:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
