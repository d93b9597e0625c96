"""Take pictures of the pages in a headless browser; see `make pictures`.

The pages are a timeline and, after ``make reproduce``, three of the report site: the overview, a
notebook and the errors to listen to. The timeline is that of the first test episode, with the
events that the network in ``data/model`` detects. The pictures go to ``reports/figures/pages``.
"""

import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from browser import MISSING, Browser, Tab, find_browser
from PIL import Image
from scipy.spatial import KDTree

from sedlib.config import load_params

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "reports" / "figures" / "pages"
START, STOP = 625, 715  # s, the stretch of the episode
HEIGHT = 1600  # px, of the window
VIEWS = {  # width of the window in pixels, and whether the reader prefers dark pages
    "": (1400, False),
    "_narrow": (390, False),
    "_dark": (1400, True),
}


@dataclass(frozen=True)
class Page:
    """A page of which pictures are taken.

    Attributes
    ----------
    path : pathlib.Path
        Path of the page; where there is none, no picture is taken.
    views : tuple of str
        Keys of `VIEWS`, which are also the ends of the files' names.
    prepare : callable
        Called with the `browser.Tab` once the page is loaded.
    """

    path: Path
    views: tuple = ("", "_narrow")
    prepare: Callable = lambda tab: None


def pages(timeline):
    """Name the pages.

    Parameters
    ----------
    timeline : pathlib.Path
        The page of an episode.

    Returns
    -------
    dict of str to Page
        Keys are the beginnings of the files' names.
    """
    reports = ROOT / "reports"
    return {
        "timeline": Page(timeline, tuple(VIEWS), show_stretch),
        "index": Page(reports / "index.html", tuple(VIEWS)),
        "notebook": Page(reports / "site" / "notebooks" / "04_evaluate_per_class.html"),
        "gallery": Page(reports / "site" / "errors.html"),
    }


def show_stretch(tab):
    """Zoom a timeline to the stretch, go to its first error and hide what explains the controls."""
    tab.wait("document.documentElement.dataset.ready === 'yes'")
    tab.wait("document.getElementById('sound').readyState >= 3")
    for time, key in ((START, "["), (STOP, "]")):
        tab.evaluate(f"document.getElementById('sound').currentTime = {time}")
        tab.press(key)
    tab.press("z")
    tab.press("Escape")
    tab.evaluate(f"document.getElementById('sound').currentTime = {START}")
    tab.press("n")
    tab.evaluate("for (const e of document.querySelectorAll('.keys, #list, #classes')) e.remove()")


def make_timeline(folder):
    """Run `sedlib detect --html` on the first test episode; return the page."""
    name = load_params().split.test[0]
    episode = ROOT / "data" / "episodes" / f"{name}.flac"
    if not episode.is_file():
        raise SystemExit(f"{episode.relative_to(ROOT)}: no such file; run `make reproduce` first")
    detect = [sys.executable, "-m", "sedlib", "detect", episode, "--model", "data/model", "--html"]
    options = ["--reference", episode.parent, "--output", folder]
    subprocess.run([*detect, *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder / f"{name}.html"


def save(png, path):
    """Write a picture with a palette, so that it is small; plain areas keep their colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    # The most frequent colours are kept; the others differ from one another as much as they can.
    pixels = np.asarray(image).reshape(-1, 3)
    colours, places, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    frequent = colours[np.argsort(-counts)[:64]]
    different = image.quantize(192, Image.Quantize.MAXCOVERAGE, kmeans=1).getpalette()
    palette = np.concatenate([frequent, np.reshape(different, (-1, 3))])
    _, nearest = KDTree(palette).query(colours)  # Pillow's own search is approximate
    numbers = nearest[places].astype(np.uint8).reshape(image.height, image.width)
    small = Image.fromarray(numbers).convert("P")
    small.putpalette(palette.astype(np.uint8).tobytes())
    small.save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def main():
    """Take all pictures."""
    executable = find_browser()
    if executable is None:
        raise SystemExit(f"{MISSING}; install Chromium to take pictures")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        timeline = make_timeline(Path(scratch, "detected"))
        TARGET.mkdir(parents=True, exist_ok=True)
        with closing(Browser(executable, Path(scratch, "profile"))) as browser:
            for name, page in pages(timeline).items():
                for view in page.views if page.path.is_file() else ():
                    width, dark = VIEWS[view]
                    with closing(Tab(browser, page.path.as_uri(), width, HEIGHT, dark)) as tab:
                        page.prepare(tab)
                        save(tab.picture(), TARGET / f"{name}{view}.png")


if __name__ == "__main__":
    main()
