"""The Run page in every state a run can be in; logs are written by hand, no worker is started."""

import pytest

from pages.material import tidy
from tests.pages.made import ME, drawn, opened, recipe, reported, run_of, trained, words
from tl_core.base import events, records
from tl_core.base.errors import UserError
from tl_core.base.locks import try_lock
from tl_core.base.messages import message
from tl_core.base.metrics import percent
from tl_core.classification import report as reports
from tl_core.engine import client
from tl_core.images.data import dataset as datasets
from tl_core.runs import store
from tl_core.runs.burial import bury
from tl_core.tasks.image_classification.calls import Explanation

pytestmark = pytest.mark.usefixtures("tl_home")
LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
STARTED = events.Started(device="NVIDIA H100", precision="mixed_bfloat16")


def keys(test):
    return {button.key for button in test.button}


@LANGUAGES
def test_without_a_run_the_page_leads_to_the_first_one(language):
    test = opened("run", language)
    assert test.info
    assert not test.error


@LANGUAGES
@pytest.mark.parametrize("asked", ["20200101-000000-abcdef", "../../etc", ""])
def test_an_unknown_run_is_explained(language, asked):
    run_of(recipe(drawn()), owner="somebody")
    test = opened("run", language, run=asked)
    assert bool(test.error) == bool(asked)


def test_the_address_is_filled_in_with_the_run_at_work_rather_than_the_latest():
    dataset = drawn()
    active = run_of(recipe(dataset))
    run_of(recipe(dataset), STARTED, events.Stopped(), name="later")
    assert opened("run").query_params["run"] == active.id


@LANGUAGES
def test_a_queued_run_says_how_many_are_ahead(language):
    dataset = drawn()
    run_of(recipe(dataset), owner="a")
    run_of(recipe(dataset), owner="b")
    run = run_of(recipe(dataset))
    test = opened("run", language, run=run.id)
    assert "2" in test.get("progress")[0].proto.text
    assert "run_stop" in keys(test)


def test_a_running_run_shows_stage_figures_and_device_and_can_be_stopped():
    run = run_of(recipe(drawn()), STARTED, *trained(epochs=4))
    with try_lock(run.folder / "lock"):
        test = opened("run", run=run.id)
        said = words(test)
        assert "Training the head: epoch 5 of 15" in said
        assert "Epoch: 4 / 15" in said
        assert "Validation accuracy: 90.0 %" in said
        assert "Images per second: 600" in said
        assert {"Elapsed", "Remaining"} <= {metric.label for metric in test.metric}
        assert "NVIDIA H100, mixed\\_bfloat16" in said
        assert "On the validation pictures" not in said
        test.button(key="run_stop").click().run()
        assert (run.folder / "stop").exists()
        assert "Stopping" in words(test)


@pytest.mark.parametrize(
    ("phase", "progress", "sentence"),
    [
        (events.Phase(phase="weights", total=4_000_000, unit="bytes"), (2_000_000, None), "2 of 4 MB"),
        (events.Phase(phase="features", total=1200, unit="images"), (300, 150.0), "blocks: 300 of 1,200"),
        (events.Phase(phase="saving"), None, "Saving the model"),
        (events.Phase(phase="something new"), None, "something new"),
    ],
)
def test_every_stage_has_its_words(phase, progress, sentence):
    log = [STARTED, phase]
    if progress:
        log.append(events.Progress(phase=phase.phase, done=progress[0], total=phase.total, rate=progress[1]))
    run = run_of(recipe(drawn()), *log)
    with try_lock(run.folder / "lock"):
        assert sentence in words(opened("run", run=run.id))


@LANGUAGES
def test_a_finished_run_shows_its_report(language):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    made = reported(run, dataset, wrong=2)
    test = opened("run", language, run=run.id)
    said = words(test)
    assert percent(made.accuracy) in said
    assert f"{made.macro_f1:.3f}" in said
    assert said.count("tl/picture/") == 2, "the two mistakes"
    assert "circle → square" in said
    assert "run_stop" not in keys(test)
    [matrix] = test.get("plotly_chart")
    assert '"customdata":[[0,0],' in matrix.proto.spec.replace(" ", "") or matrix.proto.spec


