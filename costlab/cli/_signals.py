"""Ctrl-C always works: the first one stops in an orderly way, the second one at once.

DuckDB does not look for signals while one of its threads is deep in a query; what is on disk survives any kill.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

CODE_STOPPED = 130
_PATIENCE = 2.0


def stop_at_once_on_second_interrupt() -> None:
    """Watch for SIGINT beside the main thread, which may be busy. Call it once, from the main thread."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()


def _watch(reading: int) -> None:
    interrupts = 0
    while numbers := os.read(reading, 64):
        for number in numbers:
            interrupts += number == signal.SIGINT
        if interrupts > 1:
            sys.stderr.write("\nStopped at once; what was published before is unchanged.\n")
            sys.stderr.flush()
            os._exit(CODE_STOPPED)
        if interrupts == 1:
            timer = threading.Timer(_PATIENCE, _offer)
            timer.daemon = True
            timer.start()


def _offer() -> None:
    sys.stderr.write("\nStopping ... press Ctrl-C again to stop at once.\n")
    sys.stderr.flush()
