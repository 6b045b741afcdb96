//! `ListEvents` of the admin API: its filters, limits and order (ZITADEL's `internal/api/grpc/admin/event.go`).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::api::Failure;
use crate::error::Error;
use crate::store::{INSTANCE, Store};

/// Most events of one answer.
const MOST: i64 = 1000;

/// An event whose transaction began before an open pusher's is held back, so that a reader which goes on by time does
/// not pass a commit that is still to come.
///
/// What lies in the span is gathered first: going along the positions would pass everything that is older, each time. The span is
/// part of the text, so that the planner sees how short it is.
const SELECT: &str = r#"
WITH found AS MATERIALIZED (SELECT * FROM eventstore.events2
WHERE instance_id = $1
  AND (cardinality($2::text[]) = 0 OR event_type = ANY ($2))
  AND (cardinality($3::text[]) = 0 OR aggregate_type = ANY ($3))
  AND ($4::text = '' OR aggregate_id = $4)
  AND ($5::text = '' OR "owner" = $5)
  AND ($6::text = '' OR creator = $6)
  AND created_at BETWEEN '{since}' AND '{until}'
  AND "position" < (SELECT coalesce(extract(epoch FROM min(xact_start)), extract(epoch FROM now()) + 1)
                    FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name = 'zitadel_es_pusher' AND state <> 'idle')
)
SELECT aggregate_type, aggregate_id, event_type, "sequence",
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), payload, creator, "owner"
FROM found
"#;

/// A request for events.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Query {
    limit: i64,
    asc: bool,
    editor_user_id: String,
    event_types: Vec<String>,
    aggregate_id: String,
    aggregate_types: Vec<String>,
    resource_owner: String,
    from: String,
    range: Range,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Range {
    since: String,
    until: String,
}

impl Query {
    /// An empty body asks for the newest events.
    pub(super) fn parse(body: &str) -> Result<Self, Failure> {
        let text = if body.trim().is_empty() { "{}" } else { body };
        let mut query: Self = serde_json::from_str(text).map_err(|error| Failure::invalid(error.to_string()))?;
        for (name, time) in
            [("from", &query.from), ("range.since", &query.range.since), ("range.until", &query.range.until)]
        {
            if !time.is_empty() && time.parse::<Timestamp>().is_err() {
                return Err(Failure::invalid(format!("{name}: {time:?} is not a time such as 2026-01-31T12:00:00Z")));
            }
        }
        if !(0..=MOST).contains(&query.limit) {
            return Err(Failure::invalid(format!("limit: {} is not within 0 to {MOST}", query.limit)));
        }
        if query.limit == 0 {
            query.limit = MOST;
        }
        Ok(query)
    }

    pub(super) async fn run(&self, store: &Store) -> Result<Vec<Value>, Error> {
        let direction = if self.asc { "ASC" } else { "DESC" };
        // They have been read as times, so nothing else is in them.
        let (since, until) = self.bounds();
        let or = |time: &'static str, given: &str| if given.is_empty() { time.to_owned() } else { given.to_owned() };
        let select = SELECT.replace("{since}", &or("-infinity", since)).replace("{until}", &or("infinity", until));
        let sql = format!("{select} ORDER BY \"position\" {direction}, in_tx_order {direction} LIMIT $7");
        let values: [&(dyn ToSql + Sync); 7] = [
            &INSTANCE,
            &self.event_types,
            &self.aggregate_types,
            &self.aggregate_id,
            &self.resource_owner,
            &self.editor_user_id,
            &self.limit,
        ];
        Ok(store.search(&sql, &values).await?.iter().map(event).collect())
    }

    /// `from` is where a reader goes on: a lower bound upwards, an upper one downwards.
    fn bounds(&self) -> (&str, &str) {
        match (self.from.as_str(), self.asc) {
            ("", _) => (&self.range.since, &self.range.until),
            (from, true) => (from, &self.range.until),
            (from, false) => (&self.range.since, from),
        }
    }
}

fn event(row: &Row) -> Value {
    let text = |column| row.get::<_, String>(column);
    let payload: Option<Value> = row.get(5);
    json!({
        "aggregate": {"id": text(1), "type": {"type": text(0)}, "resourceOwner": text(7)},
        "type": {"type": text(2)},
        "sequence": row.get::<_, i64>(3).to_string(),
        "creationDate": text(4),
        "payload": payload.unwrap_or(Value::Null),
        "editor": {"userId": text(6)},
    })
}
