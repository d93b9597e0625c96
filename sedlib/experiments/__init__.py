"""Experiments that train many networks: ablation and transfer."""

from sedlib.experiments.runner import (
    CODE,
    NOT_VARIED,
    RULE_OF_2018,
    Corpus,
    Recipe,
    comparison,
    conduct,
    mix_recordings,
    recordings,
)

__all__ = [
    "CODE",
    "NOT_VARIED",
    "RULE_OF_2018",
    "Corpus",
    "Recipe",
    "comparison",
    "conduct",
    "mix_recordings",
    "recordings",
]
