"""XT: batchCancel of up to 100 ids, and the signed reads beside it."""

import base64
import binascii
import time

from . import json_text
from .pace import Limit
from .provider import (Answer, Endpoint, Provider, Refused, Shape, form_pairs,
                       hmac_hex, same)

WORDS = {
    120: "The order has been canceled successfully",
    121: "Failed to cancel the order since it does not exist or has been "
         "canceled",
    122: "Failed to cancel the order since it has been canceled or completed",
    123: "Failed to cancel the order, unknown error, please try again later",
    124: "The operation is too frequent, please try again later",
}
MAXIMUM = 100           # ids beyond these are silently ignored

# what becomes of an order that cannot be cancelled
VERDICTS = {"cancelled": 121, "filled": 122, "settling": 122, "failing": 123}
AMOUNTS = ("number", "price", "avgPrice", "completeNumber", "completeMoney",
           "fee")
# what an order of one piece at 34.1 has come to, unless its fields say else
DONE = {"filled": ("34.100000", "1.000000", "34.100000", "0.034100"),
        "settling": ("34.100000", "1.000000", "34.100000", "0.034100"),
        "partly_filled": ("34.100000", "0.400000", "13.640000", "0.013640")}
NOTHING = ("0.000000",) * 4
WIRE_STATUS = {"submitted": 0, "open": 1, "partly_filled": 1, "failing": 1,
               "filled": 2, "cancelled": 3, "settling": 4}


def sign(secret, parameters):
    """parameters: (name, raw value) pairs without the signature."""
    text = "&".join("%s=%s" % pair for pair in sorted(parameters))
    return hmac_hex(secret, text, "sha256")


def told(name, value, as_numbers):
    """A field of an order; all digits are kept."""
    number = as_numbers if name in AMOUNTS \
        else type(value) is json_text.Number
    return json_text.Raw(str(value)) if number else value


