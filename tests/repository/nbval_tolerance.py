"""When a stored output of a notebook agrees with a new one.

Words are compared exactly, white space and the length of ruled lines are not.
"""

import math
import re

# Numbers that do not come out of the training: the last digits move with the processor,
# by way of another order of summation. Integers must be equal.
COMPUTED_RELATIVE = 1e-4
COMPUTED_ABSOLUTE = 1e-9

# Numbers of cells tagged `trained`: rounding differences grow over the training steps. On the
# machine that made the results they are equal. With another instruction set (AVX2 for AVX-512)
# macro F1 moved by 0.01, F1 of the frequent classes by 0.01 and of a rare class, which rests on two
# dozen seconds, by up to 0.14; precision and recall by more. That a stored number is the one that
# was made, to the last digit, is checked by its hash in dvc.lock (test_pipeline.py).
TRAINED_RELATIVE = 0.08
TRAINED_ABSOLUTE = 0.3

# Not part of a word: `s01_ep03` and `44x1025` are words.
NUMBER = re.compile(r"(?<![\w.])([-+]?\d+(?:,\d{3})*(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\w)")


def differences(shown, computed, trained=False):
    """Say where two texts differ: words, integers and numbers beyond the tolerance.

    Parameters
    ----------
    shown, computed : str
        The stored output and that of the rerun.
    trained : bool
        Whether the numbers come out of the training.

    Returns
    -------
    list of str
        One sentence a difference; empty if they agree.
    """
    # Odd parts are numbers, even parts the words between them.
    old, new = NUMBER.split(shown), NUMBER.split(computed)
    words = [[_plain(word) for word in parts[::2]] for parts in (old, new)]
    if words[0] != words[1]:
        return [f"the words differ\n--- stored\n{shown}\n--- computed\n{computed}"]
    return [
        f"after '{words[0][i][-40:]}': {a} is stored, {b} computed"
        for i, (a, b) in enumerate(zip(old[1::2], new[1::2], strict=True))
        if not _agree(a, b, trained)
    ]


def _plain(words):
    """Make white space and ruled lines, which follow the width of numbers, neutral."""
    return re.sub(r"[-=─]{3,}", "---", " ".join(words.split()))


def _agree(a, b, trained):
    """Whether two numbers, as text, agree."""
    a, b = a.replace(",", ""), b.replace(",", "")
    if trained:
        tolerance = {"rel_tol": TRAINED_RELATIVE, "abs_tol": TRAINED_ABSOLUTE}
    elif a.lstrip("+-").isdigit() and b.lstrip("+-").isdigit():
        return a == b
    else:
        tolerance = {"rel_tol": COMPUTED_RELATIVE, "abs_tol": COMPUTED_ABSOLUTE}
    return math.isclose(float(a), float(b), **tolerance)
