"""What is particular to a text run while it goes on: its figures, its samples beside each other, what it forgets."""

import streamlit as st

from pages.components import live_chart
from pages.ui.format import per_second
from pages.ui.i18n import _, ngettext, together
from pages.ui.passages import passage
from pages.ui.session import may
from tl_core.base.events import Finished
from tl_core.base.messages import N_
from tl_core.base.metrics import value
from tl_core.charts import comparison
from tl_core.runs.history import History
from tl_core.runs.store import Run
from tl_core.tasks.text_generation import progress
from tl_core.tasks.text_generation.config import TextConfig
from tl_core.tasks.text_generation.progress import Sample
from tl_core.training import checkpoint

PHRASE = 12  # tokens; a longer stretch that stands in the training text is no mere phrase of the language
BY_HEART = 30  # and one as long as this was learned by heart


STAGES = {"fine-tuning": N_("Fine-tuning: step {done} of {total}")}


def reached(config: TextConfig, history: History, over: bool) -> None:
    """How far it is, and the figure that a class watches."""
    before, last = progress.base_perplexity(history), history.epochs[-1] if history.epochs else None
    latest = value(last.metrics, "val_perplexity") if last else None
    shown = comparison.kept(history, "perplexity") or latest if over else latest
    st.metric(_("Step"), f"{min(step(history), config.steps):,} / {config.steps:,}", width="content")
    if shown is not None:
        st.metric(
            _("Validation perplexity"),
            f"{shown:.1f}",
            delta=_change(shown / before) if before else None,
            delta_color="inverse",
            width="content",
            help=_(
                "As if it chose among so many equally likely tokens each time; below it, the change since before "
                "training. When the run has ended, of the round whose weights are kept."
            ),
        )


def speed(history: History) -> None:
    """How fast it is."""
    if pace := history.mean_rate:
        st.metric(
            per_second("tokens"),
            f"{pace:,.0f}",
            width="content",
            help=_("Learned from in the mean of the whole run; validations and samples are not counted."),
        )


def remark(history: History, over: bool) -> str:
    """What is to be said of the figures: of which step they are, where the last round was not the best."""
    last, best = history.epochs[-1] if history.epochs else None, history.best
    if not (over and last and best and best.step < last.step):
        return ""
    text = _("The model of this run, and this perplexity, are of step {best}, the best round of {n} steps.")
    return text.format(best=f"{best.step:,}", n=f"{last.step:,}")


def step(history: History) -> int:
    """How many steps the run has made."""
    batches = history.batches(500)
    return max([0, *(epoch.step for epoch in history.epochs[-1:]), *(batch.step for batch in batches[-1:])])


def training(config: TextConfig, history: History, words: str) -> tuple[float, str]:
    """How far training has come, 0 to 1, and what `words` say of it."""
    made = step(history)
    return made / config.steps, words.format(done=f"{made:,}", total=f"{config.steps:,}")


def curves(config: TextConfig, history: History, *, revision: str, key: str, growing: bool) -> None:
    """The learning curves, with room to grow while it trains."""
    live_chart.text_curves(history, revision=revision, key=key, total=config.steps if growing else 0)


def resuming(run: Run) -> str:
    """Where a run that was interrupted goes on."""
    if made := checkpoint.step(run.folder):
        return _("Resume goes on behind step {n} of {total}.").format(n=f"{made:,}", total=f"{run.config.steps:,}")
    return _("No step was kept before it ended: Resume begins anew, at step 0.")


def below(run: Run, history: History, over: bool) -> None:
    """What stands below the curves: what the model wrote on its way, for whoever may read it."""
    if may("read", run):
        artifacts(history, over, run.id)
        return
    st.caption(
        ":material/lock: "
        + _("The text is private: what the model writes, and the model itself, are shown to its owner alone.")
    )


def artifacts(history: History, over: bool, key: str) -> None:
    """What the run made on its way: its first sample and a later one, and what it has forgotten.

    By default the later one is the newest, or that of the kept weights when the run has ended.

    Args:
        key: what the run is known by on this page.
    """
    written = progress.samples(history)
    if not written:
        return
    finished = isinstance(history.outcome, Finished)
    heading = _("Before and after training") if finished else _("Before training and on the way")
    st.subheader(heading, anchor=False, help=_("Same prompt, same seed; weights differ."))
    first, later = written[0], written[1:]
    kept = progress.kept_sample(history) if over else None
    offered = kept or (later[-1] if later else None)
    chosen = _looked_at(later, offered, key)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{_('Before training')}**" if first.step == 0 else _when(first))
        _sample(first)
    with right:
        if chosen is None:
            st.markdown(f"**{_('On the way')}**")
            active = _("The next sample comes in a moment.")
            st.caption(_("It ended before it wrote another sample.") if over else active)
        else:
            st.markdown(_when(chosen) + (f" · {_('the weights that are kept')}" if chosen == kept else ""))
            _sample(chosen)
    if len(later) > 1:
        _choose(later, offered, chosen, key)
    _forgetting(history, over)


