"""The report site as text: what its pages hold, that equal results give equal pages."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from bs4 import BeautifulSoup
from site_results import ALT, CLASSES, EVIL, FOUND, REFERENCE, make_results, make_site
from sklearn.metrics import average_precision_score

from sedlib import annotations, metrics
from sedlib.annotations import event_table
from sedlib.config import load_params
from sedlib.detection import score_table, write_scores
from sedlib.reports.site import charts, gallery, write_site
from sedlib.reports.site.gallery import worst_errors
from sedlib.reports.site.markup import from_markdown
from sedlib.reports.site.pages import clock
from sedlib.reports.timeline import mark_events


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The folder of reports with the site of small results."""
    return make_site(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def pages(reports):
    """The pages, parsed, by their path in the reports."""
    files = [reports / "index.html", *sorted((reports / "site").rglob("*.html"))]
    return {
        path.relative_to(reports).as_posix(): BeautifulSoup(path.read_text(), "html.parser")
        for path in files
    }


def test_the_site_has_a_page_of_each_thing_and_no_other(pages):
    assert list(pages) == [
        "index.html",
        "site/data_card.html",
        "site/errors.html",
        "site/model_card.html",
        "site/notebooks/01_first.html",
        "site/notebooks/02_second.html",
        "site/speed.html",
        "site/timelines/c.html",
    ]


def test_equal_results_give_equal_pages_and_leave_no_page_of_an_earlier_run(reports):

    def content():
        files = [reports / "index.html", *(p for p in (reports / "site").rglob("*") if p.is_file())]
        return {path: path.read_bytes() for path in files}

    before = content()
    (reports / "site" / "timelines" / "old.html").write_text("of an episode that is gone")
    params = load_params(reports.parent / "params.yaml")
    write_site(params, reports.parent / "data", reports, 1)
    assert content() == before
    assert [p.name for p in reports.iterdir() if p.name.startswith(".")] == []


def test_every_link_leads_to_a_page_and_a_place_in_it(pages):
    for name, page in pages.items():
        for link in page.select("a[href]"):
            address, _, place = link["href"].partition("#")
            if address.startswith("https:"):
                continue
            target = (
                (Path("/", name).parent / unquote(address)).resolve()
                if address
                else Path("/", name)
            )
            other = pages[target.relative_to("/").as_posix()]
            assert place.startswith(("t=", "")) and (
                not place or place.startswith("t=") or other.find(id=place)
            ), (name, link)


def test_every_page_is_reached_from_the_overview(pages):
    linked = {link["href"].partition("#")[0] for link in pages["index.html"].select("a")}
    assert set(pages) - {"index.html"} <= linked


def test_nothing_is_loaded_from_elsewhere(pages):
    for name, page in pages.items():
        loaded = [e[a] for a in ("src", "srcset", "data", "poster") for e in page.select(f"[{a}]")]
        loaded += [e["href"] for e in page.select("link[href]")]
        assert [address for address in loaded if not address.startswith("data:")] == [], name
        policy = page.find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
        assert (
            policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
        )
        assert page.select("[style], [onclick], iframe") == []


def test_a_page_has_a_title_of_its_own_one_main_heading_and_ids_that_differ(pages):
    assert len({page.title.get_text() for page in pages.values()}) == len(pages)
    for name, page in pages.items():
        assert len(page.select("h1")) == 1, name
        ids = [element["id"] for element in page.select("[id]")]
        assert len(ids) == len(set(ids)), name
    title = pages["site/notebooks/01_first.html"].title.get_text()
    assert title == "1. First – Sound event detection in TV episodes"


def test_names_are_text_whatever_they_hold(pages):
    for name, page in pages.items():
        scripts = [s.get_text() for s in page.select("script:not([type])")]
        assert len(scripts) == 1 and "taken over" not in scripts[0], name
    for name in ("index.html", "site/errors.html", "site/notebooks/01_first.html"):
        assert EVIL in pages[name].get_text(), name


def test_code_is_folded_and_outputs_are_not(pages):
    page = pages["site/notebooks/01_first.html"]
    [details] = page.select("details")
    assert not details.has_attr("open") and "x = 1" in details.get_text()
    assert (
        not details.select("img, table, audio") and len(page.select("main table, main audio")) == 2
    )
    assert "a table" not in page.get_text()  # the table itself is shown


def test_a_figure_has_the_text_that_it_came_with_or_says_where_it_is(pages):
    images = pages["site/notebooks/01_first.html"].select("figure.plot > img")
    assert [image["alt"] for image in images] == [ALT, "Figure 2, in “Twice”."]
    assert all((image["width"], image["height"]) == ("1200", "400") for image in images)


def test_every_image_and_player_has_a_text(pages):
    for page in pages.values():
        assert all(image["alt"].strip() for image in page.select("img"))
        players = page.select("audio[controls]")
        assert all(player["aria-label"].strip() for player in players)
        assert len({player["aria-label"] for player in players}) == len(players)
        assert all(e.has_attr("aria-hidden") or e["aria-label"] for e in page.select("svg"))


def test_a_notebook_has_contents_and_leads_to_the_next_and_the_previous(pages):
    first, second = (pages[f"site/notebooks/{n}.html"] for n in ("01_first", "02_second"))
    contents = [(a["href"], a.get_text()) for a in first.select(".contents a")]
    assert contents == [("#twice", "Twice"), ("#twice-", "Twice")]
    assert {a["href"] for a in first.select("[rel=next]")} == {"02_second.html"}
    assert {a["href"] for a in second.select("[rel=prev]")} == {"01_first.html"}
    assert not first.select("[rel=prev]") and not second.select("[rel=next]")


def test_a_link_to_another_notebook_leads_to_its_page_and_one_to_a_file_is_its_path(pages):
    page = pages["site/notebooks/01_first.html"]
    links = {a.get_text(): a["href"] for a in page.select("p > a")}
    assert links["two"] == "02_second.html" and links["elsewhere"] == "https://example.org/"
    assert "a file" not in links
    assert "See two, a file (data/README.md) and elsewhere." in page.get_text()


def test_the_overview_asks_the_question_of_each_notebook(pages):
    [item] = [li for li in pages["index.html"].select("li") if li.a.get_text() == "1. First"]
    assert item.span.get_text() == "What is it?"


def test_an_undefined_value_has_a_dash_and_no_bar(tmp_path):
    make_results(tmp_path)
    file = tmp_path / "reports" / "metrics.json"
    values = json.loads(file.read_text())
    del values["test"]["intervals"]["tone"]
    for part in ("test", "baseline"):
        values[part]["classes"]["tone"] |= dict.fromkeys(["f1", "precision", "average_precision"])
    file.write_text(json.dumps(values))
    params = load_params(tmp_path / "params.yaml")
    page = write_site(params, tmp_path / "data", tmp_path / "reports", 1).read_text()
    row, *_ = BeautifulSoup(page, "html.parser").select(".bars tbody tr")
    assert row.select_one(".number").get_text() == "–" and not row.select(".bar, .interval, .tick")
    assert "Average precision: – for the network, – for the baseline." in page


def test_the_pages_show_what_frames_give_where_the_network_scores_frames(tmp_path):
    make_results(tmp_path)
    data, file = tmp_path / "data", tmp_path / "data" / "model" / "model.json"
    frames = {"smoothing": 0.1, "thresholds": {"tone": 0.25, EVIL: 0.75}}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"frames": frames}))
    for folder in ("scores", "events"):
        (data / folder / "frames").mkdir()
    write_scores(score_table(np.full((40, 2), 0.5), CLASSES, 0.5), data / "scores/frames/c.tsv")
    annotations.write(event_table(REFERENCE[:2]), data / "events/frames/c.json")
    params = load_params(tmp_path / "params.yaml")
    index = write_site(params, data, tmp_path / "reports", 1)
    assert "2 of 3 reference events detected, 0 false alarms" in index.read_text()
    timeline = (tmp_path / "reports" / "site" / "timelines" / "c.html").read_text()
    assert '"threshold":0.25' in timeline and '"hop":0.5' in timeline


