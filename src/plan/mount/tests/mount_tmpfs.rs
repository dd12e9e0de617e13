//! `--mount type=tmpfs`.

use super::*;

#[test]
fn accepts_what_it_means() {
    accepts(
        Flag::Mount,
        &[
            ("type=tmpfs,dst=/c", "--tmpfs /c"),
            ("type=tmpfs,dst=/c,tmpfs-size=64m,tmpfs-mode=1770", "--tmpfs /c:size=67108864,mode=1770"),
            ("type=tmpfs,dst=/c,tmpfs-size=1.5KiB,tmpfs-mode=0700", "--tmpfs /c:size=1536,mode=0700"),
            ("type=tmpfs,dst=/c,tmpfs-size=10%", "--tmpfs /c:size=10%"),
            ("type=tmpfs,dst=/c,tmpfs-size=0,tmpfs-mode=0", "--tmpfs /c"),
            ("type=tmpfs,dst=/c,readonly,exec,tmpcopyup,shared", "--tmpfs /c:ro,exec,tmpcopyup,shared"),
            ("type=tmpfs,dst=/c,U=1", "--tmpfs /c:U"),
            ("type=tmpfs,dst=/c:d,U,ro", "--mount type=tmpfs,dst=/c:d,ro,U"),
            ("type=tmpfs,dst=/c,tmpfs-size=1MB", "--tmpfs /c:size=1048576"),
            ("type=tmpfs,dst=/c,tmpfs-size=1mib", "--tmpfs /c:size=1048576"),
            ("type=tmpfs,dst=/c,tmpfs-size=0.5g", "--tmpfs /c:size=536870912"),
            ("type=tmpfs,dst=/c,tmpfs-size=100b", "--tmpfs /c:size=100"),
            ("type=tmpfs,dst=/c,tmpfs-size=1P", "--tmpfs /c:size=1125899906842624"),
            ("type=tmpfs,dst=/c,tmpfs-size=1t,tmpfs-size=0", "--tmpfs /c"),
            ("type=tmpfs,dst=/c,tmpfs-mode=7", "--tmpfs /c:mode=0007"),
            ("type=tmpfs,dst=/c,tmpfs-mode=01777", "--tmpfs /c:mode=1777"),
            ("type=tmpfs,dst=/c,rw=0,noexec,nosuid,nodev,rprivate", "--tmpfs /c:ro"),
            ("type=tmpfs,dst=/c,exec,suid,dev", "--tmpfs /c:exec,suid,dev"),
            ("type=TMPFS,DST=/c,TMPFS-MODE=700,ReadOnly=true", "--tmpfs /c:ro,mode=0700"),
            ("type=tmpfs,dst=/c,tmpcopyup,notmpcopyup", "--tmpfs /c"),
            ("type=tmpfs,dst=/c:d,tmpfs-size=1,suid", "--mount type=tmpfs,dst=/c:d,suid,tmpfs-size=1"),
        ],
    );
}

#[test]
fn refuses_the_rest() {
    refuses(
        Flag::Mount,
        &[
            ("type=tmpfs,src=x,dst=/c", "`src` does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,bind-recursive=enabled", "does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,z", "does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,tmpfs-size=-1", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-size=1x", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-mode=8", "no value for `tmpfs-mode`"),
            ("type=tmpfs,dst=/c,tmpfs-mode=10000", "no value for `tmpfs-mode`"),
            ("type=tmpfs,dst=/c,size=1", "unknown for a tmpfs"),
            ("type=tmpfs,dst=/c,noswap", "needs privileges"),
            ("type=tmpfs,dst=/c,O", "`O` does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,idmap", "`idmap` does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,volume-subpath=a", "`volume-subpath` does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,volume-driver=local", "does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,tmpfs-size=1mm", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-size=%", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-size=1.5%", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-size=", "needs a value"),
            ("type=tmpfs,dst=/c,tmpfs-mode=rwx", "no value for `tmpfs-mode`; legal are octal permissions"),
            ("type=tmpfs,dst=/c,tmpfs-mode=0o755", "no value for `tmpfs-mode`"),
            ("type=tmpfs,dst=/c,tmpcopyup=true", "takes no value"),
            ("type=tmpfs,dst=/c,bind-propagation=shared", "does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,volume-nocopy", "does not go with a tmpfs"),
            ("type=tmpfs,source=tmpfs,dst=/c", "`source` does not go with a tmpfs"),
            ("type=tmpfs", "no destination"),
        ],
    );
}
