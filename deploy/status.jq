# From the cluster's objects to one record a component, with what is wrong and what helps.

def component: .metadata.labels["app.kubernetes.io/component"] // .metadata.labels["app.kubernetes.io/name"] // .metadata.name;
def problem($what; $help): {level: "error", what: $what, help: $help};
def waiting($what; $help): {level: "waiting", what: $what, help: $help};
# What several pods of a component may have in common, and is then said once.
def pod_waits($text; $help): {level: "waiting", what: "\(.metadata.name) \($text)", help: $help, pod: .metadata.name, text: $text};
def merged:
  [group_by(.text // .what)[] | if length == 1 or .[0].text == null then .[] else
    .[0] + {what: "\(map(.pod) | join(", ")): \(.[0].text)"} end | del(.pod, .text)];
def condition($type): first(.status.conditions[]? | select(.type == $type)) // {};
def where: "-n \(.metadata.namespace) \(.metadata.name)";

($objects[0].items) as $all |
([$all[] | select(.kind == "Pod")]) as $pods |
([$all[] | select(.kind == "PersistentVolumeClaim")]) as $claims |
([$all[] | select(.kind == "Deployment" or .kind == "StatefulSet" or .kind == "DaemonSet" or .kind == "Job") |
  select(any(.metadata.ownerReferences[]?; .kind == "CronJob") | not)]) as $workloads |

def desired: if .kind == "Job" then .spec.completions // 1 elif .kind == "DaemonSet" then .status.desiredNumberScheduled // 0 else .spec.replicas // 1 end;
def available: if .kind == "Job" then .status.succeeded // 0 elif .kind == "DaemonSet" then .status.numberReady // 0 else .status.readyReplicas // 0 end;
def current:
  if .kind == "Job" then true
  elif (.status.observedGeneration // 0) < .metadata.generation then false
  elif .kind == "DaemonSet" or .spec.updateStrategy.type? == "OnDelete" then true
  else desired == 0 or (.status.updatedReplicas // 0) >= desired end;

def container_problems:
  . as $pod | [.status.initContainerStatuses[]?, .status.containerStatuses[]?] | map(
    . as $container | .state.waiting.reason as $reason |
    if $reason and ($reason | test("^(ErrImage|ImagePull|InvalidImage|ErrImageNeverPull|RegistryUnavailable)")) then
      problem("image \(.image) cannot be pulled (\($reason))"; "bring it to the nodes or to the registry, or name another: images.* in the values")
    elif $reason == "CrashLoopBackOff" then
      problem("container \(.name) of \($pod.metadata.name) ends again and again (exit code \(.lastState.terminated.exitCode // "unknown")\(if .lastState.terminated.reason == "OOMKilled" then ", out of memory" else "" end))";
        "kubectl logs \($pod | where) -c \(.name) --previous")
    elif $reason and ($reason | test("^(CreateContainer|RunContainer)")) then
      problem("container \(.name) of \($pod.metadata.name) cannot be started: \(.state.waiting.message // $reason)"; "kubectl describe pod \($pod | where)")
    elif .name == "vault-agent" and .state.running and .started != true then
      ($pod | pod_waits("waits for its secrets"; "kubectl logs \(where) -c vault-agent"))
    elif .state.terminated and .state.terminated.exitCode != 0 and $pod.status.phase != "Succeeded" then
      waiting("container \(.name) of \($pod.metadata.name) ended with exit code \(.state.terminated.exitCode)"; "kubectl logs \($pod | where) -c \(.name) --previous")
    else empty end);

# A claim that nobody will fill. A pending claim of a class that waits for its first pod is as it should be.
def claim_problem:
  . as $claim | .spec.storageClassName as $class | $classes[0].items as $known |
  if .status.phase != "Pending" or $known == null then empty
  elif $class == null then
    problem("volume \(.metadata.name) waits: it names no StorageClass, and none is the default";
      if $known == [] then "install a storage provisioner" else "kubectl annotate storageclass \($known[0].metadata.name) storageclass.kubernetes.io/is-default-class=true" end)
  elif $known | all(.metadata.name != $class) then
    problem("volume \(.metadata.name) waits: there is no StorageClass \($class)"; "kubectl get storageclass; make it, or name another in the values")
  elif first($known[] | select(.metadata.name == $class)).volumeBindingMode != "WaitForFirstConsumer" then
    waiting("volume \(.metadata.name) waits for storage class \($class)"; "kubectl describe pvc \(where)")
  else empty end;

def pod_problems:
  . as $pod | condition("PodScheduled") as $scheduled |
  if .metadata.deletionTimestamp then []
  elif $scheduled.reason == "SchedulingGated" then
    [pod_waits("waits at its gate for an agent"; "the webhook makes it again once it is ready: see the webhook's line")]
  elif $scheduled.status == "False" and (.status.phase == "Pending") then
    ($scheduled.message // "no reason is given") as $message |
    if $message | test("unbound immediate PersistentVolumeClaims|persistentvolumeclaim") then []
    else [problem("\(.metadata.name) finds no node: \($message)"; if $message | test("Insufficient") then "add a node, or ask for less: resources in the values, chart/values-dev.yaml" else "kubectl describe pod \(where)" end)] end
  else
    container_problems as $found |
    if $found != [] then $found
    elif .metadata.labels["openbao-sealed"] == "true" or .metadata.labels["vault-sealed"] == "true" then
      [problem("\(.metadata.name) is sealed"; "static, transit, KMS: kubectl logs \(where) -c vault says why the key was not had; shamir: kubectl exec \(where) -c vault -ti -- vault operator unseal")]
    elif .status.phase == "Running" and condition("Ready").status != "True" then
      [pod_waits("runs and is not ready"; "kubectl logs \(where) --all-containers; kubectl describe pod \(where)")]
    elif .status.phase == "Failed" then [waiting("\(.metadata.name) failed: \(.status.reason // .status.message // "see its log")"; "kubectl logs \(where) --all-containers")]
    else [] end
  end;

# What stopped a workload from making its pods: the newest event, while pods are missing.
def creation_problem($workload):
  [$events[0].items[] | select(.reason == "FailedCreate" and .involvedObject.namespace == $workload.metadata.namespace and
    (.involvedObject.name == $workload.metadata.name or ($workload.kind == "Deployment" and .involvedObject.kind == "ReplicaSet" and (.involvedObject.name | startswith($workload.metadata.name + "-")))))] |
  sort_by(.lastTimestamp // .eventTime // .metadata.creationTimestamp) | last // empty | .message as $message |
  if $message | test("exceeded quota|failed quota") then
    problem("the namespace's quota lets no more pods in: \($message | capture("(?<quota>(exceeded|failed) quota:? .*)").quota)"; "kubectl get resourcequota -n \($workload.metadata.namespace); raise it: what is missing is made by itself")
  elif $message | test("calling webhook") then
    waiting("pods are refused while no webhook answers"; "see the webhook's line; pods are made again by themselves")
  elif $message | test("violates PodSecurity") then
    problem("the namespace's PodSecurity refuses its pods: \($message | capture("(?<why>violates PodSecurity.*)").why)"; "kubectl get namespace \($workload.metadata.namespace) --show-labels")
  else problem("its pods cannot be made: \($message)"; "kubectl describe \($workload.kind | ascii_downcase) \($workload | where)") end;

def workload_problems:
  . as $workload |
  if .kind == "Job" then
    condition("Failed") as $failed | if $failed.status == "True" then [problem("the job gave up: \($failed.message // $failed.reason)"; "kubectl logs -n \(.metadata.namespace) job/\(.metadata.name); then deploy-umbrella.sh upgrade")] else [] end
    + if (.status.active // 0) + (.status.succeeded // 0) == 0 and $failed.status != "True" then [creation_problem($workload)] else [] end
  elif (.status.replicas // 0) < desired or available < desired then
    [creation_problem($workload)] as $found |
    if (.status.replicas // 0) < desired then $found else [] end
  else [] end;

def leader($members):
  [$members[] | select(.metadata.labels | .["openbao-active"] == "true" or .["vault-active"] == "true" or .role == "primary" or .role == "master" or .["blinkchamber.io/role"] == "master") | .metadata.name] as $labelled |
  if $labelled != [] then $labelled | sort
  else [$leases[0].items[] | select(.metadata.name | test("leader")) | .spec.holderIdentity as $holder | select($holder != null and any($members[]; .metadata.name == $holder)) | .spec.holderIdentity] | unique end;

($platform[0] // null) as $facts |
[$workloads | group_by([.metadata.namespace, component])[] | . as $group | .[0] as $first |
  ([$pods[] | select(.metadata.namespace == $first.metadata.namespace and component == ($first | component))]) as $members |
  ([$claims[] | select(.metadata.namespace == $first.metadata.namespace and component == ($first | component))]) as $volumes |
  ([$group[] | desired] | add) as $desired | ([$group[] | available] | add) as $ready |
  (($ready >= $desired) and all($group[]; current)) as $done |
  (if $done then [] else
    [$group[] | workload_problems[]] + [$volumes[] | claim_problem] +
    [$members[] | select((any(.metadata.ownerReferences[]?; .kind == "Job") | not) or any($group[]; .kind == "Job" and (.status.succeeded // 0) == 0)) | pod_problems[]] end | unique_by(.what) | merged) as $problems |
  ($facts.components[$first | component]? // {}) as $known |
  {component: ($first | component), namespace: $first.metadata.namespace, kind: $first.kind, desired: $desired, ready: $ready,
   leader: leader($members), lastRotation: $known.lastRotation, nextExpiry: $known.nextExpiry,
   state: (if $done then "ready" elif any($problems[]; .level == "error") then "error" else "waiting" end),
   problems: $problems}] |
sort_by([.namespace != $namespace, .namespace, .component]) as $components |
($release | if . == "" then null else split(" ") | {status: .[0], revision: (.[1] | tonumber), chart: .[2]} end) as $helm |
{release: $helm, ready: ($helm != null and $components != [] and all($components[]; .state == "ready") and (($facts.drift // []) == [])),
 components: $components, drift: ($facts.drift // []), credentials: ($facts.credentials // [])}
