"""Whether a run gave the published results again."""

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from sedlib.errors import SedlibError
from sedlib.files import read_json
from sedlib.models.description import read_description
from sedlib.reports.publication import MODEL, PUBLISHED_MODEL, SUMMARY

# Trainings of other seeds or on other processors may end outside the range of those measured.
WIDENING = 2
# What two trainings must share, or their results are not expected to agree.
CONDITIONS = "preset network_sha256 classes stft seed training trained_on validated_on".split()


def compare_summaries(obtained, published, measured):
    """Compare the numbers of two runs.

    A number may differ by twice the range over several trainings that were measured. By chance
    these may lie close together, so the range is at least the median of those of its section. A
    number that was not measured, because it does not come from a training, may not differ.

    Parameters
    ----------
    obtained, published : dict of str to dict of str to (float or None)
        Sections of numbers, as in ``reports/summary.json``. None is undefined, which agrees with
        None alone.
    measured : sequence of dict
        The same of several trainings, without the sections that do not come from a training.

    Returns
    -------
    pandas.DataFrame
        A row for each number, named ``section: number``, with the columns ``obtained``,
        ``published``, ``allowed`` (the largest difference, absolute) and ``agrees``.

    Examples
    --------
    >>> runs = [{"f1": {"speaking": 0.90}}, {"f1": {"speaking": 0.92}}]
    >>> compare_summaries({"f1": {"speaking": 0.95}}, runs[0], runs)["agrees"].tolist()
    [False]
    """
    runs = pd.json_normalize([obtained, published, *measured], sep=": ").T.astype(float)
    ranges = (runs.iloc[:, 2:].max(axis=1) - runs.iloc[:, 2:].min(axis=1)).fillna(0)
    sections = ranges.groupby(lambda name: name.partition(": ")[0]).transform("median")
    table = runs.iloc[:, :2].set_axis(["obtained", "published"], axis=1)
    table["allowed"] = WIDENING * np.maximum(ranges, sections)
    difference = (table["obtained"] - table["published"]).abs()
    stated = [pd.json_normalize([summary], sep=": ").columns for summary in (obtained, published)]
    undefined = table["obtained"].isna() & table["published"].isna()
    undefined &= table.index.isin(stated[0].intersection(stated[1]))
    return table.assign(agrees=undefined | (difference <= table["allowed"] + 1e-9))


def reproduction_text(work, top):
    """Say in a table whether the last run gave the published results again.

    Parameters
    ----------
    work, top : pathlib.Path
        The workspace with the results of the run, and the checkout with the published ones.

    Returns
    -------
    str

    Raises
    ------
    sedlib.errors.SedlibError
        If a model or a file of results is missing or damaged.
    """
    obtained, published = read_description(work / MODEL), read_description(top / PUBLISHED_MODEL)
    other = [name for name in CONDITIONS if obtained.get(name) != published.get(name)]
    if other:
        return (
            f"This model differs from the published one in {', '.join(other)}, so the results are "
            "not compared. `make publish` would replace the published results with these."
        )
    runs = _read_summary(work / "reports" / SUMMARY), _read_summary(top / PUBLISHED_MODEL / SUMMARY)
    measured = read_json(top / "reports" / "training_spread.json")["summaries"]
    table = compare_summaries(*runs, list(measured.values()))
    shown = table.assign(agrees=np.where(table["agrees"], "yes", "NO"))
    same = obtained["weights_sha256"] == published["weights_sha256"]
    return (
        f"{shown.to_string(float_format='{:.3f}'.format, na_rep='–')}\n\n"
        f"{table['agrees'].sum()} of {len(table)} results agree with the published ones: they "
        "differ by no more than `allowed`, which follows from several trainings. The weights of "
        f"the model {'are the same, bit for bit' if same else 'differ'}."
    )


def _read_summary(path):
    """Read a summary; raise if it is not one."""
    try:
        return TypeAdapter(dict[str, dict[str, float | None]]).validate_python(read_json(path))
    except ValidationError:
        raise SedlibError(
            f"{path}: not a summary of results; restore it or make it again"
        ) from None
