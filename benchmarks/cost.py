"""What many hours of sound cost in machine time and storage, computed from measured speeds.

``make bench`` runs this script after its measurements; the speed of the spectrograms is that of
the last ``make bench-stages``. The result goes to ``docs/scale.md``.
"""

import json

import numpy as np
from run import EPOCH, SECONDS

from sedlib.config import load_params, repository
from sedlib.features import segment_shape
from sedlib.files import write_text
from sedlib.reports.tables import replace_block

HOURS = 10_000
BIT_RATE = 128_000  # bit/s, of the compressed recordings


def cost_block(report, stages, params):
    """Summarise the cost as a Markdown table.

    Parameters
    ----------
    report : dict
        The content of ``reports/benchmarks.json``. Its times are those of a whole machine.
    stages : dict
        The content of ``reports/stages.json``.
    params : sedlib.config.Params

    Returns
    -------
    str
    """
    median = {found["task"]: found["seconds"]["median"] for found in report["tasks"]}
    per_second = {  # s of the machine for each second of sound
        "detect": median["detect m4a, model loaded"] / SECONDS,
        "features": stages["minutes"]["1000"]["preprocess"]["seconds"] / 60_000,
        "epoch": median["training epoch"] / EPOCH,
    }
    hours = {task: HOURS * share for task, share in per_second.items()}
    duration = 3600 * HOURS  # s; a segment lasts one
    values = {  # bytes
        "recordings": duration * BIT_RATE / 8,
        "episodes": duration * params.stft.sample_rate * 2,
        "features": duration * np.prod(segment_shape(params.stft)) * np.float32().nbytes,
    }
    size = {what: f"{count / 1e12:.1f}" for what, count in values.items()}
    rows = [
        (f"recordings as AAC, {BIT_RATE // 1000} kbit/s", "", size["recordings"]),
        ("`sedlib detect`, from AAC", f"{hours['detect']:.0f}", ""),
        ("episodes to train on, before FLAC compresses them", "", size["episodes"]),
        ("their spectrograms", f"{hours['features']:.0f}", size["features"]),
        ("one epoch of training", f"{hours['epoch']:.0f}", ""),
    ]
    machine = f"{report['machine']['processor']}, {report['machine']['cores']} cores"
    lines = [" | ".join(("", *row, "")).strip() for row in rows]
    head = f"| {HOURS:,} hours of sound, {machine} | machine hours | storage (TB) |"
    return "\n".join([head, "|---|---:|---:|", *lines])


def main():
    """Write the table."""
    reports = repository() / "reports"
    report, stages = (
        json.loads((reports / f"{name}.json").read_text()) for name in ("benchmarks", "stages")
    )
    page = repository() / "docs" / "scale.md"
    text = page.read_text(encoding="utf-8")
    write_text(replace_block(text, "cost", cost_block(report, stages, load_params())), page)


if __name__ == "__main__":
    main()
