"""When did a request arrive?

A process learns of bytes only when it looks, and while it is busy with one
request others wait in the kernel.  Blaming a caller for our own delay would be
unjust, so an arrival is a span: not before we last looked, not after we saw
it.  Only what must have been too fast, wherever in their spans the requests
arrived, is called a violation.
"""

import selectors
import socket
import struct
import time

# struct tcp_info: eight bytes, then numbers; the twelfth is how many
# milliseconds ago data came in last
LAST_DATA = struct.Struct("=8x44xI")
TICK = 0.004                    # the kernel counts these in steps this large


class Clock(selectors.DefaultSelector):
    """The event loop's selector, which remembers when it looked."""

    def __init__(self):
        super().__init__()
        self.earliest = self.latest = time.monotonic()

    def select(self, timeout=None):
        begun = time.monotonic()
        events = super().select(timeout)
        now = time.monotonic()
        # after a real wait the events are new; else they may be as old as
        # our last look
        self.earliest = now if now - begun > 0.0002 else self.latest
        self.latest = now
        return events

    def span(self, sock=None):
        """(earliest, latest) arrival of what has just been read from a
        socket.  Its kernel knows whether we were woken late."""
        earliest = self.earliest
        if sock is not None:
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO,
                                   LAST_DATA.size)
            if len(info) == LAST_DATA.size:
                ago = LAST_DATA.unpack(info)[0] / 1000
                if ago > 0:
                    earliest = min(earliest, time.monotonic() - ago - TICK)
        return earliest, self.latest
