"""What came out of fine-tuned language models: in the list, beside each other, and the settings that differ."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.experiments import learned_from
from pages.material import text_view
from pages.tasks.text_generation import consequences
from pages.ui.fields import Told, table
from pages.ui.i18n import _, show
from pages.ui.session import may
from pages.ui.tables import Cell, figure
from tl_core.base.errors import UserError
from tl_core.base.messages import N_
from tl_core.charts import comparison, language
from tl_core.charts.curves import NamedHistory
from tl_core.runs.history import History
from tl_core.runs.store import Run
from tl_core.tasks.text_generation import progress
from tl_core.tasks.text_generation.config import TextConfig, boundary, title

RUNS = N_("Text runs")
Drawn, Alts = dict[str, dict[str, Any]], dict[str, str]


def found(run: Run, history: History) -> dict[str, float | None]:
    """The figures by name; None where there is nothing yet."""
    best, kept, forgetting = history.best, progress.kept_sample(history), progress.forgetting(history)
    return {
        "perplexity": comparison.kept(history, "perplexity"),  # validation, of the round whose weights are kept
        "before": progress.base_perplexity(history),  # the same before training
        "best_step": best.step if best else None,  # whose weights are kept; the next two are theirs
        "copied": kept.copied_tokens if kept else None,  # tokens that their sample has copied in one stretch
        "forgotten": forgetting[1] / forgetting[0] if forgetting else None,  # source perplexity, times that before
        "speed": history.mean_rate,
    }


def watched(folder: Path) -> Sequence[Path]:
    """Files beside the log that bring new figures: none."""
    return []


def columns() -> dict[str, Any]:
    """Those that the list of runs shows."""
    return {
        "perplexity": st.column_config.NumberColumn(
            _("Validation perplexity"), format="%.1f", help=_("Of texts: lower is better.")
        )
    }


def beside(values: Mapping[str, float | None]) -> dict[str, str | Cell]:
    """Those that a comparison shows, by their headings."""
    copied = values["copied"]
    return {
        _("Perplexity before"): figure(values["before"], "{:.1f}"),
        _("Validation perplexity"): figure(values["perplexity"], "{:.1f}"),
        _("Weights of step"): figure(values["best_step"], "{:,}"),
        _("Forgetting"): figure(values["forgotten"], "× {:.1f}"),
        _("Longest copy"): "–" if copied is None else _("{n} tokens").format(n=copied),
    }


def laid_over(histories: Sequence[NamedHistory], training: bool, legend: bool) -> tuple[Drawn, Alts]:
    """The curves of several runs in one figure a metric, and what each shows for who cannot see it."""
    figures = {metric: language.several(histories, metric, _, training, legend) for metric in language.METRICS}
    return figures, {metric: show(language.several_description(histories, metric)) for metric in language.METRICS}


def caution(configs: Sequence[TextConfig]) -> str:
    """Why their figures must not be compared; empty where they may."""
    read = {(text_view.content(each.corpus), each.straighten, each.model, each.validation) for each in configs}
    if len(read) < 2:
        return ""
    return _("Careful: perplexities of different texts, or of models with different tokenizers, cannot be compared.")


def frozen(config: TextConfig) -> str:
    """The freeze boundary, "4 of 5"; empty where the model is not here."""
    shape = consequences.shape_of(config.model)
    try:
        if shape is None:
            return ""
        text = _("{n} of {total}").format(n=boundary(config, shape), total=len(shape.blocks))
    except UserError:  # the model's folder holds another model by now
        return "?"
    return f"{text}, LoRA {config.lora_rank}" if config.lora_rank else text


def length(config: TextConfig) -> str:
    """The steps."""
    return _("{n} steps").format(n=f"{config.steps:,}")


def settings(run: Run) -> list[Told]:
    """Every setting, as the page that fine-tunes text calls it; what is private is compared but not shown."""
    config, texts = run.config, {"model": title(run.config)}
    if not may("read", run):
        texts |= {"corpus": "–", "prompt": "–"}
    values = {}
    if (shape := consequences.shape_of(config.model)) is not None:
        with contextlib.suppress(UserError):  # the model's folder holds another model by now
            counts = [boundary(config, shape, number) for number in range(len(config.phases))]
            values["phases.frozen_blocks"] = tuple(counts)
            written = " → ".join(map(str, counts))
            texts["phases.frozen_blocks"] = _("{n} of {total}").format(n=written, total=len(shape.blocks))
    called = learned_from.short(run)
    return [Told(_("Text"), called, called), *table(config, texts, values)]
