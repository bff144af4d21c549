"""The rows of BTSE's route tables, with the arguments that each endpoint
documents: their types, and which of them have to be there.

Arguments come in the query (GET, DELETE) or as a JSON object (POST, PUT).
One that is null or blank counts as not sent, and so does the zero that the
page's worked example sends for a price that does not apply.
"""

import re
from decimal import Decimal
from types import SimpleNamespace

from . import provider
from .json_text import Number

ROOT = "/api/v3.3"
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,2})?")
LONGEST = 60                    # characters of a number


class BadArgument(ValueError):
    """Words for the caller."""


class Endpoint(provider.Endpoint):
    def __init__(self, method, path, name, takes, shape=None,
                 permission=None, lane="orders", act=False):
        super().__init__(method, ROOT + path, name, name, shape,
                         signed=permission is not None, lane=lane, act=act)
        self.takes = takes              # name -> kind of argument
        self.permission = permission    # None: public


def public(path, name, takes, shape):
    return Endpoint("GET", path, name, takes, shape, lane="public")


def query(path, name, takes, shape, permission):
    return Endpoint("GET", path, name, takes, shape, permission, "queries")


def act(method, path, name, takes, shape=None, permission="trade"):
    return Endpoint(method, path, name, takes, shape, permission, act=True)


# ---- kinds of arguments: what was sent, to a value

def text(sent):
    if type(sent) is not str:           # a Number was sent as a number
        raise BadArgument("must be a string")
    return sent


def number(sent):
    if type(sent) is not Number or not NUMBER.fullmatch(sent) \
            or len(sent) > LONGEST:
        raise BadArgument("must be a number")
    return Decimal(sent)


def positive(sent):
    value = number(sent)
    if value < 0:
        raise BadArgument("must not be negative")
    return value if value else None


def whole(sent):
    value = number(sent)
    if value != int(value) or value < 0:
        raise BadArgument("must be a whole number from 0")
    return int(value)


def flag(sent):
    if not isinstance(sent, bool):
        raise BadArgument("must be true or false")
    return sent


def one_of(*choices):
    """A word, in any case."""
    def choice(sent):
        if text(sent).upper() not in choices:
            raise BadArgument("must be one of " + ", ".join(choices))
        return sent.upper()
    return choice


class Required:
    """An argument that has to be there."""

    def __init__(self, kind):
        self.kind = kind


# ---- checking

def read(values, takes, from_query):
    """The arguments of a request as attributes, None where not given;
    raises BadArgument."""
    found = SimpleNamespace()
    for name, entry in takes.items():
        kind = getattr(entry, "kind", entry)
        sent = values.get(name)
        if from_query and sent is not None:
            sent = as_json(sent, kind)
        try:
            value = None if sent is None or sent == "" else kind(sent)
        except BadArgument as error:
            raise BadArgument("%s %s" % (name, error)) from None
        if value is None and isinstance(entry, Required):
            raise BadArgument("%s is missing" % name)
        setattr(found, name, value)
    return found


def as_json(sent, kind):
    """What a query says as text, as a JSON body would say it."""
    if kind is flag:
        return {"true": True, "false": False}.get(sent.lower(), sent)
    if kind in (number, positive, whole):
        return Number(sent) if sent else sent
    return sent
