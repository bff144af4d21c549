"""Accounts, orders, the log of what was really done, and the settings.

This is the truth that tests compare answers with: an order is cancelled when
it says so here, whatever the caller was told.  Ids are exact strings.
"""

import time

from .alarms import Alarms


class BadInput(ValueError):
    """Something the user of the control API should hear about."""


# name: (default, check or tuple of values, what it does)
SETTINGS = {
    "pace": ("on", ("on", "off"),
             "refuse requests above the documented limits (they are counted "
             "in either case)"),
    "pace_tolerance_ms": (5, float,
                          "a window is this much shorter when a violation is "
                          "judged, to forgive jitter between sending and "
                          "arrival"),
    "lock_seconds": (600, float,
                     "how long XT locks an account that went too fast"),
    "xt_lock_answer": ("429", ("429", "envelope"),
                       "how a locked XT account is answered"),
    "xt_signed_data": ("encoded", ("encoded", "decoded", "either"),
                       "whether XT's signature covers the base64 text of "
                       "data or what it decodes to"),
    "xt_page_most": (0, int,
                     "how many open orders a page of XT has at most, whatever "
                     "was asked for; 0 = as many as that"),
    "xt_page_order": ("oldest", ("oldest", "newest", "changed"),
                      "which of XT's open orders come first: the oldest, the "
                      "newest, or those that were changed last"),
    "xt_page_number": ("kept", ("kept", "ignored", "last"),
                       "whether XT keeps to the number of a page, has always "
                       "the first one, or the last one instead of none"),
    "xt_amounts": ("text", ("text", "number"),
                   "whether amounts of XT's orders are strings or numbers"),
    "reject_nonce": ("off", ("on", "off"),
                     "refuse a nonce that is not above the last one of its "
                     "key (violations are recorded in either case)"),
    "clock_offset": (0, float,
                     "seconds that the providers' clocks are ahead"),
    "timestamp_window": (120, float,
                         "seconds of difference Wangdian accepts"),
    "latency_ms": (0, float, "added to every answer"),
    "accept_any_id": ("off", ("on", "off"),
                      "an id never heard of is an open order (for bulk runs)"),
    "btse_naming": ("examples", ("examples", "tables", "old"),
                    "which of BTSE's names its answers use: those of the "
                    "page's examples, of its tables, or those that v3.3 "
                    "gives up"),
    "btse_not_found": ("400", ("400", "404", "row"),
                       "how GET order answers for an order it does not know: "
                       "HTTP 400 or 404 with errorCode 16, or HTTP 200 with "
                       "status 16"),
    "btse_cancelled_seconds": (1800, float,
                               "how long BTSE's GET order still knows an "
                               "order that was cancelled"),
    "btse_default_count": (0, int,
                           "how many rows BTSE's trades and trade_history "
                           "answer without count; 0 = all"),
    "btse_most_count": (0, int,
                        "how many rows they answer at most, whatever was "
                        "asked for; 0 = all"),
    "btse_rows": ("newest", ("newest", "oldest", "newest_last",
                             "oldest_last"),
                  "which rows they answer where there are more: the newest or "
                  "the oldest, both first, or either of them in the order of "
                  "the other"),
    "btse_trade_size": ("original", ("original", "current"),
                        "which size of an amended order trade_history tells "
                        "from then on"),
    "btse_times": ("inclusive",
                   ("inclusive", "exclusive", "exclusive_both", "seconds",
                    "seconds_exclusive", "ignored"),
                   "how they read startTime and endTime: as part of the span, "
                   "the end not, neither of them, in whole seconds, neither "
                   "of them in whole seconds, or not at all"),
    "btse_candles": ("newest", ("newest", "oldest"),
                     "which candles come first"),
    "btse_live": ("streams", ("streams", "always", "never"),
                  "when a market of BTSE has a book that orders rest in and "
                  "that trades empty: as soon as a stream or the trader uses "
                  "it, always, or never"),
    "btse_stream_numbers": ("page", ("page", "text", "number"),
                            "amounts in messages of BTSE's streams: as the "
                            "page's samples have them, all as strings, or all "
                            "as numbers"),
    "btse_rest_lag_ms": (0, float,
                         "how much later than the streams BTSE's trades and "
                         "trade_history show a trade"),
    "stream_ms": (0, float,
                  "how long changes of a book are collected before they are "
                  "told; 0 = as soon as they are there"),
    "stream_ack_order": ("reversed", ("reversed", "asked"),
                         "the order of topics in an acknowledgement"),
    "stream_idle_seconds": (60, float,
                            "a stream connection that says nothing for so "
                            "long is closed; 0 = never"),
    "stream_most_topics": (100, int, "how many topics a connection may have"),
    "stream_most_connections": (50, int,
                                "how many stream connections there may be"),
    "stream_buffer": (8388608, int,
                      "bytes that wait for a client that does not read, "
                      "before it is dropped"),
    "keep_books": (1000, int,
                   "how many states of each book are remembered"),
    "wangdian_numbers": ("exact", ("exact", "folded"),
                         "how numbers are compared: byte for byte, or as "
                         "MySQL does, without case, width and accents"),
    "keep_requests": (20000, int, "how many requests are remembered"),
}


PERMISSIONS = ("trade", "read", "wallet")


