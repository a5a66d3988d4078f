"""Run a command on a terminal of its own and pass on what it writes there: `python terminal.py COMMAND...`.

What a server prints may depend on whether somebody is looking. Standard library only; signals go through.
"""

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress


def main() -> int:
    """Run the command to its end and return its exit status."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, _frame: child.send_signal(received))
        with suppress(OSError):  # how a terminal says that nobody is left to write to it
            while True:
                sys.stdout.buffer.write(os.read(ours, 65_536))
                sys.stdout.buffer.flush()
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
