"""When a stored output of a notebook agrees with a new one.

Words are compared exactly, white space and the length of ruled lines are not. Integers must be
equal; other numbers may differ in the last digits. Only the cells tagged `trained`, all of them in
notebook 3, show numbers that come out of a training. Each of their kinds has a tolerance of its
own, which follows from how far numbers of this kind moved in `reports/training_spread.json`.
"""

import json
import math
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPREAD = ROOT / "reports" / "training_spread.json"

# Another processor adds in another order, which moves a score of the same network by a few
# millionths. Numbers are shown with fewer digits than that.
RELATIVE = 1e-4
ABSOLUTE = 1e-9

# A new training may end outside the range of those that were measured.
WIDENING = 2

# Kinds of trained numbers, by the words before a number or by the title of its column: the first
# that fits. Numbers that no kind fits, such as counts, must be equal in every training.
KINDS = (
    "average precision",
    "training loss / validation loss",
    "lowest validation loss",
    "frame-level threshold",
    "threshold",
    "highest F1",
    "F1",
)
# Positives. The numbers of classes with fewer are kinds of their own, because they vary more
# between trainings.
FEW = 100

# Not part of a word: `s01_ep03` and `44x1025` are words.
NUMBER = re.compile(r"(?<![\w.])([-+]?\d+(?:,\d{3})*(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\w)")


def differences(shown, computed, tolerances=None):
    """Say where two texts differ: words, integers and numbers beyond the tolerance.

    Parameters
    ----------
    shown, computed : str
        The stored output and that of the rerun.
    tolerances : dict of str to float, optional
        For a cell tagged `trained`: the largest difference of each kind of number. A number of
        none of these kinds is compared like those of other cells.

    Returns
    -------
    list of str
        One sentence a difference; empty if they agree.
    """
    old, new = NUMBER.split(shown), NUMBER.split(computed)
    # Odd parts are numbers, even parts the words between them.
    words = [[_plain(word) for word in parts[::2]] for parts in (old, new)]
    if words[0] != words[1]:
        return [f"the words differ\n--- stored\n{shown}\n--- computed\n{computed}"]
    kinds = [kind for _, kind, _ in named_numbers(shown)]
    return [
        f"after '{words[0][i][-40:]}': {a} is stored, {b} computed"
        for i, (a, b, kind) in enumerate(zip(old[1::2], new[1::2], kinds, strict=True))
        if not _agree(a, b, (tolerances or {}).get(kind, 0))
    ]


def _plain(words):
    """Make white space and ruled lines, which follow the width of numbers, neutral."""
    return re.sub(r"[-=─]{3,}", "---", " ".join(words.split()))


def _agree(a, b, tolerance):
    """Whether two numbers, as text, agree."""
    a, b = a.replace(",", ""), b.replace(",", "")
    if not tolerance and a.lstrip("+-").isdigit() and b.lstrip("+-").isdigit():
        return a == b
    return math.isclose(float(a), float(b), rel_tol=RELATIVE, abs_tol=tolerance + ABSOLUTE)


def tolerances(path=SPREAD):
    """Return the tolerance of each kind of trained number.

    Parameters
    ----------
    path : path-like
        As `make spread` writes it.

    Returns
    -------
    dict of str to float
    """
    spread = json.loads(Path(path).read_text(encoding="utf-8"))["spread"]
    return {kind: WIDENING * moved for kind, moved in spread.items()}


def named_numbers(text):
    """Name the numbers of an output of a cell.

    Parameters
    ----------
    text : str
        Prose, or a table as pandas shows it.

    Returns
    -------
    list of (str, str or None, str)
        For each number: its row and column or the words before it in its line, its kind if it is
        one of `KINDS`, and the number. In a table with a column ``positives``, the kind also says
        whether the class of the row has few.
    """
    lines, found = text.splitlines(), []
    is_table = text[:1].isspace()  # there is no title above the names of the rows
    titles = re.finditer(r"\S+(?: \S+)*", lines[0]) if is_table else ()
    ends = {title.end(): title[0] for title in titles}  # numbers are flush with their title
    for line in lines:
        numbers, before = list(NUMBER.finditer(line)), 0
        cells = [number for number in numbers if number.end() in ends]
        begin = cells[0].start() if cells else 0
        row = {ends[cell.end()]: cell[0] for cell in cells}
        for number in numbers:
            words = line[before : number.start()].strip(" ;,.:")
            column = ends.get(number.end(), words)
            name = f"{line[:begin].strip()}: {column}" if number.end() in ends else column
            kind = next((kind for kind in KINDS if kind in column), None)
            if kind and "positives" in row:
                kind += f", {'few' if int(row['positives']) < FEW else 'many'} positives"
            found.append((name, kind, number[0]))
            before = number.end()
    return found
