"""Labelled texts that teachers know, downloaded from their official homes, checked and brought in.

Sizes and checksums are those that Hugging Face published with its scripts for them (`dataset_infos.json` in
https://github.com/huggingface/datasets, version 1.18, for sms_spam, rotten_tomatoes and clue). Some hundred examples of
each class are brought in, chosen by chance, but always the same ones.
"""

import contextlib
import json
import random
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tl_core.base import archives
from tl_core.base.archives import Archive
from tl_core.base.errors import UserError
from tl_core.base.events import Progress
from tl_core.base.messages import Message, message
from tl_core.text.data import labelled
from tl_core.text.data.labelled import LabelledTexts, Row

MAX_BYTES = 50_000_000  # of one file inside an archive


@dataclass(frozen=True)
class Sample:
    """One set of labelled texts with everything a person wants to know before downloading it."""

    key: str
    title: Message
    about: Message
    licence: Message
    home: str  # page about it
    classes: tuple[str, ...]
    texts: int
    per_class: int  # so many of each class are brought in at most
    archive: Archive
    rows: Callable[[Path], Iterator[Row]]  # out of the archive: text, label, part, where

    @property
    def archives(self) -> tuple[Archive, ...]:
        """What is downloaded."""
        return (self.archive,)

    @property
    def size(self) -> int:
        """Bytes to download."""
        return self.archive.size


def bring_in(
    sample: Sample,
    owner: str = "",
    progress: Callable[[Progress], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    name: str = "",
) -> LabelledTexts:
    """Download the sample if it is not here, and take some of each class; for all to read.

    Args:
        progress: told in bytes, phase "download".
        name: of the dataset; by default the English title.

    Raises:
        UserError: it cannot be had or is damaged; the remedy names what needs no network.
        Stopped: `should_stop` answered True; what has arrived is kept.
    """
    path = fetch(sample, progress, should_stop)
    try:
        rows = _chosen(sample.rows(path), sample.per_class)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        archives.discard(sample.archive)
        raise UserError(
            message("The archive of {title} is damaged: {reason}.", title=sample.title, reason=str(error)),
            message("It has been deleted. Download it again."),
        ) from error
    return labelled.from_rows(rows, name=name or str(sample.title), owner=owner, shared=True)


def fetch(
    sample: Sample,
    progress: Callable[[Progress], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path:
    """The archive, downloaded if need be; raises as `bring_in`."""
    remedy = message(
        "Two things need no network: the reviews that the app writes, and texts of your own. Where there is a "
        "network, `{command}` fetches this beforehand.",
        command=f"python -m tl_core fetch --samples {sample.key}",
    )

    def told(done: int, _total: int, rate: float | None) -> None:
        progress(Progress("download", done, sample.size, rate))

    return archives.fetch(sample.archive, sample.title, remedy, told, should_stop)


def _chosen(rows: Iterator[Row], per_class: int) -> list[Row]:
    """At most so many of each label, in the order in which they stand."""
    places = defaultdict(list)
    found = list(rows)
    for place, row in enumerate(found):
        places[row[1]].append(place)
    drawn = [random.Random(0).sample(own, min(per_class, len(own))) for own in places.values()]
    return [found[place] for place in sorted(place for own in drawn for place in own)]


def _spam(path: Path) -> Iterator[Row]:
    """`SMSSpamCollection`: "ham" or "spam", a tab, the message."""
    with zipfile.ZipFile(path) as archive:
        for number, line in enumerate(_lines(archive.open("SMSSpamCollection"), "utf-8"), 1):
            label, _, text = line.partition("\t")
            yield text, label, None, str(number)


def _sentences(path: Path) -> Iterator[Row]:
    """`rt-polarity.pos` and `.neg`: a sentence a line."""
    with tarfile.open(path, "r:gz") as archive:
        for ending, label in (("pos", "positive"), ("neg", "negative")):
            name = f"rt-polarity.{ending}"
            member = archive.extractfile(f"rt-polaritydata/{name}")
            if member is None:
                raise KeyError(name)
            for number, line in enumerate(_lines(member, "latin-1"), 1):
                yield line, label, None, f"{name}:{number}"


def _headlines(path: Path) -> Iterator[Row]:
    """`train.json`: an object a line."""
    with zipfile.ZipFile(path) as archive:
        for number, line in enumerate(_lines(archive.open("train.json"), "utf-8"), 1):
            said = json.loads(line)
            yield str(said["sentence"]), TOPICS[str(said["label_desc"])], None, str(number)


def _lines(file: IO[bytes], encoding: str) -> Iterator[str]:
    with contextlib.closing(file):
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("a file inside is far larger than it should be")
    return (line for line in content.decode(encoding).splitlines() if line.strip())


TOPICS = {
    "news_story": "故事", "news_culture": "文化", "news_entertainment": "娱乐", "news_sports": "体育",
    "news_finance": "财经", "news_house": "房产", "news_car": "汽车", "news_edu": "教育", "news_tech": "科技",
    "news_military": "军事", "news_travel": "旅游", "news_world": "国际", "news_stock": "股票",
    "news_agriculture": "农业", "news_game": "游戏",
}  # fmt: skip
SAMPLES: dict[str, Sample] = {
    sample.key: sample
    for sample in (
        Sample(
            "movie_sentences",
            message("Sentences on films"),
            message(
                "10,662 sentences from reviews on Rotten Tomatoes, half praise, half blame (Pang and Lee 2005). "
                "Written by people: harder than the app's own."
            ),
            message("No licence is stated. Published by Cornell University for research; cite Pang and Lee 2005."),
            "https://www.cs.cornell.edu/people/pabo/movie-review-data/",
            ("negative", "positive"),
            10_662,
            500,
            Archive(
                "rt-polaritydata.tar.gz",
                "https://storage.googleapis.com/seldon-datasets/sentence_polarity_v1/rt-polaritydata.tar.gz",
                487_770,
                "a05befe52aafda71d458d188a1c54506a998b1308613ba76bbda2e5029409ce9",
            ),
            _sentences,
        ),
        Sample(
            "sms_spam",
            message("Spam in text messages"),
            message("5,574 messages in English, 747 of them spam (Almeida and others 2011)."),
            message("Creative Commons Attribution 4.0. T. Almeida and J. Hidalgo, UCI Machine Learning Repository."),
            "https://archive.ics.uci.edu/dataset/228/sms+spam+collection",
            ("ham", "spam"),
            5574,
            500,
            Archive(
                "sms+spam+collection.zip",
                "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip",
                203_415,
                "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3",
            ),
            _spam,
        ),
        Sample(
            "chinese_headlines",
            message("Headlines in Chinese"),
            message("53,360 headlines of Toutiao on 15 topics (TNEWS, from the CLUE benchmark)."),
            message("No licence is stated. Published with CLUE for research; cite Xu and others 2020."),
            "https://github.com/CLUEbenchmark/CLUE",
            tuple(sorted(TOPICS.values())),
            53_360,
            200,
            Archive(
                "tnews_public.zip",
                "https://storage.googleapis.com/cluebenchmark/tasks/tnews_public.zip",
                5_123_575,
                "77c476e70cfe0b014a81b84c6e1db2142a8a2f52f4ae0a8216aa75e673933462",
            ),
            _headlines,
        ),
    )
}
