"""Episodes that are mixed from a script and annotated exactly.

The sounds are computed, or recordings from a sound bank; each episode is the same on every
run. All sounds are entries of `sedlib.synthesis.sound_registry`.
"""

from sedlib.synthesis.episode import synthesise
from sedlib.synthesis.soundbank import Recording, SoundBank, open_soundbank
