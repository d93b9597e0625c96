"""Experiments that train dozens of networks; their results are stored.

The first is an incremental ablation: starting from the 2018 configuration, each variant adds one
change. The transfer experiment trains on synthetic episodes, on recordings and on both.
"""

import sedlib.models.backend
from sedlib.experiments.corpora import mix_soundbank_episodes
from sedlib.experiments.runner import run_experiment
from sedlib.experiments.variants import Variant, ablation_variants, transfer_variants
