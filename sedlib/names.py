"""Names: which are possible, and how they are compared, corrected, counted and shown."""

import difflib
import unicodedata

# Unicode categories of line ends, other control characters and surrogates, which a terminal must
# not get from a name.
CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Columns of event and score tables, and rows that tables of results have beside the classes.
RESERVED = frozenset("filename onset offset event_label macro micro".split()) | {
    *("all classes", "no miss", "no false alarm")
}
_NOT_IN_XML = "\ufffe\uffff"


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


def folded(label):
    """Return a label in Unicode normal form without its case and spacing."""
    return " ".join(normal_name(label).casefold().split())


def check_class(label):
    """Return the name of a class; raise ValueError if a table or an annotation format has no such.

    That is one of a column or row of tables, one with a control character, or one that begins or
    ends with a space.
    """
    if label.casefold() in RESERVED:
        raise ValueError(f"class '{label}' is named like a column or row of tables; rename it")
    if has_controls(label) or any(c in _NOT_IN_XML for c in label):
        raise ValueError(f"class {label!r} holds a control character; rename it")
    if label != label.strip():
        raise ValueError(f"class {label!r} begins or ends with a space; remove the space")
    return label


def check_distinct(labels):
    """Return the names of classes; raise ValueError if two of them could be taken for each other.

    Those are names that differ in nothing but case, spacing, underscores and Unicode normal form:
    labels and folders are matched without these.
    """
    seen = {}
    for label in labels:
        alike = folded(label.replace("_", " "))
        if alike in seen and normal_name(seen[alike]) == normal_name(label):
            raise ValueError(f"class '{normal_name(label)}' is listed twice; name every class once")
        if alike in seen:
            raise ValueError(f"classes '{seen[alike]}' and '{label}' are too alike; rename one")
        seen[alike] = label
    return labels


def check_aliases(aliases, classes, where, nothing="null"):
    """Refuse aliases that lead to no class, or of which two are one label.

    Parameters
    ----------
    aliases : iterable of (str, str or None)
        Labels, and the class that each means; None leaves its events out.
    classes : collection of str
    where : str
        What holds the aliases, for the message.
    nothing : str
        What is written there in place of a class to leave a label out, for the message.

    Raises
    ------
    ValueError
    """
    meant, known = {}, {normal_name(label) for label in classes}
    for label, target in aliases:
        if target is not None and normal_name(target) not in known:
            raise ValueError(
                f"{where} turns '{label}' into '{target}', which is not in classes; "
                f"name a class, or {nothing} to leave the label out"
            )
        if meant.setdefault(folded(label), target) != target:
            raise ValueError(f"{where} gives '{label}' two meanings; keep one")


def has_controls(text):
    """Tell whether a text holds control characters, line ends or surrogates."""
    return any(unicodedata.category(c) in CONTROLS for c in text)


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
