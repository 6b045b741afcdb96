//! Which secrets, and what their files look like.

use crate::annotations::values::Kind;
use crate::annotations::{Entry, Modes};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::each(
        "agent-inject-secret",
        Kind::Text,
        "-",
        "Path of a secret, such as `secret/data/shop` or `database/creds/shop`. It defines a file and, unless there is \
         a template, its contents.",
    ),
    Entry::each(
        "agent-inject-template",
        Kind::Text,
        "the default template",
        "Template of the file in the language of Vault Agent. It defines a file even without a secret path and wins \
         over `agent-inject-template-file-<name>`.",
    ),
    Entry::each(
        "agent-inject-template-file",
        Kind::Text,
        "not set",
        "Template read from a file in the agent's container, which must be mounted there, for instance with \
         `agent-copy-volume-mounts`.",
    ),
    Entry::one(
        "agent-inject-default-template",
        Kind::OneOf(&["map", "json"]),
        "map",
        "Template of secrets that have none: `map` writes lines of `key: value`, `json` the data as JSON.",
    ),
    Entry::each(
        "agent-template-left-delim",
        Kind::Text,
        "`{{`",
        "Left delimiter of the secret's own template. The default templates keep `{{`.",
    ),
    Entry::each(
        "agent-template-right-delim",
        Kind::Text,
        "`}}`",
        "Right delimiter of the secret's own template. The default templates keep `}}`.",
    ),
    Entry::each(
        "error-on-missing-key",
        Kind::Bool,
        "false",
        "A key that the secret does not have is an error instead of `<no value>`.",
    ),
    Entry::each(
        "agent-inject-file",
        Kind::Text,
        "the name in lower case",
        "Path of the file below its volume. Two secrets with one file, and paths that leave the volume, are refused.",
    ),
    Entry::one("preserve-secret-case", Kind::Bool, "false", "File names keep the case of the secrets' names."),
    Entry::each(
        "preserve-secret-case",
        Kind::Bool,
        "the value for all",
        "The file name of this secret keeps the case of its name.",
    ),
    Entry::one(
        "secret-volume-path",
        Kind::Directory,
        "/vault/secrets",
        "Where the volume with the files is mounted, read-only in the pod's containers.",
    ),
    Entry::each(
        "secret-volume-path",
        Kind::Directory,
        "the path for all",
        "Another mount path for this secret. Each distinct path is a volume of its own.",
    ),
    Entry::one(
        "volume-size-limit",
        Kind::Quantity,
        "the injector's setting",
        "Size limit of each secret volume. The files count as memory of the agent's container.",
    )
    .only(Modes::Native),
    Entry::each(
        "agent-inject-perms",
        Kind::Mode,
        "by the users of the pod",
        "Mode of the file. Without it a file is 0400 where the agent runs as the user of every container that mounts \
         it, 0440 where the pod has an `fsGroup`, and 0644 otherwise.",
    ),
    Entry::each(
        "agent-inject-user",
        Kind::Id,
        "the agent's user",
        "Owner of the file. Without privileges the agent can only give files to itself, so this must be its own user \
         unless that is 0.",
    )
    .only(Modes::Native),
    Entry::each(
        "agent-inject-group",
        Kind::Id,
        "the pod's fsGroup, or the agent's group",
        "Group of the file: the agent's own, the pod's `fsGroup` or one of its `supplementalGroups`.",
    )
    .only(Modes::Native),
    Entry::each(
        "agent-inject-command",
        Kind::Text,
        "not set",
        "Command to run in the agent's container after the file changed. The agent's image holds no shell and no other \
         program, so this needs an image of your own; `agent-reload-<name>` needs none.",
    ),
    Entry::each(
        "agent-reload",
        Kind::Actions,
        "not set",
        "What to do after the file changed: `signal:HUP:postgres`, `http:POST:http://127.0.0.1:8080/reload` or \
         `command:/program argument`. Several stand on lines of their own or are separated by commas. A signal shares \
         the pod's process namespace and runs the agent as the user of the chosen containers; a process that started \
         after the change has read the new file and gets none.",
    )
    .only(Modes::Native),
    Entry::one(
        "agent-reload-lease",
        Kind::ObjectName,
        "not set",
        "Name of a Lease in the pod's namespace. Reload actions wait until the agent holds it, so that of several \
         replicas one is reloaded at a time. The pod's service account needs `get` and `update` on that Lease, and \
         `create` on leases unless it exists.",
    )
    .only(Modes::Native),
    Entry::one(
        "agent-reload-ready-url",
        Kind::LocalUrl,
        "not set",
        "With `agent-reload-lease`: the Lease is held on to until this URL in the pod answers 200. An action that sends \
         TERM, INT, QUIT or KILL waits for the end of the process first.",
    )
    .only(Modes::Native),
    Entry::one(
        "agent-reload-ready-timeout",
        Kind::Seconds,
        "5m",
        "How long to wait for that. Then the Lease is let go all the same, and the action counts as failed.",
    )
    .only(Modes::Native),
    Entry::one(
        "agent-inject-token",
        Kind::Bool,
        "false",
        "Writes the token of the login to the file `token` in the secret volume.",
    ),
];
