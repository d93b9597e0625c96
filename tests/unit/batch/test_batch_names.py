"""The names of results."""

import os
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedlib import annotations
from sedlib.batch.names import (
    INDEX,
    METRICS,
    events_name,
    page_name,
    result_names,
    scores_name,
)
from sedlib.names import printable

# Names whose results might meet.
NAMES = st.sampled_from(
    "x x.wav x.flac x.scores x.scores.wav x.wav.scores metrics metrics.wav metrics.json x.tsv "
    "index index.wav x.html x.json s1 caf\u00e9.wav cafe\u0301.wav .wav ..wav a\\b.wav".split()
)
FOLDERS = st.sampled_from(["s1", "s2", "x", "x.json", "x.scores.tsv", "metrics"])
FILES = st.builds(lambda above, name: Path("/", *above, name), st.lists(FOLDERS, max_size=3), NAMES)


@settings(deadline=None)
@example([Path("/x"), Path("/x.scores")], [1] * 8, "tsv")
@example([Path("/metrics")], [1] * 8, "json")
@example([Path("/x.wav"), Path("/x.json/x.wav")], [1, 2] + [1] * 6, "json")
@example([Path("/index.wav")], [1] * 8, "json")
@given(
    st.lists(FILES, unique=True, max_size=8),
    st.lists(st.integers(1, 4), min_size=8, max_size=8),
    st.sampled_from([name for name, form in annotations.FORMATS.items() if form.to_text]),
)
def test_no_two_files_of_a_run_share_a_result_and_none_is_that_of_the_metrics(
    files, depths, format
):
    below = {
        path: Path(*path.parts[1:][-depth:]) for path, depth in zip(files, depths, strict=False)
    }
    names = result_names(below, format)
    outputs = [output(name) for name in names.values() for output in (scores_name, page_name)]
    outputs += [events_name(name, format) for name in names.values()]
    assert len(set(outputs)) == 3 * len(files)
    assert METRICS not in outputs and INDEX not in outputs
    assert not set(outputs) & {str(above) for name in outputs for above in Path(name).parents}
    assert not any(os.path.isabs(name) or ".." in Path(name).parts for name in outputs)


def test_a_result_is_named_after_its_recording_and_says_no_more_than_is_needed():
    def named(*paths):
        return [
            *result_names(
                {Path(path): Path(path).relative_to("in") for path in paths}, "json"
            ).values()
        ]

    assert named("in/a.wav", "in/s1/b.mkv") == ["a", "s1/b"]
    assert named("in/a.wav", "in/a.flac", "in/b.flac") == ["a.wav", "a.flac", "b"]
    assert named("in/Show.S01E01", "in/Show.S01E02") == ["Show.S01E01", "Show.S01E02"]
    assert named("in/metrics.wav", "in/detected.wav") == ["metrics.wav", "detected"]
    assert named("in/metrics") == ["in/metrics"]


def test_a_text_is_printed_in_one_line_of_its_own():
    assert printable("a\tb\n\x1b\udce9 \u2028caf\u00e9 \u3000") == (
        r"a\tb\n\x1b\udce9 \u2028" + "caf\u00e9 \u3000"
    )
