"""The table of events by file and class."""

from pathlib import Path

from detect_runs import run, write
from hypothesis import given
from hypothesis import strategies as st

from sedlib.batch import Outcome, count_table

CLASSES = ["speaking", "opening/closing doors", "door bell"]


def outcome(name, fault=None, **events):
    events = {label.replace("_", " "): count for label, count in events.items()}
    return Outcome(Path(name), Path("x.json"), 1.0, events, fault)


def test_the_table_has_a_row_for_each_file_and_a_column_for_each_class_with_events():
    outcomes = [outcome("in/a.wav", speaking=12), outcome("in/b.wav", speaking=3, door_bell=1)]
    assert count_table(outcomes, CLASSES).splitlines() == [
        "                     door",
        "           speaking  bell  all",
        "in/a.wav         12     0   12",
        "in/b.wav          3     1    4",
        "all files        15     1   16",
    ]


def test_one_file_needs_no_sum_and_no_events_no_table():
    assert count_table([outcome("a.wav", door_bell=2)], CLASSES).splitlines() == [
        "       door",
        "       bell  all",
        "a.wav     2    2",
    ]
    assert count_table([outcome("a.wav"), outcome("b.wav", fault="no")], CLASSES) == ""
    assert count_table([], CLASSES) == ""


@given(
    st.lists(st.lists(st.integers(0, 9999), min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(10, 100),
)
def test_no_count_is_lost_whatever_the_width(counts, width):
    outcomes = [
        Outcome(Path(f"f{i}"), Path("x"), 1.0, dict(zip(CLASSES, row, strict=True)))
        for i, row in enumerate(counts)
    ]
    table = count_table(outcomes, CLASSES, width)
    assert all(len(line) <= max(width, 9 + 2 + 15) for line in table.splitlines())
    for i, row in enumerate(counts):
        lines = [line.split()[1:] for line in table.splitlines() if line.startswith(f"f{i} ")]
        shown = [c for c, column in zip(row, zip(*counts, strict=True), strict=True) if any(column)]
        assert [int(cell) for line in lines for cell in line] == [*shown, sum(row)] * bool(table)


def test_detect_prints_the_table_also_of_what_is_done_already(place, capsys):
    write(place / "in" / "a.wav")
    write(place / "in" / "b.wav", spans=[(0, 1, 300), (2, 3, 300)])
    tables = []
    for _ in range(2):
        assert run("in") == 0
        printed = capsys.readouterr().out
        tables.append(printed[printed.index("\n\n") : printed.rindex("\n\n")].splitlines()[2:])
    assert (
        tables[0]
        == tables[1]
        == [
            "           low  high  all",
            "in/a.wav     1     1    2",
            "in/b.wav     2     0    2",
            "all files    3     1    4",
        ]
    )
