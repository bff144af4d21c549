"""Faults in BTSE's streams: what does not come, what a message says, and how
it travels.

Each is a function hook(peer, message, args); see stream_fault() in faults.py.
What goes through peer.put() counts as sent.  The truth does not change.
"""

import asyncio
import struct

from . import json_text
from .btse_stream_wire import Message, errors
from .faults import one_of, stream_fault
from .json_text import Raw, plain
from .websocket import (BINARY, CLOSE, CONTINUED, PING, PONG, TEXT,
                        close_payload, frame)

ON = {"on": ("data", "the moment: data, ack, login, pong, error or open")}
MOMENTS = ("data", "ack", "login", "pong", "error", "open")


def on_one_of(**choices):
    return one_of(on=MOMENTS, **choices)


def text_of(message):
    return b'{"event":"open"}' if message is None else message.text


def count(peer, message):
    if message is not None:
        peer.count(message)


# ---- messages that do not come

@stream_fault("stream_lost", "a message is not sent: a gap in a book, a hole "
              "in what is appended")
def lost(peer, message, args):
    pass


@stream_fault("stream_silent", "topics are acknowledged, and nothing is sent",
              times=0)
def silent(peer, message, args):
    pass


@stream_fault("stream_no_ack", "subscribe or unsubscribe is not acknowledged",
              moment="ack")
def no_ack(peer, message, args):
    pass


@stream_fault("stream_part_ack", "topics are left out of an acknowledgement",
              {"which": ("first", "first, last or all"),
               "data": (False, "true: their messages come nevertheless")},
              moment="ack")
def part_ack(peer, message, args):
    named = message.document["channel"]
    kept = {"first": named[1:], "last": named[:-1], "all": []}[args["which"]]
    if message.topic == "subscribe" and not args["data"]:
        for topic in set(named) - set(kept):
            peer.hub.leave(peer, topic)
    peer.put(message.other(dict(message.document, channel=kept)))


@stream_fault("stream_strange_ack", "an acknowledgement names topics that "
              "nobody asked for", {"ids": (["update:DOGE-USD_0"], "which")},
              moment="ack")
def strange_ack(peer, message, args):
    peer.put(message.other(dict(
        message.document,
        channel=message.document["channel"] + list(args["ids"]))))


@stream_fault("stream_snapshot_first", "the first messages of topics come "
              "before the acknowledgement", moment="first")
def snapshot_first(peer, message, args):
    pass                        # Streams.acknowledge() asks for it


@stream_fault("stream_no_login_ack", "a login succeeds, and is not "
              "acknowledged", moment="login")
def no_login_ack(peer, message, args):
    pass


@stream_fault("stream_login_refused", "a login is refused", moment="refuse")
def login_refused(peer, message, args):
    pass                        # Streams.login() asks whether it is armed


@stream_fault("stream_no_pong", "ping is not answered", moment="pong",
              times=0)
def no_pong(peer, message, args):
    pass


# ---- too many, too late, in another order

@stream_fault("stream_repeated", "a message comes more than once",
              {"more": (1, "how often it is repeated")})
def repeated(peer, message, args):
    for _ in range(1 + args["more"]):
        peer.put(message)


@stream_fault("stream_swapped", "a message comes after the next one")
def swapped(peer, message, args):
    if peer.kept_back is not None:
        peer.put(message)
    else:
        peer.kept_back = message


@stream_fault("stream_late", "a message is late, and others overtake it",
              dict(ON, ms=(1000, "how late")), check=on_one_of())
def late(peer, message, args):
    def tell():
        if not peer.gone:
            peer.put(message)
    peer.loop.call_later(args["ms"] / 1000, tell)


# ---- what a book says

def changed(message, **data):
    """The same with other fields in its data."""
    document = message.document
    return message.other(dict(document, data=dict(document["data"], **data)))


def is_book(message):
    data = message.document.get("data")
    return isinstance(data, dict) and "bids" in data


@stream_fault("stream_seq", "the sequence of a book is not what it should be",
              {"form": ("gap", "gap, repeated, lower, prev (only prevSeqNum "
                               "is wrong), missing, null or fraction"),
               "by": (5, "how far")},
              check=one_of(form=("gap", "repeated", "lower", "prev",
                                 "missing", "null", "fraction")))
