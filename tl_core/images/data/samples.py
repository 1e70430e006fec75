"""Sample pictures that teachers know, downloaded from their official homes, checked, unpacked safely and brought in.

`python -m tl_core fetch --samples NAME` fetches them beforehand. Checksums are those published with TensorFlow Datasets
(https://github.com/tensorflow/datasets); where none is published the size must be the known one, the server's own
checksum is compared, and every file inside is checked while it is unpacked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tl_core.base import archives
from tl_core.base.errors import UserError, disk_full_explained
from tl_core.base.events import Progress
from tl_core.base.messages import Message, message
from tl_core.images.data import ingest, unpacking
from tl_core.images.data.dataset import Dataset, Part

GOOGLE = "https://storage.googleapis.com/"

ProgressFunction = Callable[[Progress], None]


@dataclass(frozen=True)
class Archive(archives.Archive):
    """One file to download."""

    part: Part | None = None  # of all its pictures; else the folders inside say


@dataclass(frozen=True)
class Sample:
    """One set of pictures with everything a person wants to know before downloading it."""

    key: str
    title: Message
    about: Message
    licence: Message
    home: str  # page about it
    classes: tuple[str, ...]
    pictures: int
    archives: tuple[Archive, ...]
    per_class: int | None = None  # as many of each class are brought in, unless asked otherwise; None: all

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(archive.size for archive in self.archives)


def _beans(part: Part, size: int, checksum: str) -> Archive:
    return Archive(f"beans-{part}.zip", f"{GOOGLE}ibeans/{part}.zip", size, checksum, part)


SAMPLES: dict[str, Sample] = {
    sample.key: sample
    for sample in (
        Sample(
            "cats_dogs",
            message("Cats and dogs"),
            message("2,000 photographs to train on and 1,000 to validate: the classic first transfer learning task."),
            message(
                "No open licence is stated. From Kaggle's “Dogs vs. Cats” (Asirra, Microsoft Research with "
                "Petfinder.com), filtered by Google for its machine learning courses. For teaching and research."
            ),
            "https://www.tensorflow.org/tutorials/images/transfer_learning",
            ("cats", "dogs"),
            3000,
            (Archive("cats_and_dogs_filtered.zip", GOOGLE + "mledu-datasets/cats_and_dogs_filtered.zip", 68_606_236),),
        ),
        Sample(
            "flower_photos",
            message("Flowers"),
            message("3,670 photographs of five kinds of flowers, from Flickr."),
            message("Creative Commons Attribution 2.0. LICENSE.txt in the archive names every photographer."),
            "https://www.tensorflow.org/datasets/catalog/tf_flowers",
            ("daisy", "dandelion", "roses", "sunflowers", "tulips"),
            3670,
            (
                Archive(
                    "flower_photos.tgz",
                    GOOGLE + "download.tensorflow.org/example_images/flower_photos.tgz",
                    228_813_984,
                    "4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
                ),
            ),
        ),
        Sample(
            "malaria",
            message("Malaria cells"),
            message(
                "27,558 blood cells under the microscope, half of them with malaria parasites. Far from ImageNet: see "
                "how much still transfers. For lessons, never for diagnosis."
            ),
            message(
                "No licence is stated. Published by the U.S. National Library of Medicine for research; cite Rajaraman "
                "et al. 2018, PeerJ 6:e4568."
            ),
            "https://www.tensorflow.org/datasets/catalog/malaria",
            ("Parasitized", "Uninfected"),
            27_558,
            (
                Archive(
                    "malaria_cell_images.zip",
                    "https://data.lhncbc.nlm.nih.gov/public/Malaria/cell_images.zip",
                    353_452_851,
                    "0a949556b2414159b5100192609805376654c4266d8d187be9b1922fad43c668",
                ),
            ),
            per_class=1000,
        ),
        Sample(
            "beans",
            message("Bean leaves"),
            message(
                "1,295 photographs of bean leaves from the field in Uganda: healthy, or with one of two diseases. "
                "Comes with its own validation and test pictures."
            ),
            message("MIT licence. Makerere AI Lab with the National Crops Resources Research Institute, Uganda, 2020."),
            "https://github.com/AI-Lab-Makerere/ibean/",
            ("angular_leaf_spot", "bean_rust", "healthy"),
            1295,
            (
                _beans("train", 143_812_152, "284fe8456ce20687f4367ae7ad94a64577e7f9fde2c2c6b1c74340ab5dc82715"),
                _beans("validation", 18_504_213, "90b7aa1c26d91d9afff07a30bbc67a5ea34f1f1397f068d8675be09d7d0c602d"),
                _beans("test", 17_708_541, "ca67b15d960d1e2fd9d23fd8498ce86818ead90755c630a43baf19ec4af09312"),
            ),
        ),
        Sample(
            "rock_paper_scissors",
            message("Rock, paper, scissors"),
            message("2,892 pictures of hands, rendered by a computer before a white background; 372 of them to test."),
            message("Creative Commons Attribution 2.0. Laurence Moroney, 2019."),
            "https://laurencemoroney.com/datasets.html",
            ("paper", "rock", "scissors"),
            2892,
            (
                Archive(
                    "rps.zip",
                    GOOGLE + "download.tensorflow.org/data/rps.zip",
                    200_682_221,
                    "c2403444395842ad04c53612bad54b574443eae17a0723117a2ff87b9d72194f",
                    "train",
                ),
                Archive(
                    "rps-test-set.zip",
                    GOOGLE + "download.tensorflow.org/data/rps-test-set.zip",
                    29_516_758,
                    "c27ab9fa43ce40b2e453de711365b477f4424586edf0388116674fd320f07503",
                    "test",
                ),
            ),
        ),
    )
}


def sample(key: str) -> Sample:
    """The sample with this key.

    Raises:
        UserError: there is none; names those there are.
    """
    if key not in SAMPLES:
        raise UserError(
            message("There is no sample data {name}.", name=key),
            message("Choose one of: {allowed}.", allowed=list(SAMPLES)),
        )
    return SAMPLES[key]


def ready(sample: Sample) -> bool:
    """Whether the sample can be brought in without a network."""
    return all(archives.cached(archive) for archive in sample.archives)


def fetch(
    sample: Sample,
    progress: ProgressFunction = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Path]:
    """Download what is missing and check everything; a break is gone on from, also by a later try.

    Args:
        progress: told in bytes of all archives together, phase "download".

    Raises:
        UserError: it cannot be had; the remedy names what needs no network.
        Stopped: `should_stop` answered True; what has arrived is kept.
    """
    remedy = message(
        "Two things need no network: the drawn sample pictures, and a folder of your own. Where there is a "
        "network, `{command}` fetches this beforehand.",
        command=f"python -m tl_core fetch --samples {sample.key}",
    )
    found = []
    before = 0
    for archive in sample.archives:

        def told(done: int, _total: int, rate: float | None, before: int = before) -> None:
            progress(Progress("download", before + done, sample.size, rate))

        found.append(archives.fetch(archive, sample.title, remedy, told, should_stop, unpacking.sound))
        before += archive.size
    progress(Progress("download", sample.size, sample.size))
    return found


def ingest_sample(
    sample: Sample,
    owner: str = "",
    per_class: int | None = None,
    progress: ProgressFunction = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    name: str = "",
) -> Dataset:
    """Download what is missing, unpack it and bring it in as a dataset.

    Args:
        per_class: at most so many pictures of each class (and part), chosen by chance but always the same ones; None
            takes the sample's own figure, 0 takes all.
        name: of the dataset; by default the English title.
        progress: told with the phases "download" (bytes), "unpack" and "ingest" (pictures).

    Raises:
        UserError: it cannot be had, is damaged, or the disk is full.
        Stopped: `should_stop` answered True; downloaded archives are kept.
    """
    found = fetch(sample, progress, should_stop)
    limit = sample.per_class if per_class is None else per_class
    called = name or str(title(sample, per_class))
    with unpacking.folder() as folder, disk_full_explained():
        files: list[ingest.File] = []
        for archive, path in zip(sample.archives, found, strict=True):
            files += unpacking.pictures_of(path, folder, archive.part, limit or 0, progress, should_stop)
        return ingest.ingest(files, name=called, owner=owner, progress=progress, should_stop=should_stop)


def title(sample: Sample, per_class: int | None = None) -> Message:
    """What the dataset is called: "Flowers (100 a class)"; `per_class` as in `ingest_sample`."""
    limit = sample.per_class if per_class is None else per_class
    details = [message("{n} a class", n=limit)]
    return message("{name} ({details})", name=sample.title, details=details) if limit else sample.title


def discard(sample: Sample) -> None:
    """Delete the downloaded archives; datasets made of them stay."""
    for archive in sample.archives:
        archives.discard(archive)
