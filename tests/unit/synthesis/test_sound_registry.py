"""Claims about the registry of sounds."""

import inspect
from typing import get_args

import pytest

from sedlib.config import load_params
from sedlib.synthesis import sound_registry
from sedlib.synthesis.sound import Role
from sedlib.synthesis.sound_registry import CLASSES, SOUNDS, names_of

ENTRIES = [
    sound
    for module in vars(sound_registry).values()
    if inspect.ismodule(module)
    for sound in module.SOUNDS
]


def test_names_are_unique():
    assert sorted(sound.name for sound in ENTRIES) == sorted(SOUNDS)
    assert all(name == sound.name for name, sound in SOUNDS.items())


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=lambda sound: sound.name)
def test_an_entry_is_valid(sound):
    assert sound.roles and {*sound.roles} <= {*get_args(Role)}
    arguments = list(inspect.signature(sound.make).parameters)
    if sound.performer:
        assert arguments == ["self", "rng", "n"]
        assert getattr(sound.performer, sound.make.__name__) is sound.make
        assert list(inspect.signature(sound.performer).parameters) == ["rng", "rate"]
    else:
        assert arguments == ["rng", "n", "rate"]
    assert (sound.duration is not None) == bool({"rare", "distractor"} & {*sound.roles})
    if sound.duration:
        median, spread, shortest, longest = sound.duration
        assert 0.2 < shortest < median < longest and 0 < spread < 1
    assert (sound.count is not None) == ("distractor" in sound.roles)
    assert sound.count is None or sound.count > 0
    assert -31 < sound.level < -12
    # What is annotated is nothing else at the same time.
    assert len(sound.roles) == 1 or not {"dominant", "rare"} & {*sound.roles}


def test_there_is_a_sound_for_every_class_and_an_ambience():
    assert {*load_params().classes} <= {*CLASSES}
    assert names_of("ambience")
