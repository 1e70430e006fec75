"""How the report of a classifier of texts speaks of them and shows them."""

from collections.abc import Sequence

import streamlit as st

from pages.experiments import classified_report
from pages.experiments.classified_report import Examples
from pages.ui.i18n import _, ngettext
from pages.ui.session import may
from pages.ui.tables import Cell, table
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.base.metrics import percent
from tl_core.charts import confusion
from tl_core.classification.report import Part, Prediction, Report
from tl_core.engine import client
from tl_core.engine.asking import Status
from tl_core.runs.store import Run
from tl_core.tasks.text_classification import calls, material
from tl_core.text.data.labelled import split

SHOWN = 20  # texts in a table
GLANCE = 400  # characters of a text


def show_report(run: Run) -> None:
    """The validation report of a run that has ended, and below it, apart, the last test."""
    classified_report.show_report(run, TEXTS)


def show_recorded(made: Report, key: str) -> None:
    """The figures and the confusion matrix that were recorded; the texts stayed where they were."""
    classified_report.show_recorded(made, TEXTS, key)


def _kept(count: int) -> str:
    return ngettext(
        "{n} text has been kept aside: it was neither trained on nor used to choose the best epoch.",
        "{n} texts have been kept aside: they were neither trained on nor used to choose the best epoch.",
        count,
    ).format(n=f"{count:,}")


def _waiting(run: Run) -> int:
    return len(split(material.load(run.config), run.config.data).test)


def _evaluate(run: Run, part: Part, status: Status) -> None:
    client.ask(calls.EVALUATE, calls.Evaluate(run.id, part), status)


def _draw(run: Run, made: Report, shown: Sequence[Prediction], key: str) -> None:
    """Texts with what they are and what the network says; for whoever may read them, while they are there."""
    if not may("read", run):
        st.caption(":material/lock: " + _("The texts are private: their owner alone may read them."))
        return
    try:
        texts = {example.id: example.text for example in material.load(run.config).examples}
    except UserError:
        st.caption(_("The texts themselves have been deleted."))
        return
    rows = [
        (
            _glance(texts.get(item.example, "–")),
            made.classes[item.true],
            Cell(made.classes[item.predicted], percent(item.confidence), item.confidence),
        )
        for item in shown[:SHOWN]
    ]
    table([_("Text"), _("True class"), _("The network says")], rows, label=_("Texts and what the network says"))
    if len(shown) > SHOWN:
        more = ngettext("And {n} more.", "And {n} more.", len(shown) - SHOWN)
        st.caption(more.format(n=f"{len(shown) - SHOWN:,}"))


def _glance(text: str) -> str:
    return text if len(text) <= GLANCE else f"{text[:GLANCE]}…"


TEXTS = Examples(
    nouns=confusion.TEXTS,
    label=N_("Texts"),
    validation=N_("On the validation texts"),
    steered=N_("These texts steered training: the best epoch was chosen by them. They were never trained on."),
    unseen=N_("There is no report yet: this run ended before its texts were looked at."),
    look=N_("Look at the validation texts now"),
    look_once=N_("Look at the test texts (once)"),
    looking=N_("The model reads the texts…"),
    undecided=N_(
        "Nothing was decided by these texts, so this is what to expect on new ones. If you now change settings until "
        "this figure is better, it is no longer a test."
    ),
    right=N_("The share of texts that are right."),
    found=N_(
        "Recall: how many of a class's texts are found. Precision: how many of those that the network takes for the "
        "class really are."
    ),
    cell=N_("Texts of a cell"),
    kept=_kept,
    waiting=_waiting,
    evaluate=_evaluate,
    draw=_draw,
)
