//! `--tmpfs`.

use super::*;

#[test]
fn tmpfs_flag_accepts() {
    accepts(
        Flag::Tmpfs,
        &[
            ("/t", "--tmpfs /t"),
            ("/t//x/", "--tmpfs /t/x"),
            ("/t:rw,noexec,nosuid,nodev", "--tmpfs /t"),
            ("/t:defaults,async,mand,nomand", "--tmpfs /t"),
            ("/t:exec,suid,dev,ro", "--tmpfs /t:ro,exec,suid,dev"),
            ("/t:ro,rw,exec,noexec", "--tmpfs /t"),
            ("/t:size=64m", "--tmpfs /t:size=64m"),
            ("/t:size=50%,mode=1777,uid=0,gid=5", "--tmpfs /t:size=50%,mode=1777,uid=0,gid=5"),
            (
                "/t:nr_inodes=1k,nr_blocks=8,mpol=bind:0-1",
                "--tmpfs /t:nr_inodes=1k,nr_blocks=8,mpol=bind:0-1",
            ),
            ("/t:size=1m,size=2m", "--tmpfs /t:size=2m"),
            ("/t:size=0,mode=0", "--tmpfs /t:size=0,mode=0"),
            ("/t:sync,dirsync,noatime,nodiratime", "--tmpfs /t:noatime,nodiratime,sync,dirsync"),
            ("/t:sync,async,noatime,atime", "--tmpfs /t"),
            ("/t:relatime,norelatime,strictatime,nostrictatime,diratime", "--tmpfs /t:diratime"),
            ("/t:noatime,strictatime", "--tmpfs /t:strictatime"),
            ("/t:U", "--tmpfs /t:U"),
            ("/t:U,uid=5,U", "--tmpfs /t:uid=5,U"),
            ("/t:huge=always,huge=within_size", "--tmpfs /t:huge=within_size"),
            ("/t:size=1g", "--tmpfs /t:size=1g"),
            ("/t:size=4096", "--tmpfs /t:size=4096"),
            ("/t:mode=0700", "--tmpfs /t:mode=0700"),
            ("/t:uid=1000,gid=1000,uid=1", "--tmpfs /t:uid=1,gid=1000"),
            ("/t:shared,unbindable", "--tmpfs /t:unbindable"),
            ("/t:dirsync,dirsync", "--tmpfs /t:dirsync"),
            ("/a b,c:ro", "--tmpfs /a b,c:ro"),
            ("/t:tmpcopyup,rslave", "--tmpfs /t:tmpcopyup,rslave"),
            ("/t:tmpcopyup,notmpcopyup,rslave,rprivate", "--tmpfs /t"),
        ],
    );
}

#[test]
fn tmpfs_flag_refuses() {
    refuses(
        Flag::Tmpfs,
        &[
            ("", "empty"),
            ("t", "not absolute"),
            (":size=1", "the path is empty"),
            ("/", "destination is `/`"),
            ("/a/..:ro", "destination is `/`"),
            ("/t:", "empty word"),
            ("/t:ro,", "empty word"),
            ("/t:size", "`size` needs a value"),
            ("/t:size=", "`size` needs a value"),
            ("/t:size=x", "`x` is no value for `size`"),
            ("/t:size=1mb", "no value for `size`"),
            ("/t:size=-1", "no value for `size`"),
            ("/t:mode=9", "no value for `mode`"),
            ("/t:mode=", "`mode` needs a value"),
            ("/t:uid=4294967295", "no value for `uid`"),
            ("/t:uid=-1", "no value for `uid`"),
            ("/t:gid=+1", "no value for `gid`"),
            ("/t:nr_inodes=1%", "no value for `nr_inodes`"),
            ("/t:mpol=a/b", "no value for `mpol`"),
            ("/t:ro=1", "`ro=1` is unknown for a tmpfs; legal are defaults ro"),
            ("/t:bogus", "unknown"),
            ("/t:bogus", "notmpcopyup U private rprivate shared rshared slave"),
            ("/t:huge=x", "`x` is no value for `huge`; legal are never, always, within_size or advise"),
            ("/t:huge", "`huge` needs a value"),
            ("/t:nr_blocks=x", "no value for `nr_blocks`"),
            ("/t:uid=root", "`root` is no value for `uid`; legal are a number"),
            ("/t:size=1.5m", "no value for `size`"),
            ("/t:mode=rwx", "no value for `mode`; legal are octal"),
            ("/t:nr_inodes", "`nr_inodes` needs a value"),
            ("/t:nocopy", "unknown"),
            ("/t:z", "unknown"),
            ("/t:O", "unknown"),
            ("/t:idmap", "needs privileges"),
            ("./t", "begins with `/`: `/t`"),
            ("/t:remount", "unknown"),
            ("/t:bind", "unknown"),
            ("/t:rbind", "unknown"),
            ("/t:RO", "unknown"),
            ("/t:size=1m:ro", "no value for `size`"),
            ("/t:noswap", "`noswap` needs privileges"),
        ],
    );
}
