"""Kill every command at every file replacement and at random times, and run it again.

After the kill every file must be what it was before or what an undisturbed run makes it. After the
next run all files must be those of an undisturbed run, byte for byte, and nothing else may be left.
"""

import itertools
import shutil
import time

import numpy as np
from processes import Kill, differences, run, tree
from scenarios import SAMPLE, SCENARIOS


class Place:
    """A scenario in a folder of its own: prepared, run undisturbed, and ready to be run again."""

    def __init__(self, scenario, folder):
        self.scenario = scenario
        self.ready, self.work = folder / f"{scenario.name}.ready", folder / scenario.name
        self.ready.mkdir(parents=True)
        prepared = run(lambda: scenario.prepare(self.ready), self.ready)
        self.renew()
        self.undisturbed = run(scenario.command, self.work)
        self.before, self.expected = tree(self.ready), tree(self.work)
        self.faults = prepared.faults + self.undisturbed.faults
        if prepared.code or self.before == self.expected:
            self.faults.append(f"it writes nothing: {prepared.err}{self.undisturbed.err}")

    def renew(self, target=None):
        """Put the inputs, and nothing else, into the folder; file times are kept."""
        target = target or self.work
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self.ready, target)

    def check_whole(self, folder=None):
        """List the files that are neither as before nor as after an undisturbed run."""
        return [
            f"{name} is neither old nor new"
            for name, content in tree(folder or self.work).items()
            if not any(part.startswith(".partial") for part in name.split("/"))
            and name not in self.scenario.growing
            and content is not None
            and content not in (self.before.get(name), self.expected.get(name))
        ]

    def check_rerun(self, folder=None):
        """Run the command again; list what is not as after an undisturbed run."""
        folder = folder or self.work
        complete = not any(
            "is missing" in fault or "differs" in fault
            for fault in differences(tree(folder), self.expected)
        )
        again = run(self.scenario.command, folder)
        faults = again.faults + differences(tree(folder), self.expected)
        refused = self.scenario.once and complete
        if again.code != (self.scenario.failing if refused else self.undisturbed.code):
            faults.append(f"exit code {again.code}: {again.err.strip()[-300:]}")
        return faults


def torture(folder, seconds, seed, sample=False):
    """Kill commands until the time is over.

    Parameters
    ----------
    folder : pathlib.Path
        For scratch files.
    seconds : float
        Three quarters are for the kills at replacements, the rest for those at random times.
    seed : int
        Of the random times.
    sample : bool
        Whether to kill once each of a few fast commands alone.

    Returns
    -------
    dict
        Counts, and ``failures``, a list of sentences.
    """
    start, rng = time.monotonic(), np.random.default_rng(seed)
    counts = {"replacements": {}, "killed before": 0, "killed after": 0, "killed at random": 0}
    failures, places, complete = [], [], True

    def attempt(place, kill):
        place.renew()
        ending = run(place.scenario.command, place.work, kill)
        faults = ending.faults + place.check_whole() + place.check_rerun()
        failures.extend(f"{place.scenario.name}, {kill}: {fault}" for fault in faults)

    for scenario in SCENARIOS:
        if sample and scenario.name not in SAMPLE:
            continue
        place = Place(scenario, folder)
        places.append(place)
        failures.extend(f"{scenario.name}, undisturbed: {fault}" for fault in place.faults)
        count = place.undisturbed.replacements
        counts["replacements"][scenario.name] = count
        kills = list(itertools.product(range(1, count + 1), (True, False)))
        if sample and kills:
            kills = [kills[rng.integers(len(kills))]]
        for number, before in kills:
            if time.monotonic() - start > 0.75 * seconds:
                complete = False
                break
            attempt(place, Kill(number, before))
            counts["killed before" if before else "killed after"] += 1
    for place in itertools.cycle(places):
        if sample or time.monotonic() - start > seconds:
            break
        moment = float(rng.uniform(0, place.undisturbed.seconds))
        attempt(place, Kill(seconds=moment))
        counts["killed at random"] += 1
    return {**counts, "all replacements": complete and not sample, "failures": failures}
