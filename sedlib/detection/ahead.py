"""Computing the items of an iterable in a thread, ahead of their use."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

_AHEAD = 2  # items


def compute_ahead(items):
    """Compute the next items of an iterable in a thread while the caller uses the current one.

    FFmpeg, NumPy, SciPy and TensorFlow release Python's global interpreter lock while they compute,
    so that two of them run at a time. Nothing is computed before the first item is requested, and
    at most two items are computed in advance, so that memory stays bounded.

    Parameters
    ----------
    items : iterable

    Yields
    ------
    object
        The items in their order. An error of the iterable is raised after the items before it. When
        the generator is closed, the item that is being computed is still finished.
    """
    items, end = iter(items), object()
    pool = ThreadPoolExecutor(1)
    try:
        pending = deque(pool.submit(next, items, end) for _ in range(_AHEAD))
        while (item := pending.popleft().result()) is not end:
            pending.append(pool.submit(next, items, end))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
