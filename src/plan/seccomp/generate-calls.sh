#!/usr/bin/env bash
# Prints calls.rs, the table of system calls, from a kernel's headers: generate-calls.sh [INCLUDE]
#
# INCLUDE is the directory of the headers as Debian's linux-libc-dev (6.11 or newer, all architectures) has them:
# INCLUDE/x86_64-linux-gnu/asm/unistd_64.h and so on.
set -euo pipefail
export LC_ALL=C

include=${1:-/usr/include}
version=$(awk '$2 ~ /^LINUX_VERSION_(MAJOR|PATCHLEVEL)$/ { printf "%s%s", dot, $3; dot = "." }' "$include/linux/version.h")

# Prints the column COLUMN of the table: name, column, number.
column() {
    local column=$1 header=$include/$2
    [[ -r $header ]] || { echo "$header is not there: take newer headers" >&2; exit 1; }
    # Either `#define __NR_read 0` or `#define __NR_read (__X32_SYSCALL_BIT + 0)`.
    sed -nE "s/^#define __NR_([a-z0-9_]+)[[:space:]]+(\\(__X32_SYSCALL_BIT \\+ )?([0-9]+)\\)?\$/\\1 $column \\3/p" "$header"
}

cat <<HEAD
//! The numbers of the system calls. Made by generate-calls.sh from the headers of Linux $version; not to be edited.

/// Where an ABI has no such call.
pub(super) const NONE: u16 = u16::MAX;

/// Each call by its name, in the order of the names: its numbers on x86-64, i386, x32 (without the bit that marks them)
/// and aarch64.
#[rustfmt::skip]
pub(super) static CALLS: &[(&str, [u16; 4])] = &[
HEAD
{
    column 1 x86_64-linux-gnu/asm/unistd_64.h
    column 2 x86_64-linux-gnu/asm/unistd_32.h
    column 3 x86_64-linux-gnu/asm/unistd_x32.h
    column 4 aarch64-linux-gnu/asm/unistd_64.h
} | sort | awk '
    function one(n) { return n == "" ? "NONE" : n }
    function flush(entry) {
        entry = sprintf("(\"%s\", [%s, %s, %s, %s]),", name, one(number[1]), one(number[2]), one(number[3]), one(number[4]))
        if (line != "" && length(line) + length(entry) > 112) { print "    " line; line = "" }
        line = line (line == "" ? "" : " ") entry
        split("", number)
    }
    $1 != name { if (name != "") flush(); name = $1 }
    { number[$2] = $3 }
    END { flush(); print "    " line }
'
echo "];"
