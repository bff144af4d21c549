"""The SQL and JSON that the sandbox prints when it is ready."""

import os

OFFICIAL_HOST = "localhost"     # in the certificate, beside 127.0.0.1


def base_urls(providers, ports):
    """{provider: {port kind: base_url}}"""
    return {
        name: {kind: "%s://%s:%d%s" % (
            "http" if kind == "plain" else "https", OFFICIAL_HOST, port,
            provider.prefix) for kind, port in ports.items()}
        for name, provider in providers.items()}


def stream_urls(ports):
    """{option of a server of BTSE: {port kind: its URL}}"""
    return {
        option: {kind: "%s://%s:%d%s" % (
            "ws" if kind == "plain" else "wss", OFFICIAL_HOST, port, path)
            for kind, port in ports.items()}
        for option, path in (("stream_url", "/ws/spot"),
                             ("book_stream_url", "/ws/oss/spot"))}


def quoted(text):
    """An SQL literal."""
    if "\\" in text:
        return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"


def options(pairs):
    return ", ".join("%s %s" % (name, quoted(value)) for name, value in pairs)


def sql(providers, ports, ca):
    """CREATE SERVER and CREATE USER MAPPING for every provider."""
    urls = base_urls(providers, ports)
    streams = [(option, kinds["tls"])
               for option, kinds in stream_urls(ports).items()]
    parts = []
    for name, provider in providers.items():
        parts.append(
            "CREATE SERVER %s FOREIGN DATA WRAPPER %s_fdw\n"
            "    OPTIONS (%s);\n"
            "CREATE USER MAPPING FOR CURRENT_USER SERVER %s\n"
            "    OPTIONS (%s);\n" % (
                name, name,
                options([("base_url", urls[name]["tls"]),
                         ("sslrootcert", ca)]
                        + (streams if provider.stream_paths else [])),
                name, options(provider.demo.items())))
    return "\n".join(parts)


def ready(sandbox, server, certificates, control_port, sql_file):
    """What --json prints."""
    ports = dict(server.ports())
    providers = sandbox.providers
    urls = base_urls(providers, ports)
    return {
        "ready": True,
        "pid": os.getpid(),
        "dir": certificates.directory,
        "ca": certificates.ca,
        "foreign_ca": certificates.foreign_ca,
        "control_url": "http://127.0.0.1:%d" % control_port,
        "ports": dict(ports, control=control_port),
        "urls": urls,
        "stream_urls": stream_urls(ports),
        "credentials": {name: dict(provider.demo)
                        for name, provider in providers.items()},
        "sql_file": sql_file,
        "sql": sql(providers, ports, certificates.ca),
    }


def greeting(state):
    """What a person sees."""
    return """\
-- The order sandbox is ready.  Paste this into psql (also in the file
-- %(sql_file)s):

%(sql)s
-- Control API:  %(control_url)s
--   see what arrived      curl -s %(control_url)s/requests
--   seed open orders      curl -s %(control_url)s/orders -d \
'{"provider":"xt","market":"btc_usdt","ids":["1","2"]}'
--   arm a fault           curl -s %(control_url)s/faults -d \
'{"fault":"black_hole","provider":"xt"}'
--   all faults            curl -s %(control_url)s/faults/known
-- Stop with Ctrl-C.
""" % state


def fault_table(known, common):
    """--list-faults: a table to read."""
    lines = []
    for kind in sorted(known.values(), key=lambda kind: kind.name):
        where = ", ".join(kind.providers) if kind.providers else "all"
        lines.append("%s  [%s; process %s]" % (
            kind.name, where, "yes" if kind.process else "no"))
        lines.append("    " + kind.about)
        for name, (default, about) in kind.args.items():
            lines.append("      %-12s %s (default %s)"
                         % (name, about, shown(default)))
    lines.append("")
    lines.append("Every fault also takes:")
    for name, (default, about) in common.items():
        lines.append("      %-12s %s (default %s)"
                     % (name, about, shown(default)))
    return "\n".join(lines)


def shown(value):
    return {None: "none", True: "true", False: "false"}.get(
        value if isinstance(value, (bool, type(None))) else "", repr(value))
