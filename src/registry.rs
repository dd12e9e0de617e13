//! Talks to registries: the only part of the program that makes connections.
//!
//! - [`Access`]: how far a registry is trusted, and who asks.
//! - [`Client`]: one repository on one registry; asks, and says who asks where that is wanted. Each redirect is decided
//!   here: credentials go to the registry itself and to whom it names for tokens, and to nobody else.
//! - [`Carrier`]: sends the layers that a process packs which has no network, each through a pipe. What a registry has is not
//!   sent; what it has in another of its repositories it takes from there.
//! - [`serve()`]: fetches what the process that unpacks wants, and hands it over through pipes.
//! - [`credentials`]: the files and programs of this machine that know who the user is.
//!
//! All of this runs in the caller's own process: it needs the network, the user's certificates and credentials, and
//! programs that know passwords. What it reads from outside is HTTP, TLS and small documents. The images themselves are
//! read by a process that can reach none of these; what it gets from here are bytes on a pipe, which it verifies. So an
//! archive that finds a mistake in the unpacking has nobody to tell.
//!
//! Source: OCI distribution specification.

mod agent;
mod answer;
mod ask;
mod blob;
mod client;
pub mod credentials;
mod deliver;
mod error;
mod helper;
mod pinned;
mod resolver;
mod serve;
mod tags;
mod tls;
mod upload;

pub use self::agent::Access;
pub use self::client::{Client, FoundManifest, Purpose};
pub use self::deliver::Carrier;
pub use self::error::{RegistryError, RequestError};
pub use self::helper::{HelperError, HelperVerb};
pub use self::serve::{Places, serve};
