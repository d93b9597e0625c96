"""Episodes that are mixed from a script, with exact annotations.

Sounds are synthesised or taken from a sound bank. Each episode is the same on every run. All
sounds are entries of `sedlib.synthesis.sound_registry`.
"""

from sedlib.synthesis.episode import memory_needed, synthesise
from sedlib.synthesis.soundbank import Recording, SoundBank, open_soundbank
