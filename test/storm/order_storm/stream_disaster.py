"""What happens to the cluster while streams run."""

import signal

from .cluster import kill
from .disaster import Disaster
from .libpq import SqlError
from .stream_scenery import WRITER, start

STREAM = "backend_type = 'order_gateway stream worker'"

# what is taken away, and how it is given back
RUGS = (
    ("ALTER TABLE storm_fills RENAME TO storm_gone",
     "ALTER TABLE storm_gone RENAME TO storm_fills"),
    ("ALTER TABLE storm_fills ADD COLUMN more text",
     "ALTER TABLE storm_fills DROP COLUMN more"),
    ("ALTER TABLE storm_fills ADD COLUMN maker boolean",
     "ALTER TABLE storm_fills DROP COLUMN maker"),
    ("CREATE RULE storm_rule AS ON INSERT TO storm_trades DO ALSO NOTHING",
     "DROP RULE storm_rule ON storm_trades"),
    ("ALTER TABLE storm_trades ADD COLUMN fee float DEFAULT 0 NOT NULL",
     "ALTER TABLE storm_trades DROP COLUMN fee"),
    ("ALTER TABLE storm_fills ALTER filled_size TYPE numeric(30, 15)",
     "ALTER TABLE storm_fills ALTER filled_size TYPE numeric"),
    ("REVOKE INSERT ON storm_fills FROM " + WRITER,
     "GRANT INSERT ON storm_fills TO " + WRITER),
    ("REVOKE INSERT ON storm_trades FROM " + WRITER,
     "GRANT INSERT ON storm_trades TO " + WRITER),
    ("REVOKE USAGE ON FOREIGN SERVER btse FROM " + WRITER,
     "GRANT USAGE ON FOREIGN SERVER btse TO " + WRITER),
)
LOCKED = ("storm_fills", "storm_trades", "order_gateway_stream_fill",
          "order_gateway_stream_book", "order_gateway_stream_l1",
          "order_gateway_stream_seen", "order_gateway_stream_event",
          "order_gateway_stream_trade", "order_gateway_stream_mark")


class StreamDisaster(Disaster):
    worker = STREAM
    held = ("SELECT pg_current_xact_id(), (SELECT count(*) FROM"
            " btse_stream_event)")
    weights = {"kill_worker": 7, "terminate_worker": 6, "cancel_worker": 3,
               "freeze": 4, "kill_postmaster": 4, "stop_immediate": 3,
               "stop_fast": 4, "kill_launcher": 1, "reload": 2, "unname": 2,
               "lock": 8, "pull_rug": 8, "again": 6, "checkpoint": 1}

    def await_request(self):
        self.stopped.wait(self.random.random() / 4)

    def lock(self):
        session = self.cluster.connect()
        try:
            session.run("BEGIN")
            session.run("LOCK TABLE %s IN %s MODE" % (
                self.random.choice(LOCKED), self.random.choice(
                    ("ACCESS EXCLUSIVE", "EXCLUSIVE"))))
            self.stopped.wait(self.random.random() * 3)
            if self.random.random() < 0.4:
                what = self.random.choice(("kill_worker", "terminate_worker"))
                if getattr(self, what)() is not False:
                    self.note(what)
            session.run("ROLLBACK")
        finally:
            session.close()

    def pull_rug(self):
        away, back = self.random.choice(RUGS)
        try:
            self.cluster.ask(away)
            self.rug = back
        except SqlError as error:
            if error.state != "55P03":      # locked
                raise
            return False
        self.stopped.wait(self.random.random() * 2.5)
        self.put_rug()
        return True

    def again(self):
        """Streams of books and best prices end and begin."""
        for number, kind, symbol, grouping in self.cluster.ask(
                "SELECT stream_id, kind, symbol, book_grouping FROM"
                " order_gateway_streams WHERE kind IN ('book', 'l1')"
                " ORDER BY random() LIMIT 1"):
            session = self.cluster.connect()
            try:
                session.run("BEGIN")
                session.run("SELECT btse_stream_stop(%s)" % number)
                session.run(start(kind, symbol, int(grouping or 0)))
                session.run(self.random.choice(("COMMIT", "COMMIT",
                                                "ROLLBACK")))
            finally:
                session.close()

    def clear_up(self):
        for pid in self.cluster.processes(STREAM):
            kill(pid, signal.SIGCONT)
        super().clear_up()
