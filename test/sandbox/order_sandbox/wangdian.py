"""Wangdian flagship: one address, the call is named in the query."""

from . import json_text
from .provider import (Answer, Endpoint, Provider, Refused, Shape, form_pairs,
                       md5_hex, same)

EPOCH = 1325347200              # 2012-01-01, where its timestamps begin
MAXIMUM = 20
TOO_MANY = "采购退货单号每次调用不得超过20条或为空"
NOT_FOUND = "采购退货单号不存在"
WRONG_STATE = "采购退货单不是待审核或者编辑中状态"
WORDS = {"open": "待审核", "editing": "编辑中", "approved": "已审核",
         "filled": "已完成", "cancelled": "已取消"}


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

    # here the path of an endpoint is the method named in the query
    endpoints = (
        Endpoint("POST", "purchase.PurchaseReturn.batchCancelOrder",
                 "batch_cancel", "batch_cancel", ROWS),
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

    def batch_cancel(self, call):
        request = call.request
        kind = request.header.get("content-type", "").partition(";")[0]
        if kind.strip().lower() != "application/json":
            self.refuse(request, 200, 100, "报文格式错误")
        arguments = request.arguments
        if not (isinstance(arguments, list) and len(arguments) == 1
                and isinstance(arguments[0], list)
                and len(request.ids) == len(arguments[0])):
            self.refuse(request, 200, 100, "参数错误")
        if not 1 <= len(request.ids) <= MAXIMUM:
            self.refuse(request, 200, 100, TOO_MANY)
        errors = []
        for index, id in enumerate(request.ids):
            words = call.override(id, index)
            if words is None:
                words = self._cancel(call, id)
            else:
                call.look(id, "failed")
            if words:
                errors.append({"order_no": id, "message": words})
        return Answer(200, {"status": 0, "data": {
            "error_info": errors, "error_num": len(errors), "status": 0}})

    def _cancel(self, call, id):
        """The reason why not, or an empty one."""
        order = call.find(id)
        if order is None:
            call.look(id, "not_found")
            return NOT_FOUND
        if order.status not in ("open", "editing"):
            call.look(id, "not_cancellable")
            return WRONG_STATE
        call.cancel(order)
        return ""
