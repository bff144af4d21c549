"""What is submitted, or called at once.

A key names one order (or whatever else an act touches) in all three books.
No two calls have one in common, so that whatever arrives can be traced to its
call: ids are given once, and where there is no id, an amount or a time that
nobody else uses stands for it.
"""

import itertools
import json
import uuid
from decimal import Decimal
from urllib.parse import parse_qsl

from .libpq import literal

MARKET = "STORM-USD"
PRODUCT = "storm-flex"
NUMBERS = itertools.count(1)

# kinds of calls, and how often each is made
WEIGHTS = {"xt": 22, "tronsave": 14, "wangdian": 12, "btse": 12,
           "btse_client": 4, "create": 12, "creates": 6, "amend": 6,
           "all": 3, "after": 3, "deposit": 3, "renew": 2, "redeem": 2}
LISTS = ("xt", "tronsave", "wangdian", "btse", "btse_client")


class Submit:
    """One call: its SQL, and the keys that it touches, by ordinal."""

    def __init__(self, function, server, arguments, keys):
        self.function = function
        self.server = server
        self.arguments = arguments      # (name, SQL), without server
        self.keys = keys                # in input order, repeats included
        self.reference = None
        self.not_before = None          # seconds from now
        self.expires = None
        self.ids = None                 # as given, of a list
        self.committed = False          # for certain

    def call_sql(self):
        """The same, made at once, and with nothing but its arguments."""
        return "%s(%s)" % (self.function, ", ".join(self._words()))

    def _words(self):
        return ["%s => %s" % pair for pair in self.arguments] + [
            "server => " + literal(self.server)]

    def sql(self):
        words = self._words()
        if self.reference is not None:
            words.append("reference => " + literal(self.reference))
        for name, seconds in (("not_before", self.not_before),
                              ("expires_at", self.expires)):
            if seconds is not None:
                words.append("%s => clock_timestamp() + interval '%s s'"
                             % (name, seconds))
        return "%s_submit(%s)" % (self.function, ", ".join(words))


