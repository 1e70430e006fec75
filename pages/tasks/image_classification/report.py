"""What a run that has ended gets right and wrong: on the validation pictures, and once on the test pictures."""

import time

import streamlit as st

from pages.components.thumbnails import Thumbnail, thumbnails
from pages.ui.i18n import _, ngettext, show, together
from pages.ui.markdown import problem, reason, sentence
from pages.ui.session import may
from pages.ui.tables import Cell, table
from tl_core.base.errors import UserError
from tl_core.base.metrics import percent
from tl_core.charts import confusion
from tl_core.classification import report as reports
from tl_core.classification.report import Part, Prediction, Report
from tl_core.engine import client
from tl_core.images.data import dataset as datasets
from tl_core.images.data.split import split
from tl_core.runs import watch
from tl_core.runs.store import Run
from tl_core.tasks.image_classification.config import DataConfig

INK = {"light": "#16202A", "dark": "#E8EEF4"}  # the themes' text colours (.streamlit/config.toml)


def show_report(run: Run) -> None:
    """The validation report of a run that has ended, and below it, apart, the last test."""
    made = reports.load(run.folder, "validation")
    if made is None and not watch.history(run).best:
        st.caption(_("There is nothing to report: this run ended before its first epoch was complete."))
        return
    st.header(_("On the validation pictures"), anchor=False)
    if made is None:
        _offer_validation(run)
        return
    st.caption(_("These pictures steered training: the best epoch was chosen by them. They were never trained on."))
    _draw(made, key=f"report_{run.id}")
    _last_test(run)


def show_recorded(made: Report, key: str) -> None:
    """The figures and the confusion matrix that were recorded; the pictures stayed where they were."""
    st.subheader(_("On the validation pictures"), anchor=False)
    with st.container(horizontal=True, gap="medium"):
        st.metric(_("Accuracy"), percent(made.accuracy), width="content")
        st.metric(_("Macro F1"), f"{made.macro_f1:.3f}", width="content")
        st.metric(_("Loss"), f"{made.loss:.3f}", width="content")
    st.plotly_chart(
        confusion.figure(made, _, INK.get(st.context.theme.type, confusion.INK)),
        key=f"{key}_matrix",
        config={"displayModeBar": False},
        alt=show(confusion.description(made)),
    )
    st.markdown(sentence(confusion.reading(made)))


def _offer_validation(run: Run) -> None:
    """A stopped run has weights but no report yet."""
    st.markdown(_("There is no report yet: this run ended before its pictures were looked at."))
    if not may("change", run):
        return
    _evaluate(run, "validation", _("Look at the validation pictures now"), ":material/fact_check:")


def _last_test(run: Run) -> None:
    """The exam: looked at once, after everything has been decided."""
    with st.container(border=True):
        st.header(_("The last test"), anchor=False)
        made = reports.load(run.folder, "test")
        if made is not None:
            st.badge(
                _("Looked at on {date}").format(date=time.strftime("%Y-%m-%d %H:%M", time.localtime(made.created))),
                icon=":material/event_available:",
                color="violet",
            )
            st.caption(
                _(
                    "Nothing was decided by these pictures, so this is what to expect on new ones. If you now change "
                    "settings until this figure is better, it is no longer a test."
                )
            )
            _draw(made, key=f"test_{run.id}")
            return
        waiting = _test_pictures(run)
        if isinstance(waiting, UserError):
            st.markdown(reason(waiting))
        elif not waiting:
            st.markdown(
                _(
                    "No pictures were kept for a last test in this run. Give them a share on the Train page, under "
                    "Advanced, before the next run."
                )
            )
        else:
            st.markdown(
                together(
                    ngettext(
                        "{n} picture has been kept aside: it was neither trained on nor used to choose the best epoch.",
                        "{n} pictures have been kept aside: they were neither trained on nor used to choose the best "
                        "epoch.",
                        waiting,
                    ).format(n=f"{waiting:,}"),
                    _("Look at them once, when you have decided which run is your best one. The result stays here."),
                )
            )
            if may("change", run):
                _evaluate(run, "test", _("Look at the test pictures (once)"), ":material/school:")
            else:
                st.caption(_("Only whoever started this run can do that."))


def _evaluate(run: Run, part: Part, label: str, icon: str) -> None:
    """A button that has the run's model look at a part of the pictures."""
    if not st.button(label, key=f"evaluate_{part}", icon=icon):
        return
    try:
        with st.status(_("The model looks at the pictures…")) as box:
            client.evaluate(run.id, part, status=lambda said: box.update(label=sentence(said)))
    except UserError as error:
        st.error(problem(error), icon=":material/error:")
        return
    st.rerun()


