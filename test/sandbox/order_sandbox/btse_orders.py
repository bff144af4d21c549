"""BTSE's endpoints that act on orders, and GET order."""

import sys
import time
import uuid
from copy import copy
from decimal import Decimal

from .btse_arguments import (Required, act, flag, number, one_of, positive,
                             query, text, whole)
from .btse_order import TIMES_IN_FORCE, ZERO, BtseOrder
from .btse_wire import act_row, blank_row, order_object
from .provider import Answer, Shape

(OK, PARTLY_FILLED, CANCELLED, NO_BALANCE, REJECTED, NOT_FOUND) = (
    2, 5, 6, 8, 15, 16)
UNAVAILABLE, TOO_LARGE, BAD_SIZE, BAD_PRICE = 1, 300, 301, 302
WORDS = {NO_BALANCE: "INSUFFICIENT_BALANCE", REJECTED: "ORDER_REJECTED",
         NOT_FOUND: "ORDER_NOTFOUND",
         UNAVAILABLE: "MARKET_UNAVAILABLE",
         TOO_LARGE: "ERROR_MAX_ORDER_SIZE_EXCEEDED",
         BAD_SIZE: "ERROR_INVALID_ORDER_SIZE",
         BAD_PRICE: "ERROR_INVALID_ORDER_PRICE"}

ROWS = Shape((), "orderID", "status", "message", cancelled=CANCELLED,
             refused={"status": NOT_FOUND, "message": "order not found"})
NEW_ROWS = Shape((), "orderID", "status", "message", cancelled=OK,
                 refused={"status": REJECTED, "message": "order rejected"})
ORDER = Shape((), "orderID", "status", "side")

WHICH = {"orderID": text, "clOrderID": text}
NEW_ORDER = {
    "symbol": Required(text), "side": Required(one_of("BUY", "SELL")),
    "type": Required(one_of("LIMIT", "MARKET", "OCO", "PEG")),
    "size": Required(positive), "price": positive,
    "time_in_force": one_of(*TIMES_IN_FORCE),
    "txType": one_of("LIMIT", "STOP", "TRIGGER"), "stopPrice": positive,
    "triggerPrice": positive, "trailValue": positive, "postOnly": flag,
    "clOrderID": text, "stealth": number, "deviation": number}
AMENDMENT = dict(
    WHICH, symbol=Required(text), value=positive, orderPrice=positive,
    orderSize=positive, triggerPrice=positive,
    type=Required(one_of("PRICE", "SIZE", "TRIGGERPRICE", "ALL")))
ENDPOINTS = (
    act("POST", "/order", "create_order", NEW_ORDER, NEW_ROWS),
    act("POST", "/order/peg", "create_peg_order", NEW_ORDER, NEW_ROWS),
    query("/order", "get_order", WHICH, ORDER, "trade"),
    act("PUT", "/order", "amend_order", AMENDMENT, NEW_ROWS),
    act("DELETE", "/order", "cancel", dict(WHICH, symbol=Required(text)),
        ROWS),
    act("POST", "/order/cancelAllAfter", "cancel_all_after",
        {"timeout": Required(whole)}),
)
# what each type of amendment changes, and where the new value is
AMENDED = {"PRICE": ("price", "value"), "SIZE": ("size", "value"),
           "TRIGGERPRICE": ("trigger_price", "value")}
AMENDED_BY_ALL = (("price", "orderPrice"), ("size", "orderSize"),
                  ("trigger_price", "triggerPrice"))


