"""Sockets, TLS, HTTP/1.1 and connections.

A small HTTP server of our own, because a sandbox has to send what no proper
server would.  TCP is accepted first and TLS begins after that, so that every
phase can be seen and counted.
"""

import asyncio
import logging
import socket
import ssl
import struct
import time
import traceback
from email.utils import formatdate
from http import HTTPStatus

from .exchange import answered
from .journal import Request

MAX_HEAD = 256 * 1024
MAX_BODY = 64 * 1024 * 1024
GONE = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, OSError)


class Stream(asyncio.StreamReaderProtocol):
    """Stamps the arrival of first bytes, and notices a client that left."""

    def __init__(self, reader, connection):
        super().__init__(reader)
        self.owner = connection

    def data_received(self, data):
        if self.owner.first_byte is None:
            self.owner.first_byte = self.owner.server.clock.span(
                self.owner.sock)
        super().data_received(data)

    def eof_received(self):
        self.owner.client_left()
        return super().eof_received()

    def connection_lost(self, error):
        self.owner.client_left()
        super().connection_lost(error)


class BadRequest(Exception):
    """The client does not speak HTTP as we know it."""


class Connection:
    """One accepted connection, and all that a fault can do to it."""

    def __init__(self, server, listener, number):
        self.server = server
        self.journal = server.sandbox.journal
        self.port = listener.kind
        self.number = number
        self.opened_at = time.time()
        self.closed_at = None
        self.closed_by = None           # client, server
        self.handshake = None           # None, ok, or why it failed
        self.tls = None
        self.alpn = None
        self.requests = 0
        self.first_byte = None          # when that of the request came
        self.request = None             # the one being answered
        self.armed = None               # the wire fault it met
        self.left = asyncio.Event()
        self.reader = None
        self.writer = None
        self.sock = None
        self.raw = None                 # the transport below TLS
        self.closing = False

    def as_json(self):
        return {"number": self.number, "port": self.port,
                "opened_at": self.opened_at, "closed_at": self.closed_at,
                "closed_by": self.closed_by, "handshake": self.handshake,
                "tls": self.tls, "alpn": self.alpn,
                "requests": self.requests, "open": self.closed_at is None}

    def client_left(self):
        if self.left.is_set():
            return
        self.left.set()
        if self.closed_by is None:
            self.closed_by = "client"
            request = self.request
            if request is not None and request.answered_at is None:
                request.left_at = time.time()
            self.journal.note("left", self.port,
                              request.provider if request else None)

    # ---- what a fault can do

    def head(self, answer, chunked=False):
        """The head of an answer as bytes.  A header whose value is a list
        stands there once for each, so an empty one leaves it out."""
        try:
            words = HTTPStatus(answer.status).phrase
        except ValueError:
            words = "Unknown"
        now = self.server.sandbox.world.now()
        headers = {"Date": formatdate(now, usegmt=True),
                   "Content-Type": "application/json;charset=UTF-8"}
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(len(answer.encoded()))
        headers.update(answer.headers)
        if not self.keep():
            headers["Connection"] = "close"
        if self.request is not None:
            answered(self.request, answer.status)
        lines = [(name, each) for name, value in headers.items()
                 for each in (value if isinstance(value, list) else [value])]
        return ("HTTP/1.1 %d %s\r\n" % (answer.status, words) + "".join(
            "%s: %s\r\n" % line for line in lines)
            + "\r\n").encode("latin-1")

    def keep(self):
        """Does the client want the connection to stay open?"""
        request = self.request
        return request is None or (
            request.header.get("connection", "").lower() != "close")

    async def answer(self, answer):
        """A proper answer; returns whether the connection stays open."""
        await self.send(self.head(answer) + answer.encoded())
        return self.keep()

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def pause(self, seconds):
        """Wait; False as soon as the client has left."""
        if seconds > 0 and not self.left.is_set():
            try:
                await asyncio.wait_for(self.left.wait(), seconds)
            except asyncio.TimeoutError:
                pass
        return not self.left.is_set()

    async def hold(self):
        """Wait until the client leaves or the fault is disarmed."""
        while not self.left.is_set() and not (
                self.armed is not None and self.armed.disarmed):
            await self.pause(0.1)

    async def close(self, goodbye=True):
        """Close; without goodbye, as when the server process dies."""
        self.closed_by = self.closed_by or "server"
        if self.writer is None or self.closing:
            return
        self.closing = True
        if goodbye:
            self.writer.close()
            return
        try:
            self.raw.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.raw.abort()

    async def reset(self):
        """Close with a TCP reset."""
        self.closed_by = self.closed_by or "server"
        if self.closing:
            return
        self.closing = True
        try:
            self.raw.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self.raw.abort()

    def close_later(self, seconds, reset=False, goodbye=True):
        async def later():
            await asyncio.sleep(seconds)
            await (self.reset() if reset else self.close(goodbye))
        self.server.start(later())

    # ---- its life

    async def live(self, sock, context):
        self.sock = sock
        self.reader = asyncio.StreamReader(limit=MAX_HEAD)
        loop = asyncio.get_running_loop()
        options = {} if context is None else {
            "ssl": context, "ssl_handshake_timeout": 60,
            "ssl_shutdown_timeout": 1}
        protocol = Stream(self.reader, self)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, sock, **options)
        except GONE as error:
            self.handshake = getattr(error, "reason", None) or str(error)
            return
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader,
                                           loop)
        tls = transport.get_extra_info("ssl_object")
        # asyncio's TLS transport cannot be aborted at every moment
        self.raw = (transport if tls is None
                    else transport._ssl_protocol._transport)
        if tls is not None:
            self.handshake = "ok"
            self.tls = tls.version()
            self.alpn = tls.selected_alpn_protocol()
            self.journal.note("handshake", self.port)
        try:
            await self.converse()
        except BadRequest as error:
            self.writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close"
                              b"\r\nContent-Length: 0\r\n\r\n")
            logging.warning("connection %d: %s", self.number, error)
        except GONE:
            pass
        finally:
            await self.close()
            try:
                await asyncio.wait_for(self.writer.wait_closed(), 2)
            except (asyncio.TimeoutError, *GONE):
                self.raw.abort()

    async def converse(self):
        while True:
            request = await self.read_request()
            if request is None:
                return
            self.requests += 1
            self.request = request
            keep = await self.server.sandbox.handle(self, request)
            if request.answered_at is not None:
                self.journal.note("answered", self.port, request.provider)
            if not keep:
                return
            self.request = self.armed = None

    async def read_request(self):
        self.first_byte = (self.server.clock.span() if self.reader._buffer
                           else None)
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError:
            raise BadRequest("the head is too long") from None
        lines = head[:-4].decode("latin-1").split("\r\n")
        try:
            method, target, version = lines[0].split(" ")
            headers = [(name.strip(), value.strip()) for name, colon, value
                       in (line.partition(":") for line in lines[1:])]
        except ValueError:
            raise BadRequest("request line %r" % lines[0]) from None
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise BadRequest("version %r" % version)
        request = Request(self.journal.number_request(), self, method, target,
                          headers)
        if version == "HTTP/1.0":
            request.header.setdefault("connection", "close")
        self.request = request
        self.journal.note("headers", self.port)
        if request.header.get("expect", "").lower() == "100-continue":
            await self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = await self.read_body(request)
        return request

    async def read_body(self, request):
        if "chunked" in request.header.get("transfer-encoding", "").lower():
            parts = []
            while True:
                line = await self.reader.readuntil(b"\r\n")
                size = int(line.partition(b";")[0], 16)
                part = await self.reader.readexactly(size + 2)
                if size == 0:
                    return b"".join(parts)
                parts.append(part[:-2])
        try:
            length = int(request.header.get("content-length", "0"))
        except ValueError:
            raise BadRequest("Content-Length") from None
        if not 0 <= length <= MAX_BODY:
            raise BadRequest("Content-Length %d" % length)
        return await self.reader.readexactly(length)


