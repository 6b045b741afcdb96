# The status as people read it.
def pad($width): . + (" " * ([$width - length, 0] | max));

def span:
  if . < 120 then "\(.)s" elif . < 7200 then "\(. / 60 | floor)m" elif . < 172800 then "\(. / 3600 | floor)h" else "\(. / 86400 | floor)d" end;
def seconds: sub("\\.[0-9]+"; "") | sub("\\+00:00$"; "Z") | fromdateiso8601;
def ago: if . == null then "-" else (now - seconds | floor | if . < 0 then 0 else . end | span) + " ago" end;
def ahead: if . == null then "-" else seconds - now | floor | if . < 0 then "expired" else "in " + span end end;

def rows: [["COMPONENT", "NAMESPACE", "READY", "LEADER", "LAST ROTATION", "NEXT EXPIRY", "STATE"]] +
  [.components[] | [.component, .namespace, "\(.ready)/\(.desired)", (.leader | if . == [] then "-" else join(",") end),
    (.lastRotation | ago), (.nextExpiry | ahead), .state]];

(if .release == null then "no release: deploy-umbrella.sh install"
 else "\(.release.chart), revision \(.release.revision), \(.release.status)" end),
"",
(if .components == [] then "nothing of the platform runs here"
 else rows as $rows | ([range(7) as $column | [$rows[][$column] | length] | max]) as $widths |
   $rows[] | [range(7) as $column | .[$column] | pad($widths[$column])] | join("  ") | sub(" +$"; "") end),
([.components[] | . as $one | .problems[] | "\($one.component): \(.what)\n  help: \(.help)"] | select(. != []) | "", .[]),
(.drift | select(. != []) | "", (.[] | "drift: \(if type == "string" then . else tojson end)"), "  help: deploy-umbrella.sh diff")
