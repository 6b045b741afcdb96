"""Every metric that an alert or a dashboard names is one that somebody exposes: ours by the code, servers' by servers.txt.

    check.py    lists the names that nobody knows (exit code 1)
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = re.compile(r"\b(?:blinkchamber|vault|patroni)_[A-Za-z0-9_]+")
SUFFIXES = {"counter": [""], "gauge": [""], "summary": ["", "_sum", "_count"], "histogram": ["_bucket", "_sum", "_count"]}


def of_webhook():
    """Fields and their kinds from the struct, names from their registration."""
    text = (ROOT / "webhook/src/metrics.rs").read_text()
    kinds = {field: kind for field, kind in re.findall(r"^\s+(?:pub\(crate\) )?(\w+): .*?(Counter|Gauge|Histogram)\b", text, re.M)}
    for name, field in re.findall(r'register\(\s*"(\w+)",\s*"[^"]*",\s*all\.(\w+)\.clone', text):
        kind = kinds[field].lower()
        full = f"blinkchamber_webhook_{name}"
        yield (f"{full}_total", kind) if kind == "counter" else (full, kind)


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


def main():
    known = {name + suffix for source in (of_webhook(), of_agent(), of_events(), of_servers()) for name, kind in source for suffix in SUFFIXES[kind]}
    named = [(where, name) for where, expression in expressions() for name in NAME.findall(expression)]
    unknown = [(where, name) for where, name in named if name not in known]
    for where, name in unknown:
        print(f"{where}: nobody exposes {name}", file=sys.stderr)
    if len(known) < 100 or not named:
        sys.exit("the sources could not be read as expected: too few metrics were found")
    return 1 if unknown else 0


sys.exit(main())
