"""BTSE's answers about orders, with the names of the setting btse_naming.

The page names what is in an order in three ways: in its examples, in its
tables, and in the list of names that v3.3 gives up.
"""

import re
from decimal import Decimal

from .btse_order import ORDER_TYPES, SEEDED
from .json_text import Number, Raw

ORIGINAL = ("originalOrderBaseSize", "originalOrderQuoteSize",
            "currentOrderBaseSize", "currentOrderQuoteSize")
SHORT = ("remainingBaseSize", "remainingQuoteSize", "orderCurrency")
LONG = ("remainingOrderBaseSize", "remainingOrderQuoteSize", "orderCurrency")
BOTH_FILLED = ("filledBaseSize", "totalFilledBaseSize")
FILLED = ("totalFilledBaseSize",)
# the sizes that each answer has: of an act, of GET order, of open_orders
SIZES = {
    "examples": {"act": ORIGINAL + BOTH_FILLED + SHORT,
                 "order": ORIGINAL + FILLED + SHORT,
                 "open": ("size", "filledSize", "fillSize")},
    "tables": {"act": ORIGINAL + BOTH_FILLED + LONG,
               "order": ORIGINAL + FILLED + LONG,
               "open": ORIGINAL + FILLED + LONG},
    "old": {"act": ("size", "fillSize", "originalSize", "remainingSize"),
            "order": ("size", "filledSize", "remainingSize"),
            "open": ("size", "fillSize", "filledSize", "remainingSize")},
}
ZERO = Decimal("0.0")
AMOUNT = re.compile("Size$|Price$")


def sizes(order, where, naming):
    values = {"originalOrderBaseSize": order.original,
              "originalSize": order.original,
              "currentOrderBaseSize": order.size, "size": order.size,
              "orderCurrency": "base"}
    values.update(dict.fromkeys(BOTH_FILLED + ("filledSize", "fillSize"),
                                order.filled))
    values.update(dict.fromkeys(("remainingBaseSize", "remainingSize",
                                 "remainingOrderBaseSize"), order.remaining))
    return {name: values.get(name) for name in SIZES[naming][where]}


def seeded(row, order):
    """What was seeded, as it was spelled; also fields of no document."""
    for name, value in order.fields.items():
        if name in row or name not in SEEDED:
            row[name] = Raw(value) if is_number(row, name, value) else value
    return row


def is_number(row, name, value):
    """Is this text a number that is to be written as it is?"""
    if not isinstance(value, str):
        return False
    return (type(value) is Number or isinstance(row.get(name), Decimal)
            or AMOUNT.search(name) is not None)


def milliseconds(seconds):
    return int(seconds * 1000)


def act_row(order, status, naming, message=""):
    """An element of the answer to POST, PUT and DELETE order."""
    waits = order.tx_type != "LIMIT"
    return seeded(dict({
        "status": status, "symbol": order.market,
        "orderType": ORDER_TYPES[order.kind], "price": order.price,
        "side": order.side, "orderID": order.id,
        "timestamp": milliseconds(order.changed),
        "triggerPrice": order.trigger_price if waits else ZERO,
        "stopPrice": order.stop_price, "trigger": waits, "message": message,
        "avgFilledPrice": order.average,
        "clOrderID": order.client_order_id or "", "stealth": order.stealth,
        "deviation": order.deviation, "postOnly": order.post_only,
        "time_in_force": order.time_in_force},
        **sizes(order, "act", naming)), order)


def blank_row(request, status, now, naming, message=""):
    """An element about an order that nobody knows."""
    row = {
        "status": status, "symbol": request.market or "", "orderType": 0,
        "price": ZERO, "side": "BUY",
        "orderID": request.order_id or "", "timestamp": milliseconds(now),
        "triggerPrice": ZERO, "stopPrice": None, "trigger": False,
        "message": message, "avgFilledPrice": ZERO,
        "clOrderID": request.client_id or "", "stealth": ZERO,
        "deviation": ZERO, "postOnly": False, "time_in_force": "GTC"}
    row.update((name, "base" if name == "orderCurrency" else
                None if "Quote" in name else ZERO)
               for name in SIZES[naming]["act"])
    return row


def detail(order):
    """What GET order and open_orders have in common."""
    waits = order.tx_type != "LIMIT"
    peg = order.kind == "PEG"
    bound = (peg and order.bound) or ZERO
    return {
        "orderID": order.id, "symbol": order.market,
        "orderType": ORDER_TYPES[order.kind], "price": order.price,
        "side": order.side, "orderValue": order.price * order.size,
        "trailValue": order.trail_value, "avgFilledPrice": order.average,
        "clOrderID": order.client_order_id or "",
        "timeInForce": order.time_in_force,
        "timestamp": milliseconds(order.created),
        "pegPriceMin": bound if order.side == "SELL" else ZERO,
        "pegPriceMax": bound if order.side == "BUY" else ZERO,
        "pegPriceDeviation": order.deviation if peg else ZERO,
        "triggerOrder": waits,
        "triggerPrice": order.trigger_price if waits else ZERO,
        "triggerOriginalPrice": order.original_trigger if waits else ZERO,
        "triggerOrderType": ORDER_TYPES[order.kind] if waits else 0,
        "triggerTrailingStopDeviation": ZERO,
        "triggerStopPrice": order.stop_price or ZERO,
        "triggered": order.triggered}


def order_object(order, naming):
    """The answer to GET order."""
    return seeded(dict(detail(order), quote=order.quote,
                       status=order.wire_status,
                       **sizes(order, "order", naming)), order)


def open_row(order, naming):
    """An element of the answer to open_orders."""
    return seeded(dict(
        detail(order), cancelDuration=milliseconds(order.lifetime or 0),
        orderState="STATUS_INACTIVE" if order.waiting else "STATUS_ACTIVE",
        **sizes(order, "open", naming)), order)


def trade_row(fill, naming):
    """An element of trade_history; the table calls the average a string."""
    row = dict(fill)
    if naming == "tables":
        row["avgFilledPrice"] = format(row["avgFilledPrice"], "f")
    return row
