//! `-v`.

use super::*;

#[test]
fn volume_flag_accepts() {
    accepts(
        Flag::Volume,
        &[
            ("/ctr", "--mount type=volume,dst=/ctr"),
            ("name:/ctr", "--mount type=volume,dst=/ctr,src=name"),
            ("name:/ctr:ro", "--mount type=volume,dst=/ctr,src=name,ro"),
            ("name:/ctr:rw", "--mount type=volume,dst=/ctr,src=name"),
            ("n1:/a//b/./c/../d/", "--mount type=volume,dst=/a/b/d,src=n1"),
            ("nm:/c:nocopy", "--mount type=volume,dst=/c,src=nm,volume-nocopy"),
            ("nm:/c:copy", "--mount type=volume,dst=/c,src=nm"),
            ("nm:/c:nocreate", "--mount type=volume,dst=/c,src=nm,nocreate"),
            ("nm:/c:z,cached", "--mount type=volume,dst=/c,src=nm"),
            ("nm:/c:noexec,nosuid,nodev", "--mount type=volume,dst=/c,src=nm,noexec,nosuid,nodev"),
            ("nm:/c:exec,suid,dev", "--mount type=volume,dst=/c,src=nm,exec,suid,dev"),
            ("/host:/ctr", "--mount type=bind,dst=/ctr,src=/host,bind-create-src"),
            ("/host:/ctr:ro", "--mount type=bind,dst=/ctr,src=/host,ro,bind-create-src"),
            ("/host:/ctr:Z,ro", "--mount type=bind,dst=/ctr,src=/host,ro,bind-create-src"),
            ("./x:/c", "--mount type=bind,dst=/c,src=./x,bind-create-src"),
            ("../x:/c", "--mount type=bind,dst=/c,src=../x,bind-create-src"),
            (".:/c", "--mount type=bind,dst=/c,src=.,bind-create-src"),
            ("..:/c", "--mount type=bind,dst=/c,src=..,bind-create-src"),
            (".x:/c", "--mount type=bind,dst=/c,src=.x,bind-create-src"),
            ("/:/host", "--mount type=bind,dst=/host,src=/,bind-create-src"),
            ("/h:/c:private", "--mount type=bind,dst=/c,src=/h,bind-propagation=private,bind-create-src"),
            ("/h:/c:rprivate", "--mount type=bind,dst=/c,src=/h,bind-create-src"),
            ("/h:/c:shared", "--mount type=bind,dst=/c,src=/h,bind-propagation=shared,bind-create-src"),
            ("/h:/c:rshared", "--mount type=bind,dst=/c,src=/h,bind-propagation=rshared,bind-create-src"),
            ("/h:/c:slave", "--mount type=bind,dst=/c,src=/h,bind-propagation=slave,bind-create-src"),
            ("/h:/c:rslave,ro", "--mount type=bind,dst=/c,src=/h,ro,bind-propagation=rslave,bind-create-src"),
            (
                "/h:/c:unbindable",
                "--mount type=bind,dst=/c,src=/h,bind-propagation=unbindable,bind-create-src",
            ),
            (
                "/h:/c:runbindable",
                "--mount type=bind,dst=/c,src=/h,bind-propagation=runbindable,bind-create-src",
            ),
            ("/h:/c:bind", "--mount type=bind,dst=/c,src=/h,bind-recursive=disabled,bind-create-src"),
            ("/h:/c:rbind,consistent", "--mount type=bind,dst=/c,src=/h,bind-create-src"),
            ("/h:/c:delegated", "--mount type=bind,dst=/c,src=/h,bind-create-src"),
        ],
    );
    // What blanks and quotes are literal in.
    let odd = parse_volume(OsStr::new("/a,b=\" \nx:/c,ä:ro")).unwrap();
    assert_eq!(odd.destination.to_string(), "/c,ä");
    assert_eq!(odd.to_string(), "--mount type=bind,\"dst=/c,ä\",\"src=/a,b=\"\" \nx\",ro,bind-create-src");
}

#[test]
fn volume_flag_refuses() {
    let long = format!("{}:/c", "n".repeat(256));
    refuses(
        Flag::Volume,
        &[
            ("", "empty"),
            (":", "between colons is empty"),
            (":/c", "between colons is empty"),
            ("/h:", "between colons is empty"),
            ("v:", "between colons is empty"),
            ("v1:/c:", "between colons is empty"),
            ("/h::ro", "between colons is empty"),
            ("/h:/c:ro:x", "needs `--mount type=bind"),
            ("/h:/c:ro:", "between colons is empty"),
            ("v1:c", "`c` is not absolute"),
            ("/h:c", "`c` is not absolute"),
            ("/h:ro", "`ro` is not absolute"),
            ("data", "`data` is not absolute"),
            ("/", "destination is `/`"),
            ("/.", "destination is `/`"),
            ("/h:/a/..", "destination is `/`"),
            ("v1:/", "destination is `/`"),
            ("x/y:/c", "`./x/y`"),
            ("~/x:/c", "the shell"),
            ("$HOME:/c", "not a volume name"),
            ("C:\\x:/c", "`\\x` is not absolute"),
            ("a:/data", "not a volume name"),
            (&long, "not a volume name"),
            ("v1:/c:RO", "`RO` is unknown for a volume; legal are ro rw"),
            ("/h:/c:bogus", "`bogus` is unknown for a bind; legal are ro rw"),
            ("v1:/c:ro,", "empty word"),
            ("v1:/c:,ro", "empty word"),
            ("v1:/c:ro,ro", "same thing"),
            ("v1:/c:ro,rw", "`ro` and `rw`"),
            ("v1:/c:z,Z", "`z` and `Z`"),
            ("/h:/c:shared,slave", "same thing"),
            ("/h:/c:bind,rbind", "same thing"),
            ("v1:/c:copy,nocopy", "same thing"),
            ("v1:/c:exec,noexec", "same thing"),
            ("v1:/c:cached,delegated", "same thing"),
            ("v1:/c:shared", "`shared` does not go with a volume"),
            ("v1:/c:rbind", "`rbind` does not go with a volume"),
            ("/h:/c:nocopy", "`nocopy` does not go with a bind"),
            ("/h:/c:copy", "`copy` does not go with a bind"),
            ("/h:/c:nocreate", "`nocreate` does not go with a bind"),
            ("/h:/c:idmap", "`idmap` needs privileges"),
            ("/h:/c:idmap=uids=0-1-2", "`idmap` needs privileges"),
            ("v1:/c:size=1m", "`size=1m` is unknown"),
            ("v1:/c:mode=1", "unknown"),
            ("v1:/c:noatime", "unknown"),
            ("v1:/c\0d", "NUL"),
            ("/h\0:/c", "NUL"),
            ("v\0:/c", "not a volume name"),
        ],
    );
}
