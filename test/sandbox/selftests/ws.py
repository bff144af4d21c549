"""A small WebSocket client: it takes frames apart and forgives nothing."""

import json
import socket
import struct
import time

from order_sandbox.btse_stream import LOGIN_PATH
from order_sandbox.client import Client
from order_sandbox.provider import hmac_hex
from order_sandbox.websocket import (CLOSE, CONTINUED, PING, TEXT,
                                     accept_value, frame)

BOOK, OTHER = "/ws/oss/spot", "/ws/spot"


class Ended(Exception):
    """The connection is at its end; its code is that of a close frame."""

    def __init__(self, code=None, reason=""):
        super().__init__(code, reason)
        self.code, self.reason = code, reason


class WebSocket:
    """One connection; recv() gives messages, frames() frames."""

    def __init__(self, ready, path, kind="tls", upgrade=True, timeout=3):
        self.client = Client(ready["ports"][kind], None if kind == "plain"
                             else ready["ca"], timeout)
        self.sock = self.client.sock
        self.buffer = b""
        self.pings = 0
        self.fragments = 0
        self.head = None
        if upgrade:
            self.upgrade(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def upgrade(self, path, **headers):
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        lines = {"Host": "localhost", "Upgrade": "websocket",
                 "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                 "Sec-WebSocket-Key": key}
        lines.update({name.replace("_", "-"): value
                      for name, value in headers.items()})
        self.sock.sendall(("GET %s HTTP/1.1\r\n%s\r\n" % (path, "".join(
            "%s: %s\r\n" % line for line in lines.items()
            if line[1] is not None))).encode())
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        self.head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = self.head.decode("latin-1")
        self.status = int(self.head.split(" ")[1])
        self.accepted = accept_value(key) in self.head

    def more(self):
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            raise Ended()
        self.buffer += data

    def need(self, size):
        while len(self.buffer) < size:
            self.more()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def frame(self):
        """(first byte, payload)"""
        first, size = self.need(2)
        if size == 126:
            size, = struct.unpack("!H", self.need(2))
        elif size == 127:
            size, = struct.unpack("!Q", self.need(8))
        return first, self.need(size)

    def recv(self):
        """The next message, as bytes; control frames are dealt with."""
        parts = []
        while True:
            first, payload = self.frame()
            opcode = first & 15
            if opcode == PING:
                self.pings += 1
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else None
                raise Ended(code, payload[2:].decode())
            elif opcode in (TEXT, CONTINUED):
                assert (opcode == CONTINUED) == bool(parts), first
                parts.append(payload)
                if first & 0x80:
                    self.fragments = len(parts)
                    return b"".join(parts)

    def json(self):
        return json.loads(self.recv())

    def data(self, topic):
        """The next message whose topic begins so."""
        while True:
            message = self.json()
            if message.get("topic", "").startswith(topic):
                return message

    def silent(self, seconds=0.2):
        """Does nothing come for so long?"""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            self.recv()
            return False
        except (socket.timeout, TimeoutError):
            return True
        finally:
            self.sock.settimeout(before)

    def send(self, text):
        self.sock.sendall(frame(TEXT, text if isinstance(text, bytes)
                                else text.encode(), masked=True))

    def op(self, op, *args):
        self.send(json.dumps({"op": op, "args": list(args)}))

    def subscribe(self, *topics):
        """Answers the topics that were acknowledged."""
        self.op("subscribe", *topics)
        message = self.json()
        assert message["event"] == "subscribe", message
        return message["channel"]

    def login(self, credentials, secret=None):
        nonce = str(int(time.time() * 1000))
        self.op("authKeyExpires", credentials["api_key"], nonce, hmac_hex(
            secret or credentials["secret_key"], LOGIN_PATH + nonce,
            "sha384"))
        return self.json()


class Book:
    """A book put together from messages, as a client should."""

    def __init__(self, snapshot):
        data = snapshot["data"]
        assert data["type"] == "snapshot", data
        self.seq, self.sides = None, {"bids": {}, "asks": {}}
        self.take(data)

    def add(self, message):
        data = message["data"]
        assert data["type"] == "delta", data
        assert data["prevSeqNum"] == self.seq, (data["prevSeqNum"], self.seq)
        self.take(data)

    def take(self, data):
        for side, levels in self.sides.items():
            for price, size in data[side]:
                key = float(price)
                if float(size) == 0:
                    levels.pop(key, None)
                else:
                    levels[key] = [price, size]
        self.seq = data["seqNum"]

    def levels(self, side):
        known = self.sides[side]
        return [known[key] for key in sorted(known, reverse=side == "bids")]
