#!/usr/bin/env python3
"""Writes an image of one layer from a directory, as an OCI archive that containerd, podman, kind and docker load.

The same files give the same bytes: times are zero, owners are root, entries are sorted. The image's digest is written
beside the archive, as OUT.digest, and printed."""

import argparse
import hashlib
import io
import json
import os
import tarfile


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="directory that becomes the image's file system")
    parser.add_argument("name", help="NAME:TAG")
    parser.add_argument("out", help="archive to write")
    parser.add_argument("--entrypoint", type=json.loads, default=[], help="JSON list")
    parser.add_argument("--cmd", type=json.loads, default=[], help="JSON list")
    parser.add_argument("--user", default="", help="UID:GID the processes run as")
    parser.add_argument("--env", action="append", default=[], help="KEY=VALUE; may be repeated")
    return parser.parse_args()


def entries(root, directory):
    """Every path below a directory, parents first, in an order that does not depend on the file system."""
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        yield path, os.path.relpath(path, root)
        if os.path.isdir(path) and not os.path.islink(path):
            yield from entries(root, path)


def layer(root):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, name in entries(root, root):
            info = archive.gettarinfo(path, name)
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            if info.isreg():
                with open(path, "rb") as file:
                    archive.addfile(info, file)
            else:
                archive.addfile(info)
    return data.getvalue()


def blob(data, media_type):
    return {"mediaType": media_type, "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}


def encode(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def main():
    options = arguments()
    files = layer(options.root)
    files_blob = blob(files, "application/vnd.oci.image.layer.v1.tar")
    environment = dict(item.split("=", 1) for item in options.env)
    environment.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    settings = {
        "Entrypoint": options.entrypoint,
        "Cmd": options.cmd,
        "User": options.user,
        "WorkingDir": "/",
        "Env": [f"{key}={value}" for key, value in sorted(environment.items())],
    }
    config = encode({
        "architecture": "amd64",
        "os": "linux",
        "config": {key: value for key, value in settings.items() if value},
        "rootfs": {"type": "layers", "diff_ids": [files_blob["digest"]]},
    })
    config_blob = blob(config, "application/vnd.oci.image.config.v1+json")
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = encode({"schemaVersion": 2, "mediaType": manifest_type, "config": config_blob, "layers": [files_blob]})
    manifest_blob = blob(manifest, manifest_type)
    tag = options.name.rsplit(":", 1)[1]
    named = {"io.containerd.image.name": options.name, "org.opencontainers.image.ref.name": tag}
    path = {key: "blobs/sha256/" + item["digest"].split(":")[1]
            for key, item in (("config", config_blob), ("files", files_blob), ("manifest", manifest_blob))}
    # manifest.json is for `docker load`, which reads OCI's index only in newer versions.
    for_docker = [{"Config": path["config"], "Layers": [path["files"]], "RepoTags": [options.name]}]
    parts = [
        ("index.json", encode({"schemaVersion": 2, "manifests": [manifest_blob | {"annotations": named}]})),
        ("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
        ("manifest.json", encode(for_docker)),
        (path["manifest"], manifest),
        (path["config"], config),
        (path["files"], files),
    ]
    with tarfile.open(options.out + ".new", "w") as archive:
        for name, data in parts:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    with open(options.out + ".digest", "w") as file:
        file.write(manifest_blob["digest"])
    os.replace(options.out + ".new", options.out)
    print(manifest_blob["digest"])


if __name__ == "__main__":
    main()
