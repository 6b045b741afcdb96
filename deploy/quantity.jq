# Kubernetes quantities as numbers: cores and bytes.
def quantity:
  tostring | capture("^(?<number>[0-9.]+)(?<unit>[A-Za-z]*)$") |
  (.number | tonumber) * ({"": 1, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 1024, "Mi": 1048576, "Gi": 1073741824, "Ti": 1099511627776}[.unit]);

def sum: map(. // 0 | quantity) | add // 0;

# A number as people write it.
def cores: (. * 100 | round / 100 | tostring) + " CPU";
def bytes: if . >= 1073741824 then (. / 1073741824 * 10 | floor / 10 | tostring) + "Gi" else (. / 1048576 | floor | tostring) + "Mi" end;

# What a pod asks of the scheduler: its containers and the init containers that stay.
def pod_requests($resource):
  [.containers[]?, (.initContainers[]? | select(.restartPolicy == "Always")) | .resources.requests[$resource]] | sum;
def pod_limits($resource):
  [.containers[]?, (.initContainers[]? | select(.restartPolicy == "Always")) | .resources.limits[$resource]] | sum;
