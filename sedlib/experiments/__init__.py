"""Trainings that take long and need recordings; their results are stored.

The first experiment is an incremental ablation: starting from the 2018 configuration, each variant
adds one change. The transfer experiment trains on synthetic episodes, on recordings, on both, and
on synthetic episodes without MixStyle or without averaged weights. The release is the model that
comes with the repository.
"""

import sedlib.models.backend
from sedlib.experiments.corpora import count_recordings, make_corpus, open_recordings
from sedlib.experiments.release import make_release, permits_release
from sedlib.experiments.runner import run_experiment
from sedlib.experiments.variants import Variant, ablation_variants, transfer_variants
