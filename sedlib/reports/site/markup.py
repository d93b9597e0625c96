"""HTML that others have made, put into the form that the pages need."""

import re
from types import MappingProxyType

import mistune
from bs4 import BeautifulSoup

_LONG = 40  # characters, above which a cell of a table is read as text


def from_markdown(text):
    """Convert Markdown to HTML; HTML in it is text.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    convert = mistune.create_markdown(escape=True, plugins=["table"])
    soup = BeautifulSoup(convert(text), "html.parser")
    tidy(soup)
    return str(soup)


def tidy(soup, pages=MappingProxyType({})):
    """Drop what the policy of a page forbids, and let wide tables scroll on their own.

    Parameters
    ----------
    soup : bs4.BeautifulSoup
        Changed in place: without scripts and styles; cells that were aligned to the right have
        the class ``number``, long ones the class ``text``, and headings in tables say what they
        are headings of. Links to files that the site does not have are text, with the path of
        the file.
    pages : mapping of str to str
        Address of the page that stands for a file, by the address of the file.
    """
    for element in soup.select("style, script"):
        element.decompose()
    for element in soup.select("[style], [border]"):
        if element.name in ("td", "th") and "right" in element.get("style", ""):
            element["class"] = "number"
        for name in ("style", "border"):
            del element[name]
    for table in soup.select("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "scrolling"}))
        for cell in table.select("td"):
            if len(cell.get_text()) > _LONG:
                cell["class"] = "text"
        for part, scope in (("thead", "col"), ("tbody", "row")):
            for heading in table.select(f"{part} th"):
                heading["scope"] = scope
    for link in soup.select("a[href]"):
        address, sign, place = link["href"].partition("#")
        if address in pages:
            link["href"] = f"{pages[address]}{sign}{place}"
        elif address and not re.match(r"[a-z]+:", address):
            path = soup.new_tag("code", string=re.sub(r"^(\.\./)+", "", address))
            if path.string not in link.get_text():
                link.insert_after(" (", path, ")")
            link.unwrap()
