//! The flags about limits of a whole container.

use clap::Args;
use minirun::plan::resources::Words;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ResourceArgs {
    /// As much memory as the container may use
    #[arg(short, long, value_name = "SIZE", allow_hyphen_values = true)]
    memory: Option<String>,
    /// As much memory and swap together; -1 for any swap [default: twice the memory]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    memory_swap: Option<String>,
    /// As much memory as is left to it when the machine has little
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    memory_reservation: Option<String>,
    /// As many processors' time, such as 1.5
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    cpus: Option<String>,
    /// Its share of the processors beside others [usual: 1024]
    #[arg(short, long, value_name = "WEIGHT", allow_hyphen_values = true)]
    cpu_shares: Option<String>,
    /// Only these processors: 0-3,5
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    cpuset_cpus: Option<String>,
    /// Only these memory nodes
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    cpuset_mems: Option<String>,
    /// As many processes and threads; -1 for any
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pids_limit: Option<String>,
    /// Its share of the disks beside others: 10 to 1000
    #[arg(long, value_name = "WEIGHT", allow_hyphen_values = true)]
    blkio_weight: Option<String>,
    /// How readily the kernel kills it for want of memory: -1000 to 1000
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true, value_parser = clap::value_parser!(i32).range(-1000..=1000))]
    pub(crate) oom_score_adj: Option<i32>,
    /// Set a kernel setting of its own: net.core.somaxconn=1024
    #[arg(long = "sysctl", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    pub(crate) sysctls: Vec<String>,
    /// Where these cannot be enforced: strict (do not start) or best-effort [default: strict]
    #[arg(long = "limits", value_name = "MODE", allow_hyphen_values = true)]
    pub(crate) strictness: Option<String>,
}

impl ResourceArgs {
    pub(crate) fn words(&self) -> Words<'_> {
        Words {
            memory: self.memory.as_deref(),
            swap: self.memory_swap.as_deref(),
            reservation: self.memory_reservation.as_deref(),
            cpus: self.cpus.as_deref(),
            shares: self.cpu_shares.as_deref(),
            cpuset_cpus: self.cpuset_cpus.as_deref(),
            cpuset_mems: self.cpuset_mems.as_deref(),
            pids: self.pids_limit.as_deref(),
            weight: self.blkio_weight.as_deref(),
        }
    }
}
