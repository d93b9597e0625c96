"""The command ``sedlib``, also as ``python -m sedlib``, and how it ends when something fails."""

import os
import sys


def main(arguments=None):
    """Run a command; an error that the user can correct ends in one sentence.

    The exit code is then 1, of ``check`` 2. It is 130 after Ctrl-C, also while modules are
    imported, and 141 if what reads the output has ended, as with ``| head``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the command line.
    """
    try:
        from sedlib import cli  # takes seconds

        _run(cli, arguments)
    except KeyboardInterrupt:
        print("sedlib: interrupted; run the same command to continue", file=sys.stderr)
        sys.exit(130)  # 128 + SIGINT, as in shells


def _run(cli, arguments):
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that the terminal cannot show
    error_code = 1
    try:
        try:
            arguments = cli.build_parser().parse_args(arguments)
            error_code = 2 if arguments.run is cli.check_command else 1
            arguments.run(arguments)
        finally:
            if sys.stdout:
                sys.stdout.flush()  # here, where a full disk is still reported
    except BrokenPipeError:
        _discard_output()
        sys.exit(141)  # 128 + SIGPIPE, as in shells
    except (cli.SedlibError, OSError, MemoryError) as error:
        message = _describe(error)
        if isinstance(error, OSError) and error.filename is None:
            _discard_output()
        if error_code == 1:
            sys.exit(f"sedlib: {message}")  # Python prints it
        print(f"sedlib: {message}", file=sys.stderr)
        sys.exit(error_code)


def _describe(error):
    """Describe an error in a sentence with its file."""
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or give smaller files"
    if isinstance(error, OSError):
        place = error.filename or "the output of this command"
        return f"{place}: {error.strerror or error}; correct this and run the same command again"
    return str(error)


def _discard_output():
    """Send what is still to be printed nowhere, or Python fails again when it ends."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
