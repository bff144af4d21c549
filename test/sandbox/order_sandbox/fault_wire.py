"""Faults in how an answer travels.

Each is a coroutine deliver(connection, answer, args) that returns whether
the connection stays open.  The answer is None where the fault needs none.
"""

import asyncio
import gzip
import zlib

from .faults import wire_fault

GOODBYE = {"goodbye": (True, "TLS: close with a proper close_notify")}


# ---- no answer

@wire_fault("close_before", "close the connection without processing", GOODBYE,
            process=False, needs_answer=False)
async def close_before(connection, answer, args):
    await connection.close(args["goodbye"])
    return False


@wire_fault("close_after", "process, then close without an answer", GOODBYE,
            needs_answer=False)
async def close_after(connection, answer, args):
    await connection.close(args["goodbye"])
    return False


@wire_fault("reset_before", "reset the connection (RST) without processing",
            process=False, needs_answer=False)
async def reset_before(connection, answer, args):
    await connection.reset()
    return False


@wire_fault("reset_after", "process, then reset the connection (RST)",
            needs_answer=False)
async def reset_after(connection, answer, args):
    await connection.reset()
    return False


@wire_fault("black_hole", "read the request and never answer (until the "
            "client leaves, or the fault is disarmed)", needs_answer=False)
async def black_hole(connection, answer, args):
    await connection.hold()
    return False


@wire_fault("black_hole_kept", "the next request on a kept connection is read "
            "and never answered", needs_answer=False, kept=True)
async def black_hole_kept(connection, answer, args):
    await connection.hold()
    return False


@wire_fault("close_kept_next", "a kept connection dies after the server has "
            "read the next request on it (and, by default, done it)",
            dict(GOODBYE, how=("close", "close or reset")),
            needs_answer=False, kept=True)
async def close_kept_next(connection, answer, args):
    if args["how"] == "reset":
        await connection.reset()
    else:
        await connection.close(args["goodbye"])
    return False


@wire_fault("close_kept_idle", "answer, then close the kept connection a "
            "moment later while it is idle",
            dict(GOODBYE, ms=(50, "how much later"),
                 how=("close", "close or reset")))
async def close_kept_idle(connection, answer, args):
    await connection.answer(answer)
    connection.close_later(args["ms"] / 1000, args["how"] == "reset",
                           args["goodbye"])
    return True


# ---- late or slow

@wire_fault("delay", "answer late", {"ms": (1000, "how late")})
async def delay(connection, answer, args):
    if not await connection.pause(args["ms"] / 1000):
        return False            # the client did not wait
    return await connection.answer(answer)


async def drip(connection, data, seconds):
    """One byte at a time; False when the client left."""
    for index in range(len(data)):
        await connection.send(data[index:index + 1])
        if not await connection.pause(seconds):
            return False
    return True


@wire_fault("slow_bytes", "the whole answer one byte at a time",
            {"ms": (10, "between bytes")})
async def slow_bytes(connection, answer, args):
    return await drip(connection, connection.head(answer) + answer.encoded(),
                      args["ms"] / 1000)


@wire_fault("slow_headers", "the head one byte at a time, then the body at "
            "once", {"ms": (10, "between bytes")})
async def slow_headers(connection, answer, args):
    if not await drip(connection, connection.head(answer),
                      args["ms"] / 1000):
        return False
    await connection.send(answer.encoded())
    return True


@wire_fault("endless_headers", "headers that never end",
            {"ms": (1, "between headers"), "bytes": (1000, "of each")})