class OrderEndpoints:
    """Part of Btse; it has world, markets and matching."""

    @property
    def naming(self):
        return self.world.settings["btse_naming"]

    def row(self, order, status, message=""):
        return act_row(order, status, self.naming, message)

    def blank(self, call, status, message=None):
        if message is None:
            message = WORDS.get(status, "")
        return blank_row(call.request, status, self.world.now(), self.naming,
                         message)

    def overridden(self, call):
        """The answer that a fault wants instead of the true one, or None."""
        id = next(iter(call.request.ids), "")
        status = call.override(id, 0)
        if status is None:
            return None
        call.look(id, "status %s" % status)
        return Answer(200, [self.blank(call, status, "")])

    def unfit(self, call, words, code=400):
        """A parameter is not as the page wants it."""
        self.refuse(call.request, 400, code, "BADREQUEST: " + words)

    # ---- create

    def create_order(self, call):
        answer = self.overridden(call)
        if answer is not None:
            return answer
        market = self.market_of(call)
        self.check_new(call, market)
        orders = self.orders_of(call, market)
        refusal = self.refusal(call, orders, market)
        if refusal is not None:
            call.look(orders[0].id, "refused", orders[0].summary())
            if call.process:
                self.streams.ordered(orders[0], refusal, order_id="")
            return Answer(200, [dict(self.row(
                orders[0], refusal, WORDS[refusal]), orderID="")])
        if call.process:
            self.matching.place(orders, call.request.number)
        return Answer(200, [self.new_row(order) for order in orders])

    create_peg_order = create_order     # both endpoints do the same

    def new_row(self, order):
        partly = order.status == "cancelled" and order.filled
        row = self.row(order, PARTLY_FILLED if partly else order.wire_status)
        return dict(row, clOrderID=order.client_order_id)

    def check_new(self, call, market):
        """What the page says about parameters of a new order."""
        given = call.given
        if given.type != "MARKET" and given.price is None:
            self.unfit(call, "price is missing")
        if given.txType in ("STOP", "TRIGGER") or given.type == "OCO":
            if given.triggerPrice is None:
                self.unfit(call, "triggerPrice is missing")
        if given.type == "OCO" and given.stopPrice is None:
            self.unfit(call, "stopPrice is missing")
        if given.type in ("OCO", "PEG") and given.txType not in (None,
                                                                 "LIMIT"):
            self.unfit(call, "txType of this type is LIMIT")
        if given.postOnly and given.type == "MARKET":
            self.unfit(call, "a MARKET order cannot be postOnly")
        if given.type == "PEG":
            self.check_peg(call, market)
        if not (market.flags["active"] and market.flags["isMarketOpenToSpot"]):
            self.unfit(call, WORDS[UNAVAILABLE], UNAVAILABLE)
        prices = [given.stopPrice, given.triggerPrice]
        if given.type != "MARKET":
            prices.append(given.price)
        self.check_amounts(call, market, given.size, prices)

    def check_peg(self, call, market):
        given = call.given
        if market.quote != "USD":
            self.unfit(call, "PEG orders are for markets in USD")
        if given.stealth is None or not 0 < given.stealth <= 100:
            self.unfit(call, "stealth must be a percentage")
        if given.deviation is not None and not -10 <= given.deviation <= 10:
            self.unfit(call, "deviation must be from -10 to 10")

    def check_amounts(self, call, market, size, prices):
        """Against the market's own rules."""
        limits = market.numbers
        for price in prices:
            if price is not None and (price < limits["minValidPrice"]
                                      or price % market.step):
                self.unfit(call, WORDS[BAD_PRICE], BAD_PRICE)
        if size is None:
            return
        if size > limits["maxOrderSize"]:
            self.unfit(call, WORDS[TOO_LARGE], TOO_LARGE)
        if size < limits["minOrderSize"] or size % limits["minSizeIncrement"]:
            self.unfit(call, WORDS[BAD_SIZE], BAD_SIZE)

    def orders_of(self, call, market):
        """The new order, or both legs of an OCO order."""
        given = call.given
        first = self.new_order(call, given.price)
        if given.type == "OCO":
            second = self.new_order(call, given.stopPrice)
            first.group = second.group = first.id
            second.tx_type = "STOP"
            second.trigger_price = given.triggerPrice
            second.arm(market.last)
            return [first, second]
        if given.txType in ("STOP", "TRIGGER"):
            first.tx_type = given.txType
            first.trigger_price = given.triggerPrice
            first.trail_value = given.trailValue or ZERO
            first.arm(market.last)
        first.stop_price = given.stopPrice
        if given.type == "PEG":
            first.stealth = given.stealth / 100
            first.deviation = (given.deviation or ZERO) / 100
            first.bound = given.price
            first.price = market.peg_price(first)
        return [first]

    def new_order(self, call, price):
        given = call.given
        order = BtseOrder(self.name, call.account.name, str(uuid.uuid4()),
                          given.symbol, "open", given.clOrderID)
        order.kind = "LIMIT" if given.type == "OCO" else given.type
        order.side = given.side
        order.price = ZERO if given.type == "MARKET" else price
        order.original = order.size = given.size
        order.time_in_force = given.time_in_force or "GTC"
        order.post_only = bool(given.postOnly)
        return order

    def refusal(self, call, orders, market):
        """The status of an order that the market does not take, or None."""
        order = orders[0]
        if not self.matching.affords(call.account, order, market):
            return NO_BALANCE
        if order.post_only and not order.waiting \
                and self.matching.crosses(order, market):
            return REJECTED
        return None

    # ---- amend

    def amend_order(self, call):
        answer = self.overridden(call)
        if answer is not None:
            return answer
        self.check_which(call)
        changes = self.changes(call)
        order = self.one_meant(call)
        if order is None or order.status == "cancelled":
            call.look(call.request.ids[0], "not_found")
            return Answer(200, [self.blank(call, NOT_FOUND)])
        why = self.cannot_amend(order, changes)
        if why:
            call.look(order.id, "not_amendable", {"why": why})
            if call.process:
                self.streams.ordered(order, REJECTED)
            return Answer(200, [self.row(order, REJECTED, why)])
        return self.amended(call, order, changes)

    def changes(self, call):
        """{attribute: new value}; refuses a request without any."""
        given = call.given
        wanted = AMENDED_BY_ALL if given.type == "ALL" \
            else (AMENDED[given.type],)
        changes = {attribute: getattr(given, name)
                   for attribute, name in wanted
                   if getattr(given, name) is not None}
        if not changes:
            self.unfit(call, "%s is missing" % wanted[0][1])
        market = self.market_of(call)
        self.check_amounts(call, market, changes.get("size"),
                           [changes.get("price"),
                            changes.get("trigger_price")])
        return changes

    def one_meant(self, call):
        """By orderID, or the first alive of those with the clOrderID."""
        request = call.request
        if request.order_id:
            order = call.find(request.order_id)
            fits = order is not None and order.market in (None,
                                                          request.market)
            return order if fits else None
        found = self._by_client_id(call)
        return found[0] if found else None

    def cannot_amend(self, order, changes):
        if not order.alive:
            return "order is not open"
        if order.kind == "PEG":
            return "algo orders cannot be amended"
        if "trigger_price" in changes and order.tx_type == "LIMIT":
            return "order is not a trigger order"
        if "trigger_price" in changes and not order.waiting:
            return "order was triggered"
        if "price" in changes and order.kind == "MARKET":
            return "a MARKET order has no price"
        if changes.get("size", order.size) <= order.filled:
            return "more than this was filled"
        return None

    def amended(self, call, order, changes):
        """Amend the order, or a copy of it where nothing is to be done."""
        market = self.markets[call.given.symbol]
        target = order if call.process else copy(order)
        for attribute, value in changes.items():
            setattr(target, attribute, value)
        target.forget_spelling()
        target.changed = time.time()
        if "trigger_price" in changes:
            target.arm(market.last)
        call.look(order.id, "amended", dict(
            {name: format(value, "f") for name, value in changes.items()},
            client_order_id=order.client_order_id, type=call.given.type))
        if call.process:
            self.matching.changed(target)
            self.matching.look(target, call.request.number)
        return Answer(200, [self.row(target, target.wire_status)])

    # ---- cancel

    def cancel(self, call):
        request = call.request
        if not request.ids:
            return self._cancel_all(call)
        answer = self.overridden(call)
        if answer is not None:
            return answer
        orders = (self._by_id(call) if request.order_id
                  else self._by_client_id(call))
        if not orders:
            call.look(request.ids[0], "not_found")
            return Answer(200, [self.blank(call, NOT_FOUND,
                                           "order not found")])
        return Answer(200, [self._cancel(call, order) for order in orders])

    def _by_id(self, call):
        order = call.find(call.request.order_id)
        if order is None or order.market not in (None, call.request.market):
            return []
        if order.status == "cancelled":     # gone, as never heard of
            return []
        return [order] + [leg for leg in self.matching.legs(order)[1:]
                          if leg.alive]

    def _by_client_id(self, call):
        found = [order for order in self.world.book(call.account)
                 if order.client_order_id == call.request.client_id
                 and order.market in (None, call.request.market)
                 and order.status != "cancelled"]
        alive = [order for order in found if order.alive]
        return alive or found[:1]

    def _cancel(self, call, order):
        if order.alive:
            call.cancel(order)
            return self.row(order, CANCELLED)
        call.look(order.id, "not_cancellable")
        return self.row(order, order.wire_status)

    def _cancel_all(self, call):
        """No id was sent: the service cancels the whole market."""
        doomed = [order for order in self.matching.alive(call.account)
                  if order.market in (None, call.request.market)]
        if call.process:
            print("order sandbox: CANCEL ALL: request %d named no order, so "
                  "all %d open orders of %s were cancelled"
                  % (call.request.number, len(doomed), call.request.market),
                  file=sys.stderr, flush=True)
        call.look(call.request.market, "cancel_all")
        for order in doomed:
            call.cancel(order)
        return Answer(200, [self.row(order, CANCELLED) for order in doomed])

    def cancel_all_after(self, call):
        seconds = Decimal(call.given.timeout) / 1000
        call.look("", "timer_set" if seconds else "timer_stopped",
                  {"timeout": call.given.timeout})
        if call.process:
            self.matching.cancel_all_after(call.account, float(seconds))
        return Answer(200)

    # ---- look at one

    def check_which(self, call):
        if not call.request.ids:
            self.unfit(call, "orderID or clOrderID is missing")

    def get_order(self, call):
        self.check_which(call)
        request = call.request
        for order in self.world.book(call.account):
            its = order.id if request.order_id else order.client_order_id
            if its == request.ids[0] and self.still_known(order):
                return Answer(200, order_object(order, self.naming))
        how = self.world.settings["btse_not_found"]
        if how == "row":
            order = BtseOrder(self.name, call.account.name,
                              request.order_id or "", "", "open",
                              request.client_id)
            return Answer(200, dict(order_object(order, self.naming),
                                    status=NOT_FOUND))
        return self.error(int(how), NOT_FOUND, WORDS[NOT_FOUND])

    def still_known(self, order):
        """Open, or cancelled not long ago."""
        if order.alive:
            return True
        return order.status == "cancelled" and (
            time.time() - order.changed
            < self.world.settings["btse_cancelled_seconds"])