def _looked_at(samples: list[Sample], offered: Sample | None, key: str) -> Sample | None:
    """The sample that the reader chose; who chose none, or the one that was offered, sees what is offered now."""
    wanted = st.session_state.get(f"sample_wanted_{key}")
    found = next((sample for sample in samples if sample.step == wanted), None)
    if found is None:
        st.session_state.pop(f"sample_wanted_{key}", None)
    return found or offered


def _choose(samples: list[Sample], offered: Sample, chosen: Sample, key: str) -> None:
    """The slider over the samples.

    It is another one for each that is offered: else a browser that has not heard of the newest yet, and reports where
    its slider stood, would be taken for a reader who chose.
    """
    slider = f"sample_step_{key}_{offered.step}"

    def choose() -> None:
        step = st.session_state[slider]
        st.session_state[f"sample_wanted_{key}"] = None if step == offered.step else step

    st.select_slider(
        _("Sample at step"),
        [sample.step for sample in samples],
        chosen.step,
        key=slider,
        format_func=lambda number: f"{number:,}",
        on_change=choose,
    )


def _when(sample: Sample) -> str:
    text = ngettext("After {n} step", "After {n} steps", sample.step).format(n=f"{sample.step:,}")
    return f"**{text}**"


def _sample(sample: Sample) -> None:
    """One sample with what is to be known of it."""
    passage(
        sample.text, prompt=sample.prompt, marked=[sample.copied], label=_("Sample at step {n}").format(n=sample.step)
    )
    facts = []
    if sample.perplexity is not None:
        facts.append(_("Perplexity on your text: {value}").format(value=f"{sample.perplexity:.1f}"))
    if sample.source_perplexity is not None:
        facts.append(_("on fairy tales: {value}").format(value=f"{sample.source_perplexity:.1f}"))
    st.caption(" · ".join(facts))
    st.caption(_copied(sample))


def _copied(sample: Sample) -> str:
    """What the marked stretch means."""
    if not sample.text[slice(*sample.copied)].strip():  # a mark on the end of a line is not seen
        return _("No words of it in a row stand in the training text: nothing is copied.")
    marked = ngettext(
        "Marked: the longest stretch that stands in the training text, {n} token;",
        "Marked: the longest stretch that stands in the training text, {n} tokens;",
        sample.copied_tokens,
    ).format(n=sample.copied_tokens)
    if sample.copied_tokens >= BY_HEART:
        return together(marked, _("this was learned by heart."))
    if sample.copied_tokens > PHRASE:
        return together(marked, _("more than a phrase: it begins to learn by heart."))
    return together(marked, _("a phrase of the language, not copied."))


def _forgetting(history: History, ended: bool) -> None:
    """What has become of the source task: with the newest weights while the run goes on, then with those kept."""
    measured = [sample for sample in progress.samples(history) if sample.source_perplexity is not None]
    forgotten = progress.forgetting(history) if ended else None
    if forgotten:
        before, after = forgotten
    elif not ended and len(measured) > 1 and measured[0].step == 0:
        before, after = measured[0].source_perplexity, measured[-1].source_perplexity
    else:
        return
    if after > 1.05 * before:
        text = _("**Forgetting:** perplexity on held-out fairy tales rose from {before} to {after}, {times} times.")
    else:
        text = _("**Nothing forgotten:** perplexity on held-out fairy tales went from {before} to {after}.")
    said = text.format(before=f"{before:.1f}", after=f"{after:.1f}", times=f"{after / before:.1f}")
    st.markdown(together(said, _("Measured with the weights that are kept.") if ended else ""))


def _change(factor: float) -> str:
    """By how many per cent a positive figure rose or fell; it never falls by a hundred."""
    change = 100 * (factor - 1)
    return f"{change:+.0f} %" if change > -99 else f"{max(change, -99.9):+.1f} %"