@pytest.fixture
def grid(monkeypatch):
    """What the grid of pictures was last given to show, and what is chosen in it."""
    seen = {"shown": [], "chosen": []}

    def drawn_grid(dataset, shown, **about):
        seen.update(shown=[image.key for image in shown], **about)
        return [key for key in seen["chosen"] if key in seen["shown"]]

    monkeypatch.setattr(tidy, "image_grid", drawn_grid)
    return seen


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_mistake_that_the_curves_show_is_named_with_its_cure(language):
    """The last block is fine-tuned at a rate a hundred times too high; without that nothing is said."""
    dataset = drawn()
    wild = events.Phase(phase="head", total=8, unit="epochs", learning_rate=0.1)
    log = [events.Started(), wild]
    for epoch, loss in enumerate((1.2, 0.6, 2.9, 0.5, 3.1, 0.4, 2.7, 0.6), 1):
        metrics = {"loss": loss, "accuracy": 0.5, "val_loss": loss, "val_accuracy": 0.5}
        log.append(events.Epoch(phase="head", epoch=epoch, step=epoch, metrics=metrics, best=epoch == 6))
    bad = run_of(recipe(dataset), *log, events.Finished(best_epoch=6))
    calm = events.Phase(phase="head", total=8, unit="epochs", learning_rate=1e-3)
    good = run_of(recipe(dataset), events.Started(), calm, *trained(8)[1:], events.Finished(best_epoch=8))
    for run in (bad, good):
        reported(run, dataset)
    [warning] = opened("run", language, run=bad.id).warning
    if language == "en":
        assert "jumps up, in epoch 3 for the first time" in warning.value and "a tenth" in warning.value
    assert not opened("run", language, run=good.id).warning


def test_a_run_under_way_is_told_of_what_later_epochs_cannot_take_back():
    dataset = drawn()
    phase = events.Phase(phase="head", total=20, unit="epochs", learning_rate=0.1)
    for losses, told in (((1.2, 0.6, 2.9, 0.5, 3.1, 0.4), 1), ((0.7, 0.7, 0.7, 0.7, 0.7, 0.7), 0)):
        log = [STARTED, phase]
        for epoch, loss in enumerate(losses, 1):
            metrics = {"loss": loss, "accuracy": 0.5, "val_loss": loss, "val_accuracy": 0.5}
            log.append(events.Epoch(phase="head", epoch=epoch, step=epoch, metrics=metrics, best=epoch == 1))
        run = run_of(recipe(dataset), *log)
        with try_lock(run.folder / "lock"):
            assert len(opened("run", run=run.id).warning) == told


def test_a_cell_of_the_matrix_shows_its_pictures_the_surest_first(grid):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    made = reported(run, dataset, wrong=1)
    test = opened("run", run=run.id)
    box = test.selectbox(key=f"report_{run.id}_cell")
    assert box.options[0] == "circle taken for square (1)"
    box.set_value((1, 1)).run()
    assert not test.exception
    assert grid["shown"] == [item.key for item in made.cell(1, 1)] != []
    assert grid["captions"][made.cell(1, 1)[0].key] == "80.0 % sure"


def test_what_speaks_for_the_answers_of_a_cell_is_asked_for_and_shown(grid, monkeypatch):
    dataset, asked = drawn(), []

    def explain(source, data, label, method, check):
        asked.append((source, data, label, method))
        return Explanation(0.8, ((0.3, 0.0), (-0.1, 0.0)), None)

    monkeypatch.setattr(client, "explain", explain)
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    [mistake] = reported(run, dataset, wrong=1).cell(0, 1)
    test = opened("run", run=run.id)
    test.selectbox(key=f"report_{run.id}_cell").set_value((0, 1)).run()
    assert not asked
    test.toggle(key=f"report_{run.id}_cell (0, 1)_maps").set_value(True).run()
    assert not test.exception
    picture = datasets.image_path(dataset.folder, mistake.example).read_bytes()
    assert asked == [(f"run:{run.id}", picture, "square", "grad_cam")]
    assert "Grad-CAM, for the class that the network names" in words(test)


