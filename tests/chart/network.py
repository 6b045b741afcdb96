"""Who may connect to whom under the NetworkPolicies of a render, compared with the pairs that a file names.

    network.py [--all] RENDER.yaml PAIRS.txt
    network.py --list RENDER.yaml [RENDER.yaml...]    prints every pair that is open: TO PORT <- FROM, FROM...

A line of PAIRS.txt is `allow FROM TO PORT` or `deny FROM TO PORT`. FROM and TO are `namespace/component` of a pod of the
render, or `namespace/*` for a pod of somebody else there; `namespace/component+label` is one whose label a server has set to
"true" since. The rules are those of networking.k8s.io/v1: a direction with a
policy is closed except for what one of its policies opens. --list tries every pod and a stranger in every namespace
against the ports that pods name, their agents' port, and one that nobody names (1), which only a hole without ports opens. Pairs whose pods are not in the render are left out and counted; with --all they are an error.
"""

import sys

import yaml

NAME = "kubernetes.io/metadata.name"
COMPONENT = "app.kubernetes.io/component"
AGENT_PORT, NO_PORT = 9102, 1
STRANGERS = ("default", "monitoring")


def selects(selector, labels):
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for rule in selector.get("matchExpressions", []):
        value, operator = labels.get(rule["key"]), rule["operator"]
        if operator == "In" and value not in rule["values"]:
            return False
        if operator == "NotIn" and value in rule["values"]:
            return False
        if operator == "Exists" and value is None:
            return False
        if operator == "DoesNotExist" and value is not None:
            return False
    return True


class Pod:
    def __init__(self, namespace, labels, namespace_labels, ports):
        self.namespace, self.labels, self.ports = namespace, labels, ports
        self.namespace_labels = {NAME: namespace, **namespace_labels}


def peer_matches(peer, policy_namespace, pod):
    if "ipBlock" in peer:
        # Pods are not addressed by blocks here: a hole for an address is not one for a pod.
        return False
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], pod.namespace_labels):
            return False
    elif pod.namespace != policy_namespace:
        return False
    return selects(peer.get("podSelector", {}), pod.labels)


def port_matches(ports, number, server):
    if not ports:
        return True
    for port in ports:
        if port.get("protocol", "TCP") != "TCP":
            continue
        wanted = port.get("port")
        if isinstance(wanted, str):
            wanted = server.ports.get(wanted)
        if wanted is None or wanted == number or ("endPort" in port and wanted <= number <= port["endPort"]):
            return True
    return False


def opens(policies, subject, direction, other, number, server):
    """Whether the policies of one end let the connection through."""
    mine = [
        one for one in policies
        if one["metadata"]["namespace"] == subject.namespace
        and selects(one["spec"]["podSelector"], subject.labels)
        and direction in one["spec"].get("policyTypes", ["Ingress"])
    ]
    if not mine:
        return True
    side = "from" if direction == "Ingress" else "to"
    return any(
        port_matches(rule.get("ports"), number, server)
        and (side not in rule or any(peer_matches(peer, one["metadata"]["namespace"], other) for peer in rule[side]))
        for one in mine for rule in one["spec"].get(direction.lower()) or []
    )


def pods_of(objects):
    namespaces = {one["metadata"]["name"]: one["metadata"].get("labels", {}) for one in objects if one["kind"] == "Namespace"}
    pods = {}
    for one in objects:
        spec = one.get("spec") or {}
        template = spec.get("jobTemplate", {}).get("spec", {}).get("template") or spec.get("template")
        if not template or one["kind"] not in ("Deployment", "StatefulSet", "Job", "CronJob", "DaemonSet"):
            continue
        namespace, labels = one["metadata"]["namespace"], template["metadata"]["labels"]
        containers = template["spec"].get("initContainers", []) + template["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for container in containers for port in container.get("ports", []) if "name" in port}
        name = labels.get(COMPONENT) or labels["app.kubernetes.io/name"]
        if template["metadata"].get("annotations", {}).get("blinkchamber.io/agent-metrics-address"):
            ports["agent"] = AGENT_PORT
        pods.setdefault(f"{namespace}/{name}", Pod(namespace, labels, namespaces.get(namespace, {}), ports))
    return pods, namespaces


def connects(policies, client, server, port):
    return opens(policies, client, "Egress", server, port, server) and opens(policies, server, "Ingress", client, port, server)


def listed(objects):
    """Yields a line for every pod and port that somebody reaches."""
    pods, namespaces = pods_of(objects)
    policies = [one for one in objects if one["kind"] == "NetworkPolicy"]
    places = sorted({pod.namespace for pod in pods.values()} | set(STRANGERS))
    strangers = {f"{place}/*": Pod(place, {"app": "stranger"}, namespaces.get(place, {}), {}) for place in places}
    servers = dict(pods)
    if "blinkchamber/vault" in pods:
        pod = pods["blinkchamber/vault"]
        servers["blinkchamber/vault+openbao-initialized"] = Pod(pod.namespace, {**pod.labels, "openbao-initialized": "true"}, {}, pod.ports)
    for name, server in sorted(servers.items()):
        for port in sorted({*server.ports.values(), NO_PORT}):
            sources = [source for source, client in sorted({**pods, **strangers}.items()) if connects(policies, client, server, port)]
            everybody = len(sources) == len(pods) + len(strangers)
            if sources:
                yield f"{name} {port} <- {'everybody' if everybody else ', '.join(sources)}"


def objects_of(path):
    with open(path) as file:
        return [one for one in yaml.safe_load_all(file) if one]


def main():
    if sys.argv[1:2] == ["--list"] and len(sys.argv) > 2:
        print("\n".join(listed([one for path in sys.argv[2:] for one in objects_of(path)])))
        return 0
    arguments = [one for one in sys.argv[1:] if one != "--all"]
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    objects = objects_of(arguments[0])
    pods, namespaces = pods_of(objects)
    policies = [one for one in objects if one["kind"] == "NetworkPolicy"]
    checked, absent, wrong = 0, 0, 0
    for line in open(arguments[1]):
        fields = line.split("#")[0].split()
        if not fields:
            continue
        expected, source, target, port = fields
        ends = []
        for name in (source, target):
            namespace, component = name.split("/")
            component, _, label = component.partition("+")
            pod = pods.get(f"{namespace}/{component}")
            if component == "*":
                pod = Pod(namespace, {"app": "stranger"}, namespaces.get(namespace, {}), {})
            elif pod and label:
                pod = Pod(namespace, {**pod.labels, label: "true"}, pod.namespace_labels, pod.ports)
            ends.append(pod)
        if None in ends:
            absent += 1
            if "--all" in sys.argv:
                print(f"{source if ends[0] is None else target} is not in the render")
            continue
        client, server = ends
        open_ = connects(policies, client, server, int(port))
        checked += 1
        if open_ != (expected == "allow"):
            wrong += 1
            print(f"{source} -> {target}:{port} is {'open' if open_ else 'closed'}, and should not be")
    print(f"{checked} pairs, {wrong} wrong, {absent} not in this render")
    return 1 if wrong or not checked or (absent and "--all" in sys.argv) else 0


if __name__ == "__main__":
    sys.exit(main())
