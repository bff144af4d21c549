"""BTSE's signature, permissions and pace, for every endpoint there is."""

import json
import time

from order_sandbox.btse import Btse

from .base import UUID
from .btse_base import ROOT, BtseCase

BODY = '{"symbol":"BTC-USD"}'
SIGNED = [endpoint for endpoint in Btse.endpoints if endpoint.signed]


class Signed(BtseCase):
    def every(self, **how):
        """The answers of all signed endpoints to a request made like that."""
        for endpoint in SIGNED:
            more = dict(how)
            if endpoint.method in ("POST", "PUT"):
                more["body"] = BODY
            else:
                more["symbol"] = "BTC-USD"
            yield self.ask(self.requests.btse(
                endpoint.method, endpoint.path, **more)), endpoint

    def test_right(self):
        """Whatever else is wrong with the request, its signature is not."""
        for answer, endpoint in self.every():
            self.assertNotIn(answer.status, (401, 403, 404, 405))
            self.assertTrue(self.last()["signature_ok"])
            self.assertEqual(self.last()["operation"], endpoint.name)

    def test_wrong_secret(self):
        for answer, _ in self.every(secret="wrong"):
            self.refused(answer, "signature", 401, 401)
            self.assertFalse(self.last()["signature_ok"])

    def test_query_is_not_signed(self):
        for answer, endpoint in self.every(signed_query="?symbol=BTC-USD"):
            self.refused(answer, "signature", 401, 401)

    def test_body_is_signed(self):
        for signed_body in ("", BODY + " "):
            for answer, endpoint in self.every(signed_body=signed_body):
                if endpoint.method in ("POST", "PUT") or signed_body:
                    self.refused(answer, "signature", 401, 401)
        self.assertEqual(self.done(), ["cancel_all"])

    def test_unknown_key(self):
        for answer, _ in self.every(key="who"):
            self.refused(answer, "api key", 401, 401)

    def test_permissions(self):
        self.post("/accounts", {
            "provider": "btse", "read": False, "trade": False,
            "wallet": False, "credentials": {"api_key": "none",
                                             "secret_key": "s"}})
        for answer, endpoint in self.every(key="none", secret="s"):
            self.refused(answer, endpoint.permission, 403, 403)
        self.post("/accounts", {
            "provider": "btse", "trade": False,
            "credentials": {"api_key": "looks", "secret_key": "s"}})
        for answer, endpoint in self.every(key="looks", secret="s"):
            self.assertEqual(answer.status == 403,
                             endpoint.permission == "trade")
        self.assertEqual(self.done(), [])


class Requests(BtseCase):
    def test_paths_and_methods(self):
        for endpoint in Btse.endpoints:
            answer = self.ask(self.requests.btse("PATCH", endpoint.path))
            self.refused(answer, "method", 405, 405)
        self.refused(self.signed("GET", "/nothing"), "no such path", 404, 404)

    def test_bodies(self):
        for body in ("", "[]", "{", '{"size":NaN}', '"x"'):
            answer = self.signed("POST", "/order", body)
            self.assertEqual(answer.status, 400, body)
        request = self.requests.btse("POST", ROOT + "/order", body=BODY)
        self.refused(self.ask(request.replace(b"application/json",
                                              b"text/plain")), "content type")

    def test_types(self):
        order = {"symbol": "BTC-USD", "side": "BUY", "type": "LIMIT",
                 "size": 1, "price": 34000}
        for name, value in (("size", "1"), ("size", True), ("size", -1),
                            ("price", [1]), ("symbol", 5), ("side", "HOLD"),
                            ("type", "INDEX"), ("postOnly", "true"),
                            ("time_in_force", "YEAR"), ("txType", "OCO"),
                            ("clOrderID", 12), ("deviation", "x")):
            answer = self.signed("POST", "/order", dict(order,
                                                        **{name: value}))
            self.refused(answer, name)
        for name in ("symbol", "side", "type", "size", "price"):
            for missing in (None, ""):
                self.assertEqual(self.signed("POST", "/order", dict(
                    order, **{name: missing})).status, 400, name)
        self.assertEqual(self.done(), [])

    def test_strangers_are_ignored(self):
        self.created(orderType="x")
        self.assertEqual(self.last()["note"], "ignored: orderType")


class Pace(BtseCase):
    def answered(self, count, *what, **more):
        """The statuses of so many requests, or None on a slow machine."""
        begun = time.monotonic()
        with self.client() as client:
            found = [client.ask(self.requests.btse(*what, **more)).status
                     for _ in range(count)]
        return found if time.monotonic() - begun < 1 else None

    def setUp(self):
        super().setUp()
        self.set(pace="on")

    def refusals(self, expected, *what, **more):
        found = self.answered(*what, **more)
        if found is None:
            self.skipTest("this machine is slower than the limit")
        self.assertEqual(found.count(429), expected)

    def test_orders(self):
        self.refusals(5, 80, "DELETE", symbol="BTC-USD", orderID="1")

    def test_queries(self):
        self.refusals(3, 18, "GET", ROOT + "/user/fees")
        self.assertEqual({(window["scope"], window["lane"]):
                          window["max_seen"] for window in
                          self.get("/pace")["windows"]},
                         {("key", "queries"): 18, ("user", "queries"): 18})

    def test_user(self):
        """Three keys of one user: 15 each would be more than 30."""
        for key in ("a", "b", "c"):
            self.post("/accounts", {
                "provider": "btse", "user": "alice",
                "credentials": {"api_key": key, "secret_key": "s"}})
        begun = time.monotonic()
        with self.client() as client:
            found = [client.ask(self.requests.btse(
                "GET", ROOT + "/user/fees", key=key, secret="s")).status
                for key in "abc" for _ in range(13)]
        if time.monotonic() - begun > 1:
            self.skipTest("this machine is slower than the limit")
        self.assertEqual(found, [200] * 30 + [429] * 9)

    def test_public(self):
        with self.client() as client:
            begun = time.monotonic()
            found = [client.ask(self.requests.btse_public(ROOT + "/time"))
                     for _ in range(17)]
        if time.monotonic() - begun > 1:
            self.skipTest("this machine is slower than the limit")
        self.assertEqual([each.status for each in found].count(429), 2)
        self.assertEqual(json.loads(found[-1].body)["errorCode"], 303)

    def test_ids_are_known_to_faults(self):
        """match_id works wherever an order is named."""
        self.post("/faults", {"fault": "http_500", "match_id": UUID,
                              "times": 0})
        for answer in (
                self.create(clOrderID=UUID),
                self.amend(UUID, "PRICE", value=1),
                self.signed("GET", "/order", orderID=UUID),
                self.signed("GET", "/user/trade_history", symbol="BTC-USD",
                            clOrderID=UUID),
                self.signed("DELETE", "/order", orderID=UUID,
                            symbol="BTC-USD")):
            self.assertEqual(answer.status, 500)
