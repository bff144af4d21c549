"""BTSE spot v3.3: the whole REST API, put together from its parts.

    btse_market.py      public endpoints          btse_scenery.py  markets
    btse_orders.py      create, amend, cancel     btse_order.py    one order
    btse_account.py     open orders, trades, fees btse_matching.py its life
    btse_invest.py      investments               btse_wire.py     its answers
    btse_arguments.py   what endpoints take       btse_stream.py  WebSocket

Each file of endpoints has a table of them, and a class with their methods.
"""

from . import btse_account, btse_invest, btse_market, btse_orders, json_text
from .btse_account import AccountEndpoints
from .btse_arguments import BadArgument, read
from .btse_invest import InvestEndpoints, Investments
from .btse_market import MarketEndpoints
from .btse_matching import Matching
from .btse_order import WIRE_STATUS, BtseOrder, amount
from .btse_orders import OrderEndpoints
from .btse_trader import Trader
from .btse_scenery import Markets
from .btse_stream import URLS, Streams
from .pace import Limit
from .provider import Answer, Provider, form_pairs, hmac_hex, same
from .state import BadInput

RATE_EXCEEDED = 303
IDS = ("orderID", "clOrderID", "orderId", "productId")


def sign(secret, path, nonce, body=""):
    return hmac_hex(secret, path + nonce + body, "sha384")


class Btse(MarketEndpoints, OrderEndpoints, AccountEndpoints,
           InvestEndpoints, Provider):
    name = "btse"
    prefix = "/btse/spot"
    credentials = ("api_key", "secret_key")
    demo = {"api_key": "sandbox-btse-api-key",
            "secret_key": "sandbox-btse-secret-key"}
    statuses = tuple(WIRE_STATUS)
    order_kind = BtseOrder
    limits = (Limit(75, 1, "key", "orders"), Limit(75, 1, "user", "orders"),
              Limit(15, 1, "key", "queries"), Limit(30, 1, "user", "queries"),
              Limit(15, 1, "host", "public"))
    endpoints = (btse_market.ENDPOINTS + btse_orders.ENDPOINTS
                 + btse_account.ENDPOINTS + btse_invest.ENDPOINTS)
    stream_paths = tuple(URLS)
    data_kinds = ("markets", "book", "trades", "candles", "fills", "balances",
                  "timers", "products", "investments", "invest_history")

    def __init__(self, world, pace):
        super().__init__(world, pace)
        self.markets = Markets()
        self.matching = Matching(world, self.markets)
        self.streams = self.matching.streams = Streams(self)
        self.trader = Trader(self)
        self.investments = Investments()
        world.watchers[self.name] = self.matching.changed

    def clear(self):
        self.trader.clear()
        self.streams.clear()
        self.markets.reset()
        self.matching.clear()
        self.investments.clear()

    def account_name(self, credentials):
        return credentials["api_key"]

    def key_of(self, request):
        return request.header.get("request-api")

    # ---- reading and checking a request

    def read(self, request):
        request.problem = None
        request.in_query = request.method not in ("POST", "PUT")
        try:
            request.values = (dict(form_pairs(request.raw_query))
                              if request.in_query
                              else self._body(request))
        except ValueError as error:
            request.values, request.problem = {}, str(error)
        # a blank parameter counts as not sent, as it does at the service
        found = {name: str(request.values[name]) for name in IDS
                 if request.values.get(name) not in (None, "")}
        request.order_id = found.get("orderID")
        request.client_id = found.get("clOrderID")
        request.ids = list(found.values())[:1]
        market = request.values.get("symbol")
        request.market = market if market and isinstance(market, str) \
            else None

    def _body(self, request):
        kind = request.header.get("content-type", "").partition(";")[0]
        if kind.strip().lower() != "application/json":
            raise ValueError("content type")
        body = json_text.decode(request.body)
        if not isinstance(body, dict):
            raise ValueError("body is not an object")
        return body

    def check(self, request, account):
        key, nonce, signature = (request.header.get("request-" + name)
                                 for name in ("api", "nonce", "sign"))
        if not (key and nonce and signature):
            self.refuse(request, 401, 401, "UNAUTHORIZED: request headers")
        if account is None:
            self.refuse(request, 401, 401, "UNAUTHORIZED: api key")
        secret = account.credentials["secret_key"]
        try:
            ours = sign(secret, request.rest, nonce, request.body.decode())
        except UnicodeDecodeError:
            self.refuse(request, 400, 400, "BADREQUEST: body")
        request.signature = same(ours, signature)
        if not request.signature:
            self.refuse(request, 401, 401, "UNAUTHORIZED: signature")
        if not (nonce.isascii() and nonce.isdigit()):
            self.refuse(request, 401, 401, "UNAUTHORIZED: nonce")
        request.fresh = self.pace.nonce(self.name, account.name, int(nonce))
        if not request.fresh and self.world.on("reject_nonce"):
            self.refuse_nonce(request)
        permission = request.endpoint.permission
        if permission not in account.permissions:
            self.refuse(request, 403, 403,
                        "FORBIDDEN: %s permission" % permission)

    def refuse_nonce(self, request):
        self.refuse(request, 401, 401, "UNAUTHORIZED: nonce is too low")

    def serve(self, call):
        """Check the arguments, then let the endpoint's method answer."""
        request, takes = call.request, call.request.endpoint.takes
        if request.problem:
            self.refuse(request, 400, 400, "BADREQUEST: " + request.problem)
        try:
            call.given = read(request.values, takes, request.in_query)
        except BadArgument as error:
            self.refuse(request, 400, 400, "BADREQUEST: %s" % error)
        strangers = set(request.values) - set(takes)
        if strangers:
            request.note = "ignored: " + ", ".join(sorted(strangers))
        return super().serve(call)

    # ---- answering

    def error(self, status, code, message):
        return Answer(status, {"errorCode": code, "message": message,
                               "status": status})

    def too_frequent(self, limit=None, account=None):
        return self.error(429, RATE_EXCEEDED, "ERROR_RATE_LIMITS_EXCEEDED")

    # ---- for the control API

    def fill(self, order, wanted):
        """{size, price, maker}: by default the rest of it, at its price."""
        unknown = set(wanted) - {"size", "price", "maker"}
        if unknown:
            raise BadInput("a fill has size, price and maker, not "
                           + ", ".join(sorted(unknown)))
        if not order.alive:
            raise BadInput("order %s is not open" % order.id)
        market = self.markets.get(order.market)
        price = order.price or (market.last if market else None)
        size = amount(wanted.get("size", order.remaining))
        if not 0 < size <= order.remaining:
            raise BadInput("of order %s, %s is open"
                           % (order.id, order.remaining))
        self.matching.fill(order, size, amount(wanted.get("price", price)),
                           wanted.get("maker", True) is True)

    def seeded(self, order):
        self.matching.seeded(order)

    def age(self, order, seconds):
        super().age(order, seconds)
        self.matching.age(order, seconds)
