"""Wangdian flagship: one address, the call is named in the query.

Its database may compare numbers without a look at case and width, as MySQL
does (setting wangdian_numbers).  Then it names a return as it holds it, and
each only once, however often and in whatever spelling it was asked for.
"""

import unicodedata

from . import json_text
from .provider import (Answer, Endpoint, Provider, Refused, Shape, form_pairs,
                       md5_hex, same)

EPOCH = 1325347200              # 2012-01-01, where its timestamps begin
MAXIMUM = 20
TOO_MANY = "采购退货单号每次调用不得超过20条或为空"
NOT_FOUND = "采购退货单号不存在"
WRONG_STATE = "采购退货单不是待审核或者编辑中状态"
NO_SPAN = "参数中必须包含起止时间"
WORDS = {"open": "待审核", "editing": "编辑中", "approved": "已审核",
         "filled": "已完成", "cancelled": "已取消"}
WIRE_STATUS = {"cancelled": 10, "editing": 20, "open": 30, "approved": 40,
               "filled": 60}
NOT_OUT, OUT = 0, 2             # of stockout_status; 1 partly, 3 stopped


def folded(number):
    """Equal for numbers that are one to MySQL: case, width and accents."""
    plain = unicodedata.normalize("NFKD", number).casefold()
    return "".join(char for char in plain if not unicodedata.combining(char))


def sign(app_secret, query, body):
    """query: (name, value) pairs without the signature."""
    secret = app_secret.partition(":")[0]
    pairs = sorted(list(query) + [("body", body)])
    return md5_hex(secret + "".join(name + value for name, value in pairs)
                   + secret)


