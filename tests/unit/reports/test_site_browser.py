"""The report site in a real browser: what it loads, how it looks, what keys and taps do."""

import io
import json

import pytest
from browser import Tab
from PIL import Image
from site_results import ALT, EVIL, make_site

PAGES = {
    "overview": "index.html",
    "errors": "site/errors.html",
    "notebook": "site/notebooks/01_first.html",
    "last notebook": "site/notebooks/02_second.html",
    "model card": "site/model_card.html",
    "data card": "site/data_card.html",
}
each_page = pytest.mark.parametrize("page", PAGES)
# For each text on the page: its contrast with what is behind it, and the text. For each mark of a
# chart: its contrast with the page.
CONTRASTS = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [], marks = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (!element.checkVisibility() || element.closest("script, dialog")) continue;
    const style = getComputedStyle(element);
    const own = [...element.childNodes].filter((n) => n.nodeType === 3 && n.data.trim());
    const colour = parse(element.closest("svg") ? style.fill : style.color);
    if (own.length) texts.push([contrast(colour, behind(element)), own[0].data.trim()]);
    const mark = element.matches(".bar, .clips rect") ? style.fill
      : element.matches("polyline, .axis, .interval, .tick") ? style.stroke
      : element.matches(".swatch") ? style.backgroundColor : "";
    const ground = behind(element.closest("svg") ?? element.parentElement);
    if (mark) marks.push([contrast(parse(mark), ground), element.outerHTML.slice(0, 80)]);
  }
  return { texts, marks };
})()"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    return make_site(tmp_path_factory.mktemp("results"))


@pytest.fixture
def opened(browser, reports):
    """Open a page; at the end the tab is closed."""
    tabs = []

    def open_tab(page, **options):
        tabs.append(Tab(browser, (reports / PAGES[page]).as_uri(), **options))
        return tabs[-1]

    yield open_tab
    for tab in tabs:
        tab.close()


def focus(tab, selector):
    tab.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1400])
@each_page
def test_a_page_is_whole_legible_and_fits(opened, page, width, dark):
    tab = opened(page, width=width, dark=dark)
    tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert tab.requests() == [] and tab.complaints() == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    found = tab.evaluate(CONTRASTS)
    assert len(found["texts"]) > 3
    assert [text for text in found["texts"] if text[0] < 4.5] == []
    assert [mark for mark in found["marks"] if mark[0] < 3] == []
    back = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(json.loads(back.replace("rgb(", "[").replace(")", "]"))) < 3 * 128) == dark


def test_the_keyboard_unfolds_and_folds_code(opened):
    tab = opened("notebook")
    focus(tab, "details.code > summary")
    shown = "document.querySelector('details.code pre').checkVisibility()"
    for expected in (False, True, False):
        assert tab.evaluate(shown) is expected
        tab.press(" ")
    tab.press(" ")
    focus(tab, "#all-code")
    for expected in (True, False):
        tab.press(" ")
        assert tab.evaluate(shown) is expected


def test_the_links_lead_from_page_to_page(opened):
    tab = opened("overview")
    way = [
        ("a[href$='01_first.html']", "1. First"),
        ("[rel=next]", "2. Second"),
        ("[rel=prev]", "1. First"),
        ("nav a", "Sound event detection in TV episodes"),
        ("a[href$='errors.html#c0']", "Errors to listen to"),
        (".clips a", "c"),
        ("nav a", "Sound event detection in TV episodes"),
        ("a[href$='model_card.html']", "Model card"),
    ]
    for link, heading in way:
        tab.evaluate(f"document.querySelector({json.dumps(link)}).click()")
        tab.wait(f"document.querySelector('h1')?.textContent === {json.dumps(heading)}")


def test_a_clip_leads_to_its_time_in_the_timeline(opened):
    tab = opened("errors")
    tab.evaluate("document.querySelector('.clips a').click()")
    tab.wait("document.documentElement?.dataset.ready === 'yes'")
    tab.wait("document.getElementById('sound').currentTime === 17")


