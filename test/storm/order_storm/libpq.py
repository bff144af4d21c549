"""PostgreSQL's client library, as far as it is needed here.

Python has drivers, but a lost connection has to be told from an error with
certainty, a thread that waits must let others run, and the library is there
wherever PostgreSQL is.
"""

import ctypes
import ctypes.util
import os
import select
import socket
import subprocess
import time

CONNECTION_OK, CONNECTION_BAD = 0, 1
POLLING_FAILED, POLLING_READING, POLLING_OK = 0, 1, 3
LONGEST_CONNECT = 30            # seconds
FINE = (0, 1, 2)                # nothing to do, a command, rows
SQLSTATE = ord("C")
NOTICE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)


class SqlError(Exception):
    """The server says no, and the session lives on."""

    def __init__(self, state, words):
        super().__init__("%s: %s" % (state, words))
        self.state = state


class Lost(Exception):
    """The connection is gone; what was asked last may have been done."""


def library():
    """libpq of the PostgreSQL that is tested, else the system's."""
    names = []
    config = os.environ.get("PG_CONFIG", "pg_config")
    try:
        names.append(os.path.join(subprocess.run(
            [config, "--libdir"], capture_output=True, text=True,
            check=True).stdout.strip(), "libpq.so.5"))
    except (OSError, subprocess.CalledProcessError):
        pass
    names += ["libpq.so.5", ctypes.util.find_library("pq")]
    for name in names:
        try:
            return declared(ctypes.CDLL(name))
        except (OSError, TypeError):
            continue
    raise SystemExit("storm: there is no libpq")


def declared(pq):
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
            ("PQconnectStart", pointer, (text,)),
            ("PQconnectPoll", number, (pointer,)),
            ("PQsocket", number, (pointer,)),
            ("PQfinish", None, (pointer,)),
            ("PQstatus", number, (pointer,)),
            ("PQbackendPID", number, (pointer,)),
            ("PQerrorMessage", text, (pointer,)),
            ("PQsetNoticeProcessor", pointer, (pointer, NOTICE, pointer)),
            ("PQexec", pointer, (pointer, text)),
            ("PQsendQuery", number, (pointer, text)),
            ("PQresultStatus", number, (pointer,)),
            ("PQresultErrorField", text, (pointer, number)),
            ("PQresultErrorMessage", text, (pointer,)),
            ("PQcmdStatus", text, (pointer,)),
            ("PQntuples", number, (pointer,)),
            ("PQnfields", number, (pointer,)),
            ("PQgetvalue", text, (pointer, number, number)),
            ("PQgetisnull", number, (pointer, number, number)),
            ("PQclear", None, (pointer,))):
        function = getattr(pq, name)
        function.restype = result
        function.argtypes = arguments
    return pq


PQ = library()
QUIET = NOTICE(lambda argument, words: None)


def literal(value):
    """A value as SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, (list, tuple)):
        return "ARRAY[%s]::text[]" % ",".join(literal(each) for each in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = str(value)
    return "'%s'" % text.replace("'", "''")


class Connection:
    """One session.  One thread at a time."""

    def __init__(self, conninfo):
        self.handle = PQ.PQconnectStart(conninfo.encode())
        if not self._connects():
            words = self._words()
            self.close()
            raise Lost("cannot connect: " + words)
        self.pid = PQ.PQbackendPID(self.handle)

    def _connects(self):
        """Done step by step, since a server that dies meanwhile has words for
        us that nobody wants to see."""
        if not self.handle or PQ.PQstatus(self.handle) == CONNECTION_BAD:
            return False
        PQ.PQsetNoticeProcessor(self.handle, QUIET, None)
        until = time.monotonic() + LONGEST_CONNECT
        state = None
        while state not in (POLLING_FAILED, POLLING_OK):
            wait = select.poll()
            wait.register(PQ.PQsocket(self.handle), select.POLLIN
                          if state == POLLING_READING else select.POLLOUT)
            left = until - time.monotonic()
            if left <= 0 or not wait.poll(left * 1000):
                return False
            state = PQ.PQconnectPoll(self.handle)
        return state == POLLING_OK

    def _words(self):
        if not self.handle:
            return "out of memory"
        return PQ.PQerrorMessage(self.handle).decode("utf-8", "replace")

    def close(self):
        if self.handle:
            PQ.PQfinish(self.handle)
            self.handle = None

    def send(self, sql):
        """Without waiting for an answer."""
        if not self.handle or not PQ.PQsendQuery(self.handle, sql.encode()):
            words = self._words()
            self.close()
            raise Lost(words)

    def hang_up(self):
        """Go without a word."""
        with socket.socket(fileno=os.dup(PQ.PQsocket(self.handle))) as line:
            line.shutdown(socket.SHUT_RDWR)
        self.close()

    def run(self, sql):
        """Its command tag, such as COMMIT, and its rows."""
        if not self.handle:
            raise Lost("closed")
        result = PQ.PQexec(self.handle, sql.encode())
        try:
            if PQ.PQstatus(self.handle) != CONNECTION_OK or not result:
                words = self._words()
                self.close()
                raise Lost(words)
            if PQ.PQresultStatus(result) not in FINE:
                state = PQ.PQresultErrorField(result, SQLSTATE) or b"?"
                raise SqlError(state.decode(), PQ.PQresultErrorMessage(
                    result).decode("utf-8", "replace").strip())
            return PQ.PQcmdStatus(result).decode(), self._rows(result)
        finally:
            PQ.PQclear(result)

    def _rows(self, result):
        fields = range(PQ.PQnfields(result))
        return [tuple(None if PQ.PQgetisnull(result, row, field)
                      else PQ.PQgetvalue(result, row, field).decode()
                      for field in fields)
                for row in range(PQ.PQntuples(result))]

    def rows(self, sql):
        return self.run(sql)[1]

    def value(self, sql):
        rows = self.rows(sql)
        return rows[0][0] if rows else None
