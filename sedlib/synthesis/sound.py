"""The entry of one sound in the registry."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Role = Literal["dominant", "rare", "distractor", "ambience"]


@dataclass(frozen=True)
class Sound:
    """One sound of the synthesis: who makes it, how long it lasts and how often it occurs.

    Attributes
    ----------
    name : str
        The class label of a dominant or rare sound; other sounds have a name of their own.
    make : callable
        ``(rng, n, rate) -> ndarray of float64, shape (n,)``, where `rng` is a
        `numpy.random.Generator`, `n` the length in samples and `rate` the sample rate in
        Hz. If there is a `performer`, it is a method of that class, ``(self, rng, n)``.
    roles : tuple of {"dominant", "rare", "distractor", "ambience"}
        Events of a dominant class are planned by `sedlib.synthesis.script` in a way of their
        own. Those of a rare class are annotated as well; those of a distractor are heard but
        not annotated. An ambience may be the background of a scene.
    duration : tuple of float, optional
        How long an event of a rare class or a distractor lasts: the median in seconds, the
        standard deviation of the natural logarithm, and the shortest and longest duration in
        seconds.
    count : float, optional
        Mean number of events of a distractor in six minutes.
    level : float
        Mean level of the events in dB; see `sedlib.synthesis.mixing.make_dry_sound`.
    own_room : bool
        Whether the sound already has the reverberation of a room, so that it gets less of
        that of the scene.
    performer : type, optional
        Class whose instance makes the sound. It is constructed with ``(rng, rate)``, once for
        each episode, so that the same people talk from its beginning to its end.
    """

    name: str
    make: Callable
    roles: tuple[Role, ...]
    duration: tuple[float, float, float, float] | None = None
    count: float | None = None
    level: float = -18.5
    own_room: bool = False
    performer: type | None = None
