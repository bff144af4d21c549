"""BTSE's two WebSocket URLs: topics, login, and who is told what.

    btse_stream_peer.py   one connection         btse_live.py    a moving market
    btse_stream_wire.py   what messages say      btse_depth.py   books as told
    fault_stream.py       faults                 btse_trader.py  what moves it
    control_stream.py     the control API        websocket.py    frames

The REST API and the streams show the same market, orders and trades.
"""

import asyncio
import time
import traceback
from collections import Counter, deque

from . import btse_stream_wire as wire
from .btse_depth import Depth, best, l1_message
from .btse_live import Live, Row
from .btse_scenery import GROUPS
from .btse_stream_peer import Peer
from .btse_stream_wire import Message, as_told
from .btse_wire import milliseconds
from .provider import Answer, hmac_hex, same
from .websocket import accept_value

LOGIN_PATH = "/ws/spot"         # what a login signs, before its nonce
URLS = {"/ws/spot": "other", "/ws/oss/spot": "book"}
# topics: kind -> the URL where it is
KINDS = {"snapshotL1": "book", "update": "book", "tradeHistoryApi": "other",
         "fills": "other", "notificationApiV3": "other"}
PRIVATE = ("fills", "notificationApiV3")
FIRST_TRADES = 20               # in the first message of trades
MOST_FAILURES = 20              # then a connection is closed, 1008
KEEP_GONE = 1000                # connections that are remembered
KEEP_TOLD = 200000              # notifications of an account
KEEP_L1 = 1000