@pytest.mark.usefixtures("elsewhere")
def test_pictures_of_somebody_else_are_shown_and_not_changed(grid):
    dataset = drawn()
    summary = records.load(dataset.folder / "summary.json")
    datasets.write_json(dataset.folder / "summary.json", {**summary, "owner": "somebody"})
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    made = reported(run, dataset, wrong=1)
    test = opened("run", run=run.id)
    test.selectbox(key=f"report_{run.id}_cell").set_value((0, 1)).run()
    assert made.cell(0, 1)[0].example in words(test)
    assert not grid["shown"] and not [key for key in keys(test) if key and key.endswith("_remove")]


def test_a_picture_of_a_cell_is_relabelled_in_place_and_trained_on_again(grid):
    dataset = drawn()
    run = run_of(recipe(dataset, seed=7), STARTED, *trained(), events.Finished(best_epoch=3))
    [mistake] = reported(run, dataset, wrong=1).cell(0, 1)
    test = opened("run", run=run.id)
    assert "report_again" not in keys(test)
    test.selectbox(key=f"report_{run.id}_cell").set_value((0, 1)).run()
    grid["chosen"] = [mistake.key]
    test.run()
    test.button(key=f"report_{run.id}_cell (0, 1)_likely").click().run()
    present = datasets.load(datasets.latest(dataset.id))
    labels = {image.key: present.classes[image.label] for image in present.images}
    assert labels[mistake.key] == "square" and present.id != dataset.id
    assert "1 of 1 have been put right" in words(test)
    test.button(key="report_again").click().run()
    assert not test.exception
    assert test.title[0].value == "Train"
    assert test.number_input(key="train_seed").value == 7
    assert test.session_state["session_dataset"] == present.id


def test_what_has_turned_round_since_another_run_is_told_beside_what_another_seed_turns():
    dataset = drawn()
    before = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3), name="before")
    reported(before, dataset, wrong=4)
    after = run_of(recipe(dataset, batch_size=16), STARTED, *trained(), events.Finished(best_epoch=3), name="after")
    made = reported(after, dataset, wrong=1)
    test = opened("run", run=after.id)
    test.selectbox(key=f"flips_{after.id}").set_value(before.id).run()
    said = words(test)
    count = len(made.predictions)
    assert f"{count} examples validated both runs ({count} this one). Predictions that have turned round: 3" in said
    assert "right now: 3; right before and wrong now: 0. Within the noise" in said and "McNemar" in said
    assert "train the same settings again with another seed" in said
    twin = run_of(recipe(dataset, seed=1), STARTED, *trained(), events.Finished(best_epoch=3), name="twin")
    reported(twin, dataset, wrong=3)
    assert "another seed alone turns 16.7 % round" in words(test.run())
    other = run_of(recipe(drawn(each=12)), STARTED, *trained(), events.Finished(best_epoch=3))
    assert other.name not in test.run().selectbox(key=f"flips_{after.id}").options


@LANGUAGES
def test_the_last_test_is_looked_at_once_and_labelled_apart(language, monkeypatch):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    reported(run, dataset)
    asked = []

    def evaluate(run_id, part, status):
        asked.append((run_id, part))
        status(message("Loading"))
        return reported(run, dataset, part, wrong=0)

    monkeypatch.setattr(client, "evaluate", evaluate)
    test = opened("run", language, run=run.id)
    test.button(key="evaluate_test").click().run()
    assert not test.exception
    assert asked == [(run.id, "test")]
    assert "evaluate_test" not in keys(test)
    assert "100.0 %" in words(test)


def test_what_goes_wrong_in_the_last_test_is_said(monkeypatch):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    reported(run, dataset)

    def evaluate(*arguments, **options):
        raise UserError(message("The model process ended."), message("Try again."))

    monkeypatch.setattr(client, "evaluate", evaluate)
    test = opened("run", run=run.id)
    test.button(key="evaluate_test").click().run()
    assert "**The model process ended.** Try again." in words(test)
    assert reports.load(run.folder, "test") is None


def test_without_a_test_part_the_page_says_so():
    dataset = drawn(["cats", "dogs"])
    run = run_of(recipe(dataset, "cats_dogs"), STARTED, *trained(), events.Finished(best_epoch=3))
    reported(run, dataset)
    test = opened("run", run=run.id)
    assert "No pictures were kept for a last test" in words(test)
    assert "evaluate_test" not in keys(test)


