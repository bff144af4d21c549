"""BTSE spot v3.3: one order per request; without an id, EVERY order."""

import datetime
import sys

from .json_text import Raw
from .pace import Limit
from .provider import (Answer, Endpoint, Provider, Shape, form_pairs,
                       hmac_hex, same)

CANCELLED, NOT_FOUND = 6, 16
WIRE_STATUS = {"open": 2, "filled": 4, "partly_filled": 5, "cancelled": 6,
               "refunded": 7, "trigger": 9, "activated": 10, "rejected": 15,
               "settled": 3}
ALIVE = ("open", "partly_filled", "trigger", "activated")
# fields of an order that may be given when it is seeded; as raw numbers
NUMBERS = {"price": "23000.0", "triggerPrice": "0.0", "avgFilledPrice": "0.0",
           "stealth": "1.0", "deviation": "1.0", "originalOrderBaseSize": "10",
           "currentOrderBaseSize": "10", "filledBaseSize": "0",
           "totalFilledBaseSize": "0", "remainingBaseSize": "10"}


def sign(secret, path, nonce, body=""):
    return hmac_hex(secret, path + nonce + body, "sha384")


class Btse(Provider):
    name = "btse"
    prefix = "/btse/spot"
    credentials = ("api_key", "secret_key")
    demo = {"api_key": "sandbox-btse-api-key",
            "secret_key": "sandbox-btse-secret-key"}
    statuses = tuple(WIRE_STATUS)
    limits = (Limit(75, 1, "key", "orders"), Limit(15, 1, "key", "queries"))

    ROWS = Shape((), "orderID", "status", "message", cancelled=CANCELLED,
                 refused={"status": NOT_FOUND, "message": "order not found"})

    endpoints = (
        Endpoint("DELETE", "/api/v3.3/order", "cancel", "cancel", ROWS),
        Endpoint("GET", "/api/v3.3/order", "get_order", "get_order",
                 lane="queries", act=False),
        Endpoint("GET", "/api/v3.3/user/open_orders", "open_orders",
                 "open_orders", ROWS, lane="queries", act=False),
        Endpoint("GET", "/api/v3.3/time", "time", "time", signed=False,
                 lane="public", act=False),
    )

    def account_name(self, credentials):
        return credentials["api_key"]

    def key_of(self, request):
        return request.header.get("request-api")

    # ---- reading and checking a request

    def read(self, request):
        try:
            request.values = dict(form_pairs(request.raw_query))
        except UnicodeDecodeError:
            request.values = {}
        # a blank parameter counts as not sent, as it does at the service
        request.order_id = request.values.get("orderID") or None
        request.client_id = request.values.get("clOrderID") or None
        request.market = request.values.get("symbol") or None
        request.ids = [id for id in (request.order_id or request.client_id,)
                       if id]

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
        fresh = self.pace.nonce(self.name, account.name, int(nonce))
        if not fresh and self.world.on("reject_nonce"):
            self.refuse(request, 401, 401, "UNAUTHORIZED: nonce is too low")
        if not account.trade:
            self.refuse(request, 403, 403, "FORBIDDEN: trading permission")

    # ---- answering

    def error(self, status, code, message):
        return Answer(status, {"errorCode": code, "message": message,
                               "status": status})

    def too_frequent(self, limit=None, account=None):
        return self.error(429, 303, "ERROR_RATE_LIMITS_EXCEEDED")

    def cancel(self, call):
        request = call.request
        if not request.market:
            self.refuse(request, 400, 400, "BADREQUEST: symbol")
        if not request.ids:
            return self._cancel_all(call)
        status = call.override(request.ids[0], 0)
        if status is not None:
            call.look(request.ids[0], "status %s" % status)
            return Answer(200, [self._blank(request, status, "")])
        orders = (self._by_id(call) if request.order_id
                  else self._by_client_id(call))
        if not orders:
            call.look(request.ids[0], "not_found")
            return Answer(200, [self._blank(request, NOT_FOUND,
                                            "order not found")])
        return Answer(200, [self._cancel(call, order) for order in orders])

    def _by_id(self, call):
        order = call.find(call.request.order_id)
        if order is None or order.market not in (None, call.request.market):
            return []
        if order.status == "cancelled":     # gone, as never heard of
            return []
        return [order] + [leg for leg in self.world.book(call.account)
                          if order.group is not None and leg is not order
                          and leg.group == order.group
                          and leg.status in ALIVE]

    def _by_client_id(self, call):
        found = [order for order in self.world.book(call.account)
                 if order.client_order_id == call.request.client_id
                 and order.market in (None, call.request.market)
                 and order.status != "cancelled"]
        alive = [order for order in found if order.status in ALIVE]
        return alive or found[:1]

    def _cancel(self, call, order):
        if order.status in ALIVE:
            call.cancel(order)
            return self._element(order, CANCELLED)
        call.look(order.id, "not_cancellable")
        return self._element(order, WIRE_STATUS[order.status])

    def _cancel_all(self, call):
        """No id was sent: the service cancels the whole market."""
        doomed = [order for order in self.world.book(call.account)
                  if order.status in ALIVE
                  and order.market in (None, call.request.market)]
        if call.process:
            print("order sandbox: CANCEL ALL: request %d named no order, so "
                  "all %d open orders of %s were cancelled"
                  % (call.request.number, len(doomed), call.request.market),
                  file=sys.stderr, flush=True)
        call.look(call.request.market, "cancel_all")
        for order in doomed:
            call.cancel(order)
        return Answer(200, [self._element(order, CANCELLED)
                            for order in doomed])

    def _blank(self, request, status, words):
        """An element about an order that nobody knows."""
        element = self._fields(request.market, status)
        element["orderID"] = request.order_id or ""
        element["clOrderID"] = request.client_id or ""
        element["message"] = words
        return element

    def _element(self, order, status):
        element = self._fields(order.market, status)
        element["orderID"] = order.id
        element["clOrderID"] = order.client_order_id or ""
        element["timestamp"] = int(order.created * 1000)
        for name, value in order.fields.items():
            element[name] = (Raw(str(value)) if name in NUMBERS else value)
        return element

    def _fields(self, market, status):
        element = {
            "status": status, "symbol": market, "orderType": 76,
            "price": None, "side": "BUY", "orderID": "",
            "timestamp": int(self.world.now() * 1000), "triggerPrice": None,
            "stopPrice": None, "trigger": False, "message": "",
            "avgFilledPrice": None, "clOrderID": "", "stealth": None,
            "deviation": None, "postOnly": False, "time_in_force": "GTC",
            "originalOrderBaseSize": None, "originalOrderQuoteSize": None,
            "currentOrderBaseSize": None, "currentOrderQuoteSize": None,
            "filledBaseSize": None, "totalFilledBaseSize": None,
            "remainingBaseSize": None, "remainingQuoteSize": None,
            "orderCurrency": "base"}
        for name, number in NUMBERS.items():
            element[name] = Raw(number)
        return element

    # ---- reads

    def get_order(self, call):
        request = call.request
        if not request.ids:
            self.refuse(request, 400, 400, "BADREQUEST: orderID or clOrderID")
        for order in self.world.book(call.account):
            if request.ids[0] in ((order.id,) if request.order_id
                                  else (order.client_order_id,)):
                recent = (order.status == "cancelled"
                          and self.world.now() - order.changed < 1800)
                if order.status in ALIVE or recent:
                    return Answer(200, self._detail(order))
        return self.error(400, 400, "BADREQUEST: order not found")

    def _detail(self, order):
        element = self._element(order, WIRE_STATUS[order.status])
        element["timeInForce"] = element.pop("time_in_force")
        element["triggerOrder"] = element.pop("trigger")
        element["quote"] = order.market.partition("-")[2] \
            if order.market else None
        return element

    def open_orders(self, call):
        request = call.request
        rows = []
        for order in self.world.book(call.account):
            if order.status not in ALIVE:
                continue
            if request.market not in (None, order.market):
                continue
            if request.order_id not in (None, order.id):
                continue
            if (request.order_id is None
                    and request.client_id not in (None,
                                                  order.client_order_id)):
                continue
            row = self._detail(order)
            del row["status"]
            row["orderState"] = "STATUS_ACTIVE"
            rows.append(row)
        return Answer(200, rows)

    def time(self, call):
        now = datetime.datetime.fromtimestamp(self.world.now(),
                                              datetime.timezone.utc)
        return Answer(200, {
            "iso": now.strftime("%Y-%m-%dT%H:%M:%S.")
            + "%03dZ" % (now.microsecond // 1000),
            "epoch": int(now.timestamp())})
