//! The port by which a provider is reached, and the guard in front of it.
