"""Progress in a terminal and in a log."""

import io
from pathlib import Path

import pytest

from sedlib.progress import Progress, clock


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00"), (59.6, "01:00"), (754, "12:34"), (3600 * 2 + 5, "2:00:05")]
)
def test_times_are_minutes_and_seconds(seconds, text):
    assert clock(seconds) == text


def test_a_terminal_shows_a_bar_with_the_file_and_the_time_reached():
    terminal = Terminal()
    with Progress(1320, file=terminal) as progress:
        progress(Path("in/s01_ep08.flac"), 754)
    last = terminal.getvalue().split("\r")[-1]
    assert "s01_ep08.flac: " in last and "12:34 of 22:00" in last and "%|" in last


def test_a_log_has_a_plain_line_for_each_tenth_of_the_sound_and_no_bar():
    log = io.StringIO()
    with Progress(1320, file=log) as progress:
        for name in ("a.wav", "b.wav"):
            for _ in range(66):
                progress(Path("in", name), 10)
    lines = log.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0] == "02:20 of 22:00 of sound, now a.wav"
    assert lines[-1] == "22:00 of 22:00 of sound, now b.wav"
    assert not set("\r\x1b|%") & set(log.getvalue())


def test_a_log_has_no_line_about_less_than_a_minute_and_none_without_a_total():
    for total in (59, None, 0):
        log = io.StringIO()
        with Progress(total, file=log) as progress:
            for _ in range(59):
                progress("a", 1.0)
        assert log.getvalue() == ""


def test_a_name_is_shown_as_text():
    terminal, log = Terminal(), io.StringIO()
    for file in (terminal, log):
        with Progress(120, file=file) as progress:
            progress(Path("a\x1b[31m\n{b}.wav"), 120)
        assert r"a\x1b[31m\n{b}.wav" in file.getvalue()


def test_lines_are_printed_at_once(monkeypatch):
    class Pipe(io.StringIO):
        seen = ""

        def flush(self):
            self.seen = self.getvalue()

    pipe = Pipe()
    monkeypatch.setattr("sys.stdout", pipe)
    with Progress(10, file=io.StringIO()) as progress:
        progress.write("a.wav: 1 event")
        assert pipe.seen == "a.wav: 1 event\n"
