"""What is read: records as the providers' pages show them.

A column is (name in order_gateway, SQL type, member or place in the record,
what it holds): "text", "number", or a Unix time in "ms" or "s".  Names of
codes, and the record's own bytes, are order_gateway's alone.
"""

import json
import random

FIRST_MS = 1_576_812_000_000


def trade(numbers, i):
    return {"price": numbers.randrange(300_000, 400_000) / 10,
            "size": numbers.randrange(1, 100_000) / 100_000,
            "side": numbers.choice(("BUY", "SELL")), "symbol": "BTC-USD",
            "serialId": 131_094_468 + i, "timestamp": FIRST_MS - 97 * i}


TRADE = [("serial_id", "text", "serialId", "text"),
         ("symbol", "text", "symbol", "text"),
         ("side", "text", "side", "text"),
         ("price", "numeric", "price", "number"),
         ("size", "numeric", "size", "number"),
         ("event_time", "timestamptz", "timestamp", "ms")]

# Members of an open order, by the names of their columns.
OPEN_NUMBERS = {
    "order_value": "orderValue", "trail_value": "trailValue",
    "avg_filled_price": "avgFilledPrice", "peg_price_min": "pegPriceMin",
    "peg_price_max": "pegPriceMax",
    "peg_price_deviation": "pegPriceDeviation",
    "trigger_price": "triggerPrice",
    "trigger_original_price": "triggerOriginalPrice",
    "trigger_stop_price": "triggerStopPrice",
    "original_order_base_size": "originalOrderBaseSize",
    "original_order_quote_size": "originalOrderQuoteSize",
    "current_order_base_size": "currentOrderBaseSize",
    "current_order_quote_size": "currentOrderQuoteSize",
    "remaining_order_base_size": "remainingOrderBaseSize",
    "remaining_order_quote_size": "remainingOrderQuoteSize",
    "total_filled_base_size": "totalFilledBaseSize"}


def open_order(numbers, i):
    price = numbers.randrange(300_000, 400_000) / 10
    order = {"orderType": 76, "price": price, "size": 0.002,
             "side": numbers.choice(("BUY", "SELL")),
             "timestamp": FIRST_MS - 997 * i,
             "orderID": f"{numbers.getrandbits(32):08x}-16a6-4b62-a2b3-{i:012x}",
             "clOrderID": f"my-order-{i}", "symbol": "BTC-USD",
             "quote": "USD", "orderState": "STATUS_ACTIVE",
             "timeInForce": "GTC", "triggerOrder": False, "triggered": False,
             "orderCurrency": "base"}
    for member in OPEN_NUMBERS.values():
        order[member] = 0.002 if "BaseSize" in member else 0.0
    return order


OPEN_ORDER = [
    ("order_id", "text", "orderID", "text"),
    ("client_order_id", "text", "clOrderID", "text"),
    ("symbol", "text", "symbol", "text"),
    ("order_state", "text", "orderState", "text"),
    ("side", "text", "side", "text"),
    ("time_in_force", "text", "timeInForce", "text"),
    ("price", "numeric", "price", "number"),
    ("event_time", "timestamptz", "timestamp", "ms")] + [
        (column, "numeric", member, "number")
        for column, member in OPEN_NUMBERS.items()]


def candle(numbers, i):
    price = numbers.randrange(300_000, 400_000) / 10
    return [FIRST_MS // 1000 - 60 * i, price, price + 10.5, price - 11,
            price + 1.5, numbers.randrange(1, 10**9) / 1000]


CANDLE = [("open_time", "timestamptz", 0, "s")] + [
    (column, "numeric", place, "number") for place, column in
    enumerate(("open", "high", "low", "close", "volume"), start=1)]


def xt_order(numbers, i):
    return {"id": str(156_387_346_384_491 + i),
            "number": f"{numbers.randrange(1, 99_999) / 1000:.4f}",
            "price": f"{9000 + i / 100:.2f}", "avgPrice": "0", "type": i % 2,
            "status": 1, "completeNumber": "0.0", "completeMoney": "0.0",
            "entrustType": 1, "fee": "0", "time": FIRST_MS + i}


XT_ORDER = [("order_id", "text", "id", "text"),
            ("number", "numeric", "number", "number"),
            ("price", "numeric", "price", "number"),
            ("avg_price", "numeric", "avgPrice", "number"),
            ("complete_number", "numeric", "completeNumber", "number"),
            ("complete_money", "numeric", "completeMoney", "number"),
            ("fee", "numeric", "fee", "number"),
            ("time", "timestamptz", "time", "ms")]


class Read:
    """An answer, or several pages of it, and who takes its rows."""

    def __init__(self, name, count, make, path, call, columns, pages=None):
        self.name = name
        self.path = path
        self.call = call                # in FROM
        self.columns = columns
        self.in_pages = pages is not None
        self.bodies = self._bodies(count, make, pages or 1)

    def _bodies(self, count, make, pages):
        numbers = random.Random(self.name)
        records = [make(numbers, i) for i in range(count)]
        size = -(-count // pages)
        parts = [records[i:i + size] for i in range(0, count, size)]
        if self.in_pages:
            parts = [{"code": 200, "data": part, "info": "success"}
                     for part in parts + [[]]]
        return [json.dumps(part, separators=(",", ":")) for part in parts]

    def write(self, directory):
        for page, body in enumerate(self.bodies, start=1):
            name = f"{self.path.replace('/', '_')}.{page}"
            (directory / name).write_text(body)

    def settings(self):
        """The bodies, for SQL that reads them where they are."""
        return {f"bench.{self.name}{page}": body
                for page, body in enumerate(self.bodies)}

    def rows(self):
        return f"SELECT {', '.join(c[0] for c in self.columns)} FROM {self.call}"

    def rows_of_json(self):
        """The same rows by PostgreSQL's own functions."""
        return " UNION ALL ".join(
            self._rows_of(f"current_setting('{name}')::json")
            for name in self.settings())

    def _rows_of(self, body):
        records = f"({body} -> 'data')" if self.in_pages else body
        values = []
        members = []
        for column, sql_type, member, kind in self.columns:
            stored = "int8" if kind in ("ms", "s") else sql_type
            value = f'r."{member}"'
            if isinstance(member, int):
                value = f"(r.value ->> {member})::{stored}"
            members.append(f'"{member}" {stored}')
            if kind in ("ms", "s"):
                value = f"to_timestamp({value} / {1000.0 if kind == 'ms' else 1.0})"
            values.append(f"{value} AS {column}")
        source = f"json_to_recordset({records}) AS r({', '.join(members)})"
        if isinstance(self.columns[0][2], int):
            source = f"json_array_elements({records}) AS r"
        return f"SELECT {', '.join(values)} FROM {source}"


READS = {read.name: read for read in [
    Read("trades", 10_000, trade, "/spot/api/v3.3/trades",
         "btse_trades('BTC-USD')", TRADE),
    Read("open_orders", 4_000, open_order, "/spot/api/v3.3/user/open_orders",
         "btse_open_orders()", OPEN_ORDER),
    Read("candles", 10_000, candle, "/spot/api/v3.3/ohlcv",
         "btse_ohlcv('BTC-USD', 1)", CANDLE),
    Read("pages", 5_000, xt_order, "/trade/api/v1/getOpenOrders",
         "xt_open_orders('btc_usdt')", XT_ORDER, pages=5),
]}
