"""Items that a thread computes ahead are the items, in order, with the errors between them."""

import itertools
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib.audio.ahead import compute_ahead


@pytest.fixture(autouse=True)
def any_number_of_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


claim = settings(deadline=None, database=None)


@claim
@given(st.lists(st.one_of(st.none(), st.integers())))
def test_the_items_are_those_of_the_iterable_in_order(items):
    assert list(compute_ahead(items)) == items


@claim
@given(st.integers(0, 5))
def test_an_error_comes_after_the_items_before_it_and_is_itself(n):
    error, got = OSError(5, "gone"), []

    def failing():
        yield from range(n)
        raise error

    with pytest.raises(OSError) as raised:
        for item in compute_ahead(failing()):
            got.append(item)
    assert raised.value is error and got == list(range(n))


def test_a_process_that_is_limited_to_one_thread_starts_no_other(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    idents = list(compute_ahead(threading.get_ident() for _ in range(3)))
    assert idents == [threading.get_ident()] * 3


def test_another_thread_computes_the_next_item_while_one_is_used():
    second = threading.Event()

    def items():
        yield threading.get_ident()
        second.set()
        yield threading.get_ident()

    idents = []
    for ident in compute_ahead(items()):
        assert second.wait(timeout=60)  # the loop still uses the first item
        idents.append(ident)
    assert len(set(idents)) == 1 and threading.get_ident() not in idents


def test_no_item_is_computed_before_the_first_is_asked_for_and_few_ahead():
    computed = []
    ahead = compute_ahead(computed.append(i) or i for i in itertools.count())
    assert computed == []
    for expected in range(20):
        assert next(ahead) == expected
        assert len(computed) <= expected + 3
    ahead.close()
    assert len(computed) <= 22


def test_no_thread_is_left_when_the_loop_is_left():
    before = threading.active_count()
    for leave in (GeneratorExit, KeyboardInterrupt):
        ahead = compute_ahead(itertools.count())
        next(ahead)
        assert threading.active_count() == before + 1
        with pytest.raises(leave):
            ahead.throw(leave)
        assert threading.active_count() == before
