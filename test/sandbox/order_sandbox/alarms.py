"""What happens by itself later: the timers that a provider promises.

An alarm has a name; setting it again moves it, as a heartbeat does.
"""

import asyncio
import traceback


class Alarms:
    def __init__(self):
        self.pending = {}               # name -> TimerHandle
        self.after = lambda: None       # called when one has rung

    def set(self, name, seconds, act):
        """Call act in so many seconds, instead of an alarm of this name."""
        self.drop(name)
        self.pending[name] = asyncio.get_running_loop().call_later(
            max(0, seconds), self._ring, name, act)

    def drop(self, name):
        """Answers whether there was one."""
        handle = self.pending.pop(name, None)
        if handle is not None:
            handle.cancel()
        return handle is not None

    def left(self, name):
        """Seconds until it rings, or None."""
        handle = self.pending.get(name)
        if handle is None:
            return None
        return max(0.0, handle.when() - asyncio.get_running_loop().time())

    def clear(self):
        for name in list(self.pending):
            self.drop(name)

    def _ring(self, name, act):
        del self.pending[name]
        try:
            act()
        except Exception:               # a mistake in the sandbox itself
            traceback.print_exc()
        self.after()
