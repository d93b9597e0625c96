"""Experiments that train many networks, for hours, and keep their scores.

The ablation leads from the 2018 configuration to the current one, one change at a time; the
transfer experiment trains on synthetic episodes, on recordings and on both.
"""

from sedlib.experiments.corpora import mix_soundbank_episodes
from sedlib.experiments.runner import run_experiment
from sedlib.experiments.variants import Variant, ablation_variants, transfer_variants
