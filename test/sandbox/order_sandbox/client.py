"""A small client for the self test: it builds the four providers' requests
and takes answers apart byte by byte, whatever comes."""

import base64
import errno
import http.client
import json
import socket
import ssl
import time
import urllib.parse

from . import btse, wangdian, xt

XT_PATH = "/xt/trade/api/v1/"
BTSE_ORDER = "/api/v3.3/order"


class Result:
    """What came back: status None means that no whole head did."""

    def __init__(self):
        self.status = None
        self.headers = {}
        self.body = b""
        self.raw = b""
        self.whole = False          # head and body complete
        self.ended = None           # closed, reset, timeout or None
        self.seconds = 0.0

    def json(self):
        return json.loads(self.body)


class Client:
    """One connection."""

    def __init__(self, port, ca=None, timeout=3, name="localhost"):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout)
        if ca is not None:
            context = ssl.create_default_context(cafile=ca)
            context.set_alpn_protocols(["http/1.1"])
            self.sock = context.wrap_socket(self.sock, server_hostname=name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def ask(self, data, limit=None):
        """Send a request and read its answer (at most limit bytes)."""
        result = Result()
        begun = time.monotonic()
        try:
            self.sock.sendall(data)
            self.read(result, limit)
        except (ConnectionResetError, BrokenPipeError):
            result.ended = "reset"
        except (socket.timeout, TimeoutError):
            result.ended = "timeout"
        except ssl.SSLEOFError:
            result.ended = "closed"
        result.seconds = time.monotonic() - begun
        return result

    def resets(self, data):
        """Send a request; is it answered with a TCP reset?  (Python's TLS
        tells a reset as a plain end, so the socket itself is asked.)"""
        self.sock.sendall(data)
        for _ in range(100):
            time.sleep(0.01)
            error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                return error == errno.ECONNRESET
        return False

    def read(self, result, limit):
        while not result.whole:
            if limit is not None and len(result.raw) >= limit:
                return
            part = self.sock.recv(65536)
            if not part:
                result.ended = "closed"
                return
            result.raw += part
            self.take_apart(result)

    def take_apart(self, result):
        rest = result.raw
        result.interim = 0
        while True:
            head, end, body = rest.partition(b"\r\n\r\n")
            if not end:
                return
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ")[1])
            if status != 100:
                break
            result.interim += 1
            rest = body
        result.status = status
        result.headers = {name.lower(): value for name, _, value in
                          (line.partition(": ") for line in lines[1:])}
        if "transfer-encoding" in result.headers:
            result.body, result.whole = unchunked(body)
        else:
            result.body = body
            result.whole = len(body) >= int(
                result.headers.get("content-length", 0))


def unchunked(data):
    parts = []
    while True:
        line, end, rest = data.partition(b"\r\n")
        if not end:
            return b"".join(parts), False
        size = int(line, 16)
        if size == 0:
            return b"".join(parts), rest == b"\r\n"
        if len(rest) < size + 2:
            return b"".join(parts) + rest[:size], False
        parts.append(rest[:size])
        data = rest[size + 2:]


def http_request(method, target, body=b"", **headers):
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: localhost"]
    lines += ["%s: %s" % (name.replace("_", "-"), value)
              for name, value in headers.items()]
    if body or method == "POST":
        lines.append("Content-Length: %d" % len(body))
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Requests:
    """Signed requests of the four providers."""

    def __init__(self, credentials):
        self.credentials = credentials
        self.last_nonce = 0

    def nonce(self):
        self.last_nonce = max(int(time.time() * 1000), self.last_nonce + 1)
        return str(self.last_nonce)

    def xt(self, ids, market="btc_usdt", secret=None, **changes):
        data = "[%s]" % ",".join(ids)
        pairs = {"accesskey": self.credentials["xt"]["access_key"],
                 "data": base64.b64encode(data.encode()).decode(),
                 "market": market, "nonce": self.nonce()}
        pairs.update(changes)
        pairs["signature"] = xt.sign(
            secret or self.credentials["xt"]["secret_key"], pairs.items())
        return http_request(
            "POST", XT_PATH + "batchCancel",
            urllib.parse.urlencode(pairs).encode(),
            Content_Type="application/x-www-form-urlencoded")

    def xt_get(self, call, **pairs):
        pairs.update(accesskey=self.credentials["xt"]["access_key"],
                     nonce=self.nonce())
        pairs["signature"] = xt.sign(self.credentials["xt"]["secret_key"],
                                     pairs.items())
        return http_request("GET", XT_PATH + call + "?"
                            + urllib.parse.urlencode(pairs))

    def tronsave(self, ids, key=None, call="cancel", body=None):
        body = json.dumps({"order_ids": ids}) if body is None else body
        return http_request(
            "POST", "/tronsave/v0/fast-charge-order-" + call, body.encode(),
            apikey=key or self.credentials["tronsave"]["api_key"],
            Content_Type="application/json")

    def btse(self, method="DELETE", path=BTSE_ORDER, secret=None, key=None,
             body=None, signed_body=None, signed_query="", **query):
        """The path is signed without its query, and a body (JSON text) with
        it; the arguments signed_ are for signing wrongly."""
        nonce = self.nonce()
        own = self.credentials["btse"]
        text = (body or "") if signed_body is None else signed_body
        headers = {"request_api": key or own["api_key"],
                   "request_nonce": nonce,
                   "request_sign": btse.sign(secret or own["secret_key"],
                                             path + signed_query, nonce,
                                             text)}
        if body is not None:
            headers["Content_Type"] = "application/json"
        target = "/btse/spot" + path
        if query:
            target += "?" + urllib.parse.urlencode(query)
        return http_request(method, target, (body or "").encode(), **headers)

    def btse_public(self, path, **query):
        return http_request("GET", "/btse/spot" + path + "?"
                            + urllib.parse.urlencode(query))

    def wangdian(self, numbers, body=None, **changes):
        body = json.dumps([numbers], ensure_ascii=False) \
            if body is None else body
        own = self.credentials["wangdian"]
        pairs = {"sid": own["sid"], "key": own["app_key"],
                 "salt": own["app_secret"].partition(":")[2],
                 "method": "purchase.PurchaseReturn.batchCancelOrder",
                 "v": "1.0",
                 "timestamp": str(int(time.time()) - wangdian.EPOCH)}
        pairs.update(changes)
        pairs["sign"] = wangdian.sign(own["app_secret"], pairs.items(), body)
        return http_request(
            "POST", "/wangdian/openapi?" + urllib.parse.urlencode(pairs),
            body.encode(), Content_Type="application/json")

    def wangdian_query(self, number, **changes):
        """Read one return."""
        changes = dict({"method": "purchase.PurchaseReturn.queryWithDetail",
                        "page_size": "20", "page_no": "0", "calc_total": "1"},
                       **changes)
        return self.wangdian([], json.dumps([{"return_no": number}],
                                            ensure_ascii=False), **changes)


class ControlClient:
    """The control API."""

    def __init__(self, port):
        self.port = port

    def ask(self, method, path, value=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=30)
        try:
            connection.request(
                method, path, None if value is None else json.dumps(value))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def get(self, path):
        status, value = self.ask("GET", path)
        assert status == 200, value
        return value

    def post(self, path, value=None):
        status, value = self.ask("POST", path, value or {})
        assert status == 200, value
        return value
