"""One BTSE order, or one leg of an OCO order: what it is and where it stands.

Amounts are Decimals, which keep the digits they were given.  What the control
API seeds in `fields` is said as it was spelled, until something happens to
the order that makes it untrue.
"""

from decimal import Context, Decimal, InvalidOperation, getcontext

from .json_text import plain
from .state import BadInput, Order

WIRE_STATUS = {"open": 2, "filled": 4, "partly_filled": 5, "cancelled": 6,
               "refunded": 7, "trigger": 9, "activated": 10, "rejected": 15,
               "settled": 3}
ALIVE = ("open", "partly_filled", "trigger", "activated")
ORDER_TYPES = {"LIMIT": 76, "MARKET": 77, "OCO": 76, "PEG": 80}
TRIGGER_TYPES = {"STOP": 1001, "TRIGGER": 1002}
# seconds; the others of time_in_force are not about time
LIFETIMES = {"HALFMIN": 30, "FIVEMIN": 300, "HOUR": 3600,
             "TWELVEHOUR": 12 * 3600, "DAY": 86400, "WEEK": 7 * 86400,
             "MONTH": 30 * 86400}
TIMES_IN_FORCE = ("GTC", "IOC", "FOK") + tuple(LIFETIMES)
ZERO = Decimal(0)
getcontext().prec = 250      # more than any two numbers on the wire need
# an average is as exact as this many digits allow
AVERAGE = Context(prec=30)


def amount(value):
    """A number of the control API, which may come as text."""
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise BadInput("%r is not a number" % (value,))
    return found


def kind_of(code):
    for name, number in ORDER_TYPES.items():
        if str(code) == str(number):
            return name
    return "LIMIT"


# fields of an answer that a seeded order takes its state from
SEEDED = {"price": ("price", amount), "side": ("side", str),
          "orderType": ("kind", kind_of), "originalOrderBaseSize":
          ("original", amount), "currentOrderBaseSize": ("size", amount),
          "totalFilledBaseSize": ("filled", amount),
          "avgFilledPrice": ("average", amount),
          "triggerPrice": ("trigger_price", amount),
          "trailValue": ("trail_value", amount),
          "time_in_force": ("time_in_force", str),
          "postOnly": ("post_only", bool), "stealth": ("stealth", amount),
          "deviation": ("deviation", amount)}


class BtseOrder(Order):
    __slots__ = ("kind", "side", "price", "original", "size", "filled",
                 "average", "time_in_force", "post_only", "tx_type",
                 "trigger_price", "original_trigger", "stop_price",
                 "trail_value", "from_below", "triggered", "stealth",
                 "deviation", "bound")

    def __init__(self, provider, account, id, market, status,
                 client_order_id=None, group=None, fields=None):
        super().__init__(provider, account, id, market, status,
                         client_order_id, group, fields)
        self.kind = "LIMIT"             # or MARKET, PEG
        self.side = "BUY"
        self.price = Decimal("23000.0")
        self.original = self.size = Decimal(10)
        self.filled = self.average = ZERO
        self.time_in_force = "GTC"
        self.post_only = False
        self.tx_type = "STOP" if status in ("trigger", "activated") \
            else "LIMIT"                # or TRIGGER
        self.trigger_price = self.trail_value = ZERO
        self.stop_price = None
        self.from_below = False         # the price has to rise to trigger
        self.triggered = status == "activated"
        self.stealth = self.deviation = Decimal("1.0")
        self.bound = None               # the price a PEG order keeps to
        self._take(self.fields)

    def _take(self, fields):
        for name, value in fields.items():
            if name in SEEDED and value is not None:
                attribute, kind = SEEDED[name]
                setattr(self, attribute, kind(value))
        if "originalOrderBaseSize" in fields \
                and "currentOrderBaseSize" not in fields:
            self.size = self.original
        if self.status in ("filled", "partly_filled") and not self.filled:
            self.filled = self.size if self.status == "filled" \
                else self.size / 2
            self.average = self.average or self.price
        self.original_trigger = self.trigger_price

    # ---- where it stands

    @property
    def alive(self):
        return self.status in ALIVE

    @property
    def waiting(self):
        return self.status == "trigger"

    @property
    def remaining(self):
        return self.size - self.filled

    @property
    def quote(self):
        return self.market.partition("-")[2] if self.market else None

    @property
    def wire_status(self):
        return WIRE_STATUS[self.status]

    @property
    def lifetime(self):
        """Seconds, or None where time does not end it."""
        return LIFETIMES.get(self.time_in_force)

    @property
    def immediate(self):
        """What is not filled at once is given up."""
        return self.kind == "MARKET" or self.time_in_force in ("IOC", "FOK")

    def takes(self, price):
        """Would it trade at this price?"""
        if self.kind == "MARKET":
            return True
        return price <= self.price if self.side == "BUY" \
            else price >= self.price

    # ---- what happens to it

    def add_fill(self, size, price):
        paid = self.average * self.filled + size * price
        self.filled += size
        self.average = AVERAGE.divide(paid, self.filled)
        if self.kind == "MARKET":
            self.price = self.average
        self.forget_spelling()

    def forget_spelling(self):
        """What was seeded may no longer be true."""
        self.fields = {name: value for name, value in self.fields.items()
                       if name not in SEEDED and "Size" not in name}

    def arm(self, last):
        """Wait for the last price to reach the trigger, from where it is."""
        self.status = "trigger"
        self.original_trigger = self.trigger_price
        self.from_below = last < self.trigger_price

    def reached(self, last):
        return last >= self.trigger_price if self.from_below \
            else last <= self.trigger_price

    def follow(self, last):
        """The trigger of a trailing order follows the price at its
        distance, and never goes back."""
        if not self.trail_value:
            return
        if self.from_below:
            self.trigger_price = min(self.trigger_price,
                                     last + self.trail_value)
        else:
            self.trigger_price = max(self.trigger_price,
                                     last - self.trail_value)

    # ---- for the control API and the log

    def summary(self):
        return {"client_order_id": self.client_order_id, "type": self.kind,
                "side": self.side, "price": plain(self.price),
                "size": plain(self.size)}

    def as_json(self):
        return dict(super().as_json(), type=self.kind, side=self.side,
                    tx_type=self.tx_type, price=plain(self.price),
                    size=plain(self.size), filled=plain(self.filled),
                    average=plain(self.average),
                    trigger_price=plain(self.trigger_price),
                    time_in_force=self.time_in_force)
