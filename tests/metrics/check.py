"""Every metric that an alert or a dashboard names is one that somebody exposes: ours by the code, servers' by servers.txt.
And every alert has a test in which it fires and one in which it does not, and every component a dashboard.

    check.py            lists what is not so (exit code 1)
    check.py --rules    prints the dashboards' expressions as rules, for promtool to read
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIXES = "blinkchamber|vault|patroni|haproxy|http_server|grpc_server|projection|go|process"
NAME = re.compile(rf"\b(?:{PREFIXES})_[A-Za-z0-9_]+")
SUFFIXES = {"counter": [""], "gauge": [""], "summary": ["", "_sum", "_count"], "histogram": ["_bucket", "_sum", "_count"]}


def of_registry(path, prefix):
    """Fields and their kinds from the struct, names from their registration."""
    text = (ROOT / path).read_text()
    kinds = {field: kind for field, kind in re.findall(r"^\s+(?:pub(?:\(crate\))? )?(\w+): .*?\b(Counter|Gauge|Histogram)\b", text, re.M)}
    for name, field in re.findall(r'register\(\s*"(\w+)",\s*"[^"]*",\s*all\.(\w+)\.clone', text):
        kind = kinds[field].lower()
        yield (f"{prefix}_{name}_total", kind) if kind == "counter" else (f"{prefix}_{name}", kind)


def of_pgpool():
    yield from re.findall(r"^# TYPE (\w+) (\w+)$", (ROOT / "chart/files/pgpool/metrics.cgi").read_text(), re.M)


def of_events():
    """As the webhook's, registered under the name of the field."""
    text = (ROOT / "events/src/metrics.rs").read_text()
    fields = re.findall(r"^\s+(?:pub\(crate\) )?(\w+): (?:Family<\w+, )?(Counter|Gauge|Histogram|Seconds)\b", text, re.M)
    for name, kind in fields:
        if f"all.{name}.clone()" in text:
            kind = {"Seconds": "gauge"}.get(kind, kind.lower())
            yield f"blinkchamber_events_{name}" + ("_total" if kind == "counter" else ""), kind


def of_agent():
    for name, kind in re.findall(r'metric\("(\w+)", "(\w+)"', (ROOT / "agent/src/metrics.rs").read_text()):
        yield f"blinkchamber_agent_{name}", kind


def of_servers():
    for line in (ROOT / "tests/metrics/servers.txt").read_text().splitlines():
        if not line.startswith("#"):
            yield tuple(line.split())


def expressions():
    """Yields (where, expression)."""
    for group in yaml.safe_load((ROOT / "chart/files/metrics/alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]
    for path in sorted((ROOT / "docs/dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}, panel {panel['title']!r}", target["expr"]


def untested():
    """Alerts without a test that fires or without one that does not."""
    tests = yaml.safe_load((ROOT / "tests/metrics/alerts_test.yaml").read_text())["tests"]
    cases = [(case["alertname"], bool(case.get("exp_alerts"))) for test in tests for case in test["alert_rule_test"]]
    for where, _ in expressions():
        kind, _, name = where.partition(" ")
        if kind == "alert":
            yield from (f"{where}: no test in which it {word}" for fires, word in ((True, "fires"), (False, "does not fire")) if (name, fires) not in cases)


def without_dashboard():
    """Components that are scraped and have no dashboard."""
    targets = re.findall(r"^- \{name: ([a-z-]+)", (ROOT / "chart/templates/metrics/_targets.tpl").read_text(), re.M)
    names = {"vault": "openbao", "redis-haproxy": "redis"}
    for target in (*targets, "agent"):
        name = names.get(target, target)
        if not (ROOT / f"docs/dashboards/{name}.json").exists():
            yield f"{target}: there is no docs/dashboards/{name}.json"


def rules():
    """Names of series are what recording rules take; who is told of a mistake finds the panel in the label."""
    panels = [(where, expression) for where, expression in expressions() if not where.startswith("alert ")]
    listed = [{"record": "dashboard:panel", "expr": expression, "labels": {"at": f"{where} {number}"}} for number, (where, expression) in enumerate(panels)]
    return yaml.safe_dump({"groups": [{"name": "dashboards", "rules": listed}]})


def main():
    if sys.argv[1:] == ["--rules"]:
        print(rules(), end="")
        return 0
    sources = (
        of_registry("webhook/src/metrics.rs", "blinkchamber_webhook"),
        of_registry("bootstrap/src/run/metrics.rs", "blinkchamber_bootstrap"),
        of_agent(), of_events(), of_pgpool(), of_servers(),
    )
    known = {name + suffix for source in sources for name, kind in source for suffix in SUFFIXES[kind]}
    named = [(where, name) for where, expression in expressions() for name in NAME.findall(expression)]
    findings = [f"{where}: nobody exposes {name}" for where, name in named if name not in known]
    findings += [*untested(), *without_dashboard()]
    for finding in findings:
        print(finding, file=sys.stderr)
    if len(known) < 100 or not named:
        sys.exit("the sources could not be read as expected: too few metrics were found")
    return 1 if findings else 0


sys.exit(main())