class Streams:
    def __init__(self, btse):
        self.btse = btse
        self.world = btse.world
        self.faults = None              # Faults, set by Sandbox
        self.look_again = lambda: None
        self.peers = {}                 # open ones, in order
        self.gone = deque(maxlen=KEEP_GONE)
        self.counts = Counter()
        self.clear()

    def clear(self):
        """Forget the markets; connections are closed, for what they have
        been told is no longer so."""
        for peer in list(self.peers):
            peer.close(1001, "the sandbox was reset")
        self.gone.clear()
        self.counts.clear()
        self.depths = {}                # (symbol, grouping) -> Depth
        self.l1 = {}                    # symbol -> L1
        self.trades = {}                # symbol -> {peer: topic}
        self.private = {}               # (account, kind) -> {peer: topic}
        self.told = {}                  # account -> notifications
        self.dirty = {}                 # markets whose book has changed
        self.new_trades = {}            # symbol -> rows
        self.new_fills = {}             # account -> rows
        self.scheduled = False
        self.awake = False              # somebody follows private topics

    @property
    def settings(self):
        return self.world.settings

    @property
    def naming(self):
        return self.settings["btse_naming"]

    def now_ms(self):
        return milliseconds(self.world.now())

    # ---- connections

    async def serve(self, connection, request):
        """An upgrade, and all that comes after it; answers whether the
        connection is still one of HTTP."""
        refused = self.refusal(request)
        if refused is not None:
            return await connection.answer(refused)
        peer = Peer(self, connection, request, URLS[request.path])
        answer = self.upgrade(request)
        armed = self.faults.meet("upgrade", peer, "") \
            if self.faults.streaming else None
        if armed is None:
            await connection.send(connection.head(answer))
        elif not await armed.kind.hooks(peer, answer, armed.args):
            return False
        await self.converse(peer)
        return False

    async def converse(self, peer):
        self.peers[peer] = True
        self.counts["opened"] += 1
        self.look_again()
        try:
            peer.opened()
            await peer.live()
        finally:
            peer.end(None, "gone")

    def refusal(self, request):
        header = request.header
        if header.get("upgrade", "").lower() != "websocket" \
                or "upgrade" not in header.get("connection", "").lower():
            return Answer(426, {"sandbox": "an upgrade to websocket, please"},
                          headers={"Upgrade": "websocket"})
        if header.get("sec-websocket-version") != "13" \
                or not header.get("sec-websocket-key"):
            return Answer(400, {"sandbox": "Sec-WebSocket-Key and -Version "
                                           "13, please"})
        if len(self.peers) >= self.settings["stream_most_connections"]:
            request.note = "too many connections"
            return Answer(429, {"sandbox": "too many connections"})
        return None

    def upgrade(self, request):
        """The answer 101."""
        return Answer(101, headers={
            "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accept_value(
                request.header["sec-websocket-key"]),
            "Content-Type": [], "Content-Length": []})

    def forget(self, peer):
        """It is gone: nobody is told through it."""
        for topic in list(peer.topics):
            self.leave(peer, topic)
        self.peers.pop(peer, None)
        self.gone.append(peer)
        self.counts["closed"] += 1
        self.look_again()

    # ---- what a client asks for

    def asked(self, peer, asked, text):
        self.counts["asked"] += 1
        op = asked.get("op") if isinstance(asked, dict) else None
        if not isinstance(op, str):
            self.refuse(peer, [(text[:200], 1002)])
        elif op in ("subscribe", "unsubscribe"):
            if asked.get("args") is None:
                return                  # the service says nothing
            if not isinstance(asked["args"], list):
                self.refuse(peer, [(text[:200], 1002)])
                return
            getattr(self, op)(peer, asked["args"])
        elif op == "authKeyExpires" and peer.url == "other":
            self.login(peer, asked.get("args"))
        else:
            self.refuse(peer, [(op, 1001)])
        self.look_again()

    def refuse(self, peer, failures):
        self.say(peer, "error", None, wire.errors(failures))
        peer.failures += len(failures)
        if peer.failures >= MOST_FAILURES and not peer.gone:
            self.say(peer, "error", None, wire.errors([(None, 1008)]))
            peer.close(1008, "too many failures")

    def say(self, peer, moment, topic, document, rows=()):
        peer.tell(Message(moment, topic, document, rows))

    def subscribe(self, peer, args):
        accepted, failures, first = [], [], []
        for topic in args:
            code = self.fault_of(peer, topic)
            if code is not None:
                failures.append((topic, code))
                continue
            if KINDS[topic.partition(":")[0]] != peer.url:
                continue                # left out, without a word
            accepted.append(topic)
            if topic not in peer.topics:
                peer.topics[topic] = 0
                first.append(topic)
        if failures:
            self.refuse(peer, failures)
            if peer.gone:
                return
        self.acknowledge(peer, "subscribe", accepted, first)

    def acknowledge(self, peer, op, accepted, first=()):
        order = accepted[::-1] \
            if self.settings["stream_ack_order"] == "reversed" else accepted
        before = self.faults.meet("first", peer, "subscribe") \
            if first and self.faults.streaming else None
        if before is not None:
            for topic in first:
                self.join(peer, topic)
        self.say(peer, "ack", op, {"event": op, "channel": order})
        if before is None:
            for topic in first:
                self.join(peer, topic)

    def fault_of(self, peer, topic):
        """The error code of a topic, or None."""
        if not isinstance(topic, str):
            return 1002
        kind, colon, rest = topic.partition(":")
        if kind not in KINDS or bool(colon) == (kind in PRIVATE):
            return 1005
        if len(peer.topics) >= self.settings["stream_most_topics"] \
                and topic not in peer.topics:
            return 1002
        if kind in PRIVATE:
            return None
        symbol, grouping = self.split(kind, rest)
        if symbol not in self.btse.markets:
            return 1000
        if grouping is not None and kind != "update":
            return 1009 if kind == "snapshotL1" else 1005
        return 1005 if kind == "update" and grouping is None else None

    @staticmethod
    def split(kind, rest):
        symbol, _, grouping = rest.partition("_")
        return symbol, int(grouping) if grouping.isascii() \
            and grouping.isdigit() and len(grouping) < 10 else None

    def join(self, peer, topic):
        """Begin to tell it."""
        if topic not in peer.topics or peer.gone:
            return
        kind, _, rest = topic.partition(":")
        if kind in PRIVATE:
            if peer.account is None:
                peer.silent.add(topic)  # asked too early: never a word
                return
            self.wake()
            self.private.setdefault((peer.account.name, kind),
                                    {})[peer] = topic
            return
        symbol, grouping = self.split(kind, rest)
        live = self.alive(symbol)
        if live is None:
            peer.silent.add(topic)
        elif kind == "update":
            self.join_book(peer, topic, live, grouping)
        elif kind == "snapshotL1":
            self.join_l1(peer, topic, live)
        else:
            self.trades.setdefault(symbol, {})[peer] = topic
            self.first_trades(peer, topic, live)

    def join_book(self, peer, topic, live, grouping):
        if grouping >= len(GROUPS):
            peer.silent.add(topic)      # acknowledged, then silence
            return
        now = self.now_ms()
        depth = self.depth(live, grouping)
        depth.peers[peer] = topic
        self.say(peer, "data", topic, self.numbers(
            depth.snapshot(topic, now)))

    def depth(self, live, grouping):
        """The book of a grouping, followed from now on."""
        name = (live.market.symbol, grouping)
        depth = self.depths.get(name)
        if depth is None:
            depth = self.depths[name] = Depth(
                live, grouping, self.settings["keep_books"])
            depth.at = self.now_ms()
        elif not depth.peers:
            depth.start(self.now_ms())
        return depth

    def join_l1(self, peer, topic, live):
        l1 = self.l1.get(live.market.symbol)
        if l1 is None:
            l1 = self.l1[live.market.symbol] = L1(live)
        l1.peers[peer] = topic
        self.say(peer, "data", topic, self.numbers(
            l1.message(self.now_ms())))

    def first_trades(self, peer, topic, live):
        now = self.now_ms()
        rows = live.market.trades(now - 86400000, now)[:FIRST_TRADES]
        if rows:
            self.say(peer, "data", topic, self.numbers(
                {"topic": topic, "data": [wire.trade(row) for row in rows]}),
                [row for row in rows if isinstance(row, Row)])

    def unsubscribe(self, peer, args):
        left = [topic for topic in args
                if isinstance(topic, str) and topic in peer.topics]
        for topic in left:
            if topic in peer.topics:
                self.leave(peer, topic)
        self.acknowledge(peer, "unsubscribe", left)

    def leave(self, peer, topic):
        del peer.topics[topic]
        peer.silent.discard(topic)
        kind, _, rest = topic.partition(":")
        symbol, grouping = self.split(kind, rest)
        if kind in PRIVATE:
            if peer.account is not None:
                self.private.get((peer.account.name, kind), {}).pop(peer, None)
        elif kind == "update":
            depth = self.depths.get((symbol, grouping))
            if depth is not None and depth.peers.pop(peer, None) \
                    and not depth.peers:
                depth.stop()
        elif kind == "snapshotL1" and symbol in self.l1:
            self.l1[symbol].peers.pop(peer, None)
        else:
            self.trades.get(symbol, {}).pop(peer, None)

    def login(self, peer, args):
        account = None
        if isinstance(args, list) and len(args) == 3 \
                and all(isinstance(each, str) for each in args):
            key, nonce, signature = args
            account = self.world.account("btse", key)
            if account is not None and not same(hmac_hex(
                    account.credentials["secret_key"], LOGIN_PATH + nonce,
                    "sha384"), signature):
                account = None
        refused = self.faults.streaming \
            and self.faults.meet("refuse", peer, "login")
        if account is None or refused:
            self.counts["refused_logins"] += 1
            self.say(peer, "login", "login", {
                "event": "login", "success": False,
                "message": "AUTHENTICATION_FAILURE"})
            return
        self.counts["logins"] += 1
        peer.account = account
        self.say(peer, "login", "login", {"event": "login", "success": True})

    # ---- markets that move

    def alive(self, symbol):
        """The live market of a symbol, or None where none may be."""
        market = self.btse.markets.get(symbol)
        if market is None or self.settings["btse_live"] == "never":
            return None
        if market.live is None:
            live = Live(market, self.now_ms())
            live.changed = self.changed
            market.live = live
            for account in list(self.world.accounts["btse"].values()):
                for order in self.btse.matching.alive(account):
                    if order.market == symbol:
                        live.sync(order)
                        self.btse.matching.look(order)
        return market.live

    def wake(self):
        """Somebody follows an account: every market moves."""
        self.awake = True
        for symbol in list(self.btse.markets):
            self.alive(symbol)

    def changed(self, live):
        self.dirty[live.market.symbol] = live
        self.soon()

    def soon(self):
        """Publish at the end of this turn of the event loop, or after the
        time of the setting."""
        if self.scheduled:
            return
        self.scheduled = True
        loop = asyncio.get_running_loop()
        pause = self.settings["stream_ms"]
        if pause:
            loop.call_later(pause / 1000, self.publish)
        else:
            loop.call_soon(self.publish)

    # ---- what happened

    def ordered(self, order, status, row=None, maker=False, order_id=None):
        """Something happened to an order: a notification."""
        if not self.awake:
            return
        document = wire.notification(order, status, self.naming,
                                     self.world.now(), row, maker, order_id)
        told = self.told.setdefault(order.account, deque(maxlen=KEEP_TOLD))
        told.append(Row(document, time.time()))
        for peer, topic in list(self.private.get(
                (order.account, "notificationApiV3"), {}).items()):
            self.say(peer, "data", topic, self.numbers(
                {"topic": topic, "data": document}), (told[-1],))

    def filled(self, account, row):
        self.new_fills.setdefault(account, []).append(row)
        self.soon()

    def traded(self, symbol, row):
        self.new_trades.setdefault(symbol, []).append(row)
        self.soon()

    def numbers(self, document):
        return as_told(document, self.settings["btse_stream_numbers"])

    def publish(self):
        """Tell what has changed since the last time."""
        self.scheduled = False
        try:
            self.tell_all()
        except Exception:                   # a mistake in the sandbox itself
            traceback.print_exc()

    def tell_all(self):
        now = self.now_ms()
        dirty, self.dirty = self.dirty, {}
        for live in dirty.values():
            for depth in list(live.depths):
                self.publish_book(depth, now)
            l1 = self.l1.get(live.market.symbol)
            if l1 is not None:
                self.publish_l1(l1, now)
        trades, self.new_trades = self.new_trades, {}
        for symbol, rows in trades.items():
            self.spread(self.trades.get(symbol), rows[::-1], wire.trade)
        fills, self.new_fills = self.new_fills, {}
        for account, rows in fills.items():
            self.spread(self.private.get((account, "fills")), rows,
                        lambda row: wire.fill(row, self.naming))
        self.look_again()

    def publish_book(self, depth, now):
        changes = depth.publish(now)
        if changes is None or not depth.peers:
            return
        self.counts["deltas"] += 1
        document = self.numbers(depth.delta(changes, now))
        messages = {}
        for peer, topic in list(depth.peers.items()):
            message = messages.get(topic)
            if message is None:
                message = messages[topic] = Message("data", topic, document)
            peer.tell(message)

    def publish_l1(self, l1, now):
        if not l1.look(now) or not l1.peers:
            return
        self.counts["l1"] += 1
        document = self.numbers(l1.message(now))
        for peer, topic in list(l1.peers.items()):
            self.say(peer, "data", topic, document)

    def spread(self, peers, rows, told):
        """Rows to all who follow them."""
        if not peers:
            return
        data = [told(row) for row in rows]
        for peer, topic in list(peers.items()):
            self.say(peer, "data", topic, self.numbers(
                {"topic": topic, "data": data}), rows)


class L1:
    """The best bid and ask of a symbol, as they were told."""

    def __init__(self, live):
        self.live = live
        self.peers = {}
        self.quotes = best(live)
        self.history = deque(maxlen=KEEP_L1)

    def look(self, now):
        """Has it changed?"""
        quotes = best(self.live)
        if quotes == self.quotes:
            return False
        self.quotes = quotes
        self.history.append((now, quotes))
        return True

    def message(self, now):
        return l1_message(self.live.market.symbol, self.quotes, now)