def sequence(peer, message, args):
    data = message.document.get("data")
    if not is_book(message) or "seqNum" not in data:
        peer.put(message)
        return
    seq, by, form = data["seqNum"], args["by"], args["form"]
    if form == "missing":
        data = {name: value for name, value in data.items()
                if name not in ("seqNum", "prevSeqNum")}
        peer.put(message.other(dict(message.document, data=data)))
        return
    seq, before = {
        "gap": (seq + by, seq + by - 1), "repeated": (seq - 1, seq - 2),
        "lower": (seq - by, seq - by - 1), "prev": (seq, seq - 1 - by),
        "null": (None, None), "fraction": (Raw("%d.5" % seq), seq - 1)}[form]
    peer.put(changed(message, seqNum=seq, prevSeqNum=before))


def beside(peer, message):
    """(price of the best bid, of the best ask, step) as they are, or
    None."""
    market = peer.hub.btse.markets.get(message.document["data"]["symbol"])
    if market is None or market.live is None:
        return None
    best = [market.live.sides[side].best() for side in ("BUY", "SELL")]
    return None if None in best else (*best, market.step)


@stream_fault("stream_crossed", "a book, or the best prices, with a bid at or "
              "above the best ask",
              {"equal": (False, "true: at it")})
def crossed(peer, message, args):
    known = beside(peer, message) if is_book(message) else None
    if known is None:
        peer.put(message)
        return
    _, ask, step = known
    level = [plain(ask if args["equal"] else ask + step), "0.00100"]
    data = message.document["data"]
    if data["type"] == "snapshotL1":
        peer.put(changed(message, bids=[level]))
    else:
        peer.put(changed(message, bids=[level] + data["bids"]))


@stream_fault("stream_levels", "a book has more levels than it may: so many "
              "are added, far from the middle",
              {"levels": (51, "how many"),
               "side": ("both", "bids, asks or both")},
              check=one_of(side=("bids", "asks", "both")))
def levels(peer, message, args):
    known = beside(peer, message) if is_book(message) else None
    if known is None:
        peer.put(message)
        return
    bid, ask, step = known
    data, more = message.document["data"], {}
    for side, price, way in (("bids", bid, -1), ("asks", ask, 1)):
        if args["side"] in (side, "both"):
            # between the increments, so that they are none of the others
            more[side] = data[side] + [
                [plain(price + way * (500 + number) * step / 8), "0.00100"]
                for number in range(args["levels"])]
    peer.put(changed(message, **more))


@stream_fault("stream_topic", "a message names another topic, or another "
              "symbol in what it says",
              {"form": ("topic", "topic, symbol, both, missing or unknown"),
               "symbol": ("ETH-USD", "the other symbol")},
              check=one_of(form=("topic", "symbol", "both", "missing",
                                 "unknown")))
def wrong_topic(peer, message, args):
    document = dict(message.document)
    form, symbol = args["form"], args["symbol"]
    kind, colon, rest = document["topic"].partition(":")
    grouping = "_" + rest.partition("_")[2] if "_" in rest else ""
    if form in ("topic", "both"):
        document["topic"] = kind + colon + symbol + grouping
    if form in ("symbol", "both"):
        document["data"] = with_fields(document["data"], "all",
                                       {"symbol": symbol}, ())
    if form == "missing":
        del document["topic"]
    elif form == "unknown":
        document["topic"] = "weather:LONDON"
    peer.put(message.other(document))


def with_fields(data, which, values, without):
    """Fields of the data, or of its rows, are other ones."""
    if isinstance(data, list):
        places = {"first": [0], "last": [len(data) - 1]}.get(
            which, range(len(data)))
        return [with_fields(row, which, values, without)
                if at in places else row for at, row in enumerate(data)]
    return {**{name: value for name, value in data.items()
               if name not in without}, **values}


@stream_fault("stream_fields", "fields of a message say something else, are "
              "added or left out",
              {"values": ({}, "what they say, by their names"),
               "fields": ([], "the names of those that are left out"),
               "which": ("first", "first, last or all of the rows"),
               "raw": (False, "true: texts of values are put in as JSON")})