class Xt(Provider):
    name = "xt"
    prefix = "/xt"
    credentials = ("access_key", "secret_key")
    demo = {"access_key": "sandbox-xt-access-key",
            "secret_key": "sandbox-xt-secret-key"}
    statuses = ("open", "submitted", "partly_filled", "filled", "cancelled",
                "settling", "failing")
    # what is signed counts together, be it a read or an act; what is public
    # counts for the address alone
    limits = (Limit(10, 1, "user", "orders"), Limit(1000, 60, "host", "any"))

    ROWS = Shape(("data",), "id", "code", "msg", cancelled=120,
                 refused={"code": 121, "msg": WORDS[121]},
                 ids_are_numbers=True)
    ORDERS = Shape(("data",), "id", "status", "type", ids_are_numbers=True)

    endpoints = (
        Endpoint("POST", "/trade/api/v1/batchCancel", "batch_cancel",
                 "batch_cancel", ROWS),
        Endpoint("GET", "/trade/api/v1/getOrder", "get_order", "get_order",
                 ORDERS, act=False),
        Endpoint("GET", "/trade/api/v1/getOpenOrders", "get_open_orders",
                 "get_open_orders", ORDERS, act=False),
        Endpoint("GET", "/trade/api/v1/getBatchOrders", "get_batch_orders",
                 "get_batch_orders", ORDERS, act=False),
        Endpoint("GET", "/trade/api/v1/getServerTime", "get_server_time",
                 "get_server_time", signed=False, lane="public", act=False),
    )

    def account_name(self, credentials):
        return credentials["access_key"]

    # ---- reading and checking a request

    def _parameters(self, request):
        if request.method == "GET":
            return form_pairs(request.raw_query)
        kind = request.header.get("content-type", "").partition(";")[0]
        if kind.strip().lower() != "application/x-www-form-urlencoded":
            return []
        return form_pairs(request.body.decode("utf-8"))

    def read(self, request):
        try:
            request.parameters = self._parameters(request)
        except UnicodeDecodeError:
            request.parameters = []
        values = dict(request.parameters)
        request.values = values
        request.market = values.get("market")
        request.data_error = None
        request.ids = []
        if "id" in values:
            request.ids = [values["id"]]
        if "data" in values:
            try:
                request.ids = self._ids(values["data"])
            except (ValueError, binascii.Error) as error:
                request.data_error = str(error)

    def _ids(self, data):
        ids = json_text.decode(base64.b64decode(data, validate=True))
        if not isinstance(ids, list):
            raise ValueError("data is not an array")
        for id in ids:
            if not (isinstance(id, str) and id.isascii() and id.isdigit()
                    and len(id) <= 19):
                raise ValueError("%r is no order id" % (id,))
        return [str(id) for id in ids]

    def key_of(self, request):
        return request.values.get("accesskey")

    def check(self, request, account):
        values = request.values
        names = [name for name, _ in request.parameters]
        for name in ("accesskey", "nonce", "signature"):
            if names.count(name) != 1:
                self.refuse(request, 200, 400, "parameter %s" % name)
        if request.method == "POST" and request.raw_query:
            self.refuse(request, 200, 400, "parameters in the query")
        if account is None:
            self.refuse(request, 200, 307, "access key")
        request.signature = self._signature_fits(request, account)
        if not request.signature:
            self.refuse(request, 200, 308, "signature")
        nonce = values["nonce"]
        if not (len(nonce) == 13 and nonce.isascii() and nonce.isdigit()):
            self.refuse(request, 200, 400, "nonce")
        request.fresh = self.pace.nonce(self.name, account.name, int(nonce))
        if not request.fresh and self.world.on("reject_nonce"):
            self.refuse_nonce(request)
        if account.locked_until > time.monotonic():
            raise Refused(self._locked(), "account is locked")

    def refuse_nonce(self, request):
        self.refuse(request, 200, 308, "nonce is not above the last one")

    def _signature_fits(self, request, account):
        rest = [pair for pair in request.parameters if pair[0] != "signature"]
        how = self.world.settings["xt_signed_data"]
        tries = []
        if how != "decoded":
            tries.append(rest)
        if how != "encoded":
            try:
                tries.append([
                    (name, base64.b64decode(value).decode()
                     if name == "data" else value) for name, value in rest])
            except ValueError:
                pass
        return any(same(sign(account.credentials["secret_key"], each),
                        request.values["signature"]) for each in tries)

    # ---- answering

    def error(self, status, code, message):
        return Answer(status, {"code": code, "info": message})

    def too_frequent(self, limit=None, account=None):
        if account is not None and limit is not None:
            account.locked_until = (time.monotonic()
                                    + self.world.settings["lock_seconds"])
            return self._locked()
        return self.error(429, 429, "too many requests")

    def _locked(self):
        words = "requests were too frequent, the account is locked"
        if self.world.settings["xt_lock_answer"] == "envelope":
            return self.error(200, 404, words)
        return self.error(429, 429, words)

    def batch_cancel(self, call):
        request = call.request
        if not request.market or request.values.get("data") is None:
            self.refuse(request, 200, 400, "parameter market or data")
        if request.data_error:
            self.refuse(request, 200, 400, request.data_error)
        if "trade" not in call.account.permissions:
            self.refuse(request, 200, 404, "no trading permission")
        rows = []
        for index, id in enumerate(request.ids[:MAXIMUM]):
            code = call.override(id, index)
            if code is None:
                code = self._cancel(call, id)
            else:
                call.look(id, "code %s" % code)
            rows.append({"msg": WORDS.get(code, "code %s" % code),
                         "code": code, "id": int(id)})
        return Answer(200, {"code": 200, "data": rows, "info": WORDS[120]})

    def _cancel(self, call, id):
        order = call.find(id)
        if order is None or order.market not in (None, call.request.market):
            call.look(id, "not_found")
            return 121
        code = VERDICTS.get(order.status)
        if code is not None:
            call.look(id, "not_cancellable" if code == 122 else
                      "failed" if code == 123 else "not_found")
            return code
        call.cancel(order)
        return 120

    # ---- reads

    def _element(self, order):
        average, number, money, fee = DONE.get(order.status, NOTHING)
        element = {
            "number": "1.000000", "price": "34.100000", "avgPrice": average,
            "id": int(order.id), "time": int(order.created * 1000), "type": 1,
            "status": WIRE_STATUS[order.status], "completeNumber": number,
            "completeMoney": money, "entrustType": 0, "fee": fee}
        element.update(order.fields)
        as_numbers = self.world.settings["xt_amounts"] == "number"
        return {name: told(name, value, as_numbers)
                for name, value in element.items()}

    def _need(self, call, *names):
        for name in names:
            if not call.request.values.get(name):
                self.refuse(call.request, 200, 400, "parameter " + name)

    def _visible(self, call, id):
        order = call.find(id)
        if order is None or order.market not in (None, call.request.market):
            return None
        return order

    def get_order(self, call):
        self._need(call, "market", "id")
        order = self._visible(call, call.request.values["id"])
        if order is None:
            return self.error(200, 404, "no such order")
        return Answer(200, {"code": 200, "data": self._element(order),
                            "info": "success"})

    def get_batch_orders(self, call):
        self._need(call, "market", "data")
        if call.request.data_error:
            self.refuse(call.request, 200, 400, call.request.data_error)
        found = [self._visible(call, id) for id in call.request.ids[:MAXIMUM]]
        return Answer(200, {"code": 200, "info": "success", "data": [
            self._element(order) for order in found if order is not None]})

    def get_open_orders(self, call):
        self._need(call, "market")
        values = call.request.values
        try:
            page = int(values.get("page", 1))
            size = int(values.get("pageSize", 10))
        except ValueError:
            page = size = 0
        if page < 1 or not 10 <= size <= 1000:
            self.refuse(call.request, 200, 400, "page or pageSize")
        orders = [order for order in self.world.book(call.account)
                  if WIRE_STATUS[order.status] in (0, 1)
                  and order.market in (None, call.request.market)]
        return Answer(200, {"code": 200, "info": "success", "data": [
            self._element(order) for order in self._page(orders, page, size)]})

    def _page(self, orders, page, size):
        """A page of some orders, as the settings have it."""
        settings = self.world.settings
        size = min(size, settings["xt_page_most"] or size)
        if settings["xt_page_order"] != "oldest":
            orders.reverse()
        if settings["xt_page_order"] == "changed":
            orders.sort(key=lambda order: order.changed, reverse=True)
        if settings["xt_page_number"] == "ignored":
            page = 1
        elif settings["xt_page_number"] == "last":
            page = max(1, min(page, -(-len(orders) // size)))
        return orders[(page - 1) * size:page * size]

    def get_server_time(self, call):
        return Answer(200, {"code": 200, "info": "success", "data": {
            "serverTime": int(self.world.now() * 1000)}})
