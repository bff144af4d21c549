"""Ratios in a table, and whether they are what is wanted."""

from statistics import median

from workloads import LEAST_OF_ONE, ONE_CPU, TARGETS, TWO_CPUS, WORKLOADS


class Line:
    """One workload on one place: each client's ratio to the base."""

    def __init__(self, title, workload, base, ratios):
        self.title = title
        self.workload = workload
        self.base = base
        self.ratios = ratios        # by client


def _ratio(results, client, workload, of):
    """The median over the rounds, or None if one of both was not there."""
    ratios = []
    for one_round in results:
        ours = one_round.get((client, workload.name))
        base = one_round.get((workload.base, workload.name))
        if ours and base:
            ratios.append(of(ours) / of(base))
    return median(ratios) if ratios else None


def lines(results, clients):
    answer = []
    for workload in WORKLOADS:
        kinds = [("", lambda m: m.seconds)]
        if workload.kind == "one":
            kinds = [(", median", lambda m: m.seconds),
                     (", p99", lambda m: m.p99)]
        for suffix, of in kinds:
            answer.append(Line(workload.title + suffix, workload,
                               workload.base,
                               {c: _ratio(results, c, workload, of)
                                for c in clients}))
    return answer


def _print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in
                  zip(row[1:], widths[1:])]
        print("| " + " | ".join(cells) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print()


def print_ratios(place, results, clients):
    print(f"\n{place[0].upper()}{place[1:]}: time of each, in units of limit's "
          "(of limit x8's where limit has none)\n")
    rows = [["workload"] + clients]
    for line in lines(results, clients):
        rows.append([line.title] +
                    ["-" if ratio is None else f"{ratio:.2f}"
                     for ratio in line.ratios.values()])
    _print_table(rows)


class Verdict:
    def __init__(self, target, value):
        self.target = target
        self.value = value

    def word(self, bound):
        if self.value is None:
            return "not measured"
        return "met" if self.value <= bound else "NOT MET"


def verdicts(results):
    return [Verdict(target, target.value(results[target.place])
                    if target.place in results else None)
            for target in TARGETS]


def print_verdicts(results):
    rows = [["target", "measured", "", "to reach first", "", "the goal", ""]]
    for verdict in verdicts(results):
        target = verdict.target
        rows.append([target.title,
                     "-" if verdict.value is None else f"{verdict.value:.2f}",
                     target.scale,
                     f"<= {target.first:g}", verdict.word(target.first),
                     f"<= {target.goal:g}", verdict.word(target.goal)])
    _print_table(rows)
    print("A call without ids, which sends nothing, and what limit does for one "
          f"id\ntogether take {LEAST_OF_ONE(results[ONE_CPU]):.2f} x "
          "(limit + floor).\n")
    grown = median(r["order_gateway", "sessions"].peak_kb
                   for r in results[ONE_CPU])
    print("Its first call takes a session "
          f"{grown / 1024:.1f} MiB of memory of its own.\n")
    if TWO_CPUS not in results:
        print("With one CPU, the server cannot have one of its own.\n")


def _cell(values, unit):
    value = median(values)
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.2f} {unit}"


def print_work(title, results):
    """What the gateway worker did: Pairs by their work; see outbox.py."""
    print(f"\n{title}\n")
    rows = [["work", "measured", "beside", "median", "", "the goal", ""]]
    for work, pairs in results.items():
        ratio = median(pair.ratio for pair in pairs)
        rows.append([work.title,
                     _cell([pair.ours for pair in pairs], pairs[0].unit),
                     _cell([pair.theirs for pair in pairs], pairs[0].unit),
                     f"{ratio:.2f}", work.scale, work.goal(),
                     "met" if work.is_met(ratio) else "NOT MET"])
    _print_table(rows)