class Wangdian(Provider):
    name = "wangdian"
    prefix = "/wangdian/openapi"
    credentials = ("sid", "app_key", "app_secret")
    demo = {"sid": "sandbox-sid", "app_key": "sandbox-wangdian-app-key",
            "app_secret": "sandbox-wangdian-secret:sandbox-salt"}
    statuses = tuple(WORDS)
    aliases = {word: name for name, word in WORDS.items()}

    ROWS = Shape(("data", "error_info"), "order_no", "message", "message",
                 refused={"message": WRONG_STATE})
    RETURNS = Shape(("data", "order"), "return_no", "status", "remark")

    # here the path of an endpoint is the method named in the query
    endpoints = (
        Endpoint("POST", "purchase.PurchaseReturn.batchCancelOrder",
                 "batch_cancel", "batch_cancel", ROWS),
        Endpoint("POST", "purchase.PurchaseReturn.queryWithDetail",
                 "query", "query", RETURNS, lane="queries", act=False),
    )

    def account_name(self, credentials):
        return credentials["app_key"]

    def key_of(self, request):
        return request.values.get("key")

    def read(self, request):
        try:
            request.query = form_pairs(request.raw_query)
        except UnicodeDecodeError:
            request.query = []
        request.values = dict(request.query)
        request.arguments = None
        request.ids = []
        try:
            request.arguments = json_text.decode(request.body)
            numbers = request.arguments[0]
            if isinstance(numbers, dict):
                numbers = [numbers.get("return_no")]
            if isinstance(numbers, list):
                request.ids = [id for id in numbers if type(id) is str]
        except (ValueError, LookupError, TypeError):
            pass

    def route(self, request):
        if request.rest not in ("", "/"):
            raise Refused(self.error(404, 404, "no such path"),
                          "no endpoint %s" % request.rest)
        request.rest = request.values.get("method", "")
        if request.rest not in self.routes:
            raise Refused(self.error(200, 100, "接口不存在"),
                          "no method %s" % request.rest)
        return super().route(request)

    def check(self, request, account):
        values = request.values
        names = [name for name, _ in request.query]
        for name in ("sid", "key", "salt", "method", "v", "timestamp",
                     "sign"):
            if names.count(name) != 1:
                self.refuse(request, 200, 100, "缺少参数 " + name)
        if account is None or values["sid"] != account.credentials["sid"]:
            self.refuse(request, 200, 100, "卖家账号或接口账号无效")
        app_secret = account.credentials["app_secret"]
        if values["salt"] != app_secret.partition(":")[2]:
            self.refuse(request, 200, 100, "salt无效")
        try:
            body = request.body.decode("utf-8")
        except UnicodeDecodeError:
            self.refuse(request, 200, 100, "报文编码错误")
        query = [pair for pair in request.query if pair[0] != "sign"]
        request.signature = same(sign(app_secret, query, body),
                                 values["sign"])
        if not request.signature:
            self.refuse(request, 200, 100, "签名错误")
        if values["v"] != "1.0":
            self.refuse(request, 200, 100, "版本号错误")
        self._check_time(request, values["timestamp"])

    def _check_time(self, request, timestamp):
        try:
            away = abs(self.world.now() - EPOCH - int(timestamp))
        except ValueError:
            away = None
        if away is None or away > self.world.settings["timestamp_window"]:
            self.refuse(request, 200, 100, "时间戳错误")

    def error(self, status, code, message):
        return Answer(status, {"status": code, "message": message})

    def check_kind(self, request):
        kind = request.header.get("content-type", "").partition(";")[0]
        if kind.strip().lower() != "application/json":
            self.refuse(request, 200, 100, "报文格式错误")

    def find(self, call, id):
        """The return that its database finds for a number, or None."""
        if self.world.settings["wangdian_numbers"] == "exact":
            return call.find(id)
        for order in self.world.book(call.account):
            if folded(order.id) == folded(id):
                return order
        return None

    def batch_cancel(self, call):
        request = call.request
        self.check_kind(request)
        arguments = request.arguments
        if not (isinstance(arguments, list) and len(arguments) == 1
                and isinstance(arguments[0], list)
                and len(request.ids) == len(arguments[0])):
            self.refuse(request, 200, 100, "参数错误")
        if not 1 <= len(request.ids) <= MAXIMUM:
            self.refuse(request, 200, 100, TOO_MANY)
        errors = {}
        for index, id in enumerate(request.ids):
            words = call.override(id, index)
            if words is None:
                words = self._cancel(call, id)
            else:
                call.look(id, "failed")
            if words:
                order = self.find(call, id)
                name = id if order is None else order.id
                errors[name] = {"order_no": name, "message": words}
        return Answer(200, {"status": 0, "data": {
            "error_info": list(errors.values()), "error_num": len(errors),
            "status": 0}})

    def _cancel(self, call, id):
        """The reason why not, or an empty one."""
        order = self.find(call, id)
        if order is None:
            call.look(id, "not_found")
            return NOT_FOUND
        if order.status not in ("open", "editing"):
            call.look(id, "not_cancellable")
            return WRONG_STATE
        call.cancel(order)
        return ""

    # ---- reading

    def query(self, call):
        """The returns of one number, a page of them."""
        request = call.request
        self.check_kind(request)
        arguments = request.arguments
        if not (isinstance(arguments, list) and len(arguments) == 1
                and isinstance(arguments[0], dict)):
            self.refuse(request, 200, 100, "参数错误")
        if not request.ids or not request.ids[0]:
            self.refuse(request, 200, 100, NO_SPAN)
        found = [order for order in self.world.book(call.account)
                 if self.find(call, request.ids[0]) is order]
        size, page = (self._whole(request, name)
                      for name in ("page_size", "page_no"))
        data = {"order": [self.row(order) for order in
                          found[page * size:(page + 1) * size]]}
        if request.values.get("calc_total") == "1":
            data["total_count"] = len(found)
        return Answer(200, {"status": 0, "data": data})

    def _whole(self, request, name):
        value = request.values.get(name, "")
        if not (value.isascii() and value.isdigit()):
            self.refuse(request, 200, 100, "缺少参数 " + name)
        return int(value)

    def row(self, order):
        milliseconds = [int(moment * 1000)
                        for moment in (order.created, order.changed)]
        out = order.status == "filled"
        return dict({
            "return_no": order.id, "status": WIRE_STATUS[order.status],
            "stockout_status": OUT if out else NOT_OUT, "goods_count": 2,
            "goods_out_count": 2 if out else 0, "created": milliseconds[0],
            "modified": milliseconds[1], "remark": ""},
            **{name: json_text.Raw(value)
               if type(value) is json_text.Number else value
               for name, value in order.fields.items()})
