#!/usr/bin/env python3
"""Some minutes in the life of a shop, so that dashboards have something to show.

Jobs cancel orders at four providers all the time, and one thing after the other
happens: answers are slow, somebody cancels very many, an answer gets lost, a key
is refused, a book does not come, a provider wants to be left alone, a call waits.
The last two are still so at the end.

    traffic.py --dsn DSN --control URL --minutes N --then COMMAND

When the time is over it runs the command, with the last call still in progress.
"""

import argparse
import json
import random
import shlex
import subprocess
import threading
import time
import urllib.request

import psycopg2

# Job, its call, how many orders at once, and seconds from call to call. Two of them
# submit, two call themselves.
JOBS = {
    "xt": ("batch_cancel_submit('btc_usdt', %s)", 120, 5),
    "tronsave": ("tronsave_cancel_submit(%s)", 30, 7),
    "btse": ("btse_cancel('BTC-USD', %s)", 12, 4),
    "wangdian": ("wangdian_cancel(%s)", 25, 6),
}

# What happens, by the part of the time that is over.
STORY = (
    (0.20, "fault", {"provider": "btse", "fault": "delay", "ms": 900, "times": 60}),
    (0.30, "burst", 50),
    (0.45, "fault", {"provider": "xt", "fault": "close_after"}),
    (0.52, "silent", {"fault": "stream_silent", "topic": "update:BTC-USD_0"}),
    (0.57, "heard", None),
    (0.60, "key", "wrong"),
    (0.66, "key", "right"),
    (0.72, "fault", {"provider": "wangdian", "fault": "half_answer"}),
    (0.80, "fault", {"provider": "tronsave", "fault": "retry_after",
                     "seconds": 1500}),
    (0.93, "hang", {"provider": "wangdian", "fault": "black_hole",
                    "match_id": "CR-HANGS", "times": 0}),
)


class Shop:
    def __init__(self, dsn, control):
        self.dsn = dsn
        self.control_url = control
        self.over = threading.Event()
        self.ids = random.Random(7)

    def control(self, path, message, method="POST"):
        urllib.request.urlopen(urllib.request.Request(
            self.control_url + path, json.dumps(message).encode(), method=method)).read()

    def connect(self):
        connection = psycopg2.connect(self.dsn)
        connection.autocommit = True
        return connection

    def new_ids(self, provider, n):
        digits = [self.ids.randrange(10 ** 15, 10 ** 16) for _ in range(n)]
        return [{"xt": f"{number}", "tronsave": f"{number:024x}",
                 "btse": f"{number:032x}", "wangdian": f"CR-{number}"}[provider]
                for number in digits]

    def cancel(self, connection, provider, ids):
        call = JOBS[provider][0]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM " + call % "%s", (ids,))

    def cancel_beside(self, provider, ids):
        """Somebody cancels by hand, while the jobs go on."""
        threading.Thread(target=self.cancel, daemon=True,
                         args=(self.connect(), provider, ids)).start()

    def job(self, provider):
        """Cancels again and again, as long as the shop is open."""
        _, orders, pause = JOBS[provider]
        connection = self.connect()
        while not self.over.wait(pause * self.ids.uniform(0.6, 1.4)):
            n = int(orders * self.ids.uniform(0.4, 1.0)) + 1
            self.cancel(connection, provider, self.new_ids(provider, n))

    def key(self, which):
        """The key of XT's mapping is replaced by a wrong one, and put back."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("""
                SELECT split_part(o, '=', 2)
                FROM pg_user_mappings, unnest(umoptions) AS o
                WHERE srvname = 'xt' AND o LIKE 'secret_key=%'""")
            if which == "wrong":
                self.secret = cursor.fetchone()[0]
            cursor.execute(
                "ALTER USER MAPPING FOR CURRENT_USER SERVER xt "
                "OPTIONS (SET secret_key %s)",
                ("not the key" if which == "wrong" else self.secret,))

    def follow(self):
        """The shop's market lives, and streams of it are followed."""
        self.control("/streams/trader", {"rate": 5, "symbols": ["BTC-USD"]})
        with self.connect().cursor() as cursor:
            cursor.execute("SELECT btse_stream_start('book', 'BTC-USD'), "
                           "btse_stream_start('trades', 'BTC-USD'), "
                           "btse_stream_start('fills')")

    def happen(self, what, details):
        if what == "key":
            self.key(details)
        elif what == "silent":
            self.control("/faults", {**details, "times": 0})
            self.control("/streams/close", {"topic": details["topic"]})
        elif what == "heard":
            self.control("/faults", {}, "DELETE")
        elif what == "burst":
            connection = self.connect()
            for _ in range(details):
                self.cancel(connection, "tronsave", self.new_ids("tronsave", 50))
        else:
            self.control("/faults", details)
        if what == "hang":
            with self.connect().cursor() as cursor:
                cursor.execute("ALTER SERVER wangdian OPTIONS (ADD timeout '1h')")
            self.cancel_beside("wangdian", [details["match_id"]])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--control", required=True)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--then", required=True)
    options = parser.parse_args()

    shop = Shop(options.dsn, options.control)
    shop.control("/settings", {"accept_any_id": True})
    shop.follow()
    jobs = [threading.Thread(target=shop.job, args=(provider,))
            for provider in JOBS]
    for job in jobs:
        job.start()
    began = time.monotonic()
    for part, what, details in (*STORY, (1, None, None)):
        time.sleep(max(began + part * options.minutes * 60 - time.monotonic(), 0))
        if what:
            shop.happen(what, details)
    try:
        subprocess.run(shlex.split(options.then), check=True)
    finally:
        shop.over.set()


if __name__ == "__main__":
    main()
