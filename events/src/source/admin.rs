//! `POST /admin/v1/events/_search`, the surface that ZITADEL supports.
//!
//! An answer has 1000 events at most, in the order of their transactions, and the only way to go on is by the time of
//! creation. The two orders differ, so the end of a cut answer says nothing about what is missing. Therefore a span of time
//! is asked for that fits into one answer, and is made smaller until it does.

mod answer;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HOST, RETRY_AFTER};
use reqwest::{Client, Response};
use serde_json::json;

use crate::config;
use crate::event::Moment;
use crate::files;
use crate::source::admin::answer::Batch;
use crate::source::token::Tokens;
use crate::source::{Answer, Error, Source};
use crate::track::{Page, Position};

const PATH: &str = "/admin/v1/events/_search";

/// Largest answer. One event is at most one gigabyte in PostgreSQL, but nobody wants to see that.
const LARGEST: usize = 64 << 20;

/// The admin API.
pub(crate) struct AdminApi {
    http: Client,
    tokens: Tokens,
    base: String,
    host: Option<String>,
    instance: String,
    page: usize,
    /// What should fit, while there is a backlog.
    span: Option<Duration>,
}

impl Source for AdminApi {
    fn read<'a>(&'a mut self, position: &'a Position) -> Answer<'a> {
        Box::pin(self.page(position.from))
    }
}

/// A question for events.
struct Question {
    since: Moment,
    until: Option<Moment>,
    ascending: bool,
}

impl AdminApi {
    pub(crate) fn new(settings: &config::Source) -> Result<Self, Error> {
        let url = settings.url.as_deref().unwrap_or_default().trim_end_matches('/');
        let secure = url.starts_with("https:");
        if secure && settings.ca_file.is_none() {
            return Err(Error::Setting("caFile: is needed for https".into()));
        }
        let builder = files::http(settings.ca_file.as_deref().filter(|_| secure))?.timeout(settings.timeout.0);
        let http = builder.build().map_err(|error| Error::Setting(error.to_string()))?;
        Ok(Self {
            tokens: Tokens::new(settings, http.clone(), url),
            http,
            base: url.to_owned(),
            host: settings.host.clone(),
            instance: settings.instance.clone(),
            page: settings.page,
            span: None,
        })
    }

    /// All of a span that begins at a moment.
    async fn page(&mut self, from: Moment) -> Result<Page, Error> {
        // Without an end where no backlog is known: that is then all there is to ask.
        let until = self.span.map(|span| from.plus(span));
        let mut question = Question { since: from, until, ascending: true };
        loop {
            let batch = self.ask(&question).await?;
            if batch.count < self.page {
                return Ok(self.whole(batch, &question));
            }
            question.until = Some(match question.until {
                Some(until) if until == from => return self.crowd(from, batch).await,
                Some(until) => batch.until(from, self.page).min(Moment(from.0 + (until.0 - from.0) / 2)),
                None => batch.until(from, self.page),
            });
        }
    }

    fn whole(&mut self, batch: Batch, question: &Question) -> Page {
        let now = batch.now.unwrap_or_else(Moment::now);
        let (covered, next) = match question.until.filter(|until| *until < now) {
            Some(until) => (until, Some(Position { from: until.next(), after: None })),
            None => {
                let latest = batch.events.iter().map(|event| event.created_at).max();
                (latest.unwrap_or_else(|| question.since.previous()), None)
            }
        };
        // Aims at four fifths of an answer. Where little happened, an answer without an end leads across.
        self.span = next.as_ref().filter(|_| batch.count >= self.page / 4).map(|next| {
            let factor = self.page as f64 * 0.8 / batch.count.max(1) as f64;
            next.from.since(question.since).mul_f64(factor)
        });
        Page { events: batch.events, malformed: batch.malformed, covered, next, now: batch.now }
    }

    /// More than one answer's events at the same microsecond: the oldest and the youngest of them, if that is all.
    async fn crowd(&mut self, moment: Moment, first: Batch) -> Result<Page, Error> {
        let question = Question { since: moment, until: Some(moment), ascending: false };
        let second = self.ask(&question).await?;
        let crowded = Error::Crowded { moment, limit: 2 * self.page };
        let met = second.events.iter().any(|event| first.events.iter().any(|other| other.key == event.key));
        if !met {
            return Err(crowded);
        }
        let mut whole = first;
        whole.join(second);
        Ok(self.whole(whole, &question))
    }

    async fn ask(&mut self, question: &Question) -> Result<Batch, Error> {
        let url = format!("{}{PATH}", self.base);
        // Whether an end is part of the span, versions of ZITADEL do not agree: one microsecond more, and what is too much is dropped.
        let mut range = json!({"since": question.since.previous().to_string()});
        if let (Some(until), Some(range)) = (question.until, range.as_object_mut()) {
            range.insert("until".into(), json!(until.next().to_string()));
        }
        let body = json!({"limit": self.page, "asc": question.ascending, "range": range}).to_string();
        let mut request = self.http.post(&url).bearer_auth(self.tokens.token().await?.as_str());
        if let Some(host) = &self.host {
            request = request.header(HOST, host);
        }
        let sent = request.header("content-type", "application/json").body(body).send().await;
        let response = sent.map_err(|error| unreachable(&url, &error))?;
        let now = clock(&response);
        let body = body_of(response, &url).await.inspect_err(|error| {
            if matches!(error, Error::Unauthenticated { .. }) {
                self.tokens.forget();
            }
        })?;
        let mut batch = answer::read(&body, &self.instance).map_err(|reason| Error::Garbage { url, reason })?;
        batch.keep(question.since, question.until);
        batch.now = now;
        Ok(batch)
    }
}

/// The end of the second that the server tells: then it is certain that it has begun.
fn clock(response: &Response) -> Option<Moment> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(|time| Moment(time.as_microsecond()))
}

/// The body of a good answer.
async fn body_of(mut response: Response, url: &str) -> Result<Vec<u8>, Error> {
    let (status, url) = (response.status().as_u16(), url.to_owned());
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&url, &error))? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Err(Error::Garbage { url, reason: format!("more than {LARGEST} bytes; make source.page smaller") });
        }
    }
    match status {
        200 => Ok(body),
        401 => Err(Error::Unauthenticated { url, status }),
        403 => Err(Error::Forbidden { url, status, message: answer::message(&body) }),
        429 => Err(Error::Throttled { url, retry_after }),
        _ => Err(Error::Refused { url, status, message: answer::message(&body) }),
    }
}

/// The last cause says what happened; the first only repeats the URL.
pub(super) fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    let reason = if error.is_timeout() {
        "no answer in time".to_owned()
    } else {
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        cause.to_string()
    };
    Error::Unreachable { url: url.to_owned(), reason }
}
