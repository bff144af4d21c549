"""Ports, the control API, starting and stopping."""

import json
import os
import re
import signal
import socket
import ssl
import tempfile
import threading
import time
import unittest

from order_sandbox.client import Client, ControlClient
from order_sandbox.faults import KNOWN

from .base import Case, launch


class Ports(Case):
    def refused(self, kind, words):
        with self.assertRaisesRegex(ssl.SSLError, words):
            self.client(kind)

    def test_certificates(self):
        self.refused("expired", "expired")
        self.refused("foreign", "unable to get local issuer|self.signed")
        self.refused("misnamed", "[Hh]ostname")
        with Client(self.ready["ports"]["tls"], self.ready["ca"],
                    name="127.0.0.1") as client:
            self.assertEqual(client.sock.selected_alpn_protocol(), "http/1.1")
        with self.client("ending") as client:
            end = ssl.cert_time_to_seconds(client.sock.getpeercert()["notAfter"])
            self.assertTrue(4 * 86400 < end - time.time() <= 5 * 86400)
        self.assertTrue(self.get("/wait?phase=closed&count=5")["reached"])
        failed = self.get("/connections?port=expired")
        self.assertEqual(failed["handshakes"], 0)
        self.assertNotEqual(failed["connections"][-1]["handshake"], "ok")

    def test_old_tls(self):
        if "old_tls" in self.ready["ports"]:
            self.refused("old_tls", "version|protocol|alert|legacy")

    def test_tls12(self):
        with self.client("tls12") as client:
            self.assertEqual(client.sock.version(), "TLSv1.2")
            client.ask(self.requests.xt(["1"]))
        self.assertEqual(self.last()["port"], "tls12")

    def test_refused(self):
        with self.assertRaises(ConnectionRefusedError):
            Client(self.ready["ports"]["refused"])

    def test_mute(self):
        with self.assertRaises((socket.timeout, TimeoutError)):
            self.client("mute", timeout=0.3)
        self.assertTrue(self.get(
            "/wait?phase=accepted&port=mute&seconds=2")["reached"])

    def test_stuck(self):
        if "stuck" not in self.ready["ports"]:
            self.skipTest("this system lets everybody in")
        with self.assertRaises((socket.timeout, TimeoutError)):
            Client(self.ready["ports"]["stuck"], timeout=0.3)


class Control(Case):
    def test_mistakes(self):
        for path, value, words in (
                ("/faults", {"fault": "nope"}, "no fault"),
                ("/faults", {"fault": "delay", "x": 1}, "no argument"),
                ("/faults", {"fault": "btse_legs", "provider": "xt"},
                 "is for btse"),
                ("/faults", {"fault": "delay", "provider": "x"},
                 "no provider"),
                ("/faults", {"fault": "absurd_number", "form": "x"},
                 "one of"),
                ("/faults", {"fault": "missing_rows", "which": "x"},
                 "one of"),
                ("/faults", {"fault": "delay", "ms": "x"}, "a number"),
                ("/faults", {"fault": "extra_rows", "ids": "1"}, "a list"),
                ("/settings", {"x": 1}, "no setting"),
                ("/settings", {"pace": "maybe"}, "one of"),
                ("/orders", {"provider": "x"}, "provider is one of"),
                ("/orders", {"provider": "xt", "status": "x"}, "status"),
                ("/accounts", {"provider": "xt"}, "credentials"),
                ("/orders/1/fill", {}, "0 orders")):
            status, answer = self.tell("POST", path, value)
            self.assertEqual(status, 400, (path, value))
            self.assertIn(words, answer["error"])

    def test_fill(self):
        self.seed("xt", ["1"], market="btc_usdt")
        self.post("/orders/1/fill")
        self.assertEqual(self.truth("xt"), {"1": "filled"})

    def test_wait(self):
        self.assertFalse(self.get("/wait?requests=1&seconds=0.1")
                         ["reached"])
        self.post("/faults", {"fault": "black_hole"})
        found = []
        waiter = threading.Thread(target=lambda: found.append(
            self.get("/wait?fault=black_hole&seconds=5")))
        waiter.start()
        self.ask(self.requests.xt(["1"]), timeout=0.3)
        waiter.join()
        self.assertTrue(found[0]["reached"])
        self.assertTrue(self.get("/wait?open=0&seconds=2")["reached"])

    def test_more(self):
        self.ask(self.requests.xt(["1"]))
        self.assertFalse(self.get("/wait?more=1&seconds=0.1")["reached"])
        found = []
        waiter = threading.Thread(target=lambda: found.append(
            self.get("/wait?more=2&provider=xt&seconds=5")))
        waiter.start()
        while waiter.is_alive():
            self.ask(self.requests.xt(["1"]))
        self.assertTrue(found[0]["reached"])
        numbers = [each["number"] for each in self.get("/requests")]
        self.assertEqual([each["number"] for each in self.get(
            "/requests?since=%d&most=2" % numbers[0])], numbers[1:3])

    def test_keep_alive(self):
        with self.client() as client:
            for _ in range(3):
                client.ask(self.requests.xt(["1"]))
        self.assertEqual([each["nth_on_connection"]
                          for each in self.get("/requests")], [1, 2, 3])
        self.assertEqual(self.get("/connections")["opened"], 1)

    def test_any_id(self):
        self.post("/settings", {"accept_any_id": True})
        self.assertEqual(self.ask(self.requests.xt(["77"])).json()["data"][0]
                         ["code"], 120)

    def test_close_connections(self):
        for how in ("close", "silent", "reset"):
            with self.client() as client:
                client.ask(self.requests.xt(["1"]))
                self.assertEqual(self.post(
                    "/connections/close?how=" + how)["closed"], 1)
                self.assertIsNotNone(client.ask(self.requests.xt(["1"])).ended)

    def test_unknown_path(self):
        self.assertEqual(self.ask(b"GET / HTTP/1.1\r\n\r\n").status, 404)
        self.assertEqual(self.ask(b"nonsense\r\n\r\n").status, 400)


