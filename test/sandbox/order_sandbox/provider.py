"""What a provider is: a table of endpoints, and how it answers.

A provider is a subclass of Provider in a file of its own.  A new endpoint is
one row in its table `endpoints` and one method.  The method gets a Call and
returns an Answer; it never touches a socket and never sleeps.
"""

import hashlib
import hmac
from urllib.parse import unquote

from . import json_text
from .state import BadInput, Order


class Shape:
    """Where an answer keeps its rows and what is in them; faults that change
    what an answer says know a provider only by this.  A row is an object, or
    an array whose fields are known by their place."""

    def __init__(self, rows, id, verdict, message, cancelled=None,
                 refused=None, ids_are_numbers=False):
        self.rows = rows            # keys from the top to the list of rows
        self.id = id                # the field with the order's id
        self.verdict = verdict      # the field with the verdict
        self.message = message      # the field with words
        self.cancelled = cancelled  # a verdict that says cancelled
        self.refused = refused      # fields of a row that says the contrary
        self.ids_are_numbers = ids_are_numbers

    def find_rows(self, document):
        """The list of rows in a document, or None.  An object with an id
        where rows could be is one row."""
        for key in self.rows:
            if not isinstance(document, dict):
                return None
            document = document.get(key)
        if isinstance(document, dict) and self.id in document:
            return [document]
        return document if isinstance(document, list) else None


class Answer:
    """A status and a document (or a body as it is)."""

    def __init__(self, status=200, document=None, body=None, headers=None,
                 shape=None):
        self.status = status
        self.document = document
        self.body = body
        self.headers = dict(headers or {})
        self.shape = shape

    def encoded(self):
        if self.body is not None:
            return self.body
        if self.document is None:
            return b""
        return json_text.encode(self.document)


class Refused(Exception):
    """The provider refuses the request as a whole; carries the answer."""

    def __init__(self, answer, note):
        super().__init__(note)
        self.answer = answer


class Endpoint:
    """One row of a provider's route table."""

    def __init__(self, method, path, name, handler, shape=None, signed=True,
                 lane="orders", act=True):
        self.method = method
        self.path = path            # below the provider's prefix
        self.name = name
        self.handler = handler      # name of the provider's method
        self.shape = shape
        self.signed = signed
        self.lane = lane            # which limits count it
        self.act = act              # does it change anything?


class Call:
    """One request being processed: what an endpoint's method works with."""

    def __init__(self, world, request, account, process, override):
        self.world = world
        self.request = request
        self.account = account
        self.process = process      # False: say what would be said, do nothing
        self.override = override    # a fault's verdict on an id, or None
        self.given = None           # checked arguments, where there are any

    def find(self, id):
        return self.world.find(self.account, id)

    def cancel(self, order, action="cancelled"):
        if self.process:
            self.world.change(order, "cancelled", self.request.number)
            self.world.record(self.account, order.id, action,
                              self.request.number)

    def look(self, id, action, detail=None):
        """Record what else was done with an order, or not done."""
        if self.process:
            self.world.record(self.account, id, action, self.request.number,
                              detail)


class Provider:
    name = None                     # as in the SQL server's name
    prefix = None                   # of all its paths; the base_url
    credentials = ()                # names of user mapping options
    demo = {}                       # the account that is there from the start
    statuses = ()                   # what an order can be
    aliases = {}                    # the provider's own words for these
    endpoints = ()
    limits = ()                     # documented limits, for pace.py
    order_kind = Order
    stream_paths = ()               # of WebSocket connections, which its
                                    # streams serve
    data_kinds = ()                 # what else the control API can put: each
                                    # has methods put_, get_ and drop_

    def __init__(self, world, pace):
        self.world = world
        self.pace = pace
        self.routes = {}
        for endpoint in self.endpoints:
            self.routes.setdefault(endpoint.path, {})[endpoint.method] = \
                endpoint

    # ---- to be written by each provider

    def account_name(self, credentials):
        """What identifies an account: the key."""
        raise NotImplementedError

    def key_of(self, request):
        """The key a request claims, or None."""
        raise NotImplementedError

    def read(self, request):
        """Take ids and market from a request, without judging it; this comes
        first, before its endpoint is looked up."""

    def check(self, request, account):
        """Verify key and signature; raises Refused."""
        raise NotImplementedError

    def error(self, status, code, message):
        """The provider's envelope around an error."""
        raise NotImplementedError

    def too_frequent(self, limit=None, account=None):
        """The answer to a request above a limit."""
        return self.error(429, 429, "too many requests")

    # ---- for the control API, where there is more to it than a status

    def clear(self):
        """Forget all but accounts and orders, which the world forgets."""

    def seeded(self, order):
        """The control API has put an order that was there before."""

    def fill(self, order, wanted):
        """The order was filled meanwhile."""
        if wanted:
            raise BadInput("orders at %s are filled whole, without %s"
                           % (self.name, ", ".join(wanted)))
        self.world.change(order, "filled")

    def age(self, order, seconds):
        """All of it happened so much earlier."""
        order.created -= seconds
        order.changed -= seconds

    # ---- the same for all

    def route(self, request):
        """The endpoint of a request; raises Refused."""
        methods = self.routes.get(request.rest)
        if methods is None:
            raise Refused(self.error(404, 404, "no such path"),
                          "no endpoint %s" % request.rest)
        endpoint = methods.get(request.method)
        if endpoint is None:
            raise Refused(self.error(405, 405, "method not allowed"),
                          "method %s" % request.method)
        return endpoint

    def refuse(self, request, status, code, message):
        request.note = message
        raise Refused(self.error(status, code, message), message)

    def serve(self, call):
        endpoint = call.request.endpoint
        answer = getattr(self, endpoint.handler)(call)
        if answer.shape is None:
            answer.shape = endpoint.shape
        return answer

    def status_named(self, word):
        """Our name for a status in our words or the provider's, or None."""
        word = self.aliases.get(word, word)
        return word if word in self.statuses else None


def form_pairs(text):
    """Names and values of a query or form, decoded once, '+' as a blank."""
    pairs = []
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote(name.replace("+", " "), errors="strict"),
                          unquote(value.replace("+", " "), errors="strict")))
    return pairs


def same(ours, theirs):
    """Compare two signatures; theirs may be missing or not even ASCII."""
    return hmac.compare_digest(ours.encode(), (theirs or "").encode())


def hmac_hex(secret, text, digest):
    return hmac.new(secret.encode(), text.encode(), digest).hexdigest()


def md5_hex(text):
    return hashlib.md5(text.encode("utf-8")).hexdigest()
