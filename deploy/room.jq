# Findings about storage, quotas and nodes: what the plan needs beside what the cluster has.
include "quantity";

def finding($level; $what; $help): {level: $level, what: $what, help: $help};

$plan[0].values as $values | $plan[0].objects as $objects |

# Every pod of the plan with what its agent will add.
([$objects[] | select(.spec.template.spec? and .kind != "CronJob") |
  (.spec.template.metadata.annotations // {} | .["vault.hashicorp.com/agent-inject"] == "true" or .["blinkchamber.io/agent-inject"] == "true") as $agent |
  {namespace: .metadata.namespace, count: (.spec.replicas // 1), spec: .spec.template.spec, agent: $agent} |
  . + {cpu: ((.spec | pod_requests("cpu")) + (if $agent then $values.agent.cpuRequest | quantity else 0 end)),
       memory: ((.spec | pod_requests("memory")) + (if $agent then $values.agent.memoryRequest | quantity else 0 end)),
       limit: ((.spec | pod_limits("memory")) + (if $agent then $values.agent.memoryLimit | quantity else 0 end))}]) as $pods |
([$pods[] | .cpu * .count] | add // 0) as $cpu |
([$pods[] | .memory * .count] | add // 0) as $memory |

# Volumes: of StatefulSets, one a pod, and single ones.
([$objects[] | select(.kind == "StatefulSet") | . as $set | .spec.volumeClaimTemplates[]? |
    {namespace: $set.metadata.namespace, count: ($set.spec.replicas // 1), class: .spec.storageClassName, size: .spec.resources.requests.storage}] +
 [$objects[] | select(.kind == "PersistentVolumeClaim") |
    {namespace: .metadata.namespace, count: 1, class: .spec.storageClassName, size: .spec.resources.requests.storage}]) as $claims |

($classes[0].items | if . == null then empty else
  . as $known | ([$known[] | select(.metadata.annotations["storageclass.kubernetes.io/is-default-class"] == "true") | .metadata.name]) as $default |
  ([$claims[] | .class // empty] | unique | map(select(. as $class | $known | all(.metadata.name != $class)))) as $missing |
  if $missing != [] then finding("warning"; "there is no StorageClass \($missing | join(", "))"; "kubectl get storageclass; make it, or name another in the values: pods wait until then")
  elif $default == [] and any($claims[]; .class == null) then
    finding("warning"; "no StorageClass is the default, and \([$claims[] | select(.class == null) | .count] | add) volumes name none";
      (if $known == [] then "install a storage provisioner" else "kubectl annotate storageclass \($known[0].metadata.name) storageclass.kubernetes.io/is-default-class=true" end) + ": pods wait until then, and go on by themselves")
  else finding("ok"; "storage: \([$claims[].count] | add // 0) volumes, \([$claims[] | .count * (.size | quantity)] | add // 0 | bytes)\(if $default != [] then ", default class " + $default[0] else "" end)"; "") end end),

(if $quotas[0].items == null or $installed != "" then empty else
  [$quotas[0].items[] | .metadata as $meta | .status as $status | (.status.hard // {}) | to_entries[] | .key as $key |
    [$pods[] | select(.namespace == $meta.namespace)] as $here | [$claims[] | select(.namespace == $meta.namespace)] as $volumes |
    ({pods: ([$here[].count] | add // 0),
      "requests.cpu": ([$here[] | .cpu * .count] | add // 0), cpu: ([$here[] | .cpu * .count] | add // 0),
      "requests.memory": ([$here[] | .memory * .count] | add // 0), memory: ([$here[] | .memory * .count] | add // 0),
      "limits.memory": ([$here[] | .limit * .count] | add // 0),
      persistentvolumeclaims: ([$volumes[].count] | add // 0),
      "requests.storage": ([$volumes[] | .count * (.size | quantity)] | add // 0)}[$key]) as $needed |
    select($needed != null) | ((.value | quantity) - ($status.used[$key] // 0 | quantity)) as $left | select($needed > $left) |
    finding("warning"; "quota \($meta.name) of namespace \($meta.namespace) is too small: \($key) leaves \($left | if $key | test("memory|storage") then bytes else tostring end), \($needed | if $key | test("memory|storage") then bytes else tostring end) is needed";
      "kubectl edit resourcequota -n \($meta.namespace) \($meta.name): pods wait until then, and go on by themselves")] |
  if . == [] then finding("ok"; "quotas: none is too small"; "") else .[] end end),

(if $nodes[0].items == null or $installed != "" then empty else
  ([$nodes[0].items[] | select(.spec.unschedulable != true and any(.status.conditions[]?; .type == "Ready" and .status == "True"))]) as $ready |
  ([$ready[].metadata.name]) as $names |
  if $ready == [] then finding("warning"; "no node is Ready"; "kubectl get nodes") else
  ([$nodes[0].items[] | .metadata.name] | length) as $all |
  ([$ready[].status.allocatable.cpu] | sum) as $allCpu | ([$ready[].status.allocatable.memory] | sum) as $allMemory |
  ([$running[0].items[]? | select(.spec.nodeName as $node | $names | index($node)) | select(.status.phase == "Running" or .status.phase == "Pending") | .spec] |
    {cpu: ([.[] | pod_requests("cpu")] | add // 0), memory: ([.[] | pod_requests("memory")] | add // 0)}) as $used |
  if $allCpu - $used.cpu < $cpu or $allMemory - $used.memory < $memory then
    finding("warning"; "the nodes have \($allCpu - $used.cpu | cores) and \($allMemory - $used.memory | bytes) left, \($cpu | cores) and \($memory | bytes) are asked for";
      "add a node, or ask for less: chart/values-dev.yaml. Pods wait until there is room")
  else finding("ok"; "room: \($cpu | cores) and \($memory | bytes) of \($allCpu - $used.cpu | cores) and \($allMemory - $used.memory | bytes) on \($ready | length) of \($all) nodes"; "") end end end),

([$namespaces[0].items[]? | select(.status.phase == "Terminating") | .metadata.name] as $ending |
 [$objects[].metadata.namespace // empty] | unique | map(select(. as $name | $ending | index($name))) |
 if . == [] then empty else finding("error"; "namespace \(join(", ")) is being deleted"; "wait until it is gone: kubectl get namespace \(.[0])") end)
