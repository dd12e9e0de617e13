//! What is said between this program and a registry, and what it has to know for that, as data.
//!
//! ```text
//! Reference → Settings (short names, mirrors, insecure) → Endpoint     where to ask
//! WWW-Authenticate → Challenge → AuthFile (credentials) → Token        who asks
//! Content-Range, Retry-After                                           what the answer means
//! Errand                                                               what the unpacking process wants fetched
//! Order → Delivery                                                     what the packing process is to send
//! ```
//!
//! Everything here comes from outside and is read strictly: what is not understood is refused, not guessed.
//! Source: OCI distribution specification; the token documents of the `distribution` project.

pub mod auth_file;
pub mod challenge;
pub mod endpoint;
pub mod errand;
pub mod header;
pub mod login;
pub mod order;
pub mod policy;
pub mod position;
pub mod settings;
pub mod tags;
pub mod token;
