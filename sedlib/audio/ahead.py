"""Computing the items of an iterable in a thread, ahead of their use."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

_AHEAD = 2  # items


def compute_ahead(items):
    """Compute the next items of an iterable in a thread while the caller uses the current one.

    FFmpeg, NumPy, SciPy and TensorFlow release Python's global interpreter lock while they compute,
    so that they run at the same time. Nothing is computed before the first item is requested, and
    at most two items are computed in advance, so that memory stays bounded. Where the environment
    variable ``OMP_NUM_THREADS`` is 1, as in one of many processes, the caller's thread computes
    everything.

    Parameters
    ----------
    items : iterable

    Yields
    ------
    object
        The items in their order. An error of the iterable is raised after the items before it. When
        the generator is closed, the item that is being computed is still finished.
    """
    if os.environ.get("OMP_NUM_THREADS") == "1":
        yield from items
        return
    items, end = iter(items), object()
    pool = ThreadPoolExecutor(1)
    try:
        pending = deque(pool.submit(next, items, end) for _ in range(_AHEAD))
        while (item := pending.popleft().result()) is not end:
            pending.append(pool.submit(next, items, end))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
