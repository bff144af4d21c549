"""Those who do the work: programs, and functions called from SQL.

Each client has measure(workload), which answers a Measurement.
"""

import contextlib
import pathlib
import re
import subprocess
import threading
import time
from statistics import median, quantiles

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
FIRST_ID = 156293034776986
CALLS_PER_ROUND = 200
WARM_UP_CALLS = 20


class Measurement:
    """Seconds of a call (of "one", the median and the 99th percentile)."""

    def __init__(self, seconds, p99=None, peak_kb=None, empty=None):
        self.seconds = seconds
        self.p99 = p99
        self.peak_kb = peak_kb      # growth of a backend's memory
        self.empty = empty          # seconds of a call without ids


def of_calls(seconds, empty=None):
    return Measurement(median(seconds), p99=quantiles(seconds, n=100)[98],
                       empty=empty and median(empty))


class Server:
    """The bench's order API, for as long as we keep its stdin open."""

    def __init__(self, program, certificate, ca, delay_ms, bodies):
        self.ca = ca
        self.process = subprocess.Popen(
            [program, certificate, str(delay_ms), bodies], text=True,
            bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ports = [int(p) for p in self.process.stdout.readline().split()]

    def url(self, delayed):
        return f"https://localhost:{self.ports[delayed]}"

    def _counts(self):
        self.process.stdin.write("\n")
        return [int(number) for number in self.process.stdout.readline().split()]

    def connections(self):
        return self._counts()[0]

    def requests(self):
        return self._counts()[1]

    def last_arrival(self):
        """When the first byte of the last request came, as perf_counter()."""
        return self._counts()[2] / 1e9

    def cpu_seconds(self):
        """All the CPU time it has used, exactly."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/schedstat")
        return int(stat.read_text().split()[0]) / 1e9

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def at_once(jobs):
    """Seconds until all of them are done."""
    threads = [threading.Thread(target=job) for job in jobs]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


class Limit:
    """The plain C programs, a new process for each measurement."""

    def __init__(self, name, programs, server, lanes):
        self.name = name
        self.programs = programs
        self.server = server
        self.lanes = lanes

    def measure(self, workload):
        if workload.kind == "sessions":
            return Measurement(at_once(
                [lambda: self._run("limit", False, "first")] * workload.ids))
        if workload.kind == "read":
            return Measurement(self._run(
                "limit-orders", False, "read", workload.read.path,
                str(len(workload.read.bodies)))[0])
        if workload.kind == "act":
            return Measurement(self._run("limit-orders", False, workload.name,
                                         str(workload.ids))[0])
        count = CALLS_PER_ROUND if workload.kind == "one" else workload.ids
        seconds = self._run("limit", workload.delayed, workload.kind,
                            str(count), str(self.lanes))
        if workload.kind == "one":
            return of_calls(seconds)
        return Measurement(seconds[0])

    def first(self):
        """Seconds of the first call of a process."""
        return self._run("limit", False, "first")[0]

    def singles(self, ids):
        """Seconds of so many requests of one id each."""
        return self._run("limit", False, "singles", str(ids),
                         str(self.lanes))[0]

    def _run(self, program, delayed, *what):
        said = subprocess.run(
            [str(self.programs / program), str(self.server.ports[delayed]),
             self.server.ca, *what],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        return [float(line.split()[0]) for line in said.splitlines()]

    def close(self):
        pass


class Memory:
    """What a backend needs of its own, shared memory aside."""

    def __init__(self, pid):
        self.directory = pathlib.Path(f"/proc/{pid}")
        (self.directory / "clear_refs").write_text("5")     # the peak is now
        self.before = self._own("VmRSS")

    def growth_kb(self):
        return max(0, self._own("VmHWM") - self.before)

    def _own(self, name):
        fields = dict(line.split(":", 1) for line in
                      (self.directory / "status").read_text().splitlines())
        return (int(fields[name].split()[0]) -
                int(fields["RssShmem"].split()[0]))


def private_kb(pid):
    """Memory that is a process's alone."""
    said = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Private_\w+: +(\d+)", said,
                                            re.MULTILINE))


def set_all(cursor, settings):
    """What the session is to have, by name."""
    for name, value in settings.items():
        cursor.execute("SELECT set_config(%s, %s, false)", (name, value))


class Session:
    """A session in which a call was prepared."""

    def __init__(self, connect, settings, query):
        self.connection = connect()
        self.cursor = self.connection.cursor()
        set_all(self.cursor, settings)
        self.cursor.execute(f"PREPARE call (bigint[]) AS {query}")

    def call(self, count):
        """Seconds of a call with so many ids."""
        ids = ",".join(str(FIRST_ID + i) for i in range(count))
        query = f"EXECUTE call ('{{{ids}}}')"
        start = time.perf_counter()
        self.cursor.execute(query)
        rows = self.cursor.fetchone()[0]
        seconds = time.perf_counter() - start
        if rows != count:
            raise RuntimeError(f"{rows} rows for {count} ids")
        return seconds

    def close(self):
        self.connection.close()