@st.cache_data(max_entries=64, show_spinner=False)
def _counted(dataset_id: str, validation: float, test: float, seed: int) -> int:
    return len(split(datasets.load(dataset_id), DataConfig(dataset_id, validation, test, seed)).test)


def _test_pictures(run: Run) -> int | UserError:
    """How many pictures wait for the last test, or why there are none any more."""
    data = run.config.data
    try:
        datasets.folder_of(data.dataset)  # deleted since it was counted?
        return _counted(data.dataset, data.validation, data.test, data.seed)
    except UserError as error:
        return error


def _draw(made: Report, key: str) -> None:
    """Figures, classes, confusion matrix and mistakes of one report."""
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            _("Accuracy"), percent(made.accuracy), width="content", help=_("The share of pictures that are right.")
        )
        st.metric(
            _("Macro F1"),
            f"{made.macro_f1:.3f}",
            width="content",
            help=_(
                "Precision and recall in one figure for each class, averaged: every class counts the same. 1 is best."
            ),
        )
        st.metric(
            _("Loss"),
            f"{made.loss:.3f}",
            width="content",
            help=_("Mean cross-entropy: large when the network is sure and wrong. 0 is best."),
        )
        st.metric(_("Pictures"), f"{len(made.predictions):,}", width="content")
    table, matrix = st.columns(2, gap="large")
    with table:
        _classes(made)
    with matrix:
        _matrix(made, key)
    _cell(made, key)
    _mistakes(made, key)


def _classes(made: Report) -> None:
    """Precision and recall of each class, with the counts they come from."""
    st.subheader(
        _("Class by class"),
        anchor=False,
        help=_(
            "Recall: how many of a class's pictures are found. Precision: how many of those that the network takes "
            "for the class really are."
        ),
    )
    rows = [
        (
            score.name,
            _ratio(score.recall, score.correct, score.examples),
            _ratio(score.precision, score.correct, score.predicted),
        )
        for score in made.scores
    ]
    table([_("Class"), _("Recall"), _("Precision")], rows, label=_("Precision and recall of each class"))
    st.markdown(sentence(confusion.classes_reading(made)))


def _ratio(share: float | None, correct: int, total: int) -> Cell:
    counts = _("{n} of {total}").format(n=f"{correct:,}", total=f"{total:,}")
    return Cell("–" if share is None else percent(share), counts, share)


def _matrix(made: Report, key: str) -> None:
    """The confusion matrix; a click on a cell chooses its pictures."""
    st.subheader(_("What is taken for what"), anchor=False)

    def clicked() -> None:
        points = st.session_state[f"{key}_matrix"].selection.points
        if points and "customdata" in points[0]:
            st.session_state[f"{key}_cell"] = tuple(points[0]["customdata"])

    st.plotly_chart(
        confusion.figure(made, _, INK.get(st.context.theme.type, confusion.INK)),
        key=f"{key}_matrix",
        on_select=clicked,
        selection_mode="points",
        config={"displayModeBar": False},
        alt=show(confusion.description(made)),
    )
    st.markdown(sentence(confusion.reading(made)))


def _cell(made: Report, key: str) -> None:
    """The pictures of one cell of the matrix; the list says the same as a click and works without a mouse."""
    cells = confusion.cells(made)
    if st.session_state.get(f"{key}_cell") not in cells:
        st.session_state[f"{key}_cell"] = None

    def named(cell: tuple[int, int]) -> str:
        true, predicted = cell
        count = made.confusion[true][predicted]
        if true == predicted:
            return _("{true}, recognised ({n})").format(true=made.classes[true], n=count)
        return _("{true} taken for {predicted} ({n})").format(
            true=made.classes[true], predicted=made.classes[predicted], n=count
        )

    chosen = st.selectbox(
        _("Pictures of a cell"),
        cells,
        format_func=named,
        key=f"{key}_cell",
        placeholder=_("Click a cell of the matrix, or choose one here"),
    )
    if chosen:
        _pictures(made, made.cell(*chosen), f"{key}_cell_more")


def _mistakes(made: Report, key: str) -> None:
    """The pictures whose true class got the least probability."""
    st.subheader(_("Worst mistakes"), anchor=False)
    if made.mistakes:
        _pictures(made, made.mistakes, f"{key}_mistakes_more")
    st.markdown(sentence(confusion.mistakes_reading(made)))


def _pictures(made: Report, shown: list[Prediction], key: str) -> None:
    """Pictures with what they are and what the network says; where the dataset is gone, the sentences stay."""
    try:
        datasets.folder_of(made.dataset)
    except UserError:
        st.caption(_("The pictures themselves have been deleted."))
        return
    thumbnails(made.dataset, [_thumbnail(made, item) for item in shown], key=key)


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
