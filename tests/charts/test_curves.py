"""Figures and sentences of tl_core.charts.curves, from histories written by hand."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from tl_core.base.events import Batch, Epoch, Phase
from tl_core.base.messages import message
from tl_core.base.metrics import METRICS as METRICS_BY_KEY
from tl_core.base.metrics import Metric
from tl_core.charts import classification, comparison, curves, style
from tl_core.charts.classification import METRICS


@dataclass
class Told:
    """A history as a test tells it."""

    epochs: Sequence[Epoch] = ()
    phases: Sequence[Phase] = ()
    seen: Sequence[Batch] = field(default=())

    def batches(self, max_points=500):
        return list(self.seen)


def plain(text):
    return text


def epoch(number, accuracy, val_accuracy, loss=0.5, val_loss=0.5, best=False, step=None):
    return Epoch(
        phase="head",
        epoch=number,
        step=number * 10 if step is None else step,
        metrics={"loss": loss, "accuracy": accuracy, "val_loss": val_loss, "val_accuracy": val_accuracy},
        best=best,
    )


def test_traces_keep_their_number_order_and_identity_while_a_run_grows():
    empty = Told()
    grown = Told(
        [epoch(1, 0.5, 0.4)], [Phase(phase="head", steps_per_epoch=10)], [Batch(step=5, epoch=1, metrics={"loss": 1.0})]
    )
    for metric in METRICS:
        before, after = curves.live(empty, METRICS, plain)[metric], curves.live(grown, METRICS, plain)[metric]
        assert [trace["uid"] for trace in before["data"]] == ["batches", "training", "validation"]
        assert [trace["uid"] for trace in after["data"]] == ["batches", "training", "validation"]
        json.dumps(after, allow_nan=False)


def test_batches_lie_between_the_epochs_they_belong_to():
    told = Told(
        [epoch(1, 0.5, 0.5, step=10), epoch(2, 0.6, 0.6, step=30)],
        [Phase(phase="head", steps_per_epoch=10), Phase(phase="fine-tuning", first_epoch=1, steps_per_epoch=20)],
        [Batch(step=step, epoch=1, metrics={"loss": 1.0}) for step in (5, 10, 20, 40)],
    )
    assert curves.live(told, METRICS, plain)["loss"]["data"][0]["x"] == [0.5, 1.0, 1.5, 2.5]


def test_a_phase_that_was_over_at_once_has_no_curve_of_batches_and_a_slow_one_has():
    """A worker tells of its batches a few times a second, so of ten epochs in a second there are three points."""
    quick = [Batch(phase="head", step=step, epoch=step // 10, metrics={"loss": 0.7}) for step in (20, 50, 90)]
    slow = [Batch(phase="fine-tuning", step=step, epoch=11, metrics={"loss": 0.5}) for step in (102, 105, 108)]
    tuned = Epoch(phase="fine-tuning", epoch=11, step=110, metrics={"loss": 0.5, "accuracy": 0.9})
    told = Told([epoch(number, 0.8, 0.8) for number in range(1, 11)], seen=quick)
    for figure in curves.live(told, METRICS, plain).values():
        assert (figure["data"][0]["x"], figure["data"][0]["y"]) == ([], [])
        assert not figure["data"][0]["showlegend"]
    told = Told([*told.epochs, tuned], seen=[*quick, *slow])
    assert curves.live(told, METRICS, plain)["loss"]["data"][0]["x"] == [10.2, 10.5, 10.8]
    assert curves.live(told, METRICS, plain)["loss"]["data"][0]["showlegend"]


def test_the_batches_of_a_long_run_are_drawn_though_they_were_thinned():
    seen = [Batch(phase="head", step=10 * number, epoch=number, metrics={"loss": 0.7}) for number in range(3, 901, 3)]
    told = Told([epoch(number, 0.8, 0.8) for number in range(1, 901)], seen=seen)
    assert len(curves.live(told, METRICS, plain)["loss"]["data"][0]["x"]) == 300


def test_a_resumed_run_shows_each_epoch_and_step_once():
    told = Told(
        [epoch(1, 0.5, 0.4), epoch(2, 0.1, 0.1), epoch(2, 0.7, 0.6)],
        [Phase(phase="head", steps_per_epoch=10)],
        [
            Batch(step=step, epoch=1, metrics={"loss": loss})
            for step, loss in ((5, 1.0), (15, 9.0), (18, 9.0), (15, 2.0), (20, 1.5))
        ],
    )
    batches, training, _validation = curves.live(told, METRICS, plain)["accuracy"]["data"]
    assert training["x"] == [1, 2]
    assert training["y"] == [0.5, 0.7]
    assert batches["x"] == [0.5, 1.5, 2.0]


def test_fine_tuning_is_marked_where_it_begins_and_one_phase_is_not():
    head = Phase(phase="head", first_epoch=0, steps_per_epoch=10)
    tuning = Phase(phase="fine-tuning", first_epoch=3, steps_per_epoch=10)
    one = curves.live(Told(phases=[Phase(phase="features"), head]), METRICS, plain)["loss"]["layout"]
    two = curves.live(Told(phases=[head, Phase(phase="features"), tuning, tuning]), METRICS, plain)["loss"]["layout"]
    assert one["shapes"] == []
    assert [shape["x0"] for shape in two["shapes"]] == [3]
    assert [note["text"] for note in two["annotations"]] == ["Head", "Fine-tuning begins"]


def test_a_run_that_diverged_still_draws_and_says_why():
    told = Told([epoch(1, 0.2, 0.2, loss=float("nan"), val_loss=float("inf"))])
    figure = curves.live(told, METRICS, plain)["loss"]
    json.dumps(figure, allow_nan=False)
    assert figure["data"][1]["y"] == [None]
    assert "learning rate is too high" in str(classification.reading(told))


def test_one_wild_batch_does_not_press_the_loss_flat():
    wild = [Batch(step=1, epoch=1, metrics={"loss": 80.0})] + [
        Batch(step=n, epoch=1, metrics={"loss": 1.0}) for n in range(2, 60)
    ]
    figure = curves.live(Told([epoch(1, 0.5, 0.5, loss=1.2, val_loss=0.9)], [], wild), METRICS, plain)["loss"]
    assert figure["layout"]["yaxis"]["range"][1] < 2


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        ([], "begin with the first batch"),
        ([epoch(1, 0.21, 0.2)], "not learned yet"),
        ([epoch(1, 0.8, 0.82)], "carries over to new images"),
        ([epoch(1, 0.95, 0.86)], "9 points higher: the network begins to memorise"),
        (
            [epoch(1, 0.8, 0.8, val_loss=0.3), epoch(2, 0.9, 0.8, val_loss=0.5), epoch(3, 0.99, 0.8, val_loss=0.6)],
            "validation loss has risen since epoch 1: the network memorises",
        ),
        ([epoch(1, 0.6, 0.9)], "30 points lower"),
        ([Epoch(epoch=2, metrics={"accuracy": 0.5, "loss": 1.0})], "no validation images"),
    ],
)
def test_the_sentence_says_what_the_curves_show(epochs, words):
    assert words in str(classification.reading(Told(epochs), classes=5))


def test_the_description_names_both_ends_of_both_curves():
    told = Told([epoch(1, 0.5, 0.4), epoch(2, 0.9, 0.8)])
    text = str(curves.description(told, "accuracy"))
    assert text == (
        "Line chart of accuracy over 2 epochs: training from 50.0 % to 90.0 %, validation from 40.0 % to 80.0 %."
    )


def test_runs_laid_over_each_other_keep_their_own_colour_and_differ_in_dash():
    runs = [
        curves.NamedHistory("frozen", Told([epoch(1, 0.5, 0.4, best=True)]), colour="#009E73"),
        curves.NamedHistory("scratch", Told([epoch(1, 0.3, 0.2)])),
    ]
    figure = curves.several(runs, "accuracy", plain)
    lines = [(trace["name"], trace["line"]["color"], trace["line"]["dash"]) for trace in figure["data"]]
    assert lines == [
        ("frozen, training", "#009E73", "dash"),
        ("frozen, validation", "#009E73", "solid"),
        ("scratch, training", style.PALETTE[1], "dash"),
        ("scratch, validation", style.PALETTE[1], "solid"),
    ]
    assert len(curves.several(runs, "accuracy", plain, training=False)["data"]) == 2


def test_every_visible_text_goes_through_the_translation():
    told = Told([epoch(1, 0.5, 0.4)], [Phase(phase="head"), Phase(phase="fine-tuning", first_epoch=1)])
    figure = curves.live(told, METRICS, lambda text: f"<{text}>")["loss"]
    texts = [trace["name"] for trace in figure["data"]] + [note["text"] for note in figure["layout"]["annotations"]]
    texts += [figure["layout"]["title"]["text"], figure["layout"]["xaxis"]["title"]["text"]]
    assert all(text.startswith("<") for text in texts)


ROWS = [
    Metric("mean_average_precision", message("Mean average precision"), message("mAP"), "higher", "share", 1),
    Metric("word_error_rate", message("Word error rate"), message("word error rate"), "lower", "share", 1),
    Metric("bleu", message("BLEU"), message("BLEU"), "higher", digits=1, unit=message("points")),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_a_metric_of_another_task_is_drawn_and_told_by_its_row_alone(row, monkeypatch):
    monkeypatch.setitem(METRICS_BY_KEY, row.key, row)
    runs = []
    for name, values in (("a", (0.2, 0.4)), ("b", (0.3, 0.9))):
        epochs = [
            Epoch(epoch=n, step=10 * n, metrics={row.key: value + 0.05, f"val_{row.key}": value}, best=True)
            for n, value in enumerate(values, 1)
        ]
        runs.append(curves.NamedHistory(name, Told(epochs, seen=[Batch(step=5, metrics={row.key: 0.1})])))
    figure = curves.live(runs[0].history, [row.key], plain)[row.key]
    assert [trace["y"] for trace in figure["data"][1:]] == [[0.25, 0.45], [0.2, 0.4]]
    assert figure["layout"]["title"]["text"] == f"{row.title}{', points' * bool(row.unit)} ({row.better} is better)"
    share = row.scale == "share"
    assert (figure["layout"]["yaxis"].get("tickformat") == ".0%") == share
    assert f"validation from {row.shown(0.2)} to {row.shown(0.4)}" in str(curves.description(runs[0].history, row.key))
    said = str(comparison.reading(runs, row.key))
    best = ("b", 0.9) if row.better == "higher" else ("a", 0.4)
    side = "highest" if row.better == "higher" else "lowest"
    assert said.startswith(f"{best[0]} reaches the {side} validation {row.noun}, {row.shown(best[1])}; ")
    assert said.endswith(f"50 points {'lower' if row.better == 'higher' else 'higher'}.") == share


def test_curves_over_steps_begin_with_what_was_measured_before_training_and_mark_phases():
    told = Told(
        [epoch(1, 0.5, 0.4, step=30), epoch(2, 0.6, 0.5, step=50)],
        [Phase(phase="head"), Phase(phase="fine-tuning", first_epoch=1)],
        [Batch(step=step, metrics={"loss": 1.0, "accuracy": 0.1}) for step in (10, 20, 30, 40)],
    )
    figure = curves.live(told, METRICS, plain, 100, "step", {"val_accuracy": 0.2})["accuracy"]
    noisy, training, validation = figure["data"]
    assert noisy["x"] == [10, 20, 30, 40] and training["x"] == [30, 50]
    assert (validation["x"], validation["y"]) == ([0, 30, 50], [0.2, 0.4, 0.5])
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == [30]
    assert figure["layout"]["xaxis"]["range"] == [0, pytest.approx(102)]
    assert "over 50 steps" in str(curves.description(told, "accuracy", "step"))