@LANGUAGES
def test_a_stopped_run_can_be_resumed_or_evaluated_now(language, monkeypatch):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Stopped(best_epoch=3))
    monkeypatch.setattr(client, "evaluate", lambda run_id, part, status: reported(run, dataset, part))
    test = opened("run", language, run=run.id)
    assert {"run_resume", "evaluate_validation"} <= keys(test)
    test.button(key="evaluate_validation").click().run()
    assert not test.exception
    assert "evaluate_validation" not in keys(test)
    test.button(key="run_resume").click().run()
    assert store.status(store.get(run.id)) == "queued"
    assert "run_stop" in keys(test)


def test_a_run_that_never_finished_an_epoch_offers_no_model_and_no_report():
    run = run_of(recipe(drawn()), STARTED, events.Stopped())
    test = opened("run", run=run.id)
    assert "evaluate_validation" not in keys(test)
    assert "Classify with this model" not in [link.label for link in test.get("page_link")]


@LANGUAGES
def test_a_failed_run_names_the_cause_the_remedy_and_the_details(language):
    error = UserError(message("No space: {n} MB.", n=3), message("Free some."))
    run = run_of(recipe(drawn()), STARTED, events.Failed(error=error, details="Traceback: boom"))
    test = opened("run", language, run=run.id)
    assert "No space: 3 MB." in test.error[0].value
    assert "Free some." in test.error[0].value
    assert "Traceback: boom" in [code.value for code in test.code]
    assert "run_resume" in keys(test)


def test_a_worker_that_died_without_a_word_is_found_out():
    run = run_of(recipe(drawn()), STARTED, *trained())
    bury(run)
    assert "ended without a word" in words(opened("run", run=run.id))
    assert store.status(run) == "failed"


@pytest.mark.usefixtures("elsewhere")
def test_somebody_elses_run_can_be_watched_but_not_stopped():
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), owner="somebody")
    with try_lock(run.folder / "lock"):
        test = opened("run", run=run.id)
    assert "you can watch it" in words(test)
    assert not keys(test) & {"run_stop", "run_resume"}


@pytest.mark.usefixtures("elsewhere")
def test_somebody_elses_last_test_is_theirs(visitor):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    reported(run, dataset)
    assert "evaluate_test" in keys(opened("run", run=run.id))
    visitor.update(dict.fromkeys(visitor, "somebody"))
    assert "evaluate_test" not in keys(opened("run", run=run.id))


@LANGUAGES
def test_a_run_outlives_its_pictures(language):
    dataset = drawn()
    run = run_of(recipe(dataset), STARTED, *trained(), events.Finished(best_epoch=3))
    reported(run, dataset)
    datasets.delete(dataset.id)
    test = opened("run", language, run=run.id)
    assert "tl/picture/" not in words(test)
    assert "evaluate_test" not in keys(test)


def test_torn_lines_and_unknown_events_do_no_harm():
    run = run_of(recipe(drawn()), STARTED, *trained(epochs=2))
    with open(run.log, "ab") as file:
        file.write(b'{"kind":"from the future","t":1}\n{"kind":"epoch","epo\n')
    events.append(run.log, events.Finished(best_epoch=2))
    assert "Epoch: 2 / 15" in words(opened("run", run=run.id))


def test_settings_that_cannot_be_read_are_explained():
    run = run_of(recipe(drawn()), STARTED, *trained(), events.Finished(best_epoch=3))
    (run.folder / "config.json").write_text("{}")
    test = opened("run", run=run.id)
    assert "settings" in test.error[0].value
    assert "run_resume" not in keys(test)


def test_a_diverged_run_is_drawn_and_read():
    log = [
        events.Phase(phase="head", total=1, unit="epochs"),
        events.Epoch(epoch=1, metrics={"loss": float("nan"), "accuracy": 0.0, "val_loss": 9e9}),
    ]
    run = run_of(recipe(drawn()), STARTED, *log, events.Finished())
    assert "learning rate is too high" in words(opened("run", run=run.id))
    assert store.get(run.id).owner == ME
