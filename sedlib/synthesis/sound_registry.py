"""The one table of all sounds that an episode can contain.

Each module of sounds lists its own in a tuple ``SOUNDS``. To add a sound, write its function
and its entry there; the script and the mixing find it here.
"""

from sedlib.synthesis import ambiences, bells, distractors, music, objects, people

# The order of the modules and of their entries is the order of the random draws: changing it
# changes every episode.
SOUNDS = {
    sound.name: sound
    for module in (objects, people, music, bells, distractors, ambiences)
    for sound in module.SOUNDS
}


def names_of(role):
    """Return the names of the sounds that have a role; see `sedlib.synthesis.sound.Sound`."""
    return tuple(name for name, sound in SOUNDS.items() if role in sound.roles)


CLASSES = (*names_of("dominant"), *names_of("rare"))
