"""Run every command that writes where there is no room, and where nothing may be written.

The command must end with its documented exit code and a sentence, leave every file as it was or
whole, leave no temporary file, and complete its work when there is room again.
"""

import shutil
import subprocess
import time
from contextlib import contextmanager

from kills import Place
from processes import run, tree
from scenarios import SAMPLE, SCENARIOS

LIMITS = (0, 100, 1000, 10_000)  # bytes, largest size of a file
FREE = (0, 4, 16, 64)  # KiB that are free on the disk
_ROOM = "64m"


@contextmanager
def _tmpfs(folder):
    """Mount a small disk in memory, which needs the rights of the administrator."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", folder)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], capture_output=True, check=False)


def _mount(*arguments):
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"mount {arguments}: {done.stderr.strip()}")


def _check(place, folder, ending):
    """List what is wrong with how a command ended that could not write all it wanted."""
    found, scenario = tree(folder), place.scenario
    faults = ending.faults + place.check_whole(folder)
    faults += [f"{name} is left over" for name in found if ".partial" in name]
    if ending.code == place.undisturbed.code and not ending.err.startswith("sedlib: "):
        return faults  # there was room enough
    if ending.code != scenario.failing:
        faults.append(f"exit code {ending.code}: {ending.err.strip()[-300:]}")
    for line in ending.err.splitlines():
        if not line.startswith(("sedlib: ", "[IPKernelApp]")):  # kernels speak for themselves
            faults.append(f"not a sentence of ours: {line[:200]}")
    return faults


def torture(folder, seconds, seed, sample=False):
    """Limit the size of files, then fill a small disk, then make it read-only.

    Parameters
    ----------
    folder : pathlib.Path
        For scratch files.
    seconds : float
        After this time nothing further is tried.
    seed : int
        Not used: the inputs are the same in every run.
    sample : bool
        Whether to try one limit of a few fast commands alone.

    Returns
    -------
    dict
        Counts, and ``failures``, a list of sentences. A count is "not possible here" where the
        machine does not allow it.
    """
    start = time.monotonic()
    counts, failures = {"file size limited": 0, "disk full": 0, "disk read-only": 0}, []
    commands = []
    try:
        with _tmpfs(folder / "trial"):
            pass
        possible = True
    except OSError:
        possible = False
        counts |= dict.fromkeys(("disk full", "disk read-only"), "not possible here")

    def attempt(place, target, kind, command_faults):
        counts[kind] += 1
        faults = command_faults + place.check_rerun(target)
        failures.extend(f"{place.scenario.name}, {kind}: {fault}" for fault in faults)

    for scenario in SCENARIOS:
        if (sample and scenario.name not in SAMPLE) or time.monotonic() - start > seconds:
            continue
        commands.append(scenario.name)
        place = Place(scenario, folder)
        failures.extend(f"{scenario.name}, undisturbed: {fault}" for fault in place.faults)
        for limit in LIMITS[1:2] if sample else LIMITS:
            if time.monotonic() - start > seconds:
                break
            place.renew()
            ending = run(scenario.command, place.work, file_limit=limit)
            attempt(place, place.work, "file size limited", _check(place, place.work, ending))
        for free in (FREE[1:2] if sample else (*FREE, None)) if possible else ():
            if time.monotonic() - start > seconds:
                break
            with _tmpfs(folder / f"{place.work.name} disk") as disk:
                target = disk / "work"
                place.renew(target)
                if free is None:
                    _mount("-o", "remount,ro", disk)
                else:
                    used = shutil.disk_usage(disk).used // 1024
                    _mount("-o", f"remount,size={max(used + free, 1)}k", disk)
                before = tree(target)
                ending = run(scenario.command, target)
                faults = _check(place, target, ending)
                if free is None and tree(target) != before:
                    faults.append("files of a read-only disk changed")
                _mount("-o", f"remount,rw,size={_ROOM}", disk)
                attempt(place, target, "disk read-only" if free is None else "disk full", faults)
    return {**counts, "commands": commands, "failures": failures}
