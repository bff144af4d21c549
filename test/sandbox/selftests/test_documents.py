"""README.md and the sandbox agree."""

import os
import re
import unittest

from order_sandbox.faults import KNOWN
from order_sandbox.state import SETTINGS

README = os.path.join(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))), "README.md")


class Documents(unittest.TestCase):
    def setUp(self):
        with open(README, encoding="utf-8") as file:
            self.rows = set(re.findall(r"^\| `(\w+)`", file.read(), re.M))

    def test_faults(self):
        self.assertEqual(set(KNOWN) - self.rows, set())

    def test_settings(self):
        self.assertEqual(set(SETTINGS) - self.rows, set())
