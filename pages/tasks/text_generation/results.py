"""Several fine-tunings of language models beside each other: results, curves in one chart, and their settings."""

from collections.abc import Sequence

import streamlit as st

from pages.components import live_chart
from pages.experiments import listing
from pages.experiments.listing import Listed
from pages.material import text_view
from pages.tasks.image_classification.consequences import rate_text
from pages.ui import status
from pages.ui.format import duration
from pages.ui.i18n import _, show
from pages.ui.markdown import sentence
from pages.ui.session import may
from pages.ui.tables import Cell, figure, table
from tl_core.charts import language
from tl_core.charts.curves import NamedHistory
from tl_core.runs import watch
from tl_core.runs.store import Run


def show_comparison(lines: Sequence[Listed], chosen: dict[str, str]) -> None:
    """Draw the runs as they are now, each in its chosen colour."""
    histories = [NamedHistory(line.run.name, watch.history(line.run), chosen[line.run.id]) for line in lines]
    _results(lines, chosen)
    with_training = st.toggle(_("Training curves too (dashed)"), key="compare_training_texts")
    figures = {metric: language.several(histories, metric, _, with_training) for metric in language.METRICS}
    alts = {metric: show(language.several_description(histories, metric)) for metric in language.METRICS}
    live_chart.charts(figures, alts, revision="-".join(chosen), key="compare_text_curves")
    st.markdown(sentence(language.several_reading(histories)))
    configs = [line.run.config for line in lines]
    read = {(text_view.content(each.corpus), each.straighten, each.model, each.validation) for each in configs}
    if len(read) > 1:
        st.caption(
            _("Careful: perplexities of different texts, or of models with different tokenizers, cannot be compared.")
        )


def settings(run: Run) -> dict[str, str]:
    """Every setting by its name, as the page that fine-tunes text calls it."""
    config, yes, no = run.config, _("yes"), _("no")
    return {
        _("Text"): listing.dataset(run),
        _("For validation"): f"{100 * config.validation:.0f} %",
        _("Straighten quotes and dashes"): yes if config.straighten else no,
        _("Model"): listing.network(run),
        _("What learns"): _("LoRA, rank {n}").format(n=config.lora_rank) if config.lora_rank else _("The weights"),
        _("Frozen blocks"): listing.frozen(run),
        _("Steps"): f"{config.steps:,}",
        _("Learning rate"): rate_text(config.learning_rate),
        _("Windows in each step"): str(config.batch_size),
        _("Tokens in a window"): str(config.context),
        _("Weight decay"): f"{config.weight_decay:g}",
        _("Dropout"): f"{config.dropout:g}",
        _("Prompt of the samples"): config.prompt if may("read", run) else "–",
        _("Number format"): config.precision.replace("_", " "),
        _("Compute frozen blocks only once"): yes if config.cache else no,
        _("Seed"): str(config.seed),
    }


def _results(lines: Sequence[Listed], chosen: dict[str, str]) -> None:
    rows = []
    for line in lines:
        found = line.results
        rows.append(
            [
                Cell(line.run.name, colour=chosen[line.run.id]),
                status.name(line.status),
                figure(found.before, "{:.1f}"),
                figure(found.perplexity, "{:.1f}"),
                figure(found.best_step, "{:,}"),
                figure(found.forgotten, "× {:.1f}"),
                "–" if found.copied is None else _("{n} tokens").format(n=found.copied),
                duration(found.seconds) if found.seconds else "–",
                figure(found.rate, "{:,.0f}"),
            ]
        )
    headings = [
        _("Name"),
        _("Status"),
        _("Perplexity before"),
        _("Validation perplexity"),
        _("Weights of step"),
        _("Forgetting"),
        _("Longest copy"),
        _("Time"),
        _("Tokens per second"),
    ]
    table(headings, rows, label=_("Results of the selected runs"))
