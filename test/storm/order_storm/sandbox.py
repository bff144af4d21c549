"""The order sandbox as a process, and its control API."""

import http.client
import json
import os
import subprocess
import threading
import time
import urllib.parse

PROGRAM = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                       "..", "..", "sandbox", "sandbox")


class SandboxError(Exception):
    pass


class Sandbox:
    """Any thread may ask it."""

    def __init__(self, directory):
        os.mkdir(directory)
        self.log = os.path.join(directory, "stderr")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--json", "--exit-with-stdin", "--pace", "off",
                 "--dir", directory],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        words = self.process.stdout.readline()
        if not words:
            raise SandboxError("the sandbox did not start: " + self.words())
        self.ready = json.loads(words)
        self.address = urllib.parse.urlsplit(self.ready["control_url"]).netloc
        self.own = threading.local()

    def words(self):
        """What it has written to standard error."""
        with open(self.log, errors="replace") as log:
            return log.read()

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, method, path, value=None, **query):
        """A connection for each thread stays open, and is not used again when it
        may have been closed at the other end, which is after 75 s."""
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection = getattr(self.own, "connection", None)
        if connection is None or time.monotonic() - self.own.used > 30:
            connection = http.client.HTTPConnection(self.address, timeout=300)
            self.own.connection = connection
        body = None if value is None else json.dumps(value)
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read()
        self.own.used = time.monotonic()
        if answer.status != 200:
            raise SandboxError("%s %s: %s" % (method, path, text.decode()))
        return json.loads(text)

    def get(self, path, **query):
        return self.ask("GET", path, **query)

    def post(self, path, value):
        return self.ask("POST", path, value)

    def arm(self, provider, fault, **arguments):
        return self.post("/faults", dict(arguments, provider=provider,
                                         fault=fault))["id"]

    def disarm(self, number=None):
        return self.ask("DELETE", "/faults" if number is None
                        else "/faults/%d" % number)

    def base_url(self, provider, kind="tls"):
        return self.ready["urls"][provider].get(kind)
