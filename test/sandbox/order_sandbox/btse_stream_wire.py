"""The messages of BTSE's streams, apart from books (see btse_depth.py).

What the page says in two ways is told in the way of the settings btse_naming
and btse_stream_numbers.
"""

from decimal import Decimal

from . import json_text
from .btse_order import ORDER_TYPES
from .btse_wire import milliseconds
from .json_text import plain

WORDS = {1000: "The market pair provided is not supported currently.",
         1001: "The operation provided is not supported currently.",
         1002: "Invalid request. Please check again your request and provide "
               "all information required.",
         1005: "Topic provided does not exist.",
         1007: "User message buffer is full.",
         1008: "Reached maximum failed attempts, closing the session.",
         1009: "Grouping is not supported for this topic."}
TX_TYPES = {"LIMIT": 0, "STOP": 1, "TRIGGER": 2, "OCO": 3}


class Message:
    """One message, for any number of connections; it is encoded once."""

    __slots__ = ("moment", "topic", "document", "rows", "_text")

    def __init__(self, moment, topic, document, rows=()):
        self.moment = moment        # data, ack, login, pong, error
        self.topic = topic          # as it was asked for
        self.document = document    # what is encoded, or a text
        self.rows = rows            # of the truth, which count deliveries
        self._text = None

    @property
    def text(self):
        if self._text is None:
            self._text = (self.document.encode()
                          if isinstance(self.document, str)
                          else json_text.encode(self.document))
        return self._text

    def other(self, document):
        """The same with something else in it."""
        return Message(self.moment, self.topic, document, self.rows)


def as_told(document, how):
    """Amounts as the setting btse_stream_numbers wants them."""
    if how == "page":
        return document
    if isinstance(document, dict):
        return {name: as_told(value, how) for name, value in document.items()}
    if isinstance(document, list):
        return [as_told(value, how) for value in document]
    if how == "text":
        return plain(document) if isinstance(document, Decimal) else document
    return json_text.Raw(document) if is_number(document) else document


def is_number(value):
    return isinstance(value, str) and value != "" and \
        value.replace(".", "", 1).isdigit() and value[0] != "." \
        and (value[0] != "0" or value[1:2] in ("", "."))


def errors(failures):
    """[(what, code)]"""
    return {"severity": "ERROR", "errors": [
        {"arg": what, "error": {"code": code, "message": WORDS[code]}}
        for what, code in failures]}


def trade(row):
    """A public trade."""
    return {"symbol": row["symbol"], "side": row["side"], "size": row["size"],
            "price": row["price"], "tradeId": row["serialId"],
            "timestamp": row["timestamp"]}


def fill(row, naming):
    """A row of trade_history as the stream tells it: price and size are the
    fill's own here."""
    tables = naming == "tables"
    return {"orderId": row["orderId"], "serialId": str(row["serialId"]),
            "clOrderId": row["clOrderID"],
            "type": row["orderType"] if tables else str(row["orderType"]),
            "symbol": row["symbol"], "side": row["side"],
            "price": row["filledPrice"], "size": row["filledSize"],
            "feeAmount": row["feeAmount"] if tables
            else plain(row["feeAmount"]),
            "feeCurrency": row["feeCurrency"], "base": row["base"],
            "quote": row["quote"],
            "maker": bool(row.maker) if tables
            else "maker" if row.maker else "taker",
            "timestamp": row["timestamp"], "tradeId": row["tradeId"]}


def notification(order, status, naming, now, row=None, maker=False,
                 order_id=None):
    """What notificationApiV3 says of an order; a row where it traded."""
    kind = ORDER_TYPES[order.kind]
    old = naming == "old"
    last = {"tables": ("remainingOrderBaseSize", "remainingOrderQuoteSize"),
            "examples": ("remainingBaseSize", "remainingQuoteSize"),
            "old": ("remainingSize", None)}[naming]
    told = {
        "symbol": order.market,
        "orderID": order.id if order_id is None else order_id,
        "side": "MODE_" + order.side if old else order.side,
        "orderType": str(kind) if naming == "examples" else kind,
        "price": row["filledPrice"] if row else order.price,
        "avgFilledPrice": order.average, "status": status,
        "clOrderID": order.client_order_id or "", "maker": maker,
        "stealth": order.stealth, "timestamp": milliseconds(now),
        "pegPriceDeviation": order.deviation,
        "time_in_force": order.time_in_force,
        "txType": TX_TYPES.get(order.tx_type, 0),
        "triggerPrice": order.trigger_price,
        "originalOrderBaseSize": order.original,
        "originalOrderQuoteSize": None,
        "currentOrderBaseSize": order.size, "currentOrderQuoteSize": None,
        "filledBaseSize": row["filledSize"] if row else Decimal(0),
        "totalFilledBaseSize": order.filled, last[0]: order.remaining}
    if last[1]:
        told[last[1]] = None
    told["orderCurrency"] = order.market.partition("-")[0] \
        if old and order.market else "base"
    return told
