"""The result of an evaluation: metrics per class, macro and micro averages."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Evaluation:
    """Metrics of each class and of all classes together.

    Attributes
    ----------
    per_class : pandas.DataFrame
        Index ``event_label``; a column for each metric, nan where it is 0/0, and ``support``,
        the number of segments or events of the ground truth.
    macro : dict of str to float
        Mean of each column but ``support`` over the classes where it is not nan.
    micro : dict of str to float
        The same metrics from the counts of all classes together.
    """

    per_class: pd.DataFrame
    macro: dict
    micro: dict


def evaluation(classes, support, per_class, micro):
    """Compute the macro average and put the metrics together.

    Parameters
    ----------
    classes : sequence of str
    support : array-like of int, shape (n_classes,)
    per_class : mapping of str to array-like of float, shape (n_classes,)
    micro : mapping of str to float

    Returns
    -------
    Evaluation
    """
    table = pd.DataFrame(dict(per_class)).set_axis(pd.Index(classes, name="event_label"))
    return Evaluation(
        per_class=table.assign(support=support),
        macro=table.mean().to_dict(),
        micro={name: float(value) for name, value in micro.items()},
    )
