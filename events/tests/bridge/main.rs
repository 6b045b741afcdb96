//! The bridge as a program, between a real PostgreSQL with the double of ZITADEL in front of it, and real Redis servers
//! and Sentinels.

mod faults;
mod flow;
mod redis;
mod support;