def fields(peer, message, args):
    values = args["values"]
    if args["raw"]:
        values = {name: Raw(value) for name, value in values.items()}
    peer.put(message.other(dict(message.document, data=with_fields(
        message.document["data"], args["which"], values, args["fields"]))))


TEXTS = {
    "not_json": lambda text: b"upstream said something else",
    "truncated": lambda text: text[:len(text) // 2],
    "empty": lambda text: b"",
    "blank": lambda text: b"  \n",
    "null": lambda text: b"null",
    "number": lambda text: b"42",
    "array": lambda text: b"[" + text + b"]",
    "no_data": lambda text: b'{"topic":' + topic_of(text) + b"}",
    "null_data": lambda text: b'{"topic":' + topic_of(text)
    + b',"data":null}',
    "text_data": lambda text: b'{"topic":' + topic_of(text)
    + b',"data":"none"}',
    "deep": lambda text: b"[" * 100000 + b"]" * 100000,
    "escaped_nul": lambda text: b'{"x":"\\u0000",' + text[1:],
    "lone_surrogate": lambda text: b'{"x":"\\ud83d",' + text[1:],
    "duplicate_keys": lambda text: text[:-1] + b',"topic":"other"}',
    "byte_order_mark": lambda text: b"\xef\xbb\xbf" + text,
    "twice": lambda text: text + text,
    "huge_number": lambda text: b'{"x":1e999999999,' + text[1:],
    "html": lambda text: b"<html><body>502 Bad Gateway</body></html>",
}


def topic_of(text):
    topic = json_text.decode(text).get("topic") if text[:1] == b"{" else None
    return json_text.encode(topic)


@stream_fault("stream_text", "a message is not the JSON that it should be",
              dict(ON, form=("not_json", "one of: " + ", ".join(TEXTS))),
              check=on_one_of(form=tuple(TEXTS)))
def other_text(peer, message, args):
    count(peer, message)
    peer.send(frame(TEXT, TEXTS[args["form"]](text_of(message))))


# ---- how it travels

@stream_fault("stream_close", "the connection is closed instead",
              dict(ON, code=(1006, "of the close frame; 1006: without one, "
                                   "the connection just ends; 0: an empty "
                                   "one"),
                   reason=("", "words in the close frame"),
                   error=(False, "true: the error of this code is told "
                                 "before"),
                   how=("drop", "of 1006: drop, close (TLS says goodbye) or "
                                "reset")),
              check=on_one_of(how=("drop", "close", "reset")))
def closed(peer, message, args):
    code = int(args["code"])
    if args["error"] and code in (1007, 1008):
        peer.put(Message("error", None, errors([(None, code)])))
    if code != 1006:
        peer.close(code, args["reason"])
        return
    peer.cut(args["how"] == "reset", args["how"] == "close")


@stream_fault("stream_slow", "a message comes some bytes at a time, and all "
              "others wait",
              dict(ON, ms=(10, "between them"), bytes=(1, "at a time")),
              check=on_one_of())
def slow(peer, message, args):
    count(peer, message)
    data = frame(TEXT, text_of(message))
    step = max(1, args["bytes"])

    async def drip():
        for at in range(0, len(data), step):
            await peer.connection.send(data[at:at + step])
            if not await peer.connection.pause(args["ms"] / 1000):
                return
    peer.slowly(drip())


@stream_fault("stream_half", "half a frame, and then nothing",
              dict(ON, keep=(None, "bytes of it; default half"),
                   then=("hold", "hold (all else waits for ever), drop, "
                                 "close or reset")),
              check=on_one_of(then=("hold", "drop", "close", "reset")))
def half(peer, message, args):
    data = frame(TEXT, text_of(message))
    keep = len(data) // 2 if args["keep"] is None else args["keep"]
    peer.send(data[:keep])
    if args["then"] == "hold":
        peer.slowly(peer.connection.left.wait())
    else:
        peer.cut(args["then"] == "reset", args["then"] == "close")


@stream_fault("stream_fragments", "a message in fragments (this is no "
              "misbehaviour)",
              dict(ON, bytes=(7, "of each"),
                   pings_between=(False, "true: a ping between any two"),
                   empty=(False, "true: an empty one between any two")),
              check=on_one_of())
def fragments(peer, message, args):
    count(peer, message)
    text, size = text_of(message), max(1, args["bytes"])
    parts = [text[at:at + size] for at in range(0, len(text), size)] or [b""]
    between = (frame(PING, b"between") if args["pings_between"] else b"") \
        + (frame(CONTINUED, b"", False) if args["empty"] else b"")
    peer.send(between.join(
        frame(CONTINUED if at else TEXT, part, at == len(parts) - 1)
        for at, part in enumerate(parts)))


@stream_fault("stream_binary", "a binary message", ON, check=on_one_of())
def binary(peer, message, args):
    count(peer, message)
    peer.send(frame(BINARY, text_of(message)))


@stream_fault("stream_bad_utf8", "bytes that are not UTF-8 in a message",
              dict(ON, form=("byte", "byte, cut (half a character at the "
                                     "end), surrogate, overlong, beyond, or "
                                     "fragments (a good character in two "
                                     "fragments: no misbehaviour)")),
              check=on_one_of(form=("byte", "cut", "surrogate", "overlong",
                                    "beyond", "fragments")))
def bad_utf8(peer, message, args):
    count(peer, message)
    text, form = text_of(message), args["form"]
    if form == "fragments":
        good = b'{"x":"\xe2\x82\xac",' + text[1:]
        peer.send(frame(TEXT, good[:7], False)
                  + frame(CONTINUED, good[7:8], False)
                  + frame(CONTINUED, good[8:]))
        return
    bad = {"byte": b"\xff", "surrogate": b"\xed\xa0\x80",
           "overlong": b"\xc0\xaf", "beyond": b"\xf4\x90\x80\x80"}
    peer.send(frame(TEXT, text + b"\xe2\x82" if form == "cut" else
                    b'{"x":"' + bad[form] + b'",' + text[1:]))


@stream_fault("stream_oversize", "a message, valid JSON, followed by blanks",
              dict(ON, bytes=(2 * 1024 * 1024, "its size in all"),
                   form=("whole", "whole, fragments (of 64 KiB), declared "
                                  "(only its head and first bytes come) or "
                                  "absurd (declared as 2^63 - 1 bytes)")),
              check=on_one_of(form=("whole", "fragments", "declared",
                                    "absurd")))
def oversize(peer, message, args):
    count(peer, message)
    text, size, form = text_of(message), args["bytes"], args["form"]
    if form == "absurd":
        peer.send(struct.pack("!BBQ", 0x80 | TEXT, 127, 2 ** 63 - 1) + text)
        return
    whole = text + b" " * (size - len(text))
    if form == "declared":
        peer.send(frame(TEXT, whole)[:len(text) + 10])
    elif form == "whole":
        peer.send(frame(TEXT, whole))
    else:
        parts = [whole[at:at + 65536] for at in range(0, size, 65536)]
        peer.send(b"".join(
            frame(CONTINUED if at else TEXT, part, at == len(parts) - 1)
            for at, part in enumerate(parts)))


@stream_fault("stream_pings", "a flood of protocol pings before a message",
              dict(ON, pings=(100000, "how many"),
                   bytes=(125, "of each")), check=on_one_of())
def pings(peer, message, args):
    peer.send(frame(PING, b"p" * min(125, args["bytes"])) * args["pings"])
    if message is not None:
        peer.put(message)


FRAMES = {
    "reserved_bit": lambda text: frame(TEXT, text, reserved=4),
    "reserved_bits": lambda text: frame(TEXT, text, reserved=7),
    "reserved_data": lambda text: frame(3, text),
    "reserved_control": lambda text: frame(11, b""),
    "masked": lambda text: frame(TEXT, text, masked=True),
    "long_ping": lambda text: frame(PING, b"p" * 126),
    "split_ping": lambda text: frame(PING, b"p", False)
    + frame(CONTINUED, b"q"),
    "strange_pong": lambda text: frame(PONG, b"unasked") + frame(TEXT, text),
    "continued": lambda text: frame(CONTINUED, text),
    "interrupted": lambda text: frame(TEXT, text[:9], False)
    + frame(TEXT, text),
    "unfinished": lambda text: frame(TEXT, text, False),
    "long_size": lambda text: struct.pack("!BBQ", 0x81, 127, 5) + b"{}   ",
    "medium_size": lambda text: struct.pack("!BBH", 0x81, 126, 2) + b"{}",
    "negative_size": lambda text: struct.pack("!BBQ", 0x81, 127, 2 ** 63)
    + text,
    "close_one_byte": lambda text: frame(CLOSE, b"x"),
    "close_empty": lambda text: frame(CLOSE, b""),
    "close_no_code": lambda text: frame(CLOSE, close_payload(0)),
    "close_1005": lambda text: frame(CLOSE, close_payload(1005)),
    "close_bad_utf8": lambda text: frame(CLOSE, b"\x03\xe8\xff\xfe"),
    "close_long": lambda text: frame(CLOSE, close_payload(1000, "x" * 124)),
    "close_twice": lambda text: frame(CLOSE, close_payload(1000)) * 2,
    "after_close": lambda text: frame(CLOSE, close_payload(1000))
    + frame(TEXT, text),
    "not_frames": lambda text: b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
}


@stream_fault("stream_frame", "frames that the protocol does not allow, or "
              "allows and nobody expects",
              dict(ON, form=("reserved_bit", "one of: " + ", ".join(FRAMES))),
              check=on_one_of(form=tuple(FRAMES)))
def strange_frame(peer, message, args):
    peer.send(FRAMES[args["form"]](text_of(message)))


@stream_fault("stream_never_reads", "nothing more of what the client sends is "
              "read, while messages go on", dict(ON), check=on_one_of())
def never_reads(peer, message, args):
    peer.reading = False
    try:
        peer.connection.writer.transport.pause_reading()
    except (RuntimeError, AttributeError):
        pass                    # it was already
    if message is not None:
        peer.put(message)


# ---- the upgrade

UPGRADES = ("accept", "no_accept", "no_upgrade", "http_200", "http_401",
            "http_429", "http_503", "redirect", "extension", "protocol",
            "garbage", "close", "hold", "slow", "long_header", "early")


@stream_fault("stream_upgrade", "the answer to the upgrade is wrong: a wrong "
              "Sec-WebSocket-Accept, none, no Upgrade, another status, an "
              "extension or protocol that nobody offered, no HTTP, the end, "
              "nothing, a byte at a time, a very long header, or a message "
              "with it (early: no misbehaviour)",
              {"form": ("accept", "one of: " + ", ".join(UPGRADES))},
              moment="upgrade", check=one_of(form=UPGRADES))
async def strange_upgrade(peer, answer, args):
    """Answers whether it is one."""
    connection, form = peer.connection, args["form"]
    headers = {"accept": {"Sec-WebSocket-Accept": "x3pPLMBiTxaQ9kYGzzhZRbK+"
                                                  "xOo="},
               "no_accept": {"Sec-WebSocket-Accept": []},
               "no_upgrade": {"Upgrade": []},
               "extension": {"Sec-WebSocket-Extensions":
                             "permessage-deflate"},
               "protocol": {"Sec-WebSocket-Protocol": "chat"},
               "long_header": {"X-Filler": "x" * 400000},
               "redirect": {"Location": "https://elsewhere.example.com/"}}
    answer.headers.update(headers.get(form, {}))
    if form.startswith("http_") or form == "redirect":
        answer.status = 302 if form == "redirect" else int(form[5:])
        answer.document = {"sandbox": "no upgrade today"}
        answer.headers.update({"Content-Length": str(len(answer.encoded())),
                               "Upgrade": [], "Sec-WebSocket-Accept": [],
                               "Connection": "close"})
        await connection.send(connection.head(answer) + answer.encoded())
        return False
    if form in ("garbage", "close", "hold"):
        if form == "garbage":
            await connection.send(b"SSH-2.0-OpenSSH_9.2\r\n")
        elif form == "hold":
            await connection.left.wait()
        return False
    head = connection.head(answer)
    if form == "slow":
        for at in range(len(head)):
            await connection.send(head[at:at + 1])
            await asyncio.sleep(0.01)
        return True
    if form == "early":
        head += frame(TEXT, b'{"event":"early"}')
    await connection.send(head)
    return True
