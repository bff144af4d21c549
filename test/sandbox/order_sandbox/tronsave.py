"""TronSave: fast-charge orders, a key in a header, no signature."""

from . import json_text
from .pace import Limit
from .provider import Answer, Endpoint, Provider, Shape, same

REASONS = {"not_found": "Order not found",
           "not_pending": "Order is not in Pending status"}
WIRE_STATUS = {"open": "Pending", "matched": "Matched", "filled": "Completed",
               "cancelled": "Cancelled"}


class TronSave(Provider):
    name = "tronsave"
    prefix = "/tronsave"
    credentials = ("api_key",)
    demo = {"api_key": "sandbox-tronsave-api-key"}
    statuses = tuple(WIRE_STATUS)
    aliases = {word: name for name, word in WIRE_STATUS.items()}
    limits = (Limit(1, 2, "path", "any"),)

    ROWS = Shape(("cancel_results",), "order_id", "is_success", "fail_reason",
                 cancelled=True,
                 refused={"is_success": False,
                          "fail_reason": REASONS["not_found"]})
    TRACKED = Shape(("results",), "order_id", "status", "status")

    endpoints = (
        Endpoint("POST", "/v0/fast-charge-order-cancel", "cancel", "cancel",
                 ROWS),
        Endpoint("POST", "/v0/fast-charge-order-tracking", "tracking",
                 "tracking", TRACKED, act=False),
    )

    def account_name(self, credentials):
        return credentials["api_key"]

    def key_of(self, request):
        return request.header.get("apikey")

    def read(self, request):
        request.problem = None
        request.ids = []
        kind = request.header.get("content-type", "").partition(";")[0]
        if kind.strip().lower() != "application/json":
            request.problem = (415, "FST_ERR_CTP_INVALID_MEDIA_TYPE",
                               "Unsupported Media Type")
            return
        try:
            body = json_text.decode(request.body)
        except ValueError:
            request.problem = (400, "FST_ERR_CTP_INVALID_JSON_BODY",
                               "Body is not valid JSON")
            return
        request.problem = self._validate(body)
        if request.problem is None:
            request.ids = list(body["order_ids"])

    def _validate(self, body):
        if not isinstance(body, dict):
            words = "body must be object"
        elif "order_ids" not in body:
            words = "body must have required property 'order_ids'"
        elif not isinstance(body["order_ids"], list):
            words = "body/order_ids must be array"
        else:
            for index, id in enumerate(body["order_ids"]):
                if type(id) is not str:     # a Number was sent as a number
                    words = "body/order_ids/%d must be string" % index
                    break
            else:
                return None
        return 400, "FST_ERR_VALIDATION", words

    def check(self, request, account):
        if not request.header.get("apikey"):
            self.refuse(request, 401, None, "TSAS:106 API_KEY_REQUIRED")
        request.signature = account is not None and same(
            account.credentials["api_key"], request.header["apikey"])
        if not request.signature:
            self.refuse(request, 401, None, "TSAS:107 INVALID_API_KEY")

    def error(self, status, code, message):
        if isinstance(code, str):
            words = {400: "Bad Request", 415: "Unsupported Media Type"}
            return Answer(status, {"statusCode": status, "code": code,
                                   "error": words.get(status, "Error"),
                                   "message": message})
        return Answer(status, {"error": True, "message": message})

    def too_frequent(self, limit=None, account=None):
        return self.error(429, None, "Rate limit reached")

    def cancel(self, call):
        if call.request.problem:
            self.refuse(call.request, *call.request.problem)
        rows = []
        for index, id in enumerate(call.request.ids):
            reason = call.override(id, index)
            if reason is None:
                reason = self._cancel(call, id)
            else:
                call.look(id, "failed")
            rows.append({"order_id": id, "is_success": not reason,
                         "fail_reason": reason or None})
        return Answer(200, {"cancel_results": rows})

    def _cancel(self, call, id):
        """The reason why not, or an empty one."""
        order = call.find(id)
        if order is None:
            call.look(id, "not_found")
            return REASONS["not_found"]
        if order.status != "open":
            call.look(id, "not_cancellable")
            return REASONS["not_pending"]
        call.cancel(order)
        return ""

    def tracking(self, call):
        if call.request.problem:
            self.refuse(call.request, *call.request.problem)
        found = [call.find(id) for id in call.request.ids]
        return Answer(200, {"results": [
            {"order_id": order.id, "status": WIRE_STATUS[order.status]}
            for order in found if order is not None]})
