"""Tiers, as Praat and ELAN have them: rows of labelled intervals that do not overlap."""

import itertools

from sedlib.annotations.event_table import event_table


def sort_by_time(rows):
    """Build an event table of rows that are sorted by onset, offset and label."""
    return event_table(sorted(rows, key=lambda row: row[1:]))


def separate_tiers(spans):
    """Distribute events over tiers so that those of one tier do not overlap.

    Parameters
    ----------
    spans : iterable of (float, float, str)
        Onset, offset and label of each event.

    Returns
    -------
    list of (str, str, list of (float, float))
        Name, label and intervals of each tier, in the order of time. A class has one tier
        of its own name, and further ones, called ``speaking 2`` and so on, where its events
        overlap.
    """
    tiers = {}
    for start, stop, label in sorted(spans):
        layers = tiers.setdefault(label, [])
        free = next((layer for layer in layers if layer[-1][1] <= start), None)
        if free is None:
            layers.append([(start, stop)])
        else:
            free.append((start, stop))
    named = []
    for label, layers in sorted(tiers.items()):
        numbered = (f"{label} {number}" for number in itertools.count(2))
        names = itertools.chain([label], (name for name in numbered if name not in tiers))
        named += [(name, label, layer) for name, layer in zip(names, layers, strict=False)]
    return named
