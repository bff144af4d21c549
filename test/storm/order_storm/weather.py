"""What the providers do wrong while the storm blows.

No fault is here that lies about an order without a trace in the answer, be it
beside one that cuts the answer short: such a provider would make honest rows
false.
"""

from .actor import Actor
from .libpq import Lost, SqlError
from .scenery import PROVIDERS, turn_server

ALL = PROVIDERS
ROWS = ("xt", "tronsave", "btse")       # where every order has its row
WIDE = ("xt", "tronsave", "wangdian")   # many orders in a request

# fault, its arguments, and for whom
FAULTS = (
    # the connection breaks, before or after it was done
    ("close_before", {}, ALL), ("close_before", {"goodbye": False}, ALL),
    ("close_after", {}, ALL), ("close_after", {"goodbye": False}, ALL),
    ("reset_before", {}, ALL), ("reset_after", {}, ALL),
    ("close_kept_next", {}, ALL), ("close_kept_next", {"how": "reset"}, ALL),
    ("close_kept_next", {"process": False}, ALL),
    ("close_kept_idle", {"ms": 5}, ALL), ("half_head", {}, ALL),
    ("half_answer", {}, ALL), ("half_chunked", {}, ALL),
    ("until_close", {"keep": 20}, ALL), ("garbage", {}, ALL),
    # late, slow, endless
    ("black_hole", {}, ALL), ("black_hole_kept", {}, ALL),
    ("black_hole", {"process": False}, ALL),
    ("delay", {"ms": 300}, ALL), ("delay", {"ms": 1500}, ALL),
    ("slow_bytes", {"ms": 2}, ALL), ("endless_body", {"ms": 20}, ALL),
    ("endless_headers", {"ms": 20}, ALL), ("continue_100", {}, ALL),
    # not so fast
    ("too_frequent", {}, ALL), ("too_frequent", {"some": True}, ("xt",)),
    ("too_frequent", {"form": "303"}, ("btse",)),
    ("retry_after", {"seconds": 1}, ALL),
    ("retry_after", {"seconds": 2, "form": "date"}, ALL),
    # statuses and envelopes
    ("http_408", {}, ALL), ("http_500", {}, ALL), ("http_502", {}, ALL),
    ("http_503", {}, ALL), ("http_502", {"process": False}, ALL),
    ("status", {"status": 400}, ALL), ("status", {"status": 403}, ALL),
    ("contradicting_status", {"status": 503}, ALL), ("redirect", {}, ALL),
    ("envelope", {}, ALL), ("undefined_envelope", {}, ALL),
    # garbage, and what is almost right
    ("empty", {}, ALL), ("not_json", {}, ALL), ("html", {}, ALL),
    ("truncated_json", {}, ALL), ("invalid_utf8", {}, ALL),
    ("nul_byte", {}, ALL), ("escaped_nul", {}, ALL), ("gzip", {}, ALL),
    ("lone_surrogate", {}, ALL), ("duplicate_keys", {}, ALL),
    ("swapped_top", {}, ALL), ("deep_nesting", {"depth": 200}, ALL),
    ("wrong_types", {}, ROWS), ("null_fields", {}, ROWS),
    ("missing_rows", {}, ROWS), ("repeated_rows", {}, ROWS),
    ("reordered_rows", {}, WIDE), ("contradictory_rows", {}, ALL),
    ("undefined_code", {}, ROWS), ("extra_rows", {}, ("xt", "tronsave")),
    ("wrong_id_spelling", {"form": "cut"}, ROWS),
    ("chunked", {}, ALL),
)

# A storm of a few seconds should have seen a bit of each.
COMMON = ("close_before", "close_after", "reset_after", "black_hole", "delay",
          "too_frequent", "retry_after", "http_502", "half_answer",
          "truncated_json")

# where a server that comes and goes points to; the good one more often
KINDS = ("tls", "tls", "tls", "refused", "mute", "expired", "misnamed",
         "foreign", "old_tls", "stuck")


class Weather(Actor):
    def __init__(self, seed, cluster, sandbox):
        super().__init__("weather", seed, 0.8)
        self.cluster = cluster
        self.sandbox = sandbox

    def act(self):
        if self.random.random() < 0.25:
            self.turn(self.random.choice(PROVIDERS),
                      self.random.choice(KINDS))
        else:
            self.arm()

    def arm(self):
        fault, arguments, providers = self.random.choice(FAULTS)
        if self.random.random() < 0.4:
            common = self.random.choice(COMMON)
            fault, arguments, providers = next(
                each for each in FAULTS if each[0] == common)
        self.sandbox.arm(self.random.choice(providers), fault,
                         times=self.random.choice((1, 1, 2, 4)),
                         skip=self.random.choice((0, 0, 1, 3)), **arguments)

    def turn(self, provider, kind):
        if self.sandbox.base_url(provider, kind) is None:
            return              # not on this system
        try:
            turn_server(self.cluster, self.sandbox, provider, kind)
        except (Lost, SqlError):
            pass                # the cluster is not there just now

    def clear_up(self):
        """Everything works again."""
        self.sandbox.disarm()
        for provider in PROVIDERS:
            turn_server(self.cluster, self.sandbox, provider, "tls")