class Sql:
    """SELECT count(*) FROM something that takes the ids as $1."""

    def __init__(self, name, connect, settings, source):
        self.name = name
        self.connect = connect
        self.settings = settings    # by delayed: settings of the session
        self.source = source        # by delayed: what stands in FROM
        self.warm = None
        self.plain = None           # cursor for statements ...
        self.seen = set()           # ... of these workloads, that ran before

    def session(self, delayed):
        return Session(self.connect, self.settings(delayed),
                       f"SELECT count(*) FROM {self.source(delayed)}")

    def measure(self, workload):
        if workload.kind == "one":
            return self._warm_calls()
        if workload.kind == "sessions":
            return self._first_calls(workload.ids)
        if workload.kind == "read":
            return self.statement(workload.read.call, workload)
        if workload.kind == "act":
            return self.statement(workload.source.format(workload.ids),
                                  workload, workload.ids)
        with contextlib.closing(self.session(workload.delayed)) as session:
            if workload.kind == "first":
                return Measurement(session.call(1))
            session.call(1)
            memory = Memory(session.connection.info.backend_pid)
            seconds = session.call(workload.ids)
            return Measurement(seconds, peak_kb=memory.growth_kb())

    def _warm_calls(self):
        if self.warm is None:
            self.warm = self.session(False)
            for _ in range(WARM_UP_CALLS):
                self.warm.call(1)
        return of_calls([self.warm.call(1) for _ in range(CALLS_PER_ROUND)],
                        [self.warm.call(0) for _ in range(CALLS_PER_ROUND)])

    def _first_calls(self, count):
        sessions = [self.session(False) for _ in range(count)]
        pids = [s.connection.info.backend_pid for s in sessions]
        before = [private_kb(pid) for pid in pids]
        seconds = at_once([lambda s=s: s.call(1) for s in sessions])
        grown = [private_kb(pid) - kb for pid, kb in zip(pids, before)]
        for session in sessions:
            session.close()
        return Measurement(seconds, peak_kb=median(grown))

    def statement(self, source, workload, rows=None):
        """Seconds of a statement, behind one that opens its connection."""
        if self.plain is None:
            self.plain = self.connect().cursor()
            self.plain.execute("SET work_mem = '64MB'; SET jit = off")
        if workload.name not in self.seen:
            self.seen.add(workload.name)
            self.statement(source, workload, rows)
        start = time.perf_counter()
        self.plain.execute(f"SELECT count(x) FROM {source} AS x")
        count = self.plain.fetchone()[0]
        seconds = time.perf_counter() - start
        if rows is not None and count != rows:
            raise RuntimeError(f"{count} rows instead of {rows}")
        return Measurement(seconds)

    def close(self):
        if self.warm:
            self.warm.close()
        if self.plain:
            self.plain.connection.close()


class Json(Sql):
    """SQL's own functions on bodies that are at hand: nothing is fetched."""

    def __init__(self, connect):
        super().__init__("SQL's JSON", connect, no_settings, None)

    def measure(self, workload):
        read = workload.read
        if workload.name not in self.seen:
            self.statement("unnest('{1}'::int[])", workload)
            set_all(self.plain, read.settings())
        return self.statement(f"({read.rows_of_json()})", workload)


def compare(connect, read):
    """Complain unless order_gateway and SQL's JSON tell the same rows."""
    with contextlib.closing(connect()) as connection:
        cursor = connection.cursor()
        set_all(cursor, read.settings())
        cursor.execute(f"CREATE TEMP TABLE ours AS {read.rows()}")
        cursor.execute(f"CREATE TEMP TABLE theirs AS {read.rows_of_json()}")
        cursor.execute("""SELECT count(*) FROM
            ((TABLE ours EXCEPT ALL TABLE theirs) UNION ALL
             (TABLE theirs EXCEPT ALL TABLE ours)) x""")
        differ = cursor.fetchone()[0]
        if differ:
            raise RuntimeError(f"{read.name}: {differ} rows differ")


def no_settings(delayed):
    return {}


def floor(connect):
    """What any SQL call costs that takes ids and answers rows."""
    return Sql("floor", connect, no_settings, lambda delayed: "unnest($1)")


def order_gateway(connect, server):
    """Us, with all options as they are but the pace."""
    with contextlib.closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE EXTENSION order_gateway")
        for name, provider, delayed, path, key in (
                ("xt", "xt", False, "", "access_key"),
                ("xt_late", "xt", True, "", "access_key"),
                ("btse", "btse", False, "/spot", "api_key")):
            cursor.execute(
                f"CREATE SERVER {name} FOREIGN DATA WRAPPER {provider}_fdw"
                " OPTIONS (base_url %s, sslrootcert %s, rate_limit 'off',"
                " query_rate_limit 'off')",
                (server.url(delayed) + path, server.ca))
            cursor.execute(
                f"CREATE USER MAPPING FOR CURRENT_USER SERVER {name}"
                f" OPTIONS ({key} 'k', secret_key 's')")

    def source(delayed):
        name = "xt_late" if delayed else "xt"
        return f"batch_cancel('btc_usdt', $1, '{name}')"
    return Sql("order_gateway", connect, no_settings, source)


def peer(name, extensions, file, connect, server):
    """What users would write instead, or None with the reason printed."""
    def settings(delayed):
        return {"bench.url": server.url(delayed), "bench.ca": server.ca,
                "http.curlopt_cainfo": server.ca, "http.keepalive": "on"}

    client = Sql(name, connect, settings,
                 lambda delayed: "peer_cancel_" + file + "('btc_usdt', $1)")
    try:
        with contextlib.closing(connect()) as connection:
            cursor = connection.cursor()
            for extension in extensions:
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            cursor.execute((HERE / "peers" / f"{file}.sql").read_text())
        with contextlib.closing(client.session(False)) as session:
            session.call(250)
    except (psycopg2.Error, RuntimeError) as error:
        print(f"not measured: {name}: {str(error).splitlines()[0]}")
        return None
    return client
