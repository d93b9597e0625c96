"""The variants: one change at a time, and what each is trained on."""

import itertools

import pytest

from sedlib import experiments
from sedlib.config import ConfigError
from sedlib.experiments.variants import NO_AUGMENTATION


def test_the_variants_lead_from_2018_to_ours_one_change_at_a_time(params):
    variants = experiments.ablation_variants(params.train)
    first, last = variants[0], variants[-1]
    assert (first.network, first.examples) == ("vtt2018", "crops")
    assert first.changes["learning_rate"] == 1e-4
    assert first.changes["batch_size"] == 32
    assert first.changes["augment"] == NO_AUGMENTATION
    assert (last.network, last.examples, last.changes) == ("compact", "segments", {})
    for before, after in itertools.pairwise(variants):
        options = [
            params.train.model_copy(update=dict(v.changes)).model_dump() for v in (before, after)
        ]
        changed = [before.network != after.network, before.examples != after.examples]
        changed.append(options[0] != options[1])
        assert sum(changed) == 1, after.name


def test_a_configuration_that_the_changes_do_not_lead_to_is_refused(params):
    for changes, key in (
        ({"preset": "vtt2018"}, "preset is vtt2018"),
        ({"frame_weight": 0.0}, "frame_weight is 0"),
        ({"augment": NO_AUGMENTATION}, r"augment\.mixup is 0"),
        ({"averaging": 0.0}, "averaging is 0"),
    ):
        with pytest.raises(ConfigError, match=rf"train\.{key}.*, but the ablation ends"):
            experiments.ablation_variants(params.train.model_copy(update=changes))


def test_the_transfer_variants_differ_in_their_corpora_in_mixstyle_and_in_averaging(corpora):
    variants = experiments.transfer_variants(*corpora)
    assert [(v.name, v.corpora) for v in variants] == [
        ("synthetic", ("synthetic",)),
        ("other", ("other",)),
        ("both", ("synthetic", "other")),
        ("synthetic without MixStyle", ("synthetic",)),
        ("synthetic without averaging", ("synthetic",)),
    ]
    networks = ["compact"] * 3 + ["compact without MixStyle", "compact"]
    assert [v.network for v in variants] == networks
    assert [v.changes for v in variants] == [{}] * 4 + [{"averaging": 0.0}]
