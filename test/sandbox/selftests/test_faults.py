"""Every fault fires and does what it says."""

import gzip
import json
import time

from order_sandbox.faults import KNOWN

from .base import BEYOND_DOUBLE, BIG, HEX, UUID, Case


class Faults(Case):
    """One test for each fault; they come after a fresh reset."""

    def setUp(self):
        super().setUp()
        self.seed("xt", ["1", "2", "3"], market="btc_usdt")
        self.seed("tronsave", [HEX])
        self.seed("btse", [UUID], market="BTC-USD")
        self.seed("wangdian", ["CR1", "CR2"])

    def arm(self, fault, **args):
        self.armed = self.post("/faults", dict(args, fault=fault))

    def call(self, provider):
        return {"xt": lambda: self.requests.xt(["1", "2", "3"]),
                "tronsave": lambda: self.requests.tronsave([HEX, "b" * 24]),
                "btse": lambda: self.requests.btse(symbol="BTC-USD",
                                                   orderID=UUID),
                "wangdian": lambda: self.requests.wangdian(["CR1", "CR9"])
                }[provider]()

    def met(self, provider, fault, done=True, **args):
        """Arm, ask once, and check firing and the truth."""
        timeout = args.pop("timeout", 3)
        limit = args.pop("limit", None)
        self.arm(fault, provider=provider, **args)
        with self.client(timeout=timeout) as client:
            answer = client.ask(self.call(provider), limit)
        self.check(fault, provider, done)
        return answer

    def check(self, fault, provider, done=True):
        listed = self.get("/faults?fault=" + fault)
        self.assertEqual(listed[-1]["fired"], 1)
        self.assertEqual(self.last()["faults"][-1], fault)
        first = {"xt": "1", "tronsave": HEX, "btse": UUID,
                 "wangdian": "CR1"}[provider]
        self.assertEqual(self.truth(provider)[first] == "cancelled", done)

    def codes(self, answer):
        return [(str(row["id"]), row["code"]) for row in
                answer.json()["data"]]

    OK = [("1", 120), ("2", 120), ("3", 120)]

    def test_covers_all(self):
        tested = {name[5:] for name in dir(self)}
        self.assertEqual({name for name, kind in KNOWN.items()
                          if kind.stage != "stream"} - tested, set())

    # ---- choosing

    def test_skip_and_times(self):
        self.arm("http_500", provider="xt", skip=1, times=2)
        self.assertEqual([self.ask(self.requests.xt(["9"])).status
                          for _ in range(4)], [200, 500, 500, 200])
        self.assertEqual(self.ask(self.call("btse")).status, 200)

    def test_match_id(self):
        self.arm("http_500", match_id=UUID, times=0)
        self.assertEqual(self.ask(self.call("xt")).status, 200)
        self.assertEqual(self.ask(self.call("btse")).status, 500)
        self.tell("DELETE", "/faults?fault=http_500")
        self.assertEqual(self.ask(self.call("btse")).status, 200)

    def test_two_stages(self):
        self.arm("missing_rows", provider="xt")
        self.arm("gzip", provider="xt")
        answer = self.ask(self.call("xt"))
        self.assertEqual(len(json.loads(gzip.decompress(answer.body))
                             ["data"]), 2)

    # ---- no answer

    def test_close_before(self):
        self.assertEqual(self.met("xt", "close_before", False).ended,
                         "closed")

    def test_close_after(self):
        self.assertEqual(self.met("xt", "close_after").ended, "closed")
        self.setUp()
        self.assertEqual(self.met("xt", "close_after",
                                  goodbye=False).ended, "closed")

    def test_reset_before(self):
        self.arm("reset_before")
        with self.client() as client:
            self.assertTrue(client.resets(self.call("btse")))
        self.check("reset_before", "btse", False)

    def test_reset_after(self):
        for kind in ("tls", "plain"):
            self.setUp()
            self.arm("reset_after")
            with self.client(kind) as client:
                self.assertTrue(client.resets(self.call("btse")))
            self.check("reset_after", "btse")

    def test_black_hole(self):
        answer = self.met("wangdian", "black_hole", timeout=0.4)
        self.assertEqual(answer.ended, "timeout")
        self.assertTrue(self.get("/wait?phase=left&seconds=2")["reached"])
        self.assertIsNotNone(self.last()["left_at"])
        self.setUp()
        self.met("wangdian", "black_hole", False, timeout=0.2, process=False)

    def kept(self, fault, **args):
        self.arm(fault, provider="xt", **args)
        with self.client(timeout=0.5) as client:
            self.assertEqual(client.ask(self.requests.xt(["9"])).status, 200)
            return client.ask(self.call("xt"))

    def test_black_hole_kept(self):
        self.assertEqual(self.kept("black_hole_kept").ended, "timeout")
        self.check("black_hole_kept", "xt")

    def test_close_kept_next(self):
        self.assertEqual(self.kept("close_kept_next").ended, "closed")
        self.check("close_kept_next", "xt")
        self.setUp()
        self.arm("close_kept_next", process=False, how="reset")
        with self.client() as client:
            self.assertEqual(client.ask(self.requests.xt(["9"])).status, 200)
            self.assertTrue(client.resets(self.call("xt")))
        self.check("close_kept_next", "xt", False)

    def test_close_kept_idle(self):
        self.arm("close_kept_idle", provider="xt", ms=30)
        with self.client() as client:
            self.assertEqual(client.ask(self.call("xt")).status, 200)
            time.sleep(0.2)
            self.assertEqual(client.sock.recv(1), b"")
        self.check("close_kept_idle", "xt")

    # ---- slow

    def test_delay(self):
        answer = self.met("xt", "delay", ms=150)
        self.assertGreater(answer.seconds, 0.14)
        self.assertEqual(self.codes(answer), self.OK)

    def test_slow_bytes(self):
        answer = self.met("tronsave", "slow_bytes", ms=0.5)
        self.assertTrue(answer.whole)
        self.assertGreater(answer.seconds, 0.1)

    def test_slow_headers(self):
        answer = self.met("tronsave", "slow_headers", ms=0.5)
        self.assertTrue(answer.whole)

    def test_endless_headers(self):
        answer = self.met("xt", "endless_headers", limit=20000)
        self.assertIsNone(answer.status)
        self.assertGreater(len(answer.raw), 19000)

    def test_endless_body(self):
        answer = self.met("xt", "endless_body", limit=20000)
        self.assertEqual((answer.status, answer.whole), (200, False))

    def test_continue_100(self):
        answer = self.met("xt", "continue_100", times_100=2)
        self.assertEqual(answer.interim, 2)
        self.assertEqual(self.codes(answer), self.OK)

    # ---- halves

    def test_half_answer(self):
        answer = self.met("xt", "half_answer")
        self.assertEqual((answer.status, answer.whole, answer.ended),
                         (200, False, "closed"))
        self.assertTrue(answer.body)

    def test_half_head(self):
        answer = self.met("xt", "half_head")
        self.assertEqual((answer.status, answer.ended), (None, "closed"))
        self.assertTrue(answer.raw)

    def test_half_chunked(self):
        answer = self.met("xt", "half_chunked", whole=True)
        self.assertEqual((answer.whole, answer.ended), (False, "closed"))
        self.assertEqual(self.codes(answer), self.OK)

    def test_chunked(self):
        self.assertEqual(self.codes(self.met("xt", "chunked")), self.OK)

    def test_until_close(self):
        answer = self.met("xt", "until_close")
        self.assertNotIn("content-length", answer.headers)
        self.assertEqual(self.codes(answer), self.OK)
        self.setUp()
        answer = self.met("xt", "until_close", keep=20, goodbye=False)
        self.assertEqual(len(answer.body), 20)

    def test_long_header(self):
        answer = self.met("xt", "long_header", bytes=100000)
        self.assertEqual(len(answer.headers["x-filler"]), 100000)

    def test_garbage(self):
        self.assertTrue(self.met("xt", "garbage").raw.startswith(b"SSH"))

    def test_truncated_json(self):
        answer = self.met("xt", "truncated_json")
        self.assertTrue(answer.whole)
        with self.assertRaises(ValueError):
            answer.json()

    # ---- too much

    def test_oversize(self):
        for declared in (True, False):
            self.setUp()
            answer = self.met("xt", "oversize", bytes=500000,
                              declared=declared)
            self.assertEqual(len(answer.body), 500000)
            self.assertEqual(self.codes(answer), self.OK)

    def test_oversize_message(self):
        answer = self.met("xt", "oversize_message", bytes=100001, fill="ab")
        self.assertEqual(len(answer.json()["data"][0]["msg"]), 100001)

    def test_gzip(self):
        answer = self.met("xt", "gzip")
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertIn(b'"code":120', gzip.decompress(answer.body))

    def test_gzip_bomb(self):
        answer = self.met("xt", "gzip_bomb", bytes=20000000)
        self.assertLess(len(answer.body), 100000)
        self.assertGreater(len(gzip.decompress(answer.body)), 18000000)

    # ---- not JSON, or not quite

    def test_not_json(self):
        self.assertEqual(self.met("xt", "not_json").headers["content-type"],
                         "text/plain")

    def test_html(self):
        answer = self.met("xt", "html", status=403)
        self.assertEqual(answer.status, 403)
        self.assertIn(b"<html>", answer.body)

    def test_empty(self):
        answer = self.met("xt", "empty")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def holds(self, fault, needle, **args):
        for provider in self.ready["credentials"]:
            self.setUp()
            answer = self.met(provider, fault, **args)
            self.assertTrue(answer.whole)
            self.assertIn(needle, answer.body)

    def test_invalid_utf8(self):
        self.holds("invalid_utf8", b'"before\xff\xfeafter"')

    def test_nul_byte(self):
        self.holds("nul_byte", b'"before\0after"')

    def test_escaped_nul(self):
        self.holds("escaped_nul", b'"before\\u0000after"')

    def test_lone_surrogate(self):
        self.holds("lone_surrogate", b'"before\\ud83dafter"', where="id")

    def test_byte_order_mark(self):
        answer = self.met("xt", "byte_order_mark")
        self.assertTrue(answer.body.startswith(b"\xef\xbb\xbf{"))

    def test_deep_nesting(self):
        self.holds("deep_nesting", b"[" * 500 + b"]" * 500, depth=500)
        self.holds("deep_nesting", b'{"a":' * 40, depth=40, form="object",
                   where="top")

    def test_absurd_number(self):
        for form, text in (("exponent", b"1e200000"), ("digits", b"9" * 10000),
                           ("minus_zero", b":-0"), ("nan", b":NaN")):
            self.holds("absurd_number", text, form=form)
        self.setUp()
        answer = self.met("xt", "absurd_number", field="code")
        self.assertIn(b'"code":1e200000', answer.body)

    def test_duplicate_keys(self):
        for provider, values in (("xt", b'"code":120,"id":1,"code":121'),
                                 ("tronsave", b'"is_success":false}'),
                                 ("btse", b'"status":16}'),
                                 ("wangdian", b',"message":"')):
            self.setUp()
            self.assertIn(values, self.met(provider, "duplicate_keys").body)
        self.setUp()
        self.assertIn(b'"code":120,"id":1,"code":120',
                      self.met("xt", "duplicate_keys", values="same").body)
        self.setUp()
        self.assertIn(b'"code":555}',
                      self.met("xt", "duplicate_keys", where="top").body)

    def test_swapped_top(self):
        self.assertIsInstance(self.met("xt", "swapped_top").json(), list)
        self.assertIsInstance(self.met("btse", "swapped_top").json(), dict)

    # ---- rows

    def test_missing_rows(self):
        self.assertEqual(self.codes(self.met("xt", "missing_rows")),
                         self.OK[:2])
        self.setUp()
        self.assertEqual(self.codes(self.met("xt", "missing_rows", id="2")),
                         [("1", 120), ("3", 120)])

    def test_extra_rows(self):
        answer = self.met("xt", "extra_rows", ids=[BEYOND_DOUBLE])
        self.assertEqual(self.codes(answer),
                         self.OK + [(BEYOND_DOUBLE, 120)])
        for provider in ("tronsave", "btse", "wangdian"):
            answer = self.met(provider, "extra_rows", ids=["stranger"])
            self.assertIn(b'"stranger"', answer.body)

    def open_at_xt(self, page=1):
        answer = self.ask(self.requests.xt_get(
            "getOpenOrders", market="btc_usdt", page=str(page),
            pageSize="10"))
        return [row["id"] for row in answer.json()["data"]]

    def test_other_rows(self):
        answer = self.met("btse", "other_rows", says={"symbol": "ETH-USD"})
        self.assertEqual([row["symbol"] for row in answer.json()],
                         ["ETH-USD"])
        self.arm("other_rows", where="top", says={"symbol": "ETH-USD"})
        book = self.ask(self.requests.btse_public("/api/v3.3/orderbook",
                                                  symbol="BTC-USD")).json()
        self.assertEqual(book["symbol"], "ETH-USD")

    def test_orders_move(self):
        self.seed("xt", [str(id) for id in range(11, 31)], market="btc_usdt")
        self.arm("orders_move", leave=2, arrive=1)
        first = self.open_at_xt()
        self.assertEqual(first, [1, 2, 3] + list(range(11, 18)))
        second = self.open_at_xt(2)             # 18 and 19 moved forward
        self.assertEqual(second, list(range(20, 30)))
        self.assertEqual(self.truth("xt")["2"], "cancelled")
        self.assertEqual(len(self.open_at_xt(3)), 2)
        self.post("/settings", {"xt_page_order": "changed"})
        self.arm("orders_move", which="last", change=1)
        last = self.open_at_xt()[-1]
        self.assertEqual(self.open_at_xt()[0], last)

    def test_repeated_rows(self):
        self.assertEqual(self.codes(self.met("xt", "repeated_rows")),
                         [row for row in self.OK for _ in "12"])
        data = self.met("wangdian", "repeated_rows").json()["data"]
        self.assertEqual((data["error_num"], len(data["error_info"])), (2, 2))

    def test_reordered_rows(self):
        self.assertEqual(self.codes(self.met("xt", "reordered_rows")),
                         self.OK[::-1])

    def test_contradictory_rows(self):
        self.assertEqual(self.codes(self.met("xt", "contradictory_rows")),
                         [("1", 120), ("1", 121)] + self.OK[1:])
        rows = self.met("btse", "contradictory_rows").json()
        self.assertEqual([row["status"] for row in rows], [6, 16])
        rows = self.met("tronsave", "contradictory_rows",
                        order="contrary_first").json()["cancel_results"]
        self.assertEqual([row["is_success"] for row in rows],
                         [False, True, False])
        data = self.met("wangdian", "contradictory_rows").json()["data"]
        self.assertEqual(data["error_num"], 2)
        self.assertEqual(len({row["message"] for row in
                              data["error_info"]}), 2)

    def test_empty_array(self):
        self.assertEqual(self.met("btse", "empty_array").json(), [])
        self.assertEqual(self.codes(self.met("xt", "empty_array")), [])

    def test_ids_as_strings(self):
        answer = self.met("xt", "ids_as_strings")
        self.assertIn(b'"id":"1"', answer.body)

    def test_ids_as_numbers(self):
        self.seed("tronsave", [BIG])
        self.arm("ids_as_numbers", provider="tronsave")
        answer = self.ask(self.requests.tronsave([BIG]))
        self.assertIn(b'"order_id":' + BIG.encode(), answer.body)

    def test_wrong_id_spelling(self):
        for form, text in (("leading_zero", b'"id":"01"'),
                           ("leading_zero_number", b'"id":01'),
                           ("exponent", b'"id":1e0'),
                           ("fraction", b'"id":1.0')):
            self.setUp()
            self.assertIn(text, self.met("xt", "wrong_id_spelling",
                                         form=form).body)
        self.assertIn(UUID.upper().encode(),
                      self.met("btse", "wrong_id_spelling",
                               form="upper").body)

    def test_undefined_code(self):
        self.assertEqual(self.codes(self.met("xt", "undefined_code"))[0],
                         ("1", 999))
        for provider, text in (("tronsave", '"is_success":"maybe"'),
                               ("btse", '"status":999'),
                               ("wangdian", "未知原因")):
            self.assertIn(text.encode(),
                          self.met(provider, "undefined_code").body)

    def test_verdict(self):
        answer = self.met("xt", "verdict", False, code=123, ids=["1"])
        self.assertEqual(self.codes(answer),
                         [("1", 123), ("2", 120), ("3", 120)])
        self.assertEqual(self.truth("xt"), {
            "1": "open", "2": "cancelled", "3": "cancelled"})
        self.assertEqual(self.met("btse", "verdict", code=17,
                                  process=True).json()[0]["status"], 17)
        answer = self.met("tronsave", "verdict", False, code="busy")
        self.assertEqual(answer.json()["cancel_results"][0]["fail_reason"],
                         "busy")

    def test_null_fields(self):
        row = self.met("xt", "null_fields").json()["data"][0]
        self.assertEqual(set(row.values()), {None})
        row = self.met("btse", "null_fields", fields=["message"]).json()[0]
        self.assertEqual((row["message"], row["status"]), (None, 6))

    def test_wrong_types(self):
        row = self.met("xt", "wrong_types").json()["data"][0]
        self.assertEqual(row, {"msg": {}, "code": {}, "id": {}})
        self.setUp()
        answer = self.met("xt", "wrong_types", where="top", fields=["data"],
                          type="string").json()
        self.assertEqual(answer["data"], "x")

    # ---- status and envelope

    def test_status(self):
        answer = self.met("xt", "status", False, status=418,
                          body={"a": 1}, headers={"X-A": "b"})
        self.assertEqual((answer.status, answer.json(),
                          answer.headers["x-a"]), (418, {"a": 1}, "b"))

    def test_http_408(self):
        self.assertEqual(self.met("btse", "http_408").status, 408)

    def test_http_500(self):
        self.assertEqual(self.met("xt", "http_500", False,
                                  process=False).status, 500)

    def test_http_502(self):
        self.assertEqual(self.met("xt", "http_502").status, 502)

    def test_http_503(self):
        self.assertEqual(self.met("xt", "http_503").status, 503)

    def test_contradicting_status(self):
        answer = self.met("xt", "contradicting_status")
        self.assertEqual(answer.status, 400)
        self.assertEqual(self.codes(answer), self.OK)

    def test_redirect(self):
        answer = self.met("xt", "redirect", False, status=307)
        self.assertEqual(answer.status, 307)
        self.assertIn("query-secret", answer.headers["location"])

    def test_envelope(self):
        self.assertEqual(self.met("xt", "envelope", False, code=107).json(),
                         {"code": 107, "info": "the service says no"})
        answer = self.met("xt", "envelope", code=404, with_rows=True,
                          process=True).json()
        self.assertEqual((answer["code"], len(answer["data"])), (404, 3))
        self.assertEqual(self.met("btse", "envelope", False, status=400,
                                  code=400).status, 400)
        self.assertEqual(self.met("tronsave", "envelope", False,
                                  status=403).json()["error"], True)
        self.assertEqual(self.met("wangdian", "envelope", False,
                                  code=100).json()["status"], 100)

    def test_undefined_envelope(self):
        self.assertEqual(self.met("xt", "undefined_envelope", False).json()
                         ["code"], 999)

    def test_too_frequent(self):
        answer = self.met("xt", "too_frequent", some=True)
        self.assertEqual(self.codes(answer),
                         [("1", 120), ("2", 124), ("3", 120)])
        self.assertEqual(self.truth("xt")["2"], "open")
        self.assertEqual(self.met("tronsave", "too_frequent", False).json()
                         ["message"], "Rate limit reached")
        answer = self.met("btse", "too_frequent", False, form="303")
        self.assertEqual((answer.status, answer.json()[0]["status"]),
                         (200, 303))
        self.assertEqual(self.met("btse", "too_frequent", False).status, 429)
        self.assertEqual(self.met("btse", "too_frequent", False,
                                  form="303_429").status, 429)
        self.assertEqual(self.met("wangdian", "too_frequent", False).status,
                         429)

    def test_retry_after(self):
        answer = self.met("btse", "retry_after", False, seconds=7)
        self.assertEqual((answer.status, answer.headers["retry-after"]),
                         (429, "7"))
        answer = self.met("btse", "retry_after", False, form="date")
        self.assertTrue(answer.headers["retry-after"].endswith("GMT"))
        for form, pattern in (
                ("fraction", r"2\.0"), ("list", r"0, 2, 0\.5"),
                ("rfc850", r"[A-Z][a-z]+day, \d\d-...-\d\d .{8} GMT"),
                ("asctime", r"... ... [ \d]\d .{8} \d{4}"),
                ("unix", r"\d{10}"), ("unix_ms", r"\d{13}")):
            self.setUp()
            answer = self.met("xt", "retry_after", False, form=form,
                              status=503)
            self.assertEqual(answer.status, 503)
            self.assertRegex(answer.headers["retry-after"],
                             "^%s$" % pattern)
        self.setUp()
        answer = self.met("xt", "retry_after", False, value=["1", "2"],
                          dated=False)
        self.assertIn(b"Retry-After: 1\r\nRetry-After: 2\r\n", answer.raw)
        self.assertNotIn("date", answer.headers)

    def test_nonce_order(self):
        for provider, refused in (("xt", (200, "308")), ("btse", (401, "401"))):
            self.setUp()
            self.arm("nonce_order", provider=provider, times=0, ms=100)
            with self.client() as late, self.client() as early:
                late.sock.sendall(self.call(provider))
                self.assertTrue(self.get("/wait?requests=1")["reached"])
                self.assertEqual(early.ask(self.call(provider)).status, 200)
                answer = late.ask(b"")
                self.assertEqual(answer.status, refused[0])
                self.assertIn(refused[1], answer.raw.decode())
                self.assertIn("nonce", answer.raw.decode())
                self.assertEqual(late.ask(self.call(provider)).status, 200)

    # ---- BTSE and Wangdian

    def test_btse_legs(self):
        rows = self.met("btse", "btse_legs", legs=2).json()
        self.assertEqual(len({row["orderID"] for row in rows}), 3)
        self.assertEqual(rows[0]["orderID"], UUID)

    def test_btse_foreign_only(self):
        rows = self.met("btse", "btse_foreign_only").json()
        self.assertNotIn(UUID, json.dumps(rows))

    def test_set_fields(self):
        row = self.met("xt", "set_fields", which="last",
                       values={"code": 7, "new": "x"}).json()["data"][2]
        self.assertEqual((row["code"], row["new"]), (7, "x"))
        self.assertEqual(self.tell("POST", "/faults", {
            "fault": "set_fields", "values": [1]})[0], 400)

    def test_wangdian_total(self):
        said = []
        for form in ("high", "low", "null", "words", "missing", "page_cut",
                     "no_list"):
            self.arm("wangdian_total", form=form)
            data = self.ask(self.requests.wangdian_query("CR1")).json()["data"]
            said.append((data.get("total_count", "none"),
                         data["order"] and len(data["order"])))
        self.assertEqual(said, [(2, 1), (0, 1), (None, 1), ("many", 1),
                                ("none", 1), (1, []), (1, None)])

    def test_btse_other_order(self):
        row, = self.met("btse", "btse_other_order", symbol="ETH-USD",
                        side="SELL", type=77).json()
        self.assertEqual([row[name] for name in (
            "orderID", "symbol", "side", "orderType")],
            [UUID, "ETH-USD", "SELL", 77])
        self.setUp()
        row, = self.met("btse", "btse_other_order", symbol="ETH-USD").json()
        self.assertEqual((row["side"], row["orderType"]), ("BUY", 76))

    def test_long_text(self):
        row, = self.met("btse", "long_text").json()
        self.assertEqual(len(row["orderID"]), 5000)
        self.setUp()
        row, = self.met("btse", "long_text", field="side", chars=7).json()
        self.assertEqual(row["side"], "0123456")

    def test_wangdian_silence(self):
        self.arm("wangdian_silence", times=0)
        whole = {"status": 0, "data": {"error_num": 1, "status": 0,
                 "error_info": [{"order_no": "CR9",
                                 "message": "采购退货单号不存在"}]}}
        known = self.get("/faults/known")["faults"]
        forms = next(kind for kind in known if kind["name"]
                     == "wangdian_silence")["args"]["form"]["about"]
        for form in forms.split("one of ")[1].split(", "):
            self.setUp()
            answer = self.met("wangdian", "wangdian_silence", form=form)
            self.assertNotEqual(answer.json(), whole, form)