class Process(unittest.TestCase):
    """Starting and stopping."""

    def test_prints_sql(self):
        with tempfile.TemporaryDirectory() as directory:
            child = launch("--dir", directory)
            text = ""
            while "Ctrl-C" not in text:
                text += child.stdout.readline()
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(10), 0)
            child.stdout.close()
            child.stdin.close()
            with open(os.path.join(directory, "sandbox.sql")) as file:
                sql = file.read()
        self.assertEqual(len(re.findall("CREATE SERVER", sql)), 4)
        self.assertEqual(len(re.findall("CREATE USER MAPPING", sql)), 4)
        self.assertIn(sql, text)

    def test_ends_with_stdin(self):
        child = launch("--json", "--exit-with-stdin")
        directory = json.loads(child.stdout.readline())["dir"]
        self.assertTrue(os.path.isdir(directory))
        child.stdin.close()
        self.assertEqual(child.wait(10), 0)
        self.assertEqual(child.stdout.read(), "")
        child.stdout.close()
        self.assertFalse(os.path.exists(directory))

    def test_stops_at_once(self):
        child = launch("--json")
        state = json.loads(child.stdout.readline())
        with Client(state["ports"]["tls"], state["ca"]) as client:
            self.assertEqual(client.ask(
                b"GET /xt/trade/api/v1/getServerTime HTTP/1.1\r\n\r\n"
            ).status, 200)
            begun = time.monotonic()
            child.terminate()
            self.assertEqual(child.wait(10), 0)
            self.assertLess(time.monotonic() - begun, 0.8)
        child.stdout.close()
        child.stdin.close()

    def test_silent_dns(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            address = probe.getsockname()
        child = launch("--json", "--exit-with-stdin", "--silent-dns",
                       "%s:%d" % address)
        state = json.loads(child.stdout.readline())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(0.2)
            asker.sendto(b"who is it?", address)
            self.assertTrue(ControlClient(state["ports"]["control"]).get(
                "/wait?phase=dns&seconds=2")["reached"])
            with self.assertRaises((socket.timeout, TimeoutError)):
                asker.recv(100)
        child.stdin.close()
        self.assertEqual(child.wait(10), 0)
        child.stdout.close()

    def test_list_faults(self):
        child = launch("--list-faults")
        text = child.communicate(timeout=10)[0]
        for name in KNOWN:
            self.assertIn("\n" + name, "\n" + text)
