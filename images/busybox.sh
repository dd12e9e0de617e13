#!/bin/sh
# Makes a root filesystem of busybox alone: images/busybox.sh [FILE]
#
# The program is the machine's own static busybox. Without one, Debian's busybox-static package is downloaded
# and unpacked, not installed, so that nobody has to be root.
set -eu

here=$(dirname "$0")
output=${1:-"$here/../target/images/busybox.tar"}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

is_static() {
    # `ldd` is the judge where there is one; the loader's name in the file otherwise.
    if command -v ldd >/dev/null 2>&1; then
        if ldd "$1" >/dev/null 2>&1; then return 1; fi
    elif grep -q '/lib[^ ]*/ld-' "$1"; then
        return 1
    fi
}

find_busybox() {
    for candidate in $(command -v busybox || true) /bin/busybox /usr/bin/busybox; do
        if [ -x "$candidate" ] && is_static "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    if ! command -v apt-get >/dev/null; then
        echo "$0: no static busybox here, and no apt-get to download one" >&2
        exit 1
    fi
    (cd "$work" && apt-get download -q busybox-static >&2 && dpkg-deb -x busybox-static_*.deb package)
    find "$work/package" -type f -path '*/bin/busybox'
}

busybox=$(find_busybox)
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/home" "$root/proc" "$root/root" "$root/sys" "$root/tmp" \
    "$root/usr" "$root/var"
chmod 755 "$root" "$root"/*
chmod 700 "$root/root"
chmod 1777 "$root/tmp"
ln -s ../bin "$root/usr/bin"
ln -s bin "$root/sbin"

cp "$busybox" "$root/bin/busybox"
chmod 755 "$root/bin/busybox"
for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
done

echo 'root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false' >"$root/etc/passwd"
echo 'root:x:0:
nogroup:x:65534:' >"$root/etc/group"
echo 'NAME="busybox"
ID=busybox' >"$root/etc/os-release"
chmod 644 "$root"/etc/*

mkdir -p "$(dirname "$output")"
# The same input makes the same archive, whoever calls.
tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=pax \
    --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime -cf "$work/image.tar" .
mv "$work/image.tar" "$output"
echo "$output"
