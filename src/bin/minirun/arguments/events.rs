//! The flags of `events`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// From this moment on, what has happened already, too: 10m, 2024-01-02T03:04:05Z, seconds since 1970
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,
    /// To this moment, instead of for ever
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
    /// Only those with `type=container|image|volume`, `event=ACTION`, `container=NAME`, `image=NAME`, `volume=NAME` or
    /// `label=KEY[=VALUE]`
    #[arg(short, long = "filter", value_name = "KEY=VALUE")]
    pub(crate) filters: Vec<String>,
    /// `json`, or a template such as '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}' [default: json]
    #[arg(long, value_name = "FORMAT", allow_hyphen_values = true)]
    pub(crate) format: Option<String>,
}
