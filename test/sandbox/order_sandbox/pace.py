"""How fast requests came, against the documented limits.

Every request that names a known key is counted by the arrival of its first
byte, which is known as a span (see arrival.py).  A request is a violation when
its window, shortened by the setting pace_tolerance_ms, already holds for certain
as many as the limit allows; it is refused only when the setting pace is on.
Refused requests are counted for the report but do not keep later ones out.
"""

from collections import deque

from .state import BadInput


class Limit:
    """count requests in any stretch of so many seconds, per key or host."""

    def __init__(self, count, seconds, scope="key", lane="orders"):
        self.count = int(count)
        self.seconds = float(seconds)
        self.scope = scope          # key, user, host, or path (of a key)
        self.lane = lane            # the endpoint's class: orders, queries,
                                    # public, or any

    def as_json(self):
        return {"count": self.count, "seconds": self.seconds,
                "scope": self.scope, "lane": self.lane}


class Window:
    """One limit on one lane of one key or host."""

    def __init__(self, limit):
        self.limit = limit
        self.seen = deque()         # earliest arrivals, for the report
        self.taken = deque()        # those that were let through
        self.requests = 0
        self.max_seen = 0
        self.violations = 0
        self.refused = 0
        self.first_violation = None     # request number
        self.last_violation = None

    def arrive(self, earliest, latest, number, tolerance):
        """Count one arrival; answers whether it is one too many."""
        begin = latest - self.limit.seconds + tolerance
        self.requests += 1
        self.seen.append(earliest)
        while len(self.seen) > 1 and self.seen[0] <= begin:
            self.seen.popleft()
        self.max_seen = max(self.max_seen, len(self.seen))
        while self.taken and self.taken[0] <= begin:
            self.taken.popleft()
        if len(self.taken) < self.limit.count:
            return False
        self.violations += 1
        self.last_violation = number
        if self.first_violation is None:
            self.first_violation = number
        return True


class Nonces:
    """The nonces of one key, in order of arrival."""

    def __init__(self):
        self.highest = None
        self.used = set()
        self.repeated = 0
        self.backwards = 0

    def arrive(self, nonce):
        """Answers whether it is above all before it."""
        if nonce in self.used:
            self.repeated += 1
            return False
        if len(self.used) < 1000000:
            self.used.add(nonce)
        if self.highest is not None and nonce < self.highest:
            self.backwards += 1
            return False
        self.highest = nonce
        return True


class Pace:
    def __init__(self, world):
        self.world = world
        self.limits = {}            # provider -> [Limit]
        self.defaults = {}
        self.windows = {}           # (provider, index, who) -> Window
        self.nonces = {}            # (provider, key) -> Nonces

    def define(self, provider, limits):
        self.defaults[provider] = limits
        self.limits[provider] = limits

    def change(self, provider, entries):
        """Other limits for a provider, as the control API gives them."""
        if provider not in self.limits:
            raise BadInput("no provider %r" % (provider,))
        if entries == "default":
            self.limits[provider] = self.defaults[provider]
        else:
            try:
                self.limits[provider] = [Limit(**entry) for entry in entries]
            except (TypeError, ValueError):
                raise BadInput("a limit is {count, seconds, scope: key, user, "
                               "host or path, lane: orders, queries, public "
                               "or any}") from None
        self._forget(provider)

    def _forget(self, provider):
        for key in [key for key in self.windows if key[0] == provider]:
            del self.windows[key]

    def clear(self):
        self.limits = dict(self.defaults)
        self.windows.clear()
        self.nonces.clear()

    def arrive(self, provider, account, endpoint, arrived, number):
        """Count a request; the limit it breaks, or None.  A public one has
        no account and is counted per host only."""
        earliest, latest = arrived
        tolerance = self.world.settings["pace_tolerance_ms"] / 1000
        refuse = self.world.on("pace")
        broken, met = None, []
        for index, limit in enumerate(self.limits[provider]):
            if limit.lane not in (endpoint.lane, "any"):
                continue
            if limit.scope == "host":
                who = "127.0.0.1"
            elif account is None:
                continue
            else:
                who = {"key": account.name, "user": account.user,
                       "path": account.name + " " + endpoint.path}[limit.scope]
            window = self.windows.get((provider, index, who))
            if window is None:
                window = Window(limit)
                self.windows[(provider, index, who)] = window
            if window.arrive(earliest, latest, number, tolerance) \
                    and broken is None:
                broken = limit
            met.append(window)
        for window in met:
            if broken is None or not refuse:
                window.taken.append(earliest)
            else:
                window.refused += 1
        return broken if refuse else None

    def nonce(self, provider, key, nonce):
        return self.nonces.setdefault((provider, key),
                                      Nonces()).arrive(nonce)

    def as_json(self):
        windows = []
        for (provider, _, who), window in self.windows.items():
            entry = {"provider": provider, "who": who}
            entry.update(window.limit.as_json())
            entry.update(requests=window.requests, max_seen=window.max_seen,
                         violations=window.violations, refused=window.refused,
                         first_violation=window.first_violation,
                         last_violation=window.last_violation)
            windows.append(entry)
        locks = [account.as_json()
                 for accounts in self.world.accounts.values()
                 for account in accounts.values()]
        return {
            "pace": self.world.settings["pace"],
            "tolerance_ms": self.world.settings["pace_tolerance_ms"],
            "limits": {provider: [limit.as_json() for limit in limits]
                       for provider, limits in self.limits.items()},
            "windows": windows,
            "violations": sum(entry["violations"] for entry in windows),
            "locked": [{"provider": lock["provider"], "name": lock["name"],
                        "seconds": lock["locked_seconds"]}
                       for lock in locks if lock["locked_seconds"] > 0],
            "nonces": [{"provider": provider, "key": key,
                        "highest": str(nonces.highest),
                        "repeated": nonces.repeated,
                        "backwards": nonces.backwards}
                       for (provider, key), nonces in self.nonces.items()],
        }