def test_the_bars_are_as_long_as_the_numbers_say(pages):
    rows = pages["index.html"].select(".bars tbody tr")
    assert [row.th.get_text() for row in rows] == ["tone", EVIL, "macro"]
    for row in rows:
        assert row.select_one(".bar")["width"] == "50.0"
        assert row.select_one(".interval")["d"] == "M40.0,10 H60.0"
        assert row.select_one(".number").get_text() == "0.50 [0.40, 0.60]"


def test_the_worst_errors_come_first(monkeypatch):
    events = mark_events(
        event_table(REFERENCE), event_table(FOUND), ["tone", EVIL], None, ["tone", EVIL]
    )
    peaks = {8.0: 0.1, 15.0: None, 12.0: 0.6, 17.0: 0.8}  # None: past the last score
    marked = {"c": [event | {"peak": peaks.get(event["onset"], 0.5)} for event in events]}

    def onsets(label, kind):
        return [event["onset"] for _, event in worst_errors(marked, label, kind)]

    assert onsets("tone", "false alarm") == [17.0, 12.0] and onsets("tone", "miss") == []
    assert onsets(EVIL, "miss") == [15.0, 8.0]
    monkeypatch.setattr(gallery, "MOST", 1)
    assert onsets(EVIL, "miss") == [15.0]


