"""One WebSocket connection: what it asked for, and what it is sent.

Whatever is to be sent goes through tell(), where a fault of stage "stream" may
take hold of it (fault_stream.py).  Frames are collected and handed to the
network together at the end of the event loop's turn.
"""

import asyncio
import json
import ssl
import time
import traceback

from . import websocket
from .btse_stream_wire import Message
from .websocket import (BAD_DATA, CLOSE, CONTINUED, PING, PONG,
                        PROTOCOL_ERROR, TEXT, Violation, close_payload, frame)

GONE = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, OSError)
MOST_MESSAGE = 64 * 1024        # that a client may send
GOODBYE_SECONDS = 2             # that it has to answer our close


class Peer:
    def __init__(self, hub, connection, request, url):
        self.hub = hub
        self.connection = connection
        self.request = request
        self.url = url                  # book or other
        self.loop = asyncio.get_running_loop()
        self.account = None             # after login
        self.topics = {}                # topic -> messages sent
        self.silent = set()             # topics that never say anything
        self.failures = 0
        self.received = self.sent = self.pings = 0
        self.last_received_at = self.last_sent_at = None
        self.texts = []                 # the last that arrived
        self.closed_at = self.close_code = self.why = None
        self.out = []                   # frames to be sent
        self.scheduled = False
        self.busy = False               # a fault sends something slowly
        self.reading = True
        self.kept_back = None           # a message that a fault reorders
        self.partly = None              # (opcode, parts) of a fragmented one

    def as_json(self):
        return {"connection": self.connection.number, "url": self.url,
                "path": self.request.path, "port": self.connection.port,
                "account": self.account and self.account.name,
                "topics": self.topics, "received": self.received,
                "sent": self.sent, "pings": self.pings,
                "texts": self.texts,
                "opened_at": self.request.arrived_at,
                "last_received_at": self.last_received_at,
                "last_sent_at": self.last_sent_at,
                "waiting_bytes": self.waiting(),
                "open": self.closed_at is None, "closed_at": self.closed_at,
                "close_code": self.close_code, "why": self.why}

    def opened(self):
        """The upgrade is done."""
        if self.hub.faults.streaming:
            armed = self.hub.faults.meet("open", self, "")
            if armed is not None:
                self.suffer(armed, None)

    # ---- sending

    @property
    def gone(self):
        return self.closed_at is not None

    def tell(self, message):
        """Send a message, or what a fault makes of it."""
        if self.gone:
            return
        if self.hub.faults.streaming:
            armed = self.hub.faults.meet(message.moment, self, message.topic)
            if armed is not None:
                self.suffer(armed, message)
                return
        self.put(message)

    def suffer(self, armed, message):
        try:
            armed.kind.hooks(self, message, armed.args)
        except Exception:                   # a mistake in the sandbox itself
            traceback.print_exc()

    def put(self, message):
        """Send it as it is."""
        self.count(message)
        self.send(frame(TEXT, message.text))
        if self.kept_back is not None and message.moment == "data":
            held, self.kept_back = self.kept_back, None
            self.put(held)

    def count(self, message):
        self.sent += 1
        self.hub.counts["sent"] += 1
        self.last_sent_at = time.time()
        if message.moment == "data" and message.topic in self.topics:
            self.topics[message.topic] += 1
            for row in message.rows:
                row.told += 1

    def send(self, data):
        """Bytes, at the end of this turn of the event loop."""
        self.out.append(data)
        if not self.scheduled and not self.busy:
            self.scheduled = True
            self.loop.call_soon(self.flush)

    def flush(self):
        self.scheduled = False
        if self.busy or not self.out:
            return
        data, self.out = b"".join(self.out), []
        if self.connection.closing:
            return
        if self.waiting() > self.hub.settings["stream_buffer"]:
            self.overflow()
            return
        self.connection.writer.write(data)

    def waiting(self):
        """Bytes that the network did not take yet."""
        writer = self.connection.writer
        return 0 if writer is None or self.gone else \
            writer.transport.get_write_buffer_size()

    def overflow(self):
        """It does not read: error 1007, and the end, as far as it gets."""
        self.end(None, "it does not read")
        self.connection.server.start(self.connection.close(goodbye=False))

    def slowly(self, work):
        """Let a coroutine write by itself; all else waits meanwhile."""
        self.flush()
        self.busy = True

        async def run():
            try:
                await work
            except GONE:
                pass
            finally:
                self.busy = False
                self.flush()
        self.connection.server.start(run())

    def close(self, code, reason=""):
        """Say goodbye; the connection ends when it was answered."""
        if self.gone:
            return
        self.send(frame(CLOSE, close_payload(code, reason) if code
                        else b""))
        self.flush()
        self.end(code, reason or "closed by the sandbox")
        self.connection.close_later(GOODBYE_SECONDS)

    def cut(self, reset=False, goodbye=False):
        """The connection dies, without a close frame."""
        if self.gone:
            return
        self.flush()
        self.end(None, "cut by the sandbox")
        self.connection.server.start(
            self.connection.reset() if reset
            else self.connection.close(goodbye))

    def end(self, code, why):
        """No more is sent."""
        if self.gone:
            return
        self.closed_at = time.time()
        self.close_code, self.why = code, why
        self.hub.forget(self)

    # ---- receiving

    async def live(self):
        """Until it is closed."""
        try:
            while True:
                await self.hear()
        except Violation as violation:
            self.close(violation.code, str(violation))
        except asyncio.TimeoutError:
            self.end(None, "silent for too long")
            await self.connection.close()
            return
        except GONE:
            self.end(None, "the client left")
            return
        await self.linger()

    async def linger(self):
        """Read on until the client has closed, too."""
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                while await self.connection.reader.read(65536):
                    pass
        except (asyncio.TimeoutError, *GONE):
            pass

    async def hear(self):
        while not self.reading:
            await asyncio.sleep(0.05)
            if self.connection.left.is_set():
                raise ConnectionResetError
        idle = self.hub.settings["stream_idle_seconds"]
        async with asyncio.timeout(idle or None):
            final, opcode, payload = await websocket.read_frame(
                self.connection.reader, MOST_MESSAGE)
        self.last_received_at = time.time()
        if opcode >= CLOSE:
            self.control(opcode, payload)
        else:
            self.data(final, opcode, payload)

    def control(self, opcode, payload):
        if opcode == PING:
            self.send(frame(PONG, payload))
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else None
            if not self.gone:
                self.send(frame(CLOSE, payload[:2]))
                self.flush()
                self.end(code, "closed by the client")
            raise ConnectionResetError
        elif opcode != PONG:
            raise Violation(PROTOCOL_ERROR, "an unknown opcode")

    def data(self, final, opcode, payload):
        if opcode == CONTINUED:
            if self.partly is None:
                raise Violation(PROTOCOL_ERROR, "nothing to continue")
            self.partly[1].append(payload)
        elif self.partly is not None:
            raise Violation(PROTOCOL_ERROR, "a message inside another")
        elif opcode != TEXT:
            raise Violation(1003, "only text, please")
        else:
            self.partly = (opcode, [payload])
        if not final:
            return
        whole, self.partly = b"".join(self.partly[1]), None
        try:
            text = whole.decode("utf-8")
        except UnicodeDecodeError:
            raise Violation(BAD_DATA, "not UTF-8") from None
        self.received += 1
        self.heard(text)

    def heard(self, text):
        """One message of the client."""
        if text == "ping":
            self.pings += 1
            self.tell(Message("pong", "pong", "pong"))
            return
        self.texts.append(text)
        del self.texts[:-100]
        try:
            asked = json.loads(text)
        except (ValueError, RecursionError):
            asked = None
        self.hub.asked(self, asked, text)
