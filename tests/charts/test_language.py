"""Figures and sentences of language models' curves, from histories written by hand."""

import dataclasses
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tl_core.base.events import Artifact, Batch, Epoch, Phase
from tl_core.charts import language, style
from tl_core.charts.curves import NamedHistory
from tl_core.tasks.text_generation.progress import Sample


@dataclass
class Told:
    """A history as a test tells it."""

    epochs: Sequence[Epoch] = ()
    phases: Sequence[Phase] = ()
    artifacts: Sequence[Artifact] = ()
    seen: Sequence[Batch] = field(default=())

    def batches(self, max_points=500):
        return list(self.seen)


def plain(text):
    return text


def rounds(*perplexities, base=180.0):
    """A run: (training, validation) perplexity of each round of 25 steps; the lowest validation is kept."""
    epochs, best = [], math.inf
    for number, (training, validation) in enumerate(perplexities, 1):
        epochs.append(
            Epoch(
                epoch=number,
                step=25 * number,
                metrics={"loss": math.log(training)}
                | ({} if validation is None else {"val_loss": math.log(validation)}),
                best=validation is None or validation < best,
            )
        )
        best = min(best, validation or math.inf)
    return Told(epochs, artifacts=[Sample(step=0, perplexity=base).event()])


def test_traces_keep_their_number_order_and_identity_while_a_run_grows():
    grown = rounds((120, 90), (80, 70))
    grown.seen = [Batch(step=10, metrics={"loss": 5.0})]
    for told in (Told(), grown):
        for figure in language.live(told, plain, 300).values():
            assert [trace["uid"] for trace in figure["data"]] == ["batches", "training", "validation"]
            json.dumps(figure, allow_nan=False)


def test_validation_begins_with_the_base_model_and_the_kept_round_has_the_star():
    figure = language.live(rounds((120, 90), (80, 70), (60, 75)), plain, 300)["perplexity"]
    validation = figure["data"][2]
    assert validation["x"] == [0, 25, 50, 75]
    assert validation["y"] == pytest.approx([180, 90, 70, 75], rel=1e-3)
    assert validation["marker"]["symbol"] == ["circle", "circle", "star", "circle"]
    assert figure["layout"]["xaxis"]["range"][1] >= 300, "room to grow"
    assert 10 ** figure["layout"]["yaxis"]["range"][1] >= 180


def test_a_rise_at_the_end_is_seen_beside_the_perplexity_of_the_beginning():
    told = rounds((60, 40), (20, 23.9), (12, 25), (7, 27.4), base=900)
    for figure in (
        language.live(told, plain),
        {"perplexity": language.several([NamedHistory("A", told)], "perplexity", plain)},
    ):
        axis = figure["perplexity"]["layout"]["yaxis"]
        low, high = axis["range"]
        assert axis["type"] == "log"
        assert low < math.log10(7) and high > math.log10(900)
        assert (math.log10(27.4) - math.log10(23.9)) / (high - low) > 0.02, "a linear axis has 0.004"
    assert "type" not in language.live(told, plain)["loss"]["layout"]["yaxis"]


@pytest.mark.parametrize(("low", "high"), [(20, 200), (23, 28), (99, 100), (7, 900), (1, 100), (2, 5e9), (1.0, 1.01)])
def test_a_logarithmic_axis_has_a_handful_of_round_numbers(low, high):
    ticks = style.ticks(low, high)
    assert 4 <= len(ticks) <= 8
    assert low <= ticks[0] and ticks[-1] <= high
    assert ticks == sorted(set(ticks))
    gaps = [math.log(after / before) for before, after in itertools.pairwise(ticks)]
    assert max(gaps) < 4 * min(gaps)


def test_batches_of_a_run_that_was_over_at_once_are_left_out():
    told = rounds((120, 90), (80, 70), (70, 66), (66, 65))
    told.epochs = [dataclasses.replace(epoch, phase="fine-tuning") for epoch in told.epochs]
    told.seen = [Batch(phase="fine-tuning", step=step, metrics={"loss": 4.4}) for step in (40, 90)]
    noisy = language.live(told, plain)["perplexity"]["data"][0]
    assert (noisy["x"], noisy["y"], noisy["showlegend"]) == ([], [], False)


def test_one_early_batch_does_not_press_the_curve_down():
    told = rounds((120, 90))
    told.seen = [
        Batch(step=1, metrics={"loss": math.log(4000)}),
        *(Batch(step=n, metrics={"loss": 5.0}) for n in range(2, 60)),
    ]
    assert 10 ** language.live(told, plain)["perplexity"]["layout"]["yaxis"]["range"][1] < 250


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Told(), "begin with the first step"),
        (Told(seen=[Batch(step=7, metrics={"loss": math.log(150)})]), "Training perplexity is 150.0 after 7 steps"),
        (rounds((120, None)), "no validation text"),
        (rounds((76, 68)), "went from 180.0 to 68.0 in 25 steps; training perplexity is 76.0: what it learns carries"),
        (rounds((60, 68), (30, 66)), "much lower: the model begins to learn the text by heart"),
        (rounds((60, 60), (30, 70), (10, 90)), "has risen since step 25"),
        (
            rounds((60, 60), (30, 70), (10, 90)),
            "went from 180.0 to 60.0 in 25 steps, whose weights are kept, and to 90.0 in 75; it has risen",
        ),
        (rounds((76, 68), base=None), "Validation perplexity is 68.0 after 25 steps"),
    ],
)
def test_the_reading_says_what_the_curves_show(told, said):
    assert said in str(language.reading(told))


def test_the_description_names_first_and_last_values():
    said = str(language.description(rounds((120, 90), (80, 70)), "perplexity"))
    assert "50 steps" in said
    assert all(value in said for value in ("120.0", "80.0", "90.0", "70.0"))


@pytest.mark.parametrize(
    ("reached", "said"),
    [
        ((70, 52), "B reaches the lowest validation perplexity, 52.0; A stays at 70.0"),
        ((70, 70.5), "about the same"),
        ((), "None of these runs"),
    ],
)
def test_several_runs_are_read_together(reached, said):
    runs = [
        NamedHistory(name, rounds((80, value))) for name, value in zip(("A", "B"), reached, strict=bool(reached))
    ] or [NamedHistory("A", Told())]
    assert said in str(language.several_reading(runs))
    figure = language.several(runs, "perplexity", plain)
    assert [trace["uid"] for trace in figure["data"]][:2] == ["0-training", "0-validation"]
    assert not figure["layout"]["showlegend"]