class Acts:
    """Makes calls; the sandbox is told of what they are about."""

    def __init__(self, sandbox, settings):
        self.sandbox = sandbox
        self.flaky = settings.flaky

    def seed(self, provider, ids, **more):
        self.sandbox.post("/orders", dict(more, provider=provider, ids=ids))

    def any(self, random, kinds=None):
        kinds = kinds or tuple(WEIGHTS)
        kind = random.choices(kinds, [WEIGHTS[each] for each in kinds])[0]
        submit = getattr(self, "_" + kind)(random)
        if random.random() < self.flaky:
            # a server that comes and goes: what is not sent in time is not
            submit.server += "_flaky"
            submit.expires = random.choice((1, 3, 8, 15))
        elif random.random() < 0.25:
            submit.expires = random.choice((0.05, 0.5, 2, 10, 60))
        if random.random() < 0.2:
            submit.not_before = random.choice((0.2, 1, 3))
            if submit.expires is not None:
                submit.expires += submit.not_before
        return submit

    # ---- lists of ids

    def _how_many(self, random, most):
        if random.random() < 0.01:
            most *= 10
        return random.choice((1, 1, 1, 2, 5, random.randint(1, most)))

    def _list(self, random, provider, function, ids, arguments=(),
              prefix=None, seed=True, **seeded):
        """Some ids twice; a few are of orders that have gone."""
        if seed and random.random() < 0.1:
            gone = [id for id in ids if random.random() < 0.5]
            if gone:
                self.seed(provider, gone,
                          status=random.choice(("filled", "cancelled")),
                          **seeded)
        given = list(ids)
        if len(ids) > 1 and random.random() < 0.2:
            given.insert(random.randint(1, len(given)), random.choice(ids))
        name = "return_nos" if provider == "wangdian" else "ids"
        submit = Submit(function, provider, list(arguments) + [
            (name, literal(given))],
            ["%s:%s" % (prefix or provider, id) for id in given])
        submit.ids = given
        return submit

    def _xt(self, random):
        ids = [str(4 * 10 ** 17 + next(NUMBERS))
               for _ in range(self._how_many(random, 250))]
        return self._list(random, "xt", "batch_cancel", ids,
                          [("market", "'btc_usdt'")], market="btc_usdt")

    def long(self, random, count):
        """A cancel of so many, and one of them twice."""
        ids = [str(4 * 10 ** 17 + next(NUMBERS)) for _ in range(count)]
        return self._list(random, "xt", "batch_cancel",
                          ids + ids[:1] * random.randint(0, 1),
                          [("market", "'btc_usdt'")], seed=False)

    def _tronsave(self, random):
        ids = ["storm%012d" % next(NUMBERS)
               for _ in range(self._how_many(random, 220))]
        return self._list(random, "tronsave", "tronsave_cancel", ids)

    def _wangdian(self, random):
        ids = ["CR%012d" % next(NUMBERS)
               for _ in range(self._how_many(random, 50))]
        return self._list(random, "wangdian", "wangdian_cancel", ids)

    def _btse(self, random):
        ids = [order_id() for _ in range(self._how_many(random, 12))]
        # without a market of their own they would be of all of them
        self.seed("btse", ids, market=MARKET)
        return self._list(random, "btse", "btse_cancel", ids,
                          [("symbol", literal(MARKET))], market=MARKET)

    def _btse_client(self, random):
        clients = ["storm-%d" % next(NUMBERS)
                   for _ in range(self._how_many(random, 6))]
        self.seed("btse", [order_id() for _ in clients], market=MARKET,
                  client_order_ids=clients)
        submit = self._list(random, "btse", "btse_cancel", clients,
                            [("symbol", literal(MARKET))], seed=False,
                            prefix="btse-client")
        submit.arguments.append(("by", "'client_order_id'"))
        return submit

    # ---- new orders: the size tells which it is

    def _new_order(self, random):
        size = Decimal(next(NUMBERS)) / 100000
        order = {"symbol": MARKET, "side": "BUY", "type": "LIMIT",
                 "size": size, "price": Decimal(100)}
        if random.random() < 0.15:
            order.update(type="PEG", stealth=Decimal(10))
        if random.random() < 0.5:
            order["client_order_id"] = "new-%d" % next(NUMBERS)
        return order, "btse-size:%s" % plain(size)

    def _create(self, random):
        order, key = self._new_order(random)
        return Submit("btse_create_order", "btse", [
            (name, plain(value) if isinstance(value, Decimal)
             else literal(value)) for name, value in order.items()], [key])

    def _creates(self, random):
        made = [self._new_order(random)
                for _ in range(random.randint(1, 12))]
        orders = "[%s]" % ", ".join(
            "{%s}" % ", ".join(
                '"%s": %s' % (name, plain(value)
                              if isinstance(value, Decimal)
                              else json.dumps(value))
                for name, value in order.items()) for order, _ in made)
        return Submit("btse_create_orders", "btse",
                      [("orders", literal(orders) + "::jsonb")],
                      [key for _, key in made])

    # ---- the other acts at BTSE

    def _amend(self, random):
        id = order_id()
        self.seed("btse", [id], market=MARKET)
        return Submit("btse_amend_order", "btse", [
            ("symbol", literal(MARKET)), ("order_id", literal(id)),
            ("price", "99.5")], ["btse-amend:" + id])

    def _all(self, random):
        symbol = "STORM%d-USD" % next(NUMBERS)
        self.seed("btse", [order_id() for _ in range(random.randint(0, 3))],
                  market=symbol)
        return Submit("btse_cancel_all", "btse",
                      [("symbol", literal(symbol))], ["btse-all:" + symbol])

    def _after(self, random):
        milliseconds = 10 ** 9 + next(NUMBERS)
        return Submit("btse_cancel_all_after", "btse", [
            ("timeout", "interval '%d milliseconds'" % milliseconds)],
            ["btse-after:%d" % milliseconds])

    def _deposit(self, random):
        amount = plain(Decimal(next(NUMBERS)) / 100)
        return Submit("btse_invest_deposit", "btse", [
            ("product_id", literal(PRODUCT)), ("amount", amount)],
            ["btse-deposit:" + amount])

    def _investment(self, fixed):
        number = 10 ** 6 + next(NUMBERS)
        self.sandbox.post("/data/btse/investments", {
            "id": number, "investamt": 100, "autorenewsupported": True,
            "type": "fixed" if fixed else "flex"})
        return number

    def _renew(self, random):
        number = self._investment(True)
        return Submit("btse_invest_renew", "btse", [
            ("order_id", literal(str(number))), ("auto_renew", "true")],
            ["btse-renew:%d" % number])

    def _redeem(self, random):
        number = self._investment(random.random() < 0.5)
        return Submit("btse_invest_redeem", "btse", [
            ("order_id", literal(str(number))), ("amount", "100")],
            ["btse-redeem:%d" % number])


