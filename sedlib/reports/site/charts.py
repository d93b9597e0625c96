"""Charts of the overview as SVG, which follow the reader's colours and need no image."""

import math

import pandas as pd

from sedlib.reports.tables import format_number

WIDTH, HEIGHT = 180, 132  # of a panel, in units of its SVG
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 174, 8, 104  # of the frame in it


def bar_rows(metrics):
    """Describe the bars of F1, a row for each class and one for their mean.

    Parameters
    ----------
    metrics : dict
        ``reports/metrics.json``.

    Returns
    -------
    list of dict
        ``label``, ``number`` of the class (None for the mean), ``f1``, ``low``, ``high`` and
        ``baseline``; None where a value is not defined.
    """
    test, baseline, chart = metrics["test"], metrics["baseline"], []
    rows = test["classes"] | {"macro": test["macro"]}
    for number, (label, row) in enumerate(rows.items()):
        low, high = test["intervals"].get(label, {}).get("f1", (None, None))
        other = baseline["classes"].get(label, baseline["macro"])
        values = {"f1": row["f1"], "low": low, "high": high, "baseline": other["f1"]}
        chart.append({"label": label, "number": None if label == "macro" else number} | values)
    return chart


def learning_curves(folder):
    """Draw loss and validation score by epoch.

    Parameters
    ----------
    folder : pathlib.Path
        ``reports/training/plots/metrics``.

    Returns
    -------
    list of dict
        Panels, which ``panel.html.j2`` draws.
    """
    names = ("loss", "val_loss", "val_average_precision")
    values = {name: pd.read_csv(folder / f"{name}.tsv", sep="\t") for name in names}
    epochs = values["loss"]["step"]
    lines = {name: (epochs, table.iloc[:, -1]) for name, table in values.items()}
    last, best = int(epochs.iloc[-1]), max(lines["val_average_precision"][1])
    highest = max(max(lines[name][1]) for name in ("loss", "val_loss"))
    highest = math.ceil(highest * 10) / 10
    x = "epoch", min(1, last - 1), last
    final = {name: f"{curve.iloc[-1]:.2f}" for name, (_, curve) in lines.items()}
    return [
        _panel(
            "Loss (nats)",
            f"Loss by epoch: in epoch {last}, {final['loss']} in training, where the segments are "
            f"augmented, and {final['val_loss']} in validation.",
            {"baseline": lines["loss"], "network": lines["val_loss"]},
            x,
            ("", 0, highest),
        ),
        _panel(
            "Mean average precision",
            f"Mean average precision in validation by epoch: at most {best:.2f}.",
            {"network": lines["val_average_precision"]},
            x,
            ("", 0, 1),
        ),
    ]


def precision_recall(path, metrics, classes):
    """Draw the precision-recall curves of each class, of network and baseline.

    Parameters
    ----------
    path : pathlib.Path
        ``reports/plots/precision_recall.csv``.
    metrics : dict
        ``reports/metrics.json``.
    classes : sequence of str

    Returns
    -------
    list of dict
        Panels, which ``panel.html.j2`` draws.
    """
    table = pd.read_csv(path)
    panels = []
    for label in classes:
        own = table[table["event_label"] == label]
        # The precision at a recall holds down to the next lower one, as in the average precision.
        lines = {
            model: (curve["recall"].repeat(2)[:-1], curve["precision"].repeat(2)[1:])
            for model, curve in own.groupby("model", sort=False)
        }
        values = [metrics[m]["classes"][label]["average_precision"] for m in ("test", "baseline")]
        network, baseline = map(format_number, values)
        panels.append(
            _panel(
                label,
                f"Precision against recall of {label}. Average precision: {network} for the "
                f"network, {baseline} for the baseline.",
                lines,
                ("recall", 0, 1),
                ("precision", 0, 1),
            )
        )
    return panels


def _panel(title, description, lines, x, y):
    """Place curves, given as (x, y) by their class in the style sheet, between two axes."""
    (x_name, x_low, x_high), (y_name, y_low, y_high) = x, y

    def place(at, value):
        left = _LEFT + (at - x_low) / (x_high - x_low) * (_RIGHT - _LEFT)
        return f"{left:.1f},{_BOTTOM - (value - y_low) / (y_high - y_low) * (_BOTTOM - _TOP):.1f}"

    points = {name: " ".join(dict.fromkeys(map(place, *values))) for name, values in lines.items()}
    return {
        "title": title,
        "description": description,
        "lines": points,
        "x": x_name,
        "y": y_name,
        "x_ticks": [(x_low, _LEFT), (x_high, _RIGHT)],
        "y_ticks": [(y_low, _BOTTOM), (y_high, _TOP)],
        "frame": (_LEFT, _TOP, _RIGHT, _BOTTOM),
        "size": (WIDTH, HEIGHT),
    }
