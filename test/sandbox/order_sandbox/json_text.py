"""JSON in and out with every number and spelling exact.

Reading keeps a number as the text it was sent as (class Number).  Writing
takes ordinary values and three more: Decimal (written in full, with the
digits it has), Raw (text that is put in as it is, valid or not) and Pairs (an
object whose keys may repeat).
"""

import json
from decimal import Decimal


class Number(str):
    """A number exactly as it was spelled on the wire."""
    __slots__ = ()


class Raw:
    """Text to be written as it is; U+DC80..U+DCFF stand for raw bytes."""
    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text


class Pairs:
    """An object as a list of (key, value), so that keys may repeat."""
    __slots__ = ("pairs",)

    def __init__(self, pairs):
        self.pairs = list(pairs)


def decode(data):
    """JSON text or bytes to values; raises ValueError on anything else."""
    if isinstance(data, bytes):
        data = data.decode("utf-8")
    try:
        return json.loads(data, parse_int=Number, parse_float=Number,
                          parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(word):
    raise ValueError("not JSON: " + word)


def encode(value):
    """Values to UTF-8 bytes, compact."""
    try:                        # the fast path knows ordinary values only
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except TypeError:
        text = _text(value)
    return text.encode("utf-8", "surrogateescape")


def _text(value):
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Pairs):
        return _object(value.pairs)
    if isinstance(value, dict):
        return _object(value.items())
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def plain(value):
    """A Decimal as text, without an exponent."""
    return format(value, "f")


def _object(pairs):
    return "{" + ",".join(
        json.dumps(key, ensure_ascii=False) + ":" + _text(value)
        for key, value in pairs) + "}"
