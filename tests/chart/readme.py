"""The chart's README from values.schema.json and values.yaml: every key, its default, what it is for.

    readme.py            print it
    readme.py --check    instead say which key is in only one of the two files, or has no description (exit code 1)
"""

import json
import pathlib
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parents[2] / "chart"
COMMAND = "python3 tests/chart/readme.py"

INTRODUCTION = """\
# The blinkchamber chart

{description}. One chart, nothing fetched while it renders, no Kubernetes Secret in what it renders.

    ./deploy-umbrella.sh install -f chart/{dev}
    helm upgrade --install blinkchamber ./chart --namespace blinkchamber --create-namespace -f chart/{dev} --wait --wait-for-jobs

Kubernetes {kubernetes}. A key that is misspelt, or a value of the wrong kind, is refused with its place:
`values.schema.json` is strict, and this page is written from it.

| file | is |
|---|---|
{files}
## Every value
"""


def resolve(schema, node):
    """A node with its reference filled in; what the node says itself wins."""
    while "$ref" in node:
        target = schema["definitions"][node["$ref"].rsplit("/", 1)[-1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def described(schema, node, path=()):
    """Yields (path, node) of every key that the schema names; what a reference names belongs to its own page."""
    for name, child in node.get("properties", {}).items():
        full = resolve(schema, child)
        yield (*path, name), full
        if "$ref" not in child:
            yield from described(schema, full, (*path, name))


def defaults(values, schema, node, path=()):
    """Yields the path of every key of values.yaml as deep as the schema names keys itself."""
    for name, value in values.items():
        yield (*path, name)
        child = node.get("properties", {}).get(name, {})
        if isinstance(value, dict) and "$ref" not in child and "properties" in child:
            yield from defaults(value, schema, child, (*path, name))


def default_of(values, path):
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return None
        values = values[name]
    return values


def first_comment(file):
    """The comment at the head of a values file, as one line."""
    lines = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    return " ".join(lines)


def findings(schema, values):
    in_schema = {path: node for path, node in described(schema, schema) if path[0] != "global"}
    in_values = set(defaults(values, schema, schema))
    for path in sorted(in_values - in_schema.keys()):
        yield f"chart/values.yaml: {'.'.join(path)} is not in values.schema.json"
    for path in sorted(in_schema.keys() - in_values):
        # Optional keys of something that has a default as a whole are found there.
        if path[:-1] in in_values and not isinstance(default_of(values, path[:-1]), dict):
            continue
        yield f"chart/values.schema.json: {'.'.join(path)} is not in values.yaml: give it a default there"
    for path, node in in_schema.items():
        if len(node.get("description", "")) < 4:
            yield f"chart/values.schema.json: {'.'.join(path)} has no description"


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return f"`{cell(text)}`" if len(text) <= 60 else "see `values.yaml`"


def table(schema, values, name):
    section = resolve(schema, schema["properties"][name])
    yield f"### {name}\n"
    yield section.get("description", "") + ".\n"
    yield "| key | default | |\n|---|---|---|"
    for path, node in described(schema, schema):
        # What has keys of its own is a heading, and they speak for it.
        if path[0] != name or len(path) < 2:
            continue
        value = default_of(values, path)
        default = "" if isinstance(value, dict) and "properties" in node and value else shown(value)
        yield f"| `{'.'.join(path[1:])}` | {default} | {cell(node.get('description', ''))} |"
    yield ""


def readme(schema, values):
    meta = yaml.safe_load((CHART / "Chart.yaml").read_text())
    files = "".join(f"| `{file.name}` | {cell(first_comment(file))} |\n" for file in sorted(CHART.glob("values*.yaml")))
    yield f"<!-- Written by `{COMMAND} > chart/README.md`, do not edit. -->"
    yield INTRODUCTION.format(
        description=meta["description"], kubernetes=meta["kubeVersion"].replace(">=", "").replace("-0", "") + " or newer",
        files=files, dev="values-dev.yaml",
    )
    for name in values:
        yield from table(schema, values, name)


def main():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    if sys.argv[1:] == ["--check"]:
        found = list(findings(schema, values))
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    print("\n".join(readme(schema, values)).rstrip("\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