def test_a_figure_enlarges_on_tap_and_by_keyboard_and_escape_closes_it(opened):
    tab = opened("notebook", width=390)
    wide = "document.querySelector('dialog[open] img')?.getBoundingClientRect().width ?? 0"
    image = "document.querySelector('figure.plot img')"
    tab.evaluate(f"{image}.scrollIntoView({{ block: 'center' }})")
    place = "(({left, top}) => [left, top])"
    box = tab.evaluate(f"{place}({image}.getBoundingClientRect())")
    tab.click(box[0] + 40, box[1] + 80)
    tab.wait(f"{wide} > 800")
    assert tab.evaluate("document.querySelector('dialog img').alt") == ALT
    tab.press("Escape")
    tab.wait(f"{wide} === 0")
    focus(tab, "button.enlarge")
    tab.press(" ")
    tab.wait(f"{wide} > 800")
    assert tab.evaluate("document.querySelector('dialog').ariaLabel") == "Figure 1"
    tab.evaluate("document.querySelector('dialog button').click()")
    tab.wait(f"{wide} === 0")
    assert tab.evaluate("document.activeElement.className") == "enlarge"
    assert tab.complaints() == []


@pytest.mark.parametrize(("dark", "least", "most"), [(False, 255, 255), (True, 215, 240)])
def test_a_figure_lies_on_a_white_card_that_is_dimmed_on_a_dark_page(opened, dark, least, most):
    tab = opened("notebook", dark=dark)
    image = "document.querySelector('figure.plot img')"
    tab.evaluate(f"{image}.scrollIntoView({{ block: 'center' }})")
    left, top, height = tab.evaluate(
        f"(({{left, top, height}}) => [left, top, height])({image}.getBoundingClientRect())"
    )
    with Image.open(io.BytesIO(tab.picture())) as picture:
        edge = picture.convert("RGB").getpixel((round(left + 6), round(top + height / 2)))
        beside = picture.convert("RGB").getpixel((round(left - 6), round(top + height / 2)))
    assert least <= min(edge) and max(edge) <= most
    assert (max(beside) < 64) == dark


def test_a_table_that_is_too_wide_scrolls_on_its_own_and_the_keyboard_reaches_it(opened):
    tab = opened("notebook", width=390)
    assert tab.evaluate("document.querySelector('.scrolling').tabIndex") == 0


def test_printed_lines_that_are_too_wide_wrap_on_a_phone_and_scroll_elsewhere(opened):
    output = "document.querySelector('pre.output')"
    for width, wraps in ((390, True), (720, False)):
        tab = opened("notebook", width=width)
        tab.evaluate(f"{output}.textContent = 'word '.repeat(100)")
        assert tab.evaluate(f"{output}.scrollWidth <= {output}.clientWidth") == wraps


def test_a_sentence_in_a_table_has_several_lines_and_a_number_one(opened):
    tab = opened("notebook", width=390)
    tab.evaluate("window.cells = [...document.querySelectorAll('.dataframe tbody td')]")
    lines = (
        "cells.map((c) => { const range = document.createRange(); range.selectNodeContents(c);"
        " return [c.textContent.length > 40,"
        " new Set([...range.getClientRects()].map((r) => r.top)).size > 1]; })"
    )
    found = tab.evaluate(lines)
    assert all(long == several for long, several in found)
    assert [long for long, _ in found].count(True) == 2
    align = "getComputedStyle(cells.find((c) => c.textContent.length > 40)).textAlign"
    assert tab.evaluate(align) == "left"


def test_only_one_player_sounds_at_a_time(opened):
    tab = opened("errors")
    tab.evaluate("window.players = document.querySelectorAll('audio'); players[0].play()")
    tab.wait("!players[0].paused")
    tab.evaluate("players[1].play()")
    tab.wait("players[0].paused && !players[1].paused")
    assert tab.complaints() == []


def test_the_first_key_leads_to_the_content(opened):
    tab = opened("notebook")
    tab.press("Tab", "Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert tab.evaluate("document.activeElement.getBoundingClientRect().left") >= 0


def test_names_are_text_whatever_they_hold(opened):
    for page in ("overview", "errors", "notebook"):
        tab = opened(page)
        assert tab.evaluate("document.title") != "taken over"
        assert EVIL in tab.evaluate("document.body.textContent")
