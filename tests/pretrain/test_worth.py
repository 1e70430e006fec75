"""What is measured of the bundled backbone, and how it comes onto the card."""

import json
from types import SimpleNamespace

from tl_core.pretrain import worth
from tl_core.tasks.image_classification.config import validate


def test_every_trial_is_an_experiment_that_the_page_could_run():
    for trial in worth.TRIALS.values():
        validate(trial.config)
    goals = {name: trial.goal for name, trial in worth.TRIALS.items() if trial.goal}
    assert goals == {"frozen": 0.72, "tuned": 0.78, "cats_dogs": 0.8}


def test_a_renewed_look_keeps_the_earlier_one(tmp_path, monkeypatch):
    path = tmp_path / "small.weights.h5"
    card = {"sha256": "ab", "transfer": {}}
    monkeypatch.setattr(worth, "backbone", lambda name: SimpleNamespace(bundled_file=lambda source: path))
    monkeypatch.setattr(worth.weights, "card", lambda path: json.loads(json.dumps(card)))
    monkeypatch.setattr(worth.card, "save", lambda new, path: card.update(new))
    result = {name: worth._result(name, worth.TRIALS[name], [0.5, 0.6]) for name in ("frozen", "tuned")}
    worth._keep([result["tuned"]], seeds=2)
    worth._keep([result["frozen"]], seeds=2)
    assert [row["name"] for row in card["transfer"]["results"]] == ["frozen", "tuned"]  # as in TRIALS
    assert card["transfer"]["earlier"] == []
    card["sha256"] = "cd"
    worth._keep([result["tuned"] | {"mean": 0.9}], seeds=2)
    now, before = card["transfer"]["results"], card["transfer"]["earlier"]
    assert [(row["name"], row["mean"], row["sha256"]) for row in now] == [("frozen", 0.55, "ab"), ("tuned", 0.9, "cd")]
    assert [(row["name"], row["mean"], row["sha256"]) for row in before] == [("tuned", 0.55, "ab")]
