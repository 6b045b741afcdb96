//! The bridge as a program, between a real PostgreSQL with the double of ZITADEL in front of it, and real Redis servers
//! and Sentinels.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod redis;
#[cfg(test)]
mod support;
