"""README.md and the sandbox agree."""

import os
import re
import unittest

from order_sandbox.exchange import PROVIDERS
from order_sandbox.faults import KNOWN
from order_sandbox.state import SETTINGS

README = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))), "README.md")


class Documents(unittest.TestCase):
    def setUp(self):
        with open(README, encoding="utf-8") as file:
            self.text = file.read()
        self.rows = set(re.findall(r"^\| `(\w+)`", self.text, re.M))

    def test_faults(self):
        self.assertEqual(set(KNOWN) - self.rows, set())

    def test_settings(self):
        self.assertEqual(set(SETTINGS) - self.rows, set())

    def test_endpoints(self):
        """The tables name every endpoint with its operation, and no other."""
        rows = re.findall(r"\| `([A-Z]+) ([\w/.-]+)` \| `(\w+)` \|", self.text)
        self.assertEqual(sorted(rows), sorted(
            (endpoint.method, endpoint.path, endpoint.name)
            for provider in PROVIDERS for endpoint in provider.endpoints))

    def test_permissions(self):
        for provider in PROVIDERS:
            for endpoint in provider.endpoints:
                if hasattr(endpoint, "permission"):
                    self.assertRegex(self.text, r"`%s` \| %s ?\| `btse_" % (
                        endpoint.name, endpoint.permission or ""))

    def test_data(self):
        for provider in PROVIDERS:
            self.assertEqual(set(provider.data_kinds) - self.rows, set())
