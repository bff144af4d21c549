"""What arrived: connections, requests, phases, and waiting for them.

A phase is a moment in the life of a connection or request:

    accepted    a TCP connection was accepted
    handshake   its TLS handshake was finished
    headers     a request's head was read
    body        the request was read to its end (it has arrived)
    fault       a fault took hold of it (a black hole holds it now, say)
    answered    its answer was handed to the network
    left        the client closed the connection first
    closed      the connection is gone
    dns         the silent name server was asked (option --silent-dns)
"""

import asyncio
import base64
import time
from collections import Counter, deque

PHASES = ("accepted", "handshake", "headers", "body", "fault", "answered",
          "left", "closed", "dns")


class Journal:
    def __init__(self, world):
        self.world = world
        self.requests = deque()
        self.connections = deque(maxlen=20000)
        self.open = {}              # number -> Connection
        self.counts = Counter()     # (phase, port, provider, fault) -> n
        self._last_request = 0
        self._last_connection = 0
        self._waiters = []          # (predicate, future)

    # ---- writing

    def number_connection(self):
        self._last_connection += 1
        return self._last_connection

    def number_request(self):
        self._last_request += 1
        return self._last_request

    def note(self, phase, port, provider=None, fault=None):
        self.counts[(phase, port, provider, fault)] += 1
        if self._waiters:
            self.look_again()

    def add_request(self, request):
        self.requests.append(request)
        while len(self.requests) > self.world.settings["keep_requests"]:
            self.requests.popleft()

    def add_connection(self, connection):
        self.connections.append(connection)
        self.open[connection.number] = connection

    def clear(self):
        """Forget everything but the connections that are still open."""
        self.requests.clear()
        self.connections.clear()
        self.connections.extend(self.open.values())
        self.counts.clear()
        self._last_request = 0

    # ---- asking

    def count(self, phase, port=None, provider=None, fault=None):
        return sum(
            n for (its_phase, its_port, its_provider, its_fault), n
            in self.counts.items()
            if its_phase == phase and port in (None, its_port)
            and provider in (None, its_provider)
            and fault in (None, its_fault))

    def look_again(self):
        for waiter in self._waiters[:]:
            predicate, future = waiter
            if not future.done() and predicate():
                future.set_result(True)

    async def wait(self, predicate, seconds):
        """True when the predicate came true within the time."""
        if predicate():
            return True
        waiter = (predicate, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            return await asyncio.wait_for(waiter[1], seconds)
        except asyncio.TimeoutError:
            return predicate()
        finally:
            self._waiters.remove(waiter)


class Request:
    """One request as it arrived, and what became of it."""

    def __init__(self, number, connection, method, target, headers):
        self.number = number
        self.connection = connection
        self.nth = connection.requests + 1      # on its connection
        self.method = method
        self.target = target
        self.path, _, self.raw_query = target.partition("?")
        self.headers = headers                  # [(name, value)]
        self.header = {name.lower(): value for name, value in headers}
        self.body = b""
        self.arrived = connection.first_byte    # a span, see arrival.py
        self.arrived_at = time.time()
        self.provider = None
        self.endpoint = None
        self.rest = None                        # the path below the prefix
        self.account = None                     # name, once it is known
        self.ids = []                           # exact strings
        self.market = None
        self.signature = None                   # None unchecked, True, False
        self.note = None                        # why it was refused
        self.faults = []
        self.processed = False
        self.fresh = True               # its nonce was above all before it
        self.status = None                      # of the answer, if any
        self.answered_at = None
        self.left_at = None                     # client gave up waiting

    def as_json(self):
        shown = {
            "number": self.number, "provider": self.provider,
            "operation": self.endpoint.name if self.endpoint else None,
            "method": self.method, "path": self.path,
            "query": self.raw_query, "headers": self.header,
            "headers_raw": self.headers,
            "body": self.body.decode("utf-8", "replace"),
            "market": self.market, "ids": self.ids, "account": self.account,
            "signature_ok": self.signature, "note": self.note,
            "port": self.connection.port, "connection": self.connection.number,
            "nth_on_connection": self.nth, "arrived_at": self.arrived_at,
            "arrived_monotonic": self.arrived[1],
            "faults": self.faults, "processed": self.processed,
            "status": self.status, "answered_at": self.answered_at,
            "left_at": self.left_at,
        }
        try:
            self.body.decode("utf-8")
        except UnicodeDecodeError:
            shown["body_base64"] = base64.b64encode(self.body).decode()
        return shown