class Listener:
    """One port. How it treats a connection: context None is plain HTTP."""

    def __init__(self, kind, port=0, context=None, mute=False):
        self.kind = kind
        self.context = context
        self.mute = mute            # accept, then never say a word
        # asyncio sets TCP_NODELAY where it sees that it is TCP
        self.socket = socket.socket(proto=socket.IPPROTO_TCP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(512)
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]


class Refused:
    """A port that is ours, so that nobody else answers there, but where
    nobody listens: the connection is refused."""

    kind = "refused"

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]


class Stuck:
    """A port whose TCP connect never completes: its accept queue is full."""

    kind = "stuck"

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.fillers = []

    async def fill(self):
        """Fill the queue; False where the system lets everybody in."""
        loop = asyncio.get_running_loop()
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            self.fillers.append(filler)
            try:
                await asyncio.wait_for(loop.sock_connect(
                    filler, ("127.0.0.1", self.port)), 0.15)
            except asyncio.TimeoutError:
                filler.close()
                self.fillers.pop()
                return True
        return False


class Server:
    """All ports of the four providers."""

    def __init__(self, sandbox, clock):
        self.sandbox = sandbox
        self.clock = clock
        self.listeners = {}
        self.tasks = set()

    def listen(self, kind, port=0, context=None, mute=False):
        listener = Listener(kind, port, context, mute)
        self.listeners[kind] = listener
        self.start(self.accept(listener))
        return listener.port

    async def do_not_listen(self):
        """The ports without a server behind them."""
        self.listeners[Refused.kind] = Refused()
        stuck = Stuck()
        if await stuck.fill():
            self.listeners[stuck.kind] = stuck

    def ports(self):
        return {kind: listener.port
                for kind, listener in self.listeners.items()}

    def start(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def accept(self, listener):
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener.socket)
            except OSError:                 # out of descriptors, most likely
                await asyncio.sleep(0.05)
                continue
            self.start(self.serve(listener, sock))

    async def serve(self, listener, sock):
        journal = self.sandbox.journal
        connection = Connection(self, listener, journal.number_connection())
        journal.add_connection(connection)
        journal.note("accepted", listener.kind)
        try:
            if listener.mute:
                await self.ignore(connection, sock)
            else:
                await connection.live(sock, listener.context)
        except Exception:                   # a mistake in the sandbox itself
            traceback.print_exc()
        finally:
            sock.close()
            connection.closed_at = time.time()
            connection.closed_by = connection.closed_by or "client"
            journal.open.pop(connection.number, None)
            journal.note("closed", listener.kind)

    async def ignore(self, connection, sock):
        """Read what comes and say nothing."""
        loop = asyncio.get_running_loop()
        try:
            while await loop.sock_recv(sock, 65536):
                pass
        except OSError:
            pass
        connection.client_left()

    async def close(self):
        for listener in self.listeners.values():
            listener.socket.close()
        for connection in list(self.sandbox.journal.open.values()):
            await connection.close()
        await asyncio.sleep(0.02)           # for the goodbyes
        for connection in list(self.sandbox.journal.open.values()):
            if connection.raw is not None:
                connection.raw.abort()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