class Account:
    """One key at one provider."""

    def __init__(self, provider, name, credentials, permissions=PERMISSIONS,
                 user=None):
        self.provider = provider
        self.name = name            # what identifies it: the key
        self.credentials = credentials
        self.permissions = frozenset(permissions)
        self.user = user or name    # a user may have several keys
        self.locked_until = 0.0     # time.monotonic()

    def as_json(self):
        locked = max(0.0, self.locked_until - time.monotonic())
        return {"provider": self.provider, "name": self.name,
                "user": self.user, "credentials": self.credentials,
                "locked_seconds": round(locked, 3),
                **{each: each in self.permissions for each in PERMISSIONS}}


class Order:
    """One order, as the provider knows it."""
    __slots__ = ("provider", "account", "id", "market", "status",
                 "client_order_id", "group", "fields", "created", "changed",
                 "cancelled_by")

    def __init__(self, provider, account, id, market, status,
                 client_order_id=None, group=None, fields=None):
        self.provider = provider
        self.account = account
        self.id = id
        self.market = market
        self.status = status
        self.client_order_id = client_order_id
        self.group = group          # the legs of one OCO order share it
        self.fields = fields or {}
        self.created = time.time()
        self.changed = self.created
        self.cancelled_by = None    # number of the request that did it

    def as_json(self):
        return {"provider": self.provider, "account": self.account,
                "id": self.id, "market": self.market, "status": self.status,
                "client_order_id": self.client_order_id, "group": self.group,
                "fields": self.fields, "created": self.created,
                "changed": self.changed, "cancelled_by": self.cancelled_by}


class World:
    """Everything that the four providers know."""

    def __init__(self):
        self.settings = {}
        self.accounts = {}          # provider -> {name: Account}
        self.orders = {}            # (provider, account) -> {id: Order}
        self.log = []               # tuples, see LOG_FIELDS
        self.order_kinds = {}       # provider -> its subclass of Order
        self.watchers = {}          # provider -> called with a changed order
        self.alarms = Alarms()
        self.reset_settings()

    LOG_FIELDS = ("at", "provider", "account", "order", "action", "request",
                  "detail")

    # ---- settings

    def reset_settings(self):
        self.settings = {name: entry[0] for name, entry in SETTINGS.items()}

    def change_settings(self, changes):
        """Check everything first, then change."""
        checked = {}
        for name, value in changes.items():
            if name not in SETTINGS:
                raise BadInput("no setting %r; there are: %s"
                               % (name, ", ".join(sorted(SETTINGS))))
            kind = SETTINGS[name][1]
            if isinstance(kind, tuple):
                if isinstance(value, bool):
                    value = "on" if value else "off"
                value = str(value)
                if value not in kind:
                    raise BadInput("%s is one of: %s"
                                   % (name, ", ".join(kind)))
            else:
                try:
                    value = kind(value)
                except (TypeError, ValueError):
                    raise BadInput("%s needs a number" % name) from None
            checked[name] = value
        self.settings.update(checked)

    def on(self, name):
        return self.settings[name] == "on"

    def now(self):
        """The providers' clock, in seconds."""
        return time.time() + self.settings["clock_offset"]

    # ---- accounts

    def add_account(self, account):
        self.accounts.setdefault(account.provider, {})[account.name] = account
        self.orders.setdefault((account.provider, account.name), {})
        return account

    def account(self, provider, name=None):
        """By name, or the provider's first."""
        accounts = self.accounts.get(provider, {})
        if name is None:
            return next(iter(accounts.values()), None)
        return accounts.get(name)

    # ---- orders

    def new_order(self, provider, *values):
        return self.order_kinds[provider](provider, *values)

    def add_order(self, order):
        self.orders[(order.provider, order.account)][order.id] = order
        return order

    def find(self, account, id):
        """The order of this account with exactly this id, or None."""
        book = self.orders[(account.provider, account.name)]
        order = book.get(id)
        if order is None and self.on("accept_any_id"):
            order = self.new_order(account.provider, account.name, id, None,
                                   "open")
            book[id] = order
        return order

    def book(self, account):
        """As it is now: whoever goes through it may find() others."""
        return list(self.orders[(account.provider, account.name)].values())

    def every_order(self, provider=None, account=None, status=None, id=None):
        for (its_provider, its_account), book in self.orders.items():
            if provider not in (None, its_provider):
                continue
            if account not in (None, its_account):
                continue
            found = book.values() if id is None else (
                (book[id],) if id in book else ())
            for order in found:
                if status in (None, order.status):
                    yield order

    def change(self, order, status, request=None):
        order.status = status
        order.changed = time.time()
        if status == "cancelled":
            order.cancelled_by = request
        watcher = self.watchers.get(order.provider)
        if watcher is not None:
            watcher(order)

    def record(self, account, id, action, request, detail=None):
        """One line in the log of what was really done.  The request is None
        where nobody asked: a timer, or the control API."""
        self.log.append((time.time(), account.provider, account.name, id,
                         action, request, detail))

    def clear(self):
        """Forget orders, log and settings; accounts stay."""
        for book in self.orders.values():
            book.clear()
        self.log.clear()
        self.alarms.clear()
        self.reset_settings()
        for accounts in self.accounts.values():
            for account in accounts.values():
                account.locked_until = 0.0