def test_a_clip_says_what_it_is_and_leads_to_its_time(pages):
    clips = pages["site/errors.html"].select(".clips li")
    assert [clip.audio["aria-label"] for clip in clips] == [
        "False alarm: tone, c at 0:17.0",
        "False alarm: tone, c at 0:12.0",
        f"Miss: {EVIL}, c at 0:08.0",
        f"Miss: {EVIL}, c at 0:15.0",
    ]
    assert clips[0].a["href"] == "timelines/c.html#t=17.000"
    assert "the false alarm is from 1.0 to 3.0 s" in clips[0].img["alt"]
    assert clips[0].audio["src"].startswith("data:audio/webm;base64,")
    counts = [p.get_text() for p in pages["site/errors.html"].select("section > p")]
    assert counts == [
        "0 of 1 reference events: nothing to hear.",
        "2 of 3 detected events.",
        "2 of 2 reference events.",
        "0 of 0 detected events: nothing to hear.",
    ]


def test_the_cards_are_those_of_the_repository(pages):
    assert pages["site/data_card.html"].h1.get_text() == "Data card"
    cells = [td.get_text() for td in pages["site/model_card.html"].select("td")]
    assert EVIL in cells and "0.50 [0.40, 0.60]" in cells


def test_measured_speed_has_a_page(pages):
    cells = [td.get_text() for td in pages["site/speed.html"].select("td")]
    assert cells == ["decoding mp3", "ffmpeg", "1.5", "2.00 [1.75, 2.50]"]
    assert "a <processor>, 2 cores" in pages["site/speed.html"].get_text()


def test_speed_that_was_not_measured_has_no_page(tmp_path):
    make_results(tmp_path)
    (tmp_path / "reports" / "benchmarks.json").unlink()
    params = load_params(tmp_path / "params.yaml")
    index = write_site(params, tmp_path / "data", tmp_path / "reports", 1)
    assert "speed.html" not in index.read_text()
    assert not (tmp_path / "reports" / "site" / "speed.html").exists()


def test_html_in_markdown_is_text():
    assert "<b>" not in from_markdown("a <b>c</b>\n\n<b>d</b>\n")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (754.25, "12:34.2")]
)
def test_a_time_is_written_in_minutes(seconds, text):
    assert clock(seconds) == text


def test_the_style_uses_no_colour_that_is_not_defined():
    style = (Path(write_site.__code__.co_filename).parent / "site.css").read_text()
    defined = re.findall(r"(--[\w-]+):", style) + re.findall(
        r"(--[\w-]+):", (Path(mark_events.__code__.co_filename).parent / "page.css").read_text()
    )
    assert set(re.findall(r"var\((--[\w-]+)", style)) <= {*defined, "--class"}


def test_the_area_below_a_precision_recall_curve_is_the_average_precision(tmp_path):
    rng = np.random.default_rng(0)
    reference = rng.random((80, 1)) < 0.4
    scores = (reference + rng.normal(0, 0.7, reference.shape)).round(1)
    curve = metrics.precision_recall_curves(reference, scores, ["a"])
    curve.assign(model="network").to_csv(tmp_path / "curve.csv", index=False)
    values = {"classes": {"a": {"average_precision": 0.5}}}
    [panel] = charts.precision_recall(
        tmp_path / "curve.csv", {"test": values, "baseline": values}, ["a"]
    )
    points = [point.split(",") for point in panel["lines"]["network"].split()]
    left, upper, right, lower = panel["frame"]
    x, y = np.array(points, dtype=float).T
    area = np.trapezoid((lower - y) / (lower - upper), (x - left) / (right - left))
    # Places are rounded to 0.1 of 96 and 140.
    assert area == pytest.approx(average_precision_score(reference, scores), abs=2e-3)
