"""Names: how they are compared, corrected, counted and shown."""

import difflib
import unicodedata

# Unicode categories of line ends, other control characters and surrogates, which a terminal must
# not get from a name.
CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})


def nearest(name, known, cutoff=0.0):
    """Find the known name whose spelling is most similar to that of another name.

    Upper and lower case and the spaces between words make no difference.

    Parameters
    ----------
    name : str
    known : iterable of str
    cutoff : float
        The least similarity, in [0, 1]; see `difflib.SequenceMatcher.ratio`.

    Returns
    -------
    str or None
        The name as it is written in `known`; None if no name is similar enough.

    Examples
    --------
    >>> nearest("Backround music", ["speaking", "background music"])
    'background music'
    """
    spelt = {" ".join(str(other).casefold().split()): other for other in known}
    found = difflib.get_close_matches(" ".join(name.casefold().split()), spelt, 1, cutoff)
    return spelt[found[0]] if found else None


def normal_name(name):
    """Return a name in the Unicode normal form in which names are compared, NFC.

    Programs and file systems write one name in different ways: macOS, for example, stores ``é``
    as ``e`` and an accent (NFD), where a keyboard types one character (NFC).
    """
    return unicodedata.normalize("NFC", name)


def is_file_name(name):
    """Tell whether a file can be named so, with a suffix, on Linux and macOS and in its own folder.

    A path cannot, nor can ``.`` and ``..``, nothing but spaces, and more than 240 bytes.
    """
    if name.strip() in ("", ".", "..") or any(c in name for c in "/\\\0"):
        return False
    return len(name.encode("utf-8", "surrogatepass")) <= 240


def printable(text):
    """Write control characters as escapes, so that a text stays on one line of a terminal.

    The name of a path, for example, may hold a line break, or bytes that are not UTF-8.
    """
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in CONTROLS else c
        for c in str(text)
    )


def counted(number, noun):
    """Return a number with its noun, which gets an ``s`` unless the number is 1."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def listed(names, most=None):
    """List names in a message; those beyond the first `most` are counted.

    >>> listed("abcd", most=2)
    "'a', 'b' and 2 more"
    """
    shown = [f"'{name}'" for name in names]
    if most is not None and len(shown) > most:
        shown[most:] = [f"{len(shown) - most} more"]
    *others, last = shown or [""]
    return f"{', '.join(others)} and {last}" if others else last
