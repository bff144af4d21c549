"""The control API: plain HTTP and JSON on a port of its own.

Ids are strings in all of it.  A mistake is answered with status 400 and
{"error": why}.
"""

import json

from aiohttp import web

from . import json_text
from .control_stream import StreamControl
from .faults import COMMON, KNOWN
from .journal import PHASES
from .state import PERMISSIONS, SETTINGS, BadInput, World

LONGEST_WAIT = 300


def text_id(value):
    if not isinstance(value, str) or (type(value) is json_text.Number
                                      and not value.isdigit()):
        raise BadInput("an id is a string, not %r" % (value,))
    return str(value)


class Control(StreamControl):
    def __init__(self, sandbox, server):
        self.sandbox = sandbox
        self.world = sandbox.world
        self.journal = sandbox.journal
        self.faults = sandbox.faults
        self.server = server
        self.ready = {}                 # what --json prints
        self.runner = None

    def routes(self):
        return [
            web.get("/", self.index),
            web.get("/orders", self.get_orders),
            web.post("/orders", self.post_orders),
            web.post("/orders/{id}/fill", self.fill_order),
            web.post("/orders/{id}/status", self.set_order),
            web.post("/orders/{id}/age", self.age_order),
            web.get("/data/{provider}/{kind}", self.get_data),
            web.post("/data/{provider}/{kind}", self.post_data),
            web.delete("/data/{provider}/{kind}", self.delete_data),
            web.get("/executed", self.get_executed),
            web.get("/accounts", self.get_accounts),
            web.post("/accounts", self.post_accounts),
            web.get("/faults", self.get_faults),
            web.get("/faults/known", self.get_known),
            web.post("/faults", self.post_faults),
            web.delete("/faults", self.delete_faults),
            web.delete("/faults/{id}", self.delete_faults),
            web.get("/requests", self.get_requests),
            web.get("/connections", self.get_connections),
            web.post("/connections/close", self.close_connections),
            web.get("/pace", self.get_pace),
            web.post("/pace", self.post_pace),
            web.get("/settings", self.get_settings),
            web.post("/settings", self.post_settings),
            web.get("/wait", self.get_wait),
            web.post("/reset", self.post_reset),
        ] + self.stream_routes()

    async def start(self, port):
        app = web.Application(middlewares=[explain],
                              client_max_size=256 * 1024 * 1024)
        app.add_routes(self.routes())
        self.runner = web.AppRunner(app, access_log=None,
                                    handle_signals=False)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", port,
                           shutdown_timeout=0.2)
        await site.start()
        return self.runner.addresses[0][1]

    async def stop(self):
        if self.runner is not None:
            await self.runner.cleanup()

    # ---- start page

    async def index(self, request):
        return web.json_response(self.ready)

    async def json_of(self, request):
        return await body_of(request)

    # ---- orders

    def provider(self, name):
        if name not in self.sandbox.providers:
            raise BadInput("provider is one of: "
                           + ", ".join(self.sandbox.providers))
        return self.sandbox.providers[name]

    async def post_orders(self, request):
        """One seed or a list of them."""
        orders = []
        for seed in several(await exact_body_of(request)):
            orders.extend(self.seeded(seed))
        for order in orders:
            self.world.add_order(order)
            self.provider(order.provider).seeded(order)
        return web.json_response({"seeded": len(orders)})

    def seeded(self, seed):
        known = {"provider", "account", "market", "ids", "id", "range",
                 "status", "client_order_ids", "client_order_id", "group",
                 "fields"}
        unknown = set(seed) - known
        if unknown:
            raise BadInput("no %s in a seed; there are: %s" % (
                ", ".join(sorted(unknown)), ", ".join(sorted(known))))
        provider = self.provider(seed.get("provider"))
        account = self.world.account(provider.name, seed.get("account"))
        if account is None:
            raise BadInput("no such account")
        status = provider.status_named(seed.get("status", "open"))
        if status is None:
            raise BadInput("a status at %s is one of: %s" % (
                provider.name, ", ".join(provider.statuses)))
        ids = [text_id(id) for id in seed.get("ids", ())]
        if "id" in seed:
            ids.append(text_id(seed["id"]))
        if "range" in seed:             # [first, how many]
            first, count = seed["range"]
            ids.extend(str(int(first) + step) for step in range(int(count)))
        clients = seed.get("client_order_ids")
        if clients is not None and len(clients) != len(ids):
            raise BadInput("as many client_order_ids as ids, please")
        return [self.world.new_order(
            provider.name, account.name, id, seed.get("market"), status,
            clients[at] if clients is not None
            else seed.get("client_order_id"), seed.get("group"),
            seed.get("fields")) for at, id in enumerate(ids)]

    async def get_orders(self, request):
        asked = request.query
        status = asked.get("status")
        if status and asked.get("provider"):
            status = self.provider(asked["provider"]).status_named(status) \
                or status
        orders = self.world.every_order(asked.get("provider"),
                                        asked.get("account"), status,
                                        asked.get("id"))
        if "short" in asked:            # {id: status}
            return web.json_response({order.id: order.status
                                      for order in orders})
        return web.json_response([order.as_json() for order in orders])

    async def fill_order(self, request):
        wanted = await exact_body_of(request)
        order = self.the_order(request)
        self.provider(order.provider).fill(order, wanted)
        self.journal.look_again()
        return web.json_response(order.as_json())

    async def age_order(self, request):
        """All that happened to it happened so many seconds earlier."""
        seconds = number_in(await body_of(request), "seconds", 0, float)
        order = self.the_order(request)
        self.provider(order.provider).age(order, seconds)
        return web.json_response(order.as_json())

    async def set_order(self, request):
        word = (await body_of(request)).get("status")
        order = self.the_order(request)
        provider = self.provider(order.provider)
        status = provider.status_named(word)
        if status is None:
            raise BadInput("a status is one of: %s"
                           % ", ".join(provider.statuses))
        self.world.change(order, status)
        return web.json_response(order.as_json())

    def the_order(self, request):
        asked = request.query
        orders = list(self.world.every_order(
            asked.get("provider"), asked.get("account"),
            id=request.match_info["id"]))
        if len(orders) != 1:
            raise BadInput("%d orders have this id; name the provider and "
                           "account" % len(orders))
        return orders[0]

    async def get_executed(self, request):
        """Orders really cancelled, or another action; with all=1 everything
        processed."""
        return web.json_response([dict(zip(World.LOG_FIELDS, entry))
                                  for entry in self.executed(request.query)])

    def executed(self, asked):
        provider, everything = asked.get("provider"), asked.get("all")
        action = asked.get("action", "cancelled")
        return [entry for entry in self.world.log
                if provider in (None, entry[1])
                and (everything or entry[4] == action)]

    # ---- what else a provider knows

    def data(self, request, what):
        """The provider's method for this kind of data, and the account."""
        provider = self.provider(request.match_info["provider"])
        kind = request.match_info["kind"]
        method = getattr(provider, "%s_%s" % (what, kind), None) \
            if kind in provider.data_kinds else None
        if method is None:
            raise BadInput("cannot %s %s at %s; it knows: %s" % (
                what, kind, provider.name, ", ".join(provider.data_kinds)))
        account = self.world.account(provider.name,
                                     request.query.get("account"))
        if account is None:
            raise BadInput("no such account")
        return method, account

    async def get_data(self, request):
        method, account = self.data(request, "get")
        return exact_response(method(account))

    async def post_data(self, request):
        method, account = self.data(request, "put")
        wanted = several(await exact_body_of(request))
        for each in wanted:
            method(account, each)
        self.journal.look_again()
        return web.json_response({"put": len(wanted)})

    async def delete_data(self, request):
        method, account = self.data(request, "drop")
        method(account)
        return web.json_response({"dropped": True})

    # ---- accounts

    async def get_accounts(self, request):
        return web.json_response([
            account.as_json() for accounts in self.world.accounts.values()
            for account in accounts.values()])

    async def post_accounts(self, request):
        wanted = await body_of(request)
        provider = self.provider(wanted.get("provider"))
        credentials = wanted.get("credentials", {})
        if set(credentials) != set(provider.credentials) or not all(
                isinstance(value, str) for value in credentials.values()):
            raise BadInput("credentials of %s are: %s" % (
                provider.name, ", ".join(provider.credentials)))
        account = self.sandbox.add_account(
            provider.name, credentials,
            [each for each in PERMISSIONS if wanted.get(each, True)],
            wanted.get("user"))
        return web.json_response(account.as_json())

    # ---- faults

    async def get_faults(self, request):
        name = request.query.get("fault")
        return web.json_response([armed.as_json()
                                  for armed in self.faults.armed
                                  if name in (None, armed.kind.name)])

    async def get_known(self, request):
        return web.json_response({
            "faults": [KNOWN[name].as_json() for name in sorted(KNOWN)],
            "operations": {
                name: [endpoint.name for endpoint in provider.endpoints]
                for name, provider in self.sandbox.providers.items()},
            "common": {name: {"default": default, "about": about}
                       for name, (default, about) in COMMON.items()}})

    async def post_faults(self, request):
        armed = self.faults.arm(await body_of(request),
                                self.sandbox.providers)
        return web.json_response(armed.as_json())

    async def delete_faults(self, request):
        count = self.faults.disarm(
            request.match_info.get("id", request.query.get("id")),
            request.query.get("fault"))
        return web.json_response({"disarmed": count})

    # ---- what arrived

    async def get_requests(self, request):
        asked = request.query
        since = number_in(asked, "since", 0)
        found = [each for each in self.journal.requests
                 if asked.get("provider") in (None, each.provider)
                 and asked.get("account") in (None, each.account)
                 and asked.get("path") in (None, each.path)
                 and asked.get("id") in [None] + each.ids
                 and each.number > since]
        if "last" in asked:
            found = found[-number_in(asked, "last", 1):]
        if "most" in asked:
            found = found[:number_in(asked, "most", 1)]
        return web.json_response([each.as_json() for each in found])

    async def get_connections(self, request):
        port = request.query.get("port")
        count = self.journal.count
        listed = [each.as_json() for each in self.journal.connections
                  if port in (None, each.port)]
        return web.json_response({
            "opened": count("accepted", port),
            "handshakes": count("handshake", port),
            "closed": count("closed", port),
            "open": self.open_now(port),
            "connections": listed})

    def open_now(self, port=None):
        return sum(1 for each in self.journal.open.values()
                   if port in (None, each.port))

    async def close_connections(self, request):
        """Close all open ones: gently, or with ?how=reset."""
        how = request.query.get("how", "close")
        connections = [each for each in self.journal.open.values()
                       if each.writer is not None]
        for each in connections:
            await (each.reset() if how == "reset" else each.close(
                how != "silent"))
        return web.json_response({"closed": len(connections)})

    # ---- pace and settings

    async def get_pace(self, request):
        return web.json_response(self.sandbox.pace.as_json())

    async def post_pace(self, request):
        wanted = await body_of(request)
        if "pace" in wanted:
            self.world.change_settings({"pace": wanted["pace"]})
        if "provider" in wanted:
            self.sandbox.pace.change(wanted["provider"],
                                     wanted.get("limits", "default"))
        if wanted.get("unlock"):
            for accounts in self.world.accounts.values():
                for account in accounts.values():
                    account.locked_until = 0.0
        return web.json_response(self.sandbox.pace.as_json())

    async def get_settings(self, request):
        if "about" in request.query:
            return web.json_response({
                name: {"value": self.world.settings[name], "default":
                       entry[0], "about": entry[2]}
                for name, entry in SETTINGS.items()})
        return web.json_response(self.world.settings)

    async def post_settings(self, request):
        self.world.change_settings(await body_of(request))
        return web.json_response(self.world.settings)

    # ---- waiting

    async def get_wait(self, request):
        """Wait until all that is asked for is true; see the README."""
        asked = request.query
        seconds = min(number_in(asked, "seconds", 10, float), LONGEST_WAIT)
        predicate = self.predicate(asked)
        reached = await self.journal.wait(predicate, seconds)
        return web.json_response({"reached": reached})

    def predicate(self, asked):
        provider, port = asked.get("provider"), asked.get("port")
        count, fault = self.journal.count, asked.get("fault")
        tests = []
        if "requests" in asked:
            wanted = number_in(asked, "requests", 1)
            tests.append(lambda: count("body", port, provider) >= wanted)
        if "more" in asked:
            total = count("body", port, provider) + number_in(asked, "more", 1)
            tests.append(lambda: count("body", port, provider) >= total)
        if "phase" in asked or fault:
            phase = asked.get("phase", "fault")
            if phase not in PHASES:
                raise BadInput("a phase is one of: " + ", ".join(PHASES))
            times = number_in(asked, "count", 1)
            whose = None if phase in ("accepted", "handshake", "headers",
                                      "closed", "dns") else provider
            tests.append(lambda: count(phase, port, whose, fault) >= times)
        if "executed" in asked:
            orders = number_in(asked, "executed", 1)
            tests.append(lambda: len(self.executed(asked)) >= orders)
        tests.extend(self.stream_tests(asked))
        if "open" in asked:
            most = number_in(asked, "open", 0)
            tests.append(lambda: self.open_now(port) <= most)
        if not tests:
            raise BadInput("wait for requests=, more=, phase=, fault=, "
                           "executed=, open=, streams= or topic=")
        return lambda: all(test() for test in tests)

    async def post_reset(self, request):
        self.faults.disarm()            # lets go of what black holes hold
        if request.query.get("connections"):
            for each in list(self.journal.open.values()):
                await each.close()
        self.sandbox.reset()
        return web.json_response({"reset": True})


@web.middleware
async def explain(request, handler):
    try:
        return await handler(request)
    except BadInput as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return web.json_response({"error": error.reason},
                                 status=error.status)


def exact_response(value):
    """As web.json_response, with amounts as numbers, all digits kept."""
    return web.Response(body=json_text.encode(value),
                        content_type="application/json")


def several(wanted):
    """One object, or a list of them."""
    items = wanted if isinstance(wanted, list) else [wanted]
    if not all(isinstance(item, dict) for item in items):
        raise BadInput("a list of JSON objects, please")
    return items


async def exact_body_of(request):
    """The same with every number as its text."""
    return await body_of(request, json_text.decode)


async def body_of(request, decode=json.loads):
    """The JSON of a request; curl -d need not name the content type."""
    text = await request.text() if request.can_read_body else ""
    try:
        value = decode(text or "{}")
    except ValueError as error:
        raise BadInput("not JSON: %s" % error) from None
    if not isinstance(value, (dict, list)):
        raise BadInput("a JSON object, please")
    return value


def number_in(asked, name, default, kind=int):
    try:
        return kind(asked.get(name, default))
    except (TypeError, ValueError):
        raise BadInput("%s needs a number" % name) from None
