//! The admission server that adds the agent to pods.
