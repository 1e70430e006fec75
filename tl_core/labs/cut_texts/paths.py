"""Which files such an experiment leaves beside its log: none."""

from tl_core.labs.cut.paths import MADE, ready, whole

__all__ = ["MADE", "ready", "whole"]