def order_id():
    """An order id as BTSE gives them."""
    return str(uuid.UUID(int=0xad4d0eeb81a148f486c3 << 48 | next(NUMBERS)))


def plain(number):
    return format(number.normalize(), "f")


# ---- the other way round: what a request at the sandbox is about

def keys_of(request):
    """The keys of a request as the sandbox's book tells it; none of a read."""
    operation = "%s.%s" % (request["provider"], request["operation"])
    reader = READERS.get(operation)
    return reader(request) if reader else []


def of_list(request):
    return ["%s:%s" % (request["provider"], id) for id in request["ids"]]


def of_cancel(request):
    given = dict(parse_qsl(request["query"]))
    if given.get("orderID"):
        return ["btse:" + given["orderID"]]
    if given.get("clOrderID"):
        return ["btse-client:" + given["clOrderID"]]
    return ["btse-all:%s" % given.get("symbol")]


def in_body(prefix, name, number=False):
    def read(request):
        value = json.loads(request["body"], parse_float=Decimal,
                           parse_int=Decimal).get(name)
        if isinstance(value, Decimal) or number:
            value = plain(Decimal(value))
        return ["%s:%s" % (prefix, value)]
    return read


def keys_of_call(call):
    """The keys of a call as the journal tells it, in the order of its ids."""
    function, given = call["function"], call["arguments"]
    if function in LISTS_OF_IDS:
        prefix = LISTS_OF_IDS[function]
        if given.get("by") == "client_order_id":
            prefix += "-client"
        return ["%s:%s" % (prefix, id) for id in call["ids"]]
    if function == "btse_create_orders":
        return ["btse-size:" + plain(Decimal(each["size"]))
                for each in given["orders"]]
    prefix, name = SINGLE[function]
    value = given[name]
    if name in ("size", "amount"):
        value = plain(Decimal(value))
    return ["%s:%s" % (prefix, value)]


LISTS_OF_IDS = {"batch_cancel": "xt", "tronsave_cancel": "tronsave",
                "wangdian_cancel": "wangdian", "btse_cancel": "btse"}
SINGLE = {
    "btse_create_order": ("btse-size", "size"),
    "btse_amend_order": ("btse-amend", "order_id"),
    "btse_cancel_all": ("btse-all", "symbol"),
    "btse_cancel_all_after": ("btse-after", "timeout"),
    "btse_invest_deposit": ("btse-deposit", "amount"),
    "btse_invest_renew": ("btse-renew", "order_id"),
    "btse_invest_redeem": ("btse-redeem", "order_id"),
}
READERS = {
    "xt.batch_cancel": of_list,
    "tronsave.cancel": of_list,
    "wangdian.batch_cancel": of_list,
    "btse.cancel": of_cancel,
    "btse.create_order": in_body("btse-size", "size", True),
    "btse.create_peg_order": in_body("btse-size", "size", True),
    "btse.amend_order": in_body("btse-amend", "orderID"),
    "btse.cancel_all_after": in_body("btse-after", "timeout"),
    "btse.invest_deposit": in_body("btse-deposit", "amount", True),
    "btse.invest_renew": in_body("btse-renew", "orderId"),
    "btse.invest_redeem": in_body("btse-redeem", "orderId"),
}
