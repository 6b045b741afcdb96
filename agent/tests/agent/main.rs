//! The agent's program against the real server, and against one that misbehaves.

#[cfg(test)]
mod bao;
#[cfg(test)]
mod double;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod misbehaviour;
#[cfg(test)]
mod process;
#[cfg(test)]
mod restarts;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
