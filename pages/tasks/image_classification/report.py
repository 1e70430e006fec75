"""How the report of a classifier of pictures speaks of them and shows them."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from pages.components.thumbnails import Thumbnail, thumbnails
from pages.experiments import classified_report
from pages.experiments.classified_report import Examples
from pages.material import tidy
from pages.registry import go
from pages.tasks.image_classification import feature_map, maps, settings
from pages.ui.i18n import _, ngettext
from pages.ui.session import may
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.base.metrics import percent
from tl_core.charts import confusion
from tl_core.classification.report import Part, Prediction, Report
from tl_core.engine import client
from tl_core.engine.asking import Status
from tl_core.images.data import dataset as datasets
from tl_core.images.data.split import split
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import DataConfig


def show_report(run: Run) -> None:
    """The validation report of a run that has ended, and below it, apart, the last test."""
    classified_report.show_report(run, PICTURES)


def show_recorded(made: Report, key: str) -> None:
    """The figures and the confusion matrix that were recorded; the pictures stayed where they were."""
    classified_report.show_recorded(made, PICTURES, key)


def _kept(count: int) -> str:
    return ngettext(
        "{n} picture has been kept aside: it was neither trained on nor used to choose the best epoch.",
        "{n} pictures have been kept aside: they were neither trained on nor used to choose the best epoch.",
        count,
    ).format(n=f"{count:,}")


def _waiting(run: Run) -> int:
    data = run.config.data
    datasets.folder_of(data.dataset)  # deleted since it was counted?
    return _counted(data.dataset, data.validation, data.test, data.seed)


@st.cache_data(max_entries=64, show_spinner=False)
def _counted(dataset_id: str, validation: float, test: float, seed: int) -> int:
    return len(split(datasets.load(dataset_id), DataConfig(dataset_id, validation, test, seed)).test)


def _evaluate(run: Run, part: Part, status: Status) -> None:
    client.evaluate(run.id, part, status=status)


def _draw(run: Run, made: Report, shown: Sequence[Prediction], key: str) -> None:
    """Pictures with what they are and what the network says; where the dataset is gone, the sentences stay."""
    try:
        datasets.folder_of(made.dataset)
    except UserError:
        st.caption(_("The pictures themselves have been deleted."))
        return
    thumbnails(made.dataset, [_thumbnail(made, item) for item in shown], key=key)
    maps.tell(run, made, shown, f"{key}_maps")


def _put_right(run: Run, made: Report, shown: Sequence[Prediction], key: str) -> None:
    """The pictures of a cell, the surest first, to be removed or relabelled where they are the reader's."""
    try:
        editable = may("change", datasets.summary(made.dataset))
    except UserError:
        editable = False
    if not editable:
        _draw(run, made, shown, f"{key}_more")
        return
    present = datasets.load(datasets.latest(made.dataset))
    images = {image.key: image for image in present.images}
    left = [
        item
        for item in shown
        if item.key in images and present.classes[images[item.key].label] == made.classes[item.true]
    ]
    st.caption(
        _(
            "The surest first. Is the label wrong? Choose pictures and relabel or remove them: {n} of {total} have "
            "been put right. Do not change labels only because the network says so."
        ).format(n=len(shown) - len(left), total=len(shown))
    )
    tidy.put_right(
        present,
        [images[item.key] for item in left],
        {item.key: _("{sure} sure").format(sure=percent(item.confidence)) for item in left},
        {item.key: made.classes[item.predicted] for item in left if item.predicted != item.true},
        key,
    )
    maps.tell(run, made, left, f"{key}_maps")


def _corrected(run: Run) -> None:
    """The way to a run on the pictures as they are now, where they have been edited since."""
    config = run.config
    try:
        present = datasets.latest(config.data.dataset)
    except UserError:
        return
    if present == config.data.dataset:
        return
    again = replace(config, data=replace(config.data, dataset=present))
    if st.button(_("Train again on the corrected pictures"), key="report_again", icon=":material/restart_alt:"):
        settings.adopt(again)
        go(settings.PAGE)
    st.caption(_("The Train page opens with the same settings on the pictures as they are now."))


def _thumbnail(made: Report, item: Prediction) -> Thumbnail:
    true, predicted = made.classes[item.true], made.classes[item.predicted]
    sure = percent(item.confidence)
    return Thumbnail(
        item.example,
        _("{key}: true class {true}, predicted {predicted} ({sure})").format(
            key=item.key, true=true, predicted=predicted, sure=sure
        ),
        true if item.true == item.predicted else f"{true} → {predicted}",
        _("{sure} sure").format(sure=sure),
    )


PICTURES = Examples(
    nouns=confusion.PICTURES,
    label=N_("Pictures"),
    validation=N_("On the validation pictures"),
    steered=N_("These pictures steered training: the best epoch was chosen by them. They were never trained on."),
    unseen=N_("There is no report yet: this run ended before its pictures were looked at."),
    look=N_("Look at the validation pictures now"),
    look_once=N_("Look at the test pictures (once)"),
    looking=N_("The model looks at the pictures…"),
    undecided=N_(
        "Nothing was decided by these pictures, so this is what to expect on new ones. If you now change settings "
        "until this figure is better, it is no longer a test."
    ),
    none=N_(
        "No pictures were kept for a last test in this run. Give them a share on the Train page, under Advanced, "
        "before the next run."
    ),
    right=N_("The share of pictures that are right."),
    found=N_(
        "Recall: how many of a class's pictures are found. Precision: how many of those that the network takes for the "
        "class really are."
    ),
    cell=N_("Pictures of a cell"),
    kept=_kept,
    waiting=_waiting,
    evaluate=_evaluate,
    draw=_draw,
    put_right=_put_right,
    corrected=_corrected,
    inside=feature_map.tell,
)
