"""What the tests of the pages stand on: drawn pictures, runs written by hand, and a page opened by its name."""

import hashlib
import hmac
import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest

from tests.conftest import REPOSITORY
from tl_core.base import events
from tl_core.classification import report as reports
from tl_core.classification.report import Part, Report
from tl_core.images.data.dataset import Dataset
from tl_core.images.data.ingest import ingest
from tl_core.images.data.split import split
from tl_core.runs import store
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import RunConfig
from tl_core.tasks.image_classification.recipes import PRESETS

SECRET = "the-visitor"  # the cookie of whoever looks at the pages in these tests
KEY = b"the key of the server in tests.."


def person(secret: str) -> str:
    """The public id of whoever has this secret, on a server with the tests' key."""
    return "p" + hmac.new(KEY, secret.encode(), hashlib.sha256).hexdigest()[:32]


ME = person(SECRET)


def drawn(classes: Sequence[str] = ("circle", "square", "triangle"), each: int = 10) -> Dataset:
    """A dataset of small drawn pictures, every one different."""
    files = []
    for label, name in enumerate(classes):
        for number in range(each):
            picture = Image.new("RGB", (64, 64), (20 * label, 10 * number, 200))
            ImageDraw.Draw(picture).ellipse((8 + label, 8, 40 + number, 48), fill=(250, 20 * number, 20))
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            files.append((f"{name}/{number}.png", buffer.getvalue()))
    return ingest(files, name="shapes", owner=ME)


def recipe(dataset: Dataset, name: str = "quick", **changes: object) -> RunConfig:
    """A recipe on these pictures, changed."""
    return replace(PRESETS[name].config(dataset.id), **changes)


def run_of(config: RunConfig, *log: events.Event, name: str = "", owner: str = ME) -> Run:
    """A run with a log written by hand."""
    run = store.create(config, owner=owner, name=name)
    for event in (events.Queued(), *log):
        events.append(run.log, event)
    return run


def trained(epochs: int = 3, top: float = 0.9, phase: str = "head", first: int = 0) -> list[events.Event]:
    """The events of a phase whose validation accuracy climbs to `top`."""
    log: list[events.Event] = [events.Phase(phase=phase, total=epochs, unit="epochs", first_epoch=first)]
    for number in range(1, epochs + 1):
        share = number / epochs
        log.append(
            events.Batch(phase=phase, epoch=first + number, step=10 * (first + number) - 5, metrics={"loss": 2 - share})
        )
        log.append(
            events.Epoch(
                phase=phase,
                epoch=first + number,
                step=10 * (first + number),
                metrics={
                    "loss": 1.5 - share,
                    "accuracy": top * share,
                    "val_loss": 1.6 - share,
                    "val_accuracy": top * share,
                },
                seconds=1.0,
                rate=600.0,
                unit="images",
                best=True,
            )
        )
    return log


def reported(run: Run, dataset: Dataset, part: Part = "validation", wrong: int = 2) -> Report:
    """A report in the run's folder in which the first `wrong` pictures are taken for the next class."""
    indices = getattr(split(dataset, run.config.data), part)
    probabilities = np.full((len(indices), len(dataset.classes)), 0.1, np.float32)
    for row, index in enumerate(indices):
        label = dataset.images[index].label
        probabilities[row, (label + (row < wrong)) % len(dataset.classes)] = 0.8
    made = reports.report(part, dataset.id, dataset.classes, [dataset.images[i] for i in indices], probabilities)
    reports.save(made, run.folder)
    return made


def opened(page: str, language: str = "en", **query: str) -> AppTest:
    """The page as the visitor sees it when they open its address."""
    test = AppTest.from_file(str(REPOSITORY / "pages" / "navigation.py"), default_timeout=300)
    test.session_state["language"] = language
    for name, value in query.items():
        test.query_params[name] = value
    test.switch_page(f"{page}.py").run()
    assert not test.exception, test.exception
    return test


def words(test: AppTest) -> str:
    """Everything that the page says, in one string."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "info", "warning", "error", "code")
    found = [str(element.value) for kind in kinds for element in getattr(test, kind, [])]
    found += [f"{element.label}: {element.value}" for element in test.metric]
    found += [element.label for element in test.button]
    found += [element.proto.body for element in test.get("html")]
    found += [element.proto.text for element in test.get("progress")]
    return "\n".join(found)
