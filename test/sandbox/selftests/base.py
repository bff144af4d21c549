"""What the cases share: one sandbox, its control API, signed requests."""

import json
import os
import subprocess
import tempfile
import unittest

from order_sandbox import exchange      # noqa: F401  (registers all faults)
from order_sandbox.client import Client, ControlClient, Requests

COMMAND = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))), "sandbox")
BIG = "9223372036854775807"                 # 19 digits
HEX = "673c17a3129f1881382e98e3"
UUID = "e3806536-776c-4d8f-8436-bde12a79620b"
BEYOND_DOUBLE = "6216559590087220004"


def launch(*words, **options):
    """Start a sandbox."""
    return subprocess.Popen(
        [COMMAND, *words], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, **options)


def begin():
    """Start the one sandbox that all cases share."""
    global process, ready, control, requests, errors
    errors = tempfile.TemporaryFile("w+")
    process = launch("--json", "--exit-with-stdin", "--pace", "off",
                     stderr=errors)
    ready = json.loads(process.stdout.readline())
    control = ControlClient(ready["ports"]["control"])
    requests = Requests(ready["credentials"])


def end():
    """Stop it; answers 1 when it has failed itself."""
    process.stdin.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
    errors.seek(0)
    said = errors.read()
    errors.close()
    if process.returncode == 0 and "Traceback" not in said:
        return 0
    print("the sandbox itself failed:\n" + said)
    return 1


class Case(unittest.TestCase):
    """Something that asks the sandbox; each test begins with a reset."""

    def setUp(self):
        self.ready, self.requests = ready, requests
        self.get, self.post, self.tell = control.get, control.post, control.ask
        self.post("/reset?connections=1")

    def client(self, kind="tls", **options):
        ca = None if kind == "plain" else ready["ca"]
        return Client(ready["ports"][kind], ca, **options)

    def ask(self, data, **options):
        with self.client(**options) as client:
            return client.ask(data)

    def seed(self, provider, ids, **more):
        control.post("/orders", dict(more, provider=provider, ids=ids))

    def truth(self, provider):
        return control.get("/orders?short=1&provider=" + provider)

    def last(self):
        return control.get("/requests?last=1")[0]

    def said(self):
        """What the sandbox wrote to standard error."""
        errors.seek(0)
        return errors.read()