async def endless_headers(connection, answer, args):
    await connection.send(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while await connection.pause(args["ms"] / 1000):
        number += 1
        await connection.send(b"X-Filler-%d: %s\r\n"
                              % (number, b"x" * args["bytes"]))
    return False


@wire_fault("endless_body", "a chunked body that never ends",
            {"ms": (1, "between chunks"), "bytes": (1000, "of each")})
async def endless_body(connection, answer, args):
    await connection.send(connection.head(answer, chunked=True))
    await connection.send(chunk(answer.encoded()))
    while await connection.pause(args["ms"] / 1000):
        await connection.send(chunk(b" " * args["bytes"]))
    return False


@wire_fault("continue_100", "100 Continue first, then the answer",
            {"times_100": (1, "how many of them")})
async def continue_100(connection, answer, args):
    for _ in range(args["times_100"]):
        await connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await connection.pause(0.02)
    return await connection.answer(answer)


# ---- halves

@wire_fault("half_answer", "Content-Length promises more than is sent, then "
            "the connection is closed",
            dict(GOODBYE, keep=(None, "bytes of the body; default half")))
async def half_answer(connection, answer, args):
    body = answer.encoded()
    keep = len(body) // 2 if args["keep"] is None else args["keep"]
    await connection.send(connection.head(answer) + body[:keep])
    await connection.close(args["goodbye"])
    return False


@wire_fault("half_head", "the connection is closed in the middle of the "
            "head", GOODBYE)
async def half_head(connection, answer, args):
    head = connection.head(answer)
    await connection.send(head[:len(head) // 2])
    await connection.close(args["goodbye"])
    return False


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@wire_fault("half_chunked", "a chunked answer without its end, then the "
            "connection is closed",
            dict(GOODBYE, whole=(False, "send all of the body, lacking only "
                                        "the last chunk")))
async def half_chunked(connection, answer, args):
    body = answer.encoded()
    if not args["whole"]:
        body = body[:len(body) // 2]
    await connection.send(connection.head(answer, chunked=True) + chunk(body))
    await connection.close(args["goodbye"])
    return False


@wire_fault("chunked", "a whole answer in chunks (this is no misbehaviour)",
            {"bytes": (7, "of each chunk")})
async def chunked(connection, answer, args):
    body, size = answer.encoded(), args["bytes"]
    await connection.send(
        connection.head(answer, chunked=True)
        + b"".join(chunk(body[at:at + size])
                   for at in range(0, len(body), size)) + b"0\r\n\r\n")
    return True


@wire_fault("until_close", "a body without a length that ends where the "
            "connection does; whole, this is no misbehaviour",
            dict(GOODBYE, keep=(None, "bytes of the body; default all")))
async def until_close(connection, answer, args):
    head = connection.head(answer).split(b"\r\n")
    head = [line for line in head if not line.startswith(b"Content-Length")]
    await connection.send(b"\r\n".join(head)
                          + answer.encoded()[:args["keep"]])
    await connection.close(args["goodbye"])
    return False


@wire_fault("garbage", "bytes that are not HTTP, then close",
            {"text": ("SSH-2.0-OpenSSH_9.2\r\n", "what is sent")})
async def garbage(connection, answer, args):
    await connection.send(args["text"].encode())
    await connection.close(True)
    return False


# ---- too much

@wire_fault("long_header", "one very long header before the answer",
            {"bytes": (400000, "of it")})
async def long_header(connection, answer, args):
    answer.headers["X-Filler"] = "x" * args["bytes"]
    return await connection.answer(answer)


@wire_fault("oversize", "the answer, valid JSON, followed by blanks",
            {"bytes": (9 * 1024 * 1024, "size of the body in all"),
             "declared": (True, "false: chunked, without Content-Length")})
async def oversize(connection, answer, args):
    body = answer.encoded()
    answer.body = body + b" " * (args["bytes"] - len(body))
    if args["declared"]:
        return await connection.answer(answer)
    await connection.send(connection.head(answer, chunked=True))
    for at in range(0, len(answer.body), 65536):
        await connection.send(chunk(answer.body[at:at + 65536]))
    await connection.send(b"0\r\n\r\n")
    return True


@wire_fault("gzip", "the answer, compressed, with Content-Encoding: gzip")
async def gzipped(connection, answer, args):
    answer.body = gzip.compress(answer.encoded())
    answer.headers["Content-Encoding"] = "gzip"
    return await connection.answer(answer)


@wire_fault("gzip_bomb", "a small compressed answer that grows without "
            "measure: the true answer followed by blanks",
            {"bytes": (256 * 1024 * 1024, "size when unpacked")})
async def gzip_bomb(connection, answer, args):
    answer.body = await asyncio.get_running_loop().run_in_executor(
        None, bomb, answer.encoded(), args["bytes"])
    answer.headers["Content-Encoding"] = "gzip"
    return await connection.answer(answer)


def bomb(body, size):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(body)]
    block = b" " * (1024 * 1024)
    for _ in range(max(0, size - len(body)) // len(block)):
        parts.append(packer.compress(block))
    parts.append(packer.flush())
    return b"".join(parts)
