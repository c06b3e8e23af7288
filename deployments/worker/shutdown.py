"""How the warm worker is told to stop: SIGTERM drains it, a second one ends it at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading


def drain_on_sigterm() -> None:
    """Have SIGTERM cancel the current task, whose end is the worker's teardown; the next SIGTERM kills.

    `prefect worker start` passes SIGTERM on as SIGINT, which a process that a script has put into the background
    (`nohup ... &`) ignores: such a worker would never stop. Does nothing outside the main thread, or on
    Windows, which has no SIGTERM to speak of.
    """
    task = asyncio.current_task()
    if sys.platform == "win32" or task is None or threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()

    def drain() -> None:
        loop.add_signal_handler(signal.SIGTERM, os.kill, os.getpid(), signal.SIGKILL)
        task.cancel()

    loop.add_signal_handler(signal.SIGTERM, drain)
