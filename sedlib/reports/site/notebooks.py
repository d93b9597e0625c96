"""Executed notebooks as HTML: nbconvert's conversion, put into a form for every reader."""

import base64
import io
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from PIL import Image

from sedlib.reports.site.markup import tidy

_TEMPLATE = (Path(__file__).parent / "notebook.html.j2").read_text(encoding="utf-8")
_PNG = "data:image/png;base64,"


@dataclass(frozen=True)
class Notebook:
    """A notebook as a part of a page.

    Attributes
    ----------
    name : str
        Of its file, without suffix.
    title : str
        Its first heading.
    question : str
        The first sentence after ``Question.`` that is one; empty if there is none.
    contents : list of (str, str)
        Id and text of each heading of the second level.
    body : str
        HTML.
    """

    name: str
    title: str
    question: str
    contents: list[tuple[str, str]]
    body: str


def read_notebook(path):
    """Read an executed notebook.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    Notebook
        Code is folded; every figure has its alternative text, tables scroll on their own, and
        nothing is loaded from elsewhere.
    """
    exporter = HTMLExporter(
        template_name="basic", raw_template=_TEMPLATE, exclude_anchor_links=True
    )
    page, _ = exporter.from_notebook_node(nbformat.read(path, as_version=4))
    soup = BeautifulSoup(page, "html.parser")
    tidy(soup, {p.name: f"{p.stem}.html" for p in path.parent.glob("*.ipynb")})
    contents = _name_headings(soup)
    _prepare_figures(soup)
    for player in soup.select("figure > audio"):
        player["aria-label"] = player.parent.figcaption.get_text()
    first = soup.find("h1")
    question = re.search(r"Question\.\s([^?]*[.:]\s)?([^.?]*\?)", soup.get_text())
    return Notebook(
        path.stem,
        path.stem if first is None else first.get_text(),
        "" if question is None else " ".join(question[2].split()),
        contents,
        str(soup),
    )


def _name_headings(soup):
    """Give each heading an id of its own; return those of the second level with their texts."""
    contents, used = [], set()
    for heading in soup.select("h1, h2, h3, h4"):
        text = heading.get_text()
        name = re.sub(r"\W+", "-", text.lower()).strip("-") or "section"
        while name in used:
            name += "-"
        used.add(name)
        heading["id"] = name
        if heading.name == "h2":
            contents.append((name, text))
    return contents


def _prepare_figures(soup):
    """Give figures their size, so that the page does not jump, and a button that enlarges them."""
    for number, image in enumerate(soup.select("figure.plot > img"), start=1):
        if image["src"].startswith(_PNG):
            data = base64.b64decode(image["src"].removeprefix(_PNG))
            image["width"], image["height"] = map(str, Image.open(io.BytesIO(data)).size)
        if not image["alt"]:
            heading = image.find_previous(["h2", "h1"])
            section = "the notebook" if heading is None else f"“{heading.get_text()}”"
            image["alt"] = f"Figure {number}, in {section}."
        button = soup.new_tag("button", type="button", attrs={"class": "enlarge"})
        button["aria-label"], button.string = f"Enlarge figure {number}", "Enlarge"
        image.insert_after(button)
