"""Faults meet BTSE's other endpoints too, by the operations' names."""

import json

from order_sandbox.btse import Btse
from order_sandbox.faults import KNOWN

from .base import UUID
from .btse_base import BtseCase

NEW = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT", "size": 1,
       "price": 34000, "clOrderID": UUID}
BODIES = {"create_order": NEW, "create_peg_order": NEW,
          "amend_order": {"symbol": "BTC-USD", "clOrderID": UUID,
                          "type": "PRICE", "value": 30000},
          "cancel_all_after": {"timeout": 0},
          "invest_deposit": {"productId": "fixbtc000030", "amount": 1},
          "invest_renew": {"orderId": 1, "autoRenew": True},
          "invest_redeem": {"orderId": 1, "amount": 0.1}}
QUERIES = {"ohlcv": {"symbol": "BTC-USD", "resolution": 60},
           "get_order": {"clOrderID": UUID}, "time": {},
           "cancel": {"symbol": "BTC-USD", "clOrderID": UUID}}
NO_BODY = ("cancel_all_after", "invest_deposit", "invest_redeem")


class Everywhere(BtseCase):
    def setUp(self):
        super().setUp()
        self.seed("btse", ["1"], market="BTC-USD", client_order_id=UUID)
        self.put("fills", {})
        self.put("investments", {"id": 1, "autorenewsupported": True,
                                 "type": "fixed"})
        self.put("invest_history", {})

    def request_of(self, endpoint):
        body = BODIES.get(endpoint.name)
        query = {} if body else QUERIES.get(endpoint.name,
                                            {"symbol": "BTC-USD"})
        return self.requests.btse(
            endpoint.method, endpoint.path, **query,
            body=None if body is None else json.dumps(body))

    def every(self, fault, **args):
        """The answers of all operations that meet this fault."""
        for endpoint in Btse.endpoints:
            self.setUp()
            self.post("/faults", dict(args, fault=fault, provider="btse",
                                      operation=endpoint.name))
            answer = self.ask(self.request_of(endpoint))
            self.assertEqual(self.last()["faults"], [fault], endpoint.name)
            yield endpoint, answer

    def test_no_fault(self):
        """All operations work as these cases ask for them."""
        for endpoint in Btse.endpoints:
            self.setUp()
            answer = self.ask(self.request_of(endpoint))
            self.assertEqual(answer.status, 200, (endpoint.name, answer.body))
            self.assertEqual(not answer.body, endpoint.name in NO_BODY)

    def test_nothing_breaks(self):
        """No fault makes the sandbox fail, whatever it meets."""
        for fault in sorted(KNOWN):
            kind = KNOWN[fault]
            if kind.stage != "rows" or kind.providers and \
                    "btse" not in kind.providers:
                continue
            self.setUp()
            self.post("/faults", dict({"fault": fault, "times": 0}, **{
                "bytes": 100} if "bytes" in kind.args else {}))
            with self.client() as client:
                for endpoint in Btse.endpoints:
                    answer = client.ask(self.request_of(endpoint))
                    self.assertNotIn("x-sandbox-error", answer.headers,
                                     (fault, endpoint.name))

    def test_close_after(self):
        acts = {"create_order": "created", "create_peg_order": "created",
                "amend_order": "amended", "cancel": "cancelled",
                "cancel_all_after": "timer_stopped",
                "invest_deposit": "deposited", "invest_renew": "renewed",
                "invest_redeem": "redeemed"}
        for process in (True, False):
            for endpoint, answer in self.every("close_after",
                                               process=process):
                self.assertEqual(answer.ended, "closed")
                action = acts.get(endpoint.name)
                self.assertEqual(self.done(), [action]
                                 if process and action else [],
                                 endpoint.name)

    def test_wrong_types(self):
        for endpoint, answer in self.every("wrong_types", type="bool"):
            if endpoint.name in NO_BODY or "orderbook" in endpoint.name:
                continue
            found = answer.json()
            row = found[0] if isinstance(found, list) else found
            self.assertEqual({str(each) for each in (
                row if isinstance(row, list) else row.values())}, {"True"})

    def test_null_fields(self):
        for endpoint, answer in self.every("null_fields"):
            if endpoint.name not in NO_BODY:
                self.assertIn(b"null", answer.body)

    def test_absurd_number(self):
        for endpoint, answer in self.every("absurd_number", digits=500,
                                           form="digits"):
            self.assertIn(b"9" * 500, answer.body)

    def test_too_frequent(self):
        for form in ("429", "303", "303_429"):
            for endpoint, answer in self.every("too_frequent", form=form):
                in_row = form != "429" and endpoint.name in (
                    "create_order", "create_peg_order", "amend_order",
                    "cancel")
                self.assertEqual(answer.status,
                                 200 if in_row and form == "303" else 429)
                self.assertIn(b"303", answer.body)
                self.assertEqual(self.done("created"), [])

    def test_verdicts(self):
        """A status of create or amend that only a fault can bring about."""
        for endpoint, answer in self.every("verdict", code=17):
            if endpoint.name in ("create_order", "amend_order"):
                row, = answer.json()
                self.assertEqual((row["status"], row["clOrderID"]),
                                 (17, UUID))
                self.assertEqual(self.done(), ["status 17"])

    def test_operation_has_to_exist(self):
        status, answer = self.tell("POST", "/faults", {
            "fault": "http_500", "provider": "btse", "operation": "pay"})
        self.assertEqual(status, 400)
        self.assertIn("create_order", answer["error"])
