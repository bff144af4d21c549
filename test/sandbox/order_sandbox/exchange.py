"""The way of one request: which provider, which faults, what is answered.

No socket is touched here but through the connection's few methods, and no
provider or fault is known by name.
"""

import sys
import time
import traceback

from . import (fault_reads, fault_rows, fault_status, fault_stream,  # noqa: F401
               fault_text, fault_wire)
from .btse import Btse
from .faults import Faults
from .journal import Journal
from .pace import Pace
from .provider import Answer, Call, Refused, Shape
from .state import Account, World
from .tronsave import TronSave
from .wangdian import Wangdian
from .xt import Xt

PROVIDERS = (Xt, TronSave, Btse, Wangdian)
STREAM = "_stream"
NO_ROWS = Shape(("no rows",), "id", "code", "message")


class Sandbox:
    """All that lives while the sandbox runs, apart from its sockets."""

    def __init__(self, pace="on"):
        self.world = World()
        self.pace = Pace(self.world)
        self.journal = Journal(self.world)
        self.faults = Faults()
        self.providers = {}
        self.first_pace = pace
        for kind in PROVIDERS:
            provider = kind(self.world, self.pace)
            self.providers[kind.name] = provider
            self.pace.define(kind.name, list(kind.limits))
            self.world.order_kinds[kind.name] = kind.order_kind
            self.add_account(kind.name, kind.demo)
            self.streams(provider)
        self.faults.met = lambda armed, peer: self.journal.note(
            "fault", peer.connection.port, peer.request.provider,
            armed.kind.name)
        self.world.alarms.after = self.journal.look_again
        self.world.settings["pace"] = pace

    def add_account(self, name, credentials, *more):
        account_name = self.providers[name].account_name(credentials)
        return self.world.add_account(
            Account(name, account_name, dict(credentials), *more))

    def streams(self, provider):
        if provider.stream_paths:
            provider.streams.faults = self.faults
            provider.streams.look_again = self.journal.look_again

    def reset(self):
        """As after the start, but that accounts and open connections stay,
        apart from those of streams."""
        self.world.clear()
        for provider in self.providers.values():
            provider.clear()
        self.world.settings["pace"] = self.first_pace
        self.pace.clear()
        self.faults.clear()
        self.journal.clear()

    # ---- one request

    def provider_of(self, request):
        for provider in self.providers.values():
            prefix = provider.prefix
            if request.path == prefix or request.path.startswith(prefix + "/"):
                request.provider = provider.name
                request.rest = request.path[len(prefix):]
                return provider
        return None

    async def handle(self, connection, request):
        """Answer one request; returns whether the connection stays open."""
        for provider in self.providers.values():
            if request.path in provider.stream_paths:
                return await self.stream(provider, connection, request)
        provider = self.provider_of(request)
        refusal = self.identify(provider, request)
        self.journal.add_request(request)
        met = self.faults.choose(request)
        self.journal.note("body", connection.port, request.provider)
        for armed in met.values():
            self.journal.note("fault", connection.port, request.provider,
                              armed.kind.name)
        wire = met.get("wire")
        rows = met.get("rows")
        arrive = getattr(rows.kind.hooks, "arrive", None) if rows else None
        if arrive and not await arrive(connection, rows.fired, rows.args):
            return False
        try:
            answer = refusal or self.answer(provider, request, met)
            self.edit(provider, answer, met)
        except Exception:                   # a mistake in the sandbox itself
            traceback.print_exc()
            print("order sandbox: request %d failed inside the sandbox"
                  % request.number, file=sys.stderr, flush=True)
            answer = Answer(500, {"sandbox": "internal error"},
                            headers={"X-Sandbox-Error": "1"})
        latency = self.world.settings["latency_ms"]
        if latency and not await connection.pause(latency / 1000):
            return False
        connection.request = request
        connection.armed = wire
        if wire is None:
            return await connection.answer(answer)
        if not wire.kind.needs_answer:
            answer = None
        return await wire.kind.hooks(connection, answer, wire.args)

    async def stream(self, provider, connection, request):
        """A connection of streams.  It is no request to the provider's API,
        so it has a name of its own where requests are counted, and only
        faults that ask for it by that name meet it."""
        request.provider = provider.name + STREAM
        self.journal.add_request(request)
        self.journal.note("body", connection.port, request.provider)
        connection.request = request
        return await provider.streams.serve(connection, request)

    def identify(self, provider, request):
        """Read ids and find the endpoint; an Answer where that fails."""
        if provider is None:
            request.note = "no such path"
            return Answer(404, {"sandbox": "no provider has this path",
                                "paths": [each.prefix for each
                                          in self.providers.values()]})
        provider.read(request)
        try:
            request.endpoint = provider.route(request)
        except Refused as refused:
            request.note = str(refused)
            return refused.answer
        return None

    def answer(self, provider, request, met):
        """What the provider says to it, with faults of that kind."""
        armed = met.get("rows")
        process = all(each.process or hasattr(each.kind.hooks, "override")
                      for each in met.values())
        hooks = args = None
        if armed is not None:
            hooks = armed.kind.hooks
            args = dict(armed.args, process=armed.process)
        try:
            account = self.admit(provider, request)
            answer = None
            if hasattr(hooks, "instead"):
                answer = hooks.instead(provider, request, args)
            if answer is None:
                def override(id, index):
                    if hasattr(hooks, "override"):
                        return hooks.override(provider, id, index, args)
                    return None
                request.processed = process
                answer = provider.serve(Call(self.world, request, account,
                                             process, override))
        except Refused as refused:
            request.note = request.note or str(refused)
            request.processed = False
            answer = refused.answer
        if self.journal._waiters:
            self.journal.look_again()       # orders may have changed
        return answer

    def edit(self, provider, answer, met):
        """What a fault makes of an answer, be it to a path nobody knows."""
        if answer.shape is None:
            answer.shape = NO_ROWS
        armed = met.get("rows")
        if provider is not None and hasattr(armed and armed.kind.hooks,
                                            "edit"):
            armed.kind.hooks.edit(provider, answer,
                                  dict(armed.args, process=armed.process))

    def admit(self, provider, request):
        """Account, pace and signature; raises Refused."""
        endpoint = request.endpoint
        key = provider.key_of(request) if endpoint.signed else None
        account = self.world.account(provider.name, key) if key else None
        if endpoint.signed and account is not None:
            request.account = account.name
        if account is not None or not endpoint.signed:
            broken = self.pace.arrive(provider.name, account, endpoint,
                                      request.arrived, request.number)
            if broken is not None:
                request.note = "above %d requests in %g s per %s" % (
                    broken.count, broken.seconds, broken.scope)
                raise Refused(provider.too_frequent(broken, account),
                              request.note)
        if endpoint.signed:
            provider.check(request, account)
        return account


def answered(request, status):
    """Write down that an answer with this status was handed over."""
    request.status = status
    request.answered_at = time.time()
