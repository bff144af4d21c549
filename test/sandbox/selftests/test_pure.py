"""Signatures, exact JSON and the counting of windows: no sockets."""

import unittest

from order_sandbox import btse, json_text, wangdian, xt
from order_sandbox.pace import Limit, Window

from .base import BEYOND_DOUBLE


class Signatures(unittest.TestCase):
    """Known answers; some of them are the providers' own."""

    def test_xt(self):
        self.assertEqual(xt.sign("mySecretKey", [
            ("nonce", "1562919832183"), ("market", "btc_usdt"),
            ("data", "WzEyMyw0NTYsNzg5XQ=="), ("accesskey", "myAccessKey")]),
            "00cf95fcbe2ec745cf5d4d0844bf43fb4a5a564fa7abbb641c5c827770033090")

    def test_btse(self):
        body = ('{"postOnly":false,"price":8500.0,"side":"BUY","size":0.002,'
                '"stopPrice":0.0,"symbol":"BTC-USD","time_in_force":"GTC",'
                '"trailValue":0.0,"triggerPrice":0.0,"txType":"LIMIT",'
                '"type":"LIMIT"}')
        secret = ("848db84ac252b6726e5f6e7a711d9c96"
                  "d9fd77d020151b45839a5b59c37203bx")
        for path, known in (
                ("/api/v3.2/order",
                 "e9cd0babdf497b536d1e48bc9cf1fadad3426b36406b5747d77ae4e3cdc"
                 "9ab556863f2d0cf78e0228c39a064ad43afb7"),
                ("/api/v3.3/order",
                 "8523d528bc9a6d3509849c6bfaec7c54535387d438362de790f49b809b0"
                 "267dd3738258ea11bc6c36028c4632813fe03")):
            self.assertEqual(btse.sign(secret, path, "1624985375123", body),
                             known)

    def test_wangdian(self):
        query = [("sid", "demo_sid"), ("key", "demo_key"),
                 ("salt", "testsalt"), ("v", "1.0"),
                 ("method", "purchase.PurchaseReturn.batchCancelOrder"),
                 ("timestamp", "343000000")]
        for body, known in (
                ('[["CR202211100001","CR202211100002","CR202211100003"]]',
                 "eda046be606586e9dae378ae435a6878"),
                ('[["采购退货-1"]]', "60be6e20c8ea64bf6856a18996b0d9b3")):
            self.assertEqual(
                wangdian.sign("testsecret:testsalt", query, body), known)


class Exactness(unittest.TestCase):
    def test_json(self):
        text = '{"a":[1e5,-0,0.10,' + BEYOND_DOUBLE + ']}'
        self.assertEqual(json_text.decode(text)["a"],
                         ["1e5", "-0", "0.10", BEYOND_DOUBLE])
        self.assertEqual(json_text.encode({"a": json_text.Raw("1e5")}),
                         b'{"a":1e5}')
        self.assertEqual(
            json_text.encode(json_text.Pairs([("a", 1), ("a", "采")])),
            '{"a":1,"a":"采"}'.encode())
        with self.assertRaises(ValueError):
            json_text.decode("[NaN]")

    def test_window(self):
        window = Window(Limit(2, 1))
        arrivals = [0, 0.5, 1.0, 1.4, 1.5]
        self.assertEqual([window.arrive(at, at, 0, 0)
                          or window.taken.append(at)
                          for at in arrivals],
                         [None, None, None, True, None])
        self.assertEqual((window.max_seen, window.violations), (3, 1))

    def test_doubt(self):
        """Arrivals that may have been legal are legal."""
        window = Window(Limit(1, 1))
        self.assertFalse(window.arrive(0, 0.3, 1, 0))
        window.taken.append(0)
        self.assertFalse(window.arrive(0.9, 1.0, 2, 0))
        self.assertEqual(window.max_seen, 1)
        window.taken.append(0.9)
        self.assertFalse(window.arrive(1.8, 1.895, 3, 0.005))
        window.taken.append(1.8)
        self.assertTrue(window.arrive(2.7, 2.79, 4, 0.005))
