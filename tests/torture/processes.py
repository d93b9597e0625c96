"""Run a command in a process of its own, and kill it, limit it, or look at how it ends.

The process is a fork, so that nothing has to be imported again. TensorFlow survives this as long as
the parent has only imported it, so the parent must never use it.
"""

import atexit
import multiprocessing
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sedlib.errors import SedlibError

PATIENCE = 120.0  # s until a command counts as one that never ends
_FAREWELL = 15.0  # s within which workers and kernels must end when their parent is killed


@dataclass(frozen=True)
class Kill:
    """When a command is killed with SIGKILL.

    Attributes
    ----------
    replacement : int or None
        Which replacement of a file, from 1.
    before : bool
        Whether the process that is about to replace the file is killed, or, after the
        replacement, the process of the command, which may be the parent of the other.
    seconds : float or None
        Instead of at a replacement, this long after the start.
    """

    replacement: int | None = None
    before: bool = True
    seconds: float | None = None


@dataclass
class Ending:
    """How a command ended.

    Attributes
    ----------
    code : int
        Exit code; negative for a signal.
    out, err : str
        What it printed.
    seconds : float
    replacements : int
        Number of files replaced or moved.
    survivors : bool
        Whether processes that it started were still there when it had long ended.
    """

    code: int
    out: str
    err: str
    seconds: float
    replacements: int
    survivors: bool
    faults: list = field(init=False)

    def __post_init__(self):
        self.faults = []
        if self.survivors:
            self.faults.append("processes that it started outlived it")
        if self.code == -signal.SIGALRM:
            self.faults.append(f"it did not end within {PATIENCE:.0f} s")
        if "Traceback (most recent call last)" in self.err:
            self.faults.append(f"a traceback: {self.err.strip()[-600:]}")


def run(command, folder, kill=None, file_limit=None, patience=PATIENCE):
    """Run a command in a forked process.

    Parameters
    ----------
    command : callable
        Without arguments. SystemExit is its exit code, as of a command line.
    folder : pathlib.Path
        Its working directory.
    kill : Kill, optional
    file_limit : int, optional
        Largest size of a file in bytes, as on a full disk.
    patience : float
        In seconds.

    Returns
    -------
    Ending
    """
    number, counter = tempfile.mkstemp(prefix="torture_")  # not on the disk that may be full
    os.close(number)
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    start = time.monotonic()
    process = os.fork()
    if not process:
        _become(command, folder, counter, kill, file_limit, (out, out_end, err, err_end))
    os.close(out_end)
    os.close(err_end)
    printed, open_ends = {out: b"", err: b""}, [out, err]
    status, ended, survivors = None, None, False
    # Every process that the command has started holds the ends of these pipes.
    while status is None or open_ends:
        passed = time.monotonic() - start
        if status is None:
            done, state = os.waitpid(process, os.WNOHANG)
            if done:
                status, ended = state, passed
            elif kill and kill.seconds is not None and passed >= kill.seconds:
                os.kill(process, signal.SIGKILL)
            elif passed > patience:
                os.kill(process, signal.SIGALRM)
        elif passed - ended > _FAREWELL:
            survivors = True
            break
        for end in select.select(open_ends, [], [], 0.005)[0]:
            piece = os.read(end, 2**16)
            printed[end] += piece
            if not piece:
                open_ends.remove(end)
        if not open_ends:
            time.sleep(0.005)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # what is left of its processes
    os.close(out)
    os.close(err)
    texts = [value.decode("utf-8", "backslashreplace") for value in printed.values()]
    replacements = os.path.getsize(counter)
    os.unlink(counter)
    return Ending(os.waitstatus_to_exitcode(status), *texts, ended, replacements, survivors)


def _become(command, folder, counter, kill, file_limit, pipes):
    """Turn this forked process into the command; it never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        atexit._clear()  # what the parent has to do at its own end
        os.dup2(pipes[1], 1)
        os.dup2(pipes[3], 2)
        for pipe in pipes:
            os.close(pipe)
        sys.stdout = open(1, "w", errors="backslashreplace", closefd=False)
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)
        os.chdir(folder)
        _count_replacements(counter, kill)
        fork = multiprocessing.get_context("fork")  # so that replacements of workers count as well
        multiprocessing.get_context = lambda method=None: fork
        if file_limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
        command()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except (SedlibError, OSError) as error:  # of a step without a command of its own
        print(f"sedlib: {error}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # stops the kernel of a notebook, for example
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _count_replacements(counter, kill):
    """Count each replacement in a file, across processes, and kill at the one that is asked for."""
    command = os.getpid()

    def counting(move):
        def counted(*args, **kwargs):
            with open(counter, "ab", buffering=0) as file:
                file.write(b".")
                here = kill and file.tell() == kill.replacement
            if here and kill.before:
                os.kill(os.getpid(), signal.SIGKILL)
            result = move(*args, **kwargs)
            if here:
                os.kill(command, signal.SIGKILL)
            return result

        return counted

    os.replace, os.rename = counting(os.replace), counting(os.rename)


def tree(folder):
    """Read all files below a folder.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    dict of str to bytes or None
        Relative path to content; None for a folder.
    """
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
    }


def differences(found, expected):
    """Say where two trees differ.

    Parameters
    ----------
    found, expected : dict
        As `tree` returns them.

    Returns
    -------
    list of str
    """
    return (
        [f"{name} is missing" for name in expected.keys() - found.keys()]
        + [f"{name} is left over" for name in found.keys() - expected.keys()]
        + [
            f"{name} differs"
            for name in found.keys() & expected.keys()
            if found[name] != expected[name]
        ]
    )
