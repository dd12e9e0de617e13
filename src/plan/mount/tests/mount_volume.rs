//! `--mount type=volume`.

use super::*;

#[test]
fn accepts_what_it_means() {
    accepts(
        Flag::Mount,
        &[
            ("src=vol,dst=/c", "--mount type=volume,dst=/c,src=vol"),
            ("dst=/c", "--mount type=volume,dst=/c"),
            ("src=v1,dst=/c,volume-nocopy", "--mount type=volume,dst=/c,src=v1,volume-nocopy"),
            ("src=v1,dst=/c,volume-nocopy=false", "--mount type=volume,dst=/c,src=v1"),
            ("src=v1,dst=/c,nocreate,volume-driver=local", "--mount type=volume,dst=/c,src=v1,nocreate"),
            (
                "src=v1,dst=/c,volume-label=a=b=c,volume-label=d,\"volume-label=e=f,g\",volume-label=a=z",
                "--mount type=volume,dst=/c,src=v1,volume-label=d=,\"volume-label=e=f,g\",volume-label=a=z",
            ),
            (
                "src=v1,dst=/c,O,upperdir=/u,workdir=/w",
                "--mount type=volume,dst=/c,src=v1,O,upperdir=/u,workdir=/w",
            ),
            ("src=v1,dst=/c,u", "--mount type=volume,dst=/c,src=v1,U"),
            (
                "src=v1,dst=/c,volume-subpath=a/b/./c",
                "--mount type=volume,dst=/c,src=v1,volume-subpath=a/b/c",
            ),
            ("src=v1,dst=/c,volume-subpath=a/../b", "--mount type=volume,dst=/c,src=v1,volume-subpath=b"),
            ("src=v1,dst=/c,volume-subpath=a b", "--mount type=volume,dst=/c,src=v1,volume-subpath=a b"),
            ("src=v1,dst=/c,subpath=/a/b", "--mount type=volume,dst=/c,src=v1,volume-subpath=a/b"),
            ("src=v1,dst=/c,subpath=a", "--mount type=volume,dst=/c,src=v1,volume-subpath=a"),
            ("src=v1,dst=/c,subpath=/", "--mount type=volume,dst=/c,src=v1,volume-subpath=."),
            (
                "src=v1,dst=/c,volume-opt=type=none,volume-opt=device=/d,volume-opt=o=bind",
                "--mount type=volume,dst=/c,src=v1,volume-opt=device=/d,volume-opt=o=bind,volume-opt=type=none",
            ),
            (
                "dst=/c,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=type=ramfs",
                "--mount type=volume,dst=/c,volume-opt=device=tmpfs,volume-opt=type=ramfs",
            ),
            ("src=v1,dst=/c,nocreate=true,volume-driver=local", "--mount type=volume,dst=/c,src=v1,nocreate"),
            ("src=v1,dst=/c,nocreate,nocreate=0", "--mount type=volume,dst=/c,src=v1"),
            ("src=v1,dst=/c,z,exec", "--mount type=volume,dst=/c,src=v1,exec"),
        ],
    );
}

#[test]
fn refuses_the_rest() {
    refuses(
        Flag::Mount,
        &[
            ("src=,dst=/c", "`src` needs a value"),
            ("src=/h,dst=/c", "use `type=bind,src=/h`"),
            ("src=v,dst=/c", "not a volume name"),
            ("dst=/c,shared", "does not go with a volume"),
            ("dst=/c,tmpfs-size=1", "does not go with a volume"),
            ("dst=/c,noexec=false", "takes no value"),
            ("dst=/c,nocreate", "needs the name of a volume"),
            ("dst=/c,volume-driver=nfs", "no volume driver `nfs`: minirun has `local`"),
            ("dst=/c,volume-label==b", "not a label"),
            ("dst=/c,volume-opt=type=nfs", "`type` of the driver `local` needs `device`"),
            ("dst=/c,cow", "`cow` does not go with a volume"),
            ("dst=/c,idmap", "`idmap` needs privileges"),
            ("src=v1,dst=/c,image-subpath=a", "`image-subpath` does not go with a volume"),
            ("dst=/c,volume-subpath=a", "`volume-subpath` needs the name of a volume"),
            ("src=v1,dst=/c,volume-subpath=/a", "`/a` is absolute"),
            ("src=v1,dst=/c,volume-subpath=..", "`..` leads out"),
            ("src=v1,dst=/c,volume-subpath=a/../../b", "leads out through `..`"),
            ("src=v1,dst=/c,volume-subpath=", "needs a value"),
            ("src=v1,dst=/c,volume-subpath", "needs a value"),
            ("src=v1,dst=/c,subpath=/../a", "leads out"),
            ("dst=/c,volume-opt=foo=bar", "`foo` is not an option of the driver `local`"),
            ("dst=/c,volume-opt=foo", "`foo` is not an option"),
            ("dst=/c,volume-opt", "`volume-opt` needs a value"),
            ("dst=/c,volume-opt=device=/d", "`device` of the driver `local` needs `type`"),
            ("dst=/c,volume-opt=o=bind", "`o` of the driver `local` needs `type`"),
            ("dst=/c,volume-opt=size=1g", "limit"),
            ("dst=/c,volume-driver", "`volume-driver` needs a value"),
            ("dst=/c,readwrite", "`readwrite` does not go with a volume"),
            ("dst=/c,bind-create-src", "`bind-create-src` does not go with a volume"),
            ("dst=/c,bind-nonrecursive", "does not go with a volume"),
            ("dst=/c,relabel=shared", "`relabel` does not go with a volume"),
            ("dst=/c,nocreate=no", "`no` is no value for `nocreate`"),
            ("src=v1,dst=/c,volume-nocopy=TRUE", "`TRUE` is no value"),
            ("src=v,dst=/c", "at least two characters"),
        ],
    );
}
