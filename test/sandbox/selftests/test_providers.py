"""The four providers over TLS: verdicts, refusals, pace, reads."""

import base64
import json
import time
from email.utils import parsedate_to_datetime

from order_sandbox import xt

from .base import BEYOND_DOUBLE, BIG, HEX, UUID, Case


class Xt(Case):
    def test_verdicts(self):
        self.seed("xt", ["1", BIG, BEYOND_DOUBLE], market="btc_usdt")
        self.seed("xt", ["2"], market="btc_usdt", status="filled")
        self.seed("xt", ["3"], market="btc_usdt", status="failing")
        self.seed("xt", ["4"], market="eth_usdt")
        ids = ["1", BIG, "2", "3", "4", "5", "1", BEYOND_DOUBLE]
        answer = self.ask(self.requests.xt(ids))
        self.assertEqual(answer.status, 200)
        self.assertIn(b'"id":' + BEYOND_DOUBLE.encode() + b"}", answer.body)
        self.assertEqual([(row["id"], row["code"])
                          for row in answer.json()["data"]],
                         list(zip(map(int, ids),
                                  [120, 120, 122, 123, 121, 121, 121, 120])))
        self.assertEqual(self.truth("xt")[BIG], "cancelled")
        self.assertEqual(self.truth("xt")["4"], "open")
        self.assertEqual(
            [entry["order"] for entry in self.get("/executed?provider=xt")],
            ["1", BIG, BEYOND_DOUBLE])
        request = self.last()
        self.assertEqual(request["ids"], ids)
        self.assertTrue(request["signature_ok"])
        self.assertEqual(request["market"], "btc_usdt")

    def test_hundred(self):
        ids = [str(id) for id in range(1, 151)]
        self.seed("xt", ids, market="btc_usdt")
        rows = self.ask(self.requests.xt(ids)).json()["data"]
        self.assertEqual(len(rows), 100)
        self.assertEqual(len(self.get("/orders?provider=xt&status=open")),
                         50)

    def test_refusals(self):
        for data, code in (
                (self.requests.xt(["1"], secret="wrong"), 308),
                (self.requests.xt(["1"], accesskey="who"), 307),
                (self.requests.xt(["1"], nonce="12"), 400),
                (self.requests.xt(["1.5"]), 400),
                (self.requests.xt(["x"]), 400)):
            self.assertEqual(self.ask(data).json()["code"], code)
        self.assertEqual(self.get("/executed?all=1"), [])

    def test_decoded_signature(self):
        self.seed("xt", ["1"], market="btc_usdt")
        own = self.ready["credentials"]["xt"]
        pairs = {"accesskey": own["access_key"], "market": "btc_usdt",
                 "nonce": self.requests.nonce()}
        signature = xt.sign(own["secret_key"],
                            dict(pairs, data="[1]").items())
        body = ("&".join("%s=%s" % pair for pair in pairs.items())
                + "&data=WzFd&signature=" + signature).encode()
        data = (b"POST /xt/trade/api/v1/batchCancel HTTP/1.1\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body
        self.assertEqual(self.ask(data).json()["code"], 308)
        self.post("/settings", {"xt_signed_data": "decoded"})
        self.assertEqual(self.ask(data).json()["code"], 200)

    def test_nonces(self):
        self.ask(self.requests.xt(["1"], nonce="1700000000002"))
        self.ask(self.requests.xt(["1"], nonce="1700000000001"))
        self.ask(self.requests.xt(["1"], nonce="1700000000001"))
        nonces = self.get("/pace")["nonces"][0]
        self.assertEqual((nonces["backwards"], nonces["repeated"]), (1, 1))
        self.post("/settings", {"reject_nonce": "on"})
        self.assertEqual(self.ask(self.requests.xt(
            ["1"], nonce="1700000000000")).json()["code"], 308)

    def test_lock(self):
        self.post("/settings", {"pace": "on", "lock_seconds": 0.6})
        self.seed("xt", ["1"], market="btc_usdt")
        with self.client() as client:
            answers = [client.ask(self.requests.xt(["2"])).status
                       for _ in range(12)]
            self.assertEqual(answers, [200] * 10 + [429] * 2)
            self.assertEqual(client.ask(self.requests.xt(["1"])).status, 429)
            self.assertEqual(self.truth("xt")["1"], "open")
            time.sleep(1.1)
            self.assertEqual(client.ask(self.requests.xt(["1"])).status, 200)
        pace = self.get("/pace")
        self.assertEqual(pace["windows"][0]["max_seen"], 13)
        self.assertEqual(pace["windows"][0]["violations"], 3)
        self.post("/settings", {"xt_lock_answer": "envelope"})
        self.post("/pace", {"provider": "xt", "limits": [
            {"count": 1, "seconds": 60}]})
        answers = [self.ask(self.requests.xt(["1"])) for _ in range(2)]
        self.assertEqual([each.status for each in answers], [200, 200])
        self.assertEqual(answers[1].json()["code"], 404)

    def test_reads_and_cancels_count_together(self):
        """Per user, whichever key; public requests for the host alone."""
        self.post("/settings", {"pace": "on", "pace_tolerance_ms": 0})
        self.post("/pace", {"provider": "xt", "limits": [
            {"count": 10, "seconds": 60, "scope": "user"},
            {"count": 14, "seconds": 60, "scope": "host", "lane": "any"}]})
        read = lambda: self.requests.xt_get("getOpenOrders", page="1",
                                            market="btc_usdt", pageSize="10")
        public = b"GET /xt/trade/api/v1/getServerTime HTTP/1.1\r\n\r\n"
        with self.client() as client:
            answers = [client.ask(each).status for _ in range(5)
                       for each in (self.requests.xt(["2"]), read())]
            self.assertEqual(answers, [200] * 10)
            answers = [client.ask(public).status for _ in range(5)]
            self.assertEqual(answers, [200] * 4 + [429])
            self.assertEqual(client.ask(read()).status, 429)
        self.assertEqual({window["scope"]: window["max_seen"] for window in
                          self.get("/pace")["windows"]},
                         {"user": 11, "host": 16})

    def test_reads(self):
        self.seed("xt", ["1", BIG], market="btc_usdt")
        self.seed("xt", ["2"], market="btc_usdt", status="filled")
        ask = self.requests.xt_get
        found = self.ask(ask("getOrder", market="btc_usdt", id=BIG)).json()
        self.assertEqual((found["data"]["id"], found["data"]["status"]),
                         (int(BIG), 1))
        self.assertEqual(set(found["data"]), set(
            "number price avgPrice id time type status completeNumber "
            "completeMoney entrustType fee".split()))
        found = self.ask(ask("getOpenOrders", market="btc_usdt", page="1",
                             pageSize="10")).json()["data"]
        self.assertEqual([each["id"] for each in found], [1, int(BIG)])
        self.assertEqual(self.ask(
            b"GET /xt/trade/api/v1/getServerTime HTTP/1.1\r\n\r\n").json()
            ["info"], "success")

    def test_pages(self):
        self.post("/orders", {"provider": "xt", "market": "btc_usdt",
                              "range": [1, 25]})
        for page, size, ids in ((1, 10, range(1, 11)), (3, 10, range(21, 26)),
                                (4, 10, ()), (1, 1000, range(1, 26))):
            found = self.ask(self.requests.xt_get(
                "getOpenOrders", market="btc_usdt", page=str(page),
                pageSize=str(size))).json()["data"]
            self.assertEqual([each["id"] for each in found], list(ids))
        for page, size in (("0", "10"), ("1", "9"), ("1", "1001"),
                           ("x", "10")):
            self.assertEqual(self.ask(self.requests.xt_get(
                "getOpenOrders", market="btc_usdt", page=page,
                pageSize=size)).json()["code"], 400)

    def test_batch_of_orders(self):
        self.seed("xt", ["1", BIG], market="btc_usdt", fields={
            "price": "0.10", "completeNumber": "0.000000006"})
        self.seed("xt", ["2"], market="btc_usdt", status="partly_filled")
        data = base64.b64encode(b"[2,77,%s]" % BIG.encode()).decode()
        body = self.ask(self.requests.xt_get(
            "getBatchOrders", market="btc_usdt", data=data)).body
        rows = json.loads(body)["data"]
        self.assertEqual([(row["id"], row["status"], row["completeNumber"])
                          for row in rows],
                         [(2, 1, "0.400000"), (int(BIG), 1, "0.000000006")])
        self.post("/settings", {"xt_amounts": "number"})
        body = self.ask(self.requests.xt_get(
            "getBatchOrders", market="btc_usdt", data=data)).body
        self.assertIn(b'"completeNumber":0.000000006', body)
        self.assertIn(b'"price":0.10,', body)

    def test_reads_need_parameters(self):
        for call, given in (("getOrder", {"market": "btc_usdt"}),
                            ("getOrder", {"id": "1"}),
                            ("getBatchOrders", {"market": "btc_usdt"}),
                            ("getOpenOrders", {})):
            self.assertEqual(self.ask(self.requests.xt_get(call, **given))
                             .json()["code"], 400)

    def test_other_account(self):
        self.post("/accounts", {"provider": "xt", "credentials": {
            "access_key": "other", "secret_key": "other-secret"}})
        self.seed("xt", ["1"], market="btc_usdt", account="other")
        self.assertEqual(
            self.ask(self.requests.xt(["1"])).json()["data"][0]["code"], 121)
        answer = self.ask(self.requests.xt(["1"], accesskey="other",
                                      secret="other-secret"))
        self.assertEqual(answer.json()["data"][0]["code"], 120)


class TronSave(Case):
    def test_verdicts(self):
        self.seed("tronsave", [HEX])
        self.seed("tronsave", ["a" * 24], status="Matched")
        answer = self.ask(self.requests.tronsave([HEX, "a" * 24, "b" * 24]))
        rows = answer.json()["cancel_results"]
        self.assertEqual([row["is_success"] for row in rows],
                         [True, False, False])
        self.assertIsNone(rows[0]["fail_reason"])
        self.assertTrue(rows[1]["fail_reason"])
        self.assertEqual(self.truth("tronsave")[HEX], "cancelled")

    def test_refusals(self):
        self.assertEqual(
            self.ask(self.requests.tronsave([HEX], key="who")).json(),
            {"error": True, "message": "TSAS:107 INVALID_API_KEY"})
        answer = self.ask(self.requests.tronsave([], body="{}"))
        self.assertEqual(answer.status, 400)
        self.assertEqual(answer.json()["message"],
                         "body must have required property 'order_ids'")
        answer = self.ask(self.requests.tronsave(
            [], body='{"order_ids":[12]}'))
        self.assertEqual(answer.status, 400)

    def test_pace(self):
        self.post("/settings", {"pace": "on"})
        first, second = (self.ask(self.requests.tronsave([HEX])) for _ in "12")
        self.assertEqual((first.status, second.status), (200, 429))
        self.assertEqual(second.json()["message"], "Rate limit reached")
        # another endpoint has a limit of its own
        self.assertEqual(self.ask(self.requests.tronsave(
            [HEX], call="tracking")).status, 200)

    def test_tracking(self):
        self.seed("tronsave", [HEX])
        self.seed("tronsave", ["a"], status="filled")
        self.assertEqual(
            self.ask(self.requests.tronsave([HEX, "a", "b"],
                                            call="tracking")).json(),
            {"results": [{"order_id": HEX, "status": "Pending"},
                         {"order_id": "a", "status": "Completed"}]})


class XtPages(Case):
    """How pages of open orders are cut."""

    def pages(self, *numbers, **settings):
        self.post("/settings", settings)
        return [[row["id"] for row in self.ask(self.requests.xt_get(
            "getOpenOrders", market="btc_usdt", page=str(number),
            pageSize="10")).json()["data"]] for number in numbers]

    def test_settings(self):
        self.seed("xt", [str(id) for id in range(1, 13)], market="btc_usdt")
        self.assertEqual(self.pages(1, 2, 3),
                         [list(range(1, 11)), [11, 12], []])
        self.assertEqual(self.pages(1, 2, xt_page_most=2), [[1, 2], [3, 4]])
        self.assertEqual(self.pages(1, 7, xt_page_number="ignored"),
                         [[1, 2], [1, 2]])
        self.assertEqual(self.pages(6, 7, xt_page_number="last"),
                         [[11, 12], [11, 12]])
        self.assertEqual(self.pages(1, xt_page_order="newest"), [[12, 11]])


class Btse(Case):
    def rows(self, **query):
        return self.ask(self.requests.btse(symbol="BTC-USD", **query)).json()

    def test_verdicts(self):
        self.seed("btse", [UUID], market="BTC-USD", client_order_id="mine",
                  fields={"price": "0.000000006"})
        self.seed("btse", ["done"], market="BTC-USD", status="filled")
        answer = self.ask(self.requests.btse(symbol="BTC-USD", orderID=UUID))
        self.assertIn(b'"price":0.000000006,', answer.body)
        row = answer.json()[0]
        self.assertEqual((row["status"], row["orderID"], row["clOrderID"]),
                         (6, UUID, "mine"))
        self.assertEqual(self.rows(orderID=UUID)[0]["status"], 16)
        self.assertEqual(self.rows(orderID="done")[0]["status"], 4)
        missing = self.rows(orderID="missing")[0]
        self.assertEqual((missing["status"], missing["orderID"]),
                         (16, "missing"))

    def test_client_ids(self):
        self.seed("btse", ["1", "2"], market="BTC-USD",
                  client_order_id="mine")
        self.seed("btse", ["3"], market="ETH-USD", client_order_id="mine")
        self.assertEqual([row["orderID"] for row in
                          self.rows(clOrderID="mine")], ["1", "2"])
        self.assertEqual(self.truth("btse")["3"], "open")
        self.assertEqual(self.rows(clOrderID="mine")[0]["clOrderID"], "mine")

    def test_oco(self):
        self.seed("btse", ["1", "2"], market="BTC-USD", group="oco")
        self.seed("btse", ["3"], market="BTC-USD")
        self.assertEqual([(row["orderID"], row["status"]) for row in
                          self.rows(orderID="2")], [("2", 6), ("1", 6)])
        self.assertEqual(self.truth("btse")["3"], "open")

    def test_cancel_all(self):
        self.seed("btse", ["1", "2"], market="BTC-USD")
        self.seed("btse", ["3"], market="ETH-USD")
        self.assertEqual(len(self.rows(orderID="")), 2)
        self.assertEqual(self.truth("btse"), {
            "1": "cancelled", "2": "cancelled", "3": "open"})
        self.assertEqual(self.get("/executed?all=1")[0]["action"],
                         "cancel_all")
        self.assertIn("CANCEL ALL", self.said())

    def test_refusals(self):
        answer = self.ask(self.requests.btse(symbol="BTC-USD", orderID="1",
                                        secret="wrong"))
        self.assertEqual(answer.status, 401)
        self.assertEqual(answer.json()["errorCode"], 401)
        self.assertFalse(self.last()["signature_ok"])
        self.assertEqual(self.ask(self.requests.btse(orderID="1")).status, 400)
        answer = self.ask(self.requests.btse("PATCH", symbol="BTC-USD"))
        self.assertEqual(answer.status, 405)

    def test_pace(self):
        self.post("/settings", {"pace": "on"})
        with self.client() as client:
            begun = time.monotonic()
            answers = [client.ask(self.requests.btse(
                symbol="BTC-USD", orderID="1")).status for _ in range(80)]
            if time.monotonic() - begun < 1:
                self.assertEqual(answers.count(429), 5)

    def test_reads(self):
        self.seed("btse", [UUID], market="BTC-USD")
        answer = self.ask(self.requests.btse("GET", orderID=UUID))
        self.assertEqual(answer.json()["orderID"], UUID)
        answer = self.ask(self.requests.btse(
            "GET", "/api/v3.3/user/open_orders", symbol="BTC-USD"))
        self.assertEqual(answer.json()[0]["orderState"], "STATUS_ACTIVE")
        self.assertEqual(self.ask(
            b"GET /btse/spot/api/v3.3/time HTTP/1.1\r\n\r\n").status, 200)


class Wangdian(Case):
    def test_verdicts(self):
        self.seed("wangdian", ["CR1"])
        self.seed("wangdian", ["采购退货-1"], status="编辑中")
        self.seed("wangdian", ["CR3"], status="approved")
        answer = self.ask(self.requests.wangdian(
            ["CR1", "采购退货-1", "CR3", "CR4"])).json()
        self.assertEqual(answer, {"status": 0, "data": {
            "error_num": 2, "status": 0, "error_info": [
                {"order_no": "CR3",
                 "message": "采购退货单不是待审核或者编辑中状态"},
                {"order_no": "CR4", "message": "采购退货单号不存在"}]}})
        self.assertEqual(self.truth("wangdian"), {
            "CR1": "cancelled", "采购退货-1": "cancelled",
            "CR3": "approved"})

    def test_refusals(self):
        too_many = {"status": 100,
                    "message": "采购退货单号每次调用不得超过20条或为空"}
        many = ["CR%d" % number for number in range(21)]
        self.seed("wangdian", many)
        self.assertEqual(self.ask(self.requests.wangdian(many)).json(),
                         too_many)
        self.assertEqual(self.ask(self.requests.wangdian([])).json(), too_many)
        for changes in ({"salt": "x"}, {"sid": "x"}, {"v": "2"},
                        {"timestamp": "1"}, {"method": "nothing"}):
            self.assertEqual(self.ask(self.requests.wangdian(
                ["CR1"], **changes)).json()["status"], 100)
        self.assertEqual(self.get("/executed?all=1"), [])

    def test_query(self):
        self.seed("wangdian", ["CR1"])
        self.seed("wangdian", ["CR2"], status="filled")
        self.seed("wangdian", ["CR3"], status="approved",
                  fields={"stockout_status": 1})
        said = []
        for number in ("CR1", "CR2", "CR3", "cr1"):
            answer = self.ask(self.requests.wangdian_query(number)).json()
            self.assertEqual(answer["status"], 0)
            said.append([answer["data"]["total_count"]] + [
                (row["return_no"], row["status"], row["stockout_status"])
                for row in answer["data"]["order"]])
        self.assertEqual(said, [[1, ("CR1", 30, 0)], [1, ("CR2", 60, 2)],
                                [1, ("CR3", 40, 1)], [0]])
        self.assertEqual(self.ask(self.requests.wangdian_query(
            "CR1", page_no="1")).json()["data"],
            {"total_count": 1, "order": []})
        self.assertEqual(self.ask(self.requests.wangdian_query(
            "CR1", calc_total="0", page_size="1")).json()["data"]["order"][0]
            ["return_no"], "CR1")
        for changes in ({"page_size": ""}, {"page_no": "x"}, {"salt": "x"}):
            self.assertEqual(self.ask(self.requests.wangdian_query(
                "CR1", **changes)).json()["status"], 100)
        self.assertEqual(self.ask(self.requests.wangdian_query("")).json(),
                         {"status": 100, "message": "参数中必须包含起止时间"})

    def test_folded_numbers(self):
        """As MySQL does: one return, named as it is, and once."""
        self.post("/settings", {"wangdian_numbers": "folded"})
        self.seed("wangdian", ["CR1"])
        self.assertEqual(self.ask(self.requests.wangdian(
            ["cr1", "ＣＲ１", "CR1"])).json()["data"], {
                "error_num": 1, "status": 0, "error_info": [
                    {"order_no": "CR1",
                     "message": "采购退货单不是待审核或者编辑中状态"}]})
        self.assertEqual(self.truth("wangdian"), {"CR1": "cancelled"})
        self.assertEqual(self.ask(self.requests.wangdian_query("cr1")).json()
                         ["data"]["order"][0]["return_no"], "CR1")

    def test_clock(self):
        self.post("/settings", {"clock_offset": 110})
        answer = self.ask(self.requests.wangdian(["1"]))
        self.assertEqual(answer.json()["status"], 0)
        self.assertAlmostEqual(self.date_of(answer) - time.time(), 110,
                               delta=60)
        self.post("/settings", {"clock_offset": -130})
        answer = self.ask(self.requests.wangdian(["1"]))
        self.assertEqual(answer.json()["status"], 100)
        self.assertAlmostEqual(self.date_of(answer) - time.time(), -130,
                               delta=60)

    def date_of(self, answer):
        return parsedate_to_datetime(answer.headers["date"]).timestamp()

    def test_plain(self):
        self.assertEqual(self.ask(self.requests.wangdian(["1"]),
                                  kind="plain").json()["status"], 0)
