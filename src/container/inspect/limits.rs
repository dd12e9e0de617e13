//! Limits in the numbers that Docker has for them; 0 and nothing stand for none.

use serde_json::{Value, json};

use crate::plan::limit::parse_size;
use crate::plan::resources::{CgroupFile, Kind};
use crate::store::container::ContainerRecord;

/// How long the time of `cpu.max` is in billionths of a processor for one microsecond of it.
const NANO_CPUS_PER_QUOTA: u64 = 10_000;

fn asked(record: &ContainerRecord, kind: Kind) -> Option<&str> {
    record.resources.iter().find(|limit| limit.kind == kind).map(|limit| limit.asked.as_str())
}

/// A text as it was typed.
pub(super) fn word(record: &ContainerRecord, kind: Kind) -> &str {
    asked(record, kind).unwrap_or_default()
}

/// A number as it was typed.
pub(super) fn number(record: &ContainerRecord, kind: Kind) -> i64 {
    asked(record, kind).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Bytes.
pub(super) fn bytes(record: &ContainerRecord, kind: Kind) -> u64 {
    asked(record, kind).and_then(|text| parse_size(text).ok()).unwrap_or(0)
}

/// Memory and swap together; -1 is any.
pub(super) fn swap(record: &ContainerRecord) -> Value {
    match asked(record, Kind::MemorySwap) {
        Some("-1") => json!(-1),
        Some(text) => json!(parse_size(text).unwrap_or(0)),
        None => json!(bytes(record, Kind::Memory).saturating_mul(2)),
    }
}

/// Billionths of a processor.
pub(super) fn nano_cpus(record: &ContainerRecord) -> u64 {
    let limit = record.resources.iter().find(|limit| limit.file == CgroupFile::CpuMax);
    let quota = limit.and_then(|limit| limit.value.split(' ').next()?.parse::<u64>().ok());
    quota.unwrap_or(0).saturating_mul(NANO_CPUS_PER_QUOTA)
}
