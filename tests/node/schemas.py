#!/usr/bin/env python3
"""Makes strict, offline schemas for kubeconform from the wheel of `kubernetes-validate`: schemas.py WHEEL VERSION OUT_DIR

The wheel's references are absolute paths that resolve nowhere, and its objects allow any key; both are changed here."""

import json
import pathlib
import sys
import zipfile

DEFINITIONS = "/api/_definitions.json"


def strict(node, out):
    if isinstance(node, dict):
        reference = node.get("$ref", "")
        if isinstance(reference, str) and reference.startswith(DEFINITIONS):
            node["$ref"] = f"file://{out}/_definitions.json{reference.removeprefix(DEFINITIONS)}"
        closed = "additionalProperties" in node or "x-kubernetes-preserve-unknown-fields" in node
        if isinstance(node.get("properties"), dict) and not closed:
            node["additionalProperties"] = False
        for value in node.values():
            strict(value, out)
    elif isinstance(node, list):
        for value in node:
            strict(value, out)
    return node


def main():
    wheel, version, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if f"/v{version}-local/" in name and name.endswith(".json"):
                schema = strict(json.loads(archive.read(name)), out)
                (out / name.rsplit("/", 1)[1]).write_text(json.dumps(schema))


if __name__ == "__main__":
    main()
