"""The pages in a real browser: what they load, what they show, what keys and clicks do."""

import json

import numpy as np
import pytest
from browser import Tab

from sedlib.annotations import event_table
from sedlib.detection import score_table
from sedlib.reports.timeline import index_page, timeline_page

RATE, DURATION = 8000, 30
EVIL = "<script>document.title = 'taken over'</script>"
CLASSES = ["tone", EVIL, "noise & more"]
REFERENCE = [("a", 2.0, 6.0, "tone"), ("a", 12.0, 14.0, EVIL), ("a", 20.0, 22.0, "tone")]
FOUND = [("a", 2.0, 7.0, "tone"), ("a", 16.0, 18.0, EVIL), ("a", 24.0, 26.0, "noise & more")]
TIME = "document.getElementById('sound').currentTime"
STATUS = "document.getElementById('status').textContent"
NAMES = "[...document.querySelectorAll('.head .name')].map((e) => e.textContent.trim())"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of the page of half a minute with hits, misses and false alarms."""
    times = np.arange(RATE * DURATION) / RATE
    scores = np.tile([0.1, 0.2, 0.3], (DURATION, 1))
    scores[2:7, 0] = 0.9
    page = timeline_page(
        (0.3 * np.sin(2 * np.pi * 440 * times), RATE),
        CLASSES,
        scores=score_table(scores, CLASSES),
        thresholds=dict.fromkeys(CLASSES, 0.5),
        events=event_table(FOUND),
        reference=event_table(REFERENCE),
        title=EVIL,
        annotated=CLASSES,
    )
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, address):
    """Open the page; at the end the tab is closed."""
    tabs = []

    def open_tab(**options):
        tabs.append(Tab(browser, address, **options))
        tabs[-1].wait("document.documentElement.dataset.ready === 'yes'")
        tabs[-1].wait("document.getElementById('sound').readyState >= 3")
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.close()


def place(tab, time, row=0):
    """Return the point of the window at which a row shows a time, with nothing zoomed."""
    box = tab.evaluate(
        "(({left, width}) => [left, width])(document.getElementById('tracks')"
        ".getBoundingClientRect())"
    )
    top = tab.evaluate(f"document.querySelectorAll('.head.row')[{row}].getBoundingClientRect().top")
    return box[0] + box[1] * time / DURATION, top + 40


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
def test_a_page_asks_for_nothing_and_complains_of_nothing(opened, width, dark):
    tab = opened(width=width, dark=dark)
    tab.evaluate("document.getElementById('list').open = true")
    tab.wait("document.querySelectorAll('#list tbody tr').length === 6")
    assert tab.requests() == [] and tab.complaints() == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    back = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(json.loads(back.replace("rgb(", "[").replace(")", "]"))) < 3 * 128) == dark


def test_a_change_of_the_preferred_scheme_is_followed(opened):
    tab = opened()
    before = tab.evaluate("document.querySelector('.swatch').style.background")
    tab.prefer(dark=True)
    tab.wait(f"document.querySelector('.swatch').style.background !== {json.dumps(before)}")
    assert tab.complaints() == []


def test_space_plays_and_the_cursor_follows_the_sound(opened):
    tab = opened()
    cursor = (
        "document.querySelector('#tracks > div').shadowRoot.querySelector('.cursor').style.left"
    )
    before = tab.evaluate(cursor)
    tab.press(" ")
    tab.wait(f"{TIME} > 0.5")
    tab.wait(f"{cursor} !== {json.dumps(before)}")
    tab.press(" ")
    tab.wait("document.getElementById('sound').paused")
    assert tab.complaints() == []


def test_a_click_goes_to_its_time(opened):
    tab = opened()
    tab.click(*place(tab, 15.0))
    tab.wait(f"Math.abs({TIME} - 15) < 0.1")
    tab.press("ArrowRight")
    tab.wait(f"Math.abs({TIME} - 16) < 0.1")


def test_a_key_jumps_to_the_next_error_and_one_to_the_previous(opened):
    tab = opened()
    visited = []
    for key in "nnnnnppp":
        tab.press(key)
        visited.append(round(tab.evaluate(TIME), 2))
    assert visited == [12, 16, 20, 24, 24, 20, 16, 12]
    assert (
        tab.evaluate(STATUS) == f"miss: {EVIL}, 0:12.00 to 0:14.00; score 0.20, peak 0.20 (1 of 4)"
    )
    tab.evaluate("document.querySelector('audio').currentTime = 22")  # after the first error
    tab.press("p")
    assert tab.evaluate(TIME) == 20


def test_a_jump_stays_within_the_chosen_class(opened):
    tab = opened()
    tab.evaluate("document.querySelectorAll('.head .name')[0].click()")
    tab.press("n")
    assert tab.evaluate(TIME) == 20 and tab.evaluate(STATUS).startswith("miss: tone")
    tab.press("n")
    assert tab.evaluate(STATUS) == "No later error."


def test_a_hidden_class_has_no_row_and_no_error_to_jump_to(opened):
    tab = opened()
    assert tab.evaluate(NAMES) == CLASSES
    height = tab.evaluate("document.getElementById('tracks').offsetHeight")
    tab.evaluate("document.querySelectorAll('#classes input')[1].click()")
    tab.wait(f"document.getElementById('tracks').offsetHeight < {height}")
    assert tab.evaluate(NAMES) == [CLASSES[0], CLASSES[2]]
    tab.press("n")
    assert tab.evaluate(TIME) == 20


def test_names_are_text_whatever_they_hold(opened):
    tab = opened()
    assert tab.evaluate("document.title") == EVIL
    assert tab.evaluate("document.querySelector('h1').textContent") == EVIL
    assert EVIL in tab.evaluate(NAMES)
    scripts = (
        "[...document.scripts].filter((s) => s.textContent.startsWith('document.title')).length"
    )
    assert tab.evaluate(scripts) == 0


def test_a_legend_names_what_is_shown_also_events_that_nobody_compared(browser, tmp_path):
    def legend(annotated):
        page = timeline_page(
            (np.sin(np.arange(RATE * DURATION)) / 2, RATE),
            CLASSES,
            events=event_table(FOUND),
            reference=event_table(REFERENCE),
            annotated=annotated,
        )
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        tab = Tab(browser, (tmp_path / "page.html").as_uri())
        tab.wait("document.documentElement.dataset.ready === 'yes'")
        names = tab.evaluate(
            "[...document.querySelectorAll('#legend span')].map((e) => e.textContent)"
        )
        assert tab.complaints() == []
        tab.close()
        return names

    everything = ["reference, detected", "detected, correct", "reference, missed", "false alarm"]
    assert legend(CLASSES)[:4] == everything
    assert "detected, not compared" not in legend(CLASSES)
    assert legend(CLASSES[:2])[4] == "detected, not compared"


def test_a_stretch_is_selected_by_dragging_and_repeated(opened):
    tab = opened()
    tab.drag(place(tab, 5.0), place(tab, 6.0))
    tab.wait("document.getElementById('loop').getAttribute('aria-pressed') === 'true'")
    tab.wait(f"Math.abs({TIME} - 5) < 0.1")
    tab.press(" ")
    tab.evaluate(
        "window.seeks = 0; window.latest = 0;"
        "const sound = document.getElementById('sound');"
        "sound.addEventListener('seeked', () => window.seeks++);"
        "setInterval(() => window.latest = Math.max(window.latest, sound.currentTime), 10)"
    )
    tab.wait("window.seeks >= 2")
    assert tab.evaluate("window.latest") < 6.6
    tab.press("Escape")
    tab.wait(f"{TIME} > 6.7")


def test_dragging_with_shift_zooms_and_a_key_shows_the_whole_again(opened):
    tab = opened()
    scroll = "document.querySelector('#tracks > div').shadowRoot.querySelector('.scroll')"
    ratio = f"{scroll}.scrollWidth / {scroll}.clientWidth"
    assert tab.evaluate(ratio) == 1
    tab.drag(place(tab, 10.0), place(tab, 13.0), shift=True)
    tab.wait(f"Math.abs({ratio} - 9) < 1")
    tab.press("0", "Digit0")
    tab.wait(f"{ratio} === 1")


IN_VIEW = """(() => {
  const scroll = document.querySelector("#tracks > div").shadowRoot.querySelector(".scroll");
  const box = document.querySelector("[part='minimap-overlay']").getBoundingClientRect();
  const whole = document.querySelector("[part='minimap']").getBoundingClientRect();
  return [
    scroll.scrollLeft / scroll.scrollWidth, scroll.clientWidth / scroll.scrollWidth,
    (box.left - whole.left) / whole.width, box.width / whole.width,
  ];
})()"""


# In a window of 897 pixels the names stand beside the tracks, which are as wide as at 660.
@pytest.mark.parametrize(("before", "after"), [(1400, 800), (1400, 390), (660, 897), (897, 660)])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "becomes dark"])
def test_the_box_in_the_overview_stays_around_what_is_in_view(opened, before, after, dark):
    tab = opened(width=before)
    for _ in range(4):
        tab.press("+")
    for change in (lambda: tab.resize(after), lambda: tab.prefer(dark)):
        change()
        tab.evaluate("new Promise((drawn) => setTimeout(drawn, 500))")
        start, width, box_start, box_width = tab.evaluate(IN_VIEW)
        assert start > 0.2 and width < 0.8
        assert (box_start, box_width) == pytest.approx((start, width), abs=0.01)


def test_only_one_player_sounds_at_a_time(opened):
    tab = opened()
    tab.press(" ")
    # The button says so in the event that also stops the other players.
    tab.wait("document.getElementById('play').textContent.includes('Pause')")
    tab.evaluate(
        "window.other = new Audio(document.getElementById('sound').src);"
        "document.body.append(other); other.play()"
    )
    tab.wait("document.getElementById('sound').paused && !other.paused")
    tab.press(" ")
    tab.wait("!document.getElementById('sound').paused && other.paused")


def test_an_address_may_name_the_time(browser, address):
    tab = Tab(browser, f"{address}#t=12.5")
    tab.wait(f"{TIME} === 12.5")
    tab.close()


def test_the_index_is_sorted_by_class_score_and_length_and_shows_one_class(browser, tmp_path):
    def values(peak):
        return {"events": 1, "seconds": 2.0, "mean": 0.5, "peak": peak, "best": 3.0}

    page = index_page(
        [
            ("a", "a.html", 600.0, {"tone": values(0.9), EVIL: values(0.6)}),
            ("b <b>", "b%20%3Cb%3E.html", 60.0, {"tone": values(0.7)}),
            ("c", "c.html", 90.0, {}),
        ]
    )
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    tab = Tab(browser, (tmp_path / "index.html").as_uri())

    def column(number):
        return tab.evaluate(
            "[...document.querySelectorAll('tbody tr')].filter((r) => !r.hidden)"
            f".map((r) => r.cells[{number}].textContent)"
        )

    def sort(number):
        tab.evaluate(f"document.querySelectorAll('th button')[{number}].click()")
        return column(number)

    assert column(0) == ["a", "a", "b <b>", "c"]
    assert sort(1) == ["1.00", "1.50", "10.00", "10.00"]
    assert sort(1) == ["10.00", "10.00", "1.50", "1.00"]
    assert sort(6) == ["–", "0.60", "0.70", "0.90"]
    assert sorted(column(2)) == sorted(sort(2))
    tab.evaluate(
        "(c => { c.value = 'tone'; c.dispatchEvent(new Event('change')); })"
        "(document.getElementById('class'))"
    )
    assert sorted(column(0)) == ["a", "b <b>"]
    assert tab.requests() == [] and tab.complaints() == []
    tab.close()


def test_a_notebook_shows_the_same_page_in_a_frame(browser, tmp_path):
    from sedlib.reports.timeline import show_timeline

    shown = show_timeline((np.zeros(RATE), RATE), ["tone"], title="silence")
    (tmp_path / "cell.html").write_text(f"<!doctype html>{shown.data}", encoding="utf-8")
    tab = Tab(browser, (tmp_path / "cell.html").as_uri())
    tab.wait(
        "document.querySelector('iframe').contentDocument.documentElement.dataset.ready === 'yes'"
    )
    assert tab.requests() in ([], ["about:srcdoc"]) and tab.complaints() == []
    tab.close()


def test_all_events_are_also_a_table(opened):
    tab = opened()
    tab.evaluate("document.getElementById('list').open = true")
    tab.wait("document.querySelectorAll('#list tbody tr').length === 6")
    row = "[...document.querySelectorAll('#list tbody tr')[1].cells].map((c) => c.textContent)"
    assert tab.evaluate(row) == [
        "tone",
        "reference, hit",
        "0:02.00",
        "0:06.00",
        "4.00",
        "0.90",
        "0.90",
    ]
