"""WebSocket frames (RFC 6455), both ways, and the upgrade's accept value.

Only what the sandbox and its self test need: no extensions.
"""

import base64
import hashlib
import os
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, GOING_AWAY, PROTOCOL_ERROR, BAD_DATA, TOO_BIG = (
    1000, 1001, 1002, 1007, 1009)


class Violation(Exception):
    """The other side does not keep to the protocol."""

    def __init__(self, code, words):
        super().__init__(words)
        self.code = code


def accept_value(key):
    """What the server answers to Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()
                            ).decode()


def frame(opcode, payload=b"", final=True, masked=False, reserved=0):
    """One frame as bytes."""
    size = len(payload)
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + unmasked(payload, mask)


def unmasked(payload, mask):
    """Masks, too: it is the same."""
    size = len(payload)
    cover = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(cover, "big")
            ).to_bytes(size, "big")


def close_payload(code, reason=""):
    return struct.pack("!H", code) + reason.encode()


async def read_frame(reader, most):
    """(final, opcode, payload) of what a client sent."""
    first, second = await reader.readexactly(2)
    final, opcode, size = first & 0x80, first & 0x0f, second & 0x7f
    if first & 0x70:
        raise Violation(PROTOCOL_ERROR, "a reserved bit is set")
    if not second & 0x80:
        raise Violation(PROTOCOL_ERROR, "a client's frame is not masked")
    if opcode >= CLOSE and (size > 125 or not final):
        raise Violation(PROTOCOL_ERROR, "a control frame is too long")
    if size == 126:
        size, = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        size, = struct.unpack("!Q", await reader.readexactly(8))
    if size > most:
        raise Violation(TOO_BIG, "a frame is too long")
    mask = await reader.readexactly(4)
    return bool(final), opcode, unmasked(await reader.readexactly(size), mask)
