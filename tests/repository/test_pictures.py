"""Claims about `make pictures` and the pictures of pages in git."""

import io
import re
from pathlib import Path

import numpy as np
from browser import Tab
from matplotlib import colormaps
from pictures import TARGET, VIEWS, pages, save
from PIL import Image, ImageColor

from sedlib.reports.timeline.colours import page_colours

ROOT = Path(__file__).resolve().parents[2]
STYLE = ROOT / "sedlib" / "reports" / "timeline" / "page.css"
BANDS = [("#ffffff", 200), ("#0b5cad", 40), ("#b3261e", 60)]  # colour, height in pixels


def test_a_picture_ends_with_its_page_and_keeps_its_colours(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("pictures.ROOT", tmp_path)
    head = '<!doctype html><meta name="viewport" content="width=device-width">'
    body = "".join(f'<div style="background: {c}; height: {h}px"></div>' for c, h in BANDS)
    page = tmp_path / "page.html"
    page.write_text(f'{head}<body style="margin: 0">{body}')
    tab = Tab(browser, page.as_uri(), width=390, height=1000)
    save(tab.picture(), tmp_path / "page.png")
    tab.close()
    found = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"))
    rows = [ImageColor.getrgb(colour) for colour, height in BANDS for _ in range(height)]
    assert found.shape == (300, 390, 3)
    assert (found == np.array(rows)[:, np.newaxis]).all()


def test_a_small_patch_keeps_its_colour_beside_a_spectrogram(tmp_path, monkeypatch):
    monkeypatch.setattr("pictures.ROOT", tmp_path)
    noise = np.random.default_rng(0).random((600, 800))
    image = Image.fromarray(colormaps["magma"](noise, bytes=True)).convert("RGB")
    colours = [ImageColor.getrgb(light) for light, _ in page_colours(range(10)).values()]
    for number, colour in enumerate(colours):
        image.paste(colour, (20 * number, 0, 20 * number + 15, 15))
    png = io.BytesIO()
    image.save(png, "png")
    save(png.getvalue(), tmp_path / "page.png")
    found = Image.open(tmp_path / "page.png").convert("RGB")
    assert [found.getpixel((20 * number + 7, 7)) for number in range(10)] == colours


def test_the_pictures_in_git_are_few_and_small():
    names = [f"{name}{view}" for name, page in pages(TARGET).items() for view in page.views]
    assert len(names) <= 10
    for path in TARGET.iterdir():
        assert path.stem in names and path.stat().st_size < 300_000, path.name


def test_the_pictures_in_git_have_the_backgrounds_of_the_style_sheet():
    style = STYLE.read_text()
    backs, raised = (re.findall(rf"--{name}: (#\w+);", style) for name in ("back", "raised"))
    for name, page in pages(TARGET).items():
        for view in page.views:
            image = Image.open(TARGET / f"{name}{view}.png").convert("RGB")
            counts = {colour: n for n, colour in image.getcolors(256)}
            _, dark = VIEWS[view]
            assert max(counts, key=counts.get) == ImageColor.getrgb(backs[dark]), f"{name}{view}"
            assert counts.get(ImageColor.getrgb(raised[dark]), 0) > 1000, f"{name}{view}"


def test_the_readme_shows_pictures_that_are_in_the_repository():
    shown = re.findall(r'src(?:set)?="([^"]+)"', (ROOT / "README.md").read_text())
    assert shown and [path for path in shown if not (ROOT / path).is_file()] == []
