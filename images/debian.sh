#!/bin/sh
# Makes a minimal Debian root filesystem: images/debian.sh [FILE]
#
# SUITE (bookworm) and MIRROR choose what. As root, mmdebstrap uses chroot; as a user, a user namespace with the
# user's subordinate IDs, so that every file has its right owner in the archive.
set -eu

here=$(dirname "$0")
output=${1:-"$here/../target/images/debian.tar"}
suite=${SUITE:-bookworm}

command -v mmdebstrap >/dev/null || {
    echo "$0: mmdebstrap is not installed (apt-get install mmdebstrap)" >&2
    exit 1
}
if [ "$(id -u)" -eq 0 ]; then
    mode=root
else
    mode=unshare
    for file in /etc/subuid /etc/subgid; do
        grep -qE "^($(id -un)|$(id -u)):" "$file" || {
            echo "$0: $(id -un) has no subordinate IDs in $file" >&2
            exit 1
        }
    done
fi

# The machine's own mirror, if its apt has one for this suite: it is reachable.
own_mirror() {
    [ -e /etc/apt ] || return 0
    grep -rhoE "^deb .*(https?://[^ ]+) +$suite " /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
        grep -oE 'https?://[^ ]+' | head -n 1
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -e "$file" ] || continue
        grep -qE "^Suites:.* $suite( |$)" "$file" && sed -n 's/^URIs: *//p' "$file" | head -n 1
    done
}
mirror=${MIRROR:-$(own_mirror | head -n 1)}
mirror=${mirror:-http://deb.debian.org/debian}

output_directory=$(dirname "$output")
mkdir -p "$output_directory"
work=$(mktemp -d "$output_directory/.debian.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Devices are the launcher's business, and an archive with them could not be unpacked by a user.
mmdebstrap --quiet --mode="$mode" --variant=minbase --format=tar --skip=output/dev \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Apt::Install-Recommends "false"' \
    "$suite" - "$mirror" >"$work/image.tar"
mv "$work/image.tar" "$output"
echo "$output"
