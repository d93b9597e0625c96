"""Measure the time and memory of the stages that process the sound, for more and more of it.

``make bench-stages`` runs this script on Linux. In a copy of the checkout it makes ten synthetic
episodes, or as many as are needed for none to exceed 22 minutes, and runs the stages on them one
after the other, with one epoch of training. The result goes to ``reports/stages.json`` and
``docs/scale.md``.
"""

import argparse
import math
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import yaml
from run import describe_machine

from sedlib.config import repository
from sedlib.files import write_json, write_text
from sedlib.reports.tables import replace_block

MINUTES = (10, 100, 1000)
LONGEST = 22  # minutes, of an episode
STAGES = ("episodes", "explore", "preprocess", "train", "evaluate", "detect", "site")
PAUSE = 0.2  # s, between two looks at the memory


def make_checkout(folder, minutes):
    """Copy what git tracks to a folder, with parameters for this many minutes of sound."""
    top = repository()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=top, capture_output=True, check=True)
    for name in filter(None, tracked.stdout.split(b"\0")):
        target = folder / os.fsdecode(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((top / os.fsdecode(name)).read_bytes())
    params = yaml.safe_load((top / "params.yaml").read_text())
    names = [f"s01_ep{number:02d}" for number in range(max(10, math.ceil(minutes / LONGEST)))]
    first, second = round(0.6 * len(names)), round(0.7 * len(names))
    params["split"] = {
        "train": names[:first],
        "validation": names[first:second],
        "test": names[second:],
    }
    seconds = 60 * minutes / len(names)
    params["episodes"] |= {"duration": seconds, "evaluation_duration": seconds}
    params["train"]["epochs"] = 1
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def measure(command, folder):
    """Run a command; return its time in s and its peak memory in bytes.

    Returns
    -------
    seconds : float
    memory : int
        The peak of the sum over the command and all processes that it starts, without the file
        cache, which the system can reclaim, such as the spectrograms that training reads.
    """
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    start, memory = time.perf_counter(), 0
    process = psutil.Popen(
        shlex.split(command), cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        memory = max(memory, anonymous_memory(process))
        time.sleep(PAUSE)
    if process.returncode:
        raise SystemExit(f"`{command}` ended with code {process.returncode}")
    return time.perf_counter() - start, memory


def anonymous_memory(process):
    """Add up the memory of a process and of all that it has started, without the file cache."""
    total = 0
    for pid in [process.pid, *(child.pid for child in process.children(recursive=True))]:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it has ended
            continue
        sizes = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        total += 1024 * sum(
            int(sizes[kind].split()[0]) for kind in ("RssAnon", "RssShmem") if kind in sizes
        )
    return total


def stages_block(report):
    """Summarise the measurements as a Markdown table.

    Parameters
    ----------
    report : dict
        The content of ``reports/stages.json``.

    Returns
    -------
    str
    """
    machine = f"{report['machine']['processor']}, {report['machine']['cores']} cores"
    amounts = list(report["minutes"])
    lines = [
        f"| stage, on {machine} | " + " | ".join(f"{int(m):,} minutes" for m in amounts) + " |",
        "|---|" + "---:|" * len(amounts),
    ]
    for stage in STAGES:
        cells = [
            f"{found['seconds']:,.0f} s, {found['memory'] / 1e9:.1f} GB"
            for found in (report["minutes"][amount][stage] for amount in amounts)
        ]
        lines.append(f"| `{stage}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments=None):
    """Measure all stages and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, nargs="+", default=MINUTES)
    chosen, found = parser.parse_args(arguments), {}
    stages = yaml.safe_load((repository() / "dvc.yaml").read_text())["stages"]
    scratch = repository() / "data" / "experiments"  # which git ignores
    scratch.mkdir(exist_ok=True)
    for minutes in chosen.minutes:
        found[str(minutes)] = results = {}
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            make_checkout(Path(folder), minutes)
            for stage in STAGES:
                seconds, memory = measure(stages[stage]["cmd"], Path(folder))
                results[stage] = {"seconds": round(seconds, 1), "memory": memory}
                print(f"{minutes} minutes, {stage}: {seconds:.0f} s, {memory / 1e9:.2f} GB")
    report = {"machine": describe_machine(), "minutes": found}
    write_json(report, repository() / "reports" / "stages.json")
    page = repository() / "docs" / "scale.md"
    block = stages_block(report)
    write_text(replace_block(page.read_text(encoding="utf-8"), "stages", block), page)


if __name__ == "__main__":
    main()
