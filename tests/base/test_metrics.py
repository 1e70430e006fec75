"""A metric is a row: its words, which way is better, and what follows from another one."""

import math

import pytest

from tl_core.base import metrics
from tl_core.base.metrics import METRICS


def test_every_row_is_found_by_its_key_on_whatever_it_was_measured():
    for key, row in METRICS.items():
        assert row.key == key and str(row.title) and str(row.noun) and row.better in ("lower", "higher")
        assert metrics.metric(key) is metrics.metric(f"val_{key}") is metrics.metric(f"base_{key}") is row
    assert str(METRICS["accuracy"].validation) == "Validation accuracy"


def test_a_metric_of_a_later_version_is_called_by_its_own_name():
    assert str(metrics.metric("val_brier").title) == "brier"


@pytest.mark.parametrize(
    ("measured", "name", "found"),
    [
        ({"loss": 0.5}, "loss", 0.5),
        ({"loss": 0.5}, "val_loss", None),
        ({"val_loss": math.log(60)}, "val_perplexity", pytest.approx(60)),
        ({"val_loss": math.log(60), "val_perplexity": 61.0}, "val_perplexity", 61.0),
        ({"loss": math.log(60)}, "val_perplexity", None),
        ({"loss": math.inf}, "perplexity", None),
        ({"loss": 1e9}, "perplexity", math.exp(50)),
        ({"loss": 0.5}, "source_perplexity", None),
        ({}, "accuracy", None),
    ],
)
def test_what_was_measured_and_what_follows_from_it(measured, name, found):
    assert metrics.value(measured, name) == found


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("loss", 0.51234, "0.512"), ("accuracy", 0.8642, "86.4 %"), ("perplexity", 52.04, "52.0"),
        ("copied_tokens", 12.0, "12"), ("accuracy", None, "–"), ("loss", math.nan, "–"),
    ],
)  # fmt: skip
def test_a_value_is_told_as_its_row_says(key, value, shown):
    assert METRICS[key].shown(value) == shown
