//! `--mount type=bind`.

use super::*;

#[test]
fn accepts_what_it_means() {
    accepts(
        Flag::Mount,
        &[
            ("type=bind,src=/h,dst=/c", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,source=/h,target=/c", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,source=/h,destination=/c/,readonly", "--mount type=bind,dst=/c,src=/h,ro"),
            ("TYPE=Bind,Src=./h,DEST=/c,RO", "--mount type=bind,dst=/c,src=./h,ro"),
            (
                "type=bind,src=/h,dst=/c,bind-propagation=RShared",
                "--mount type=bind,dst=/c,src=/h,bind-propagation=rshared",
            ),
            ("type=bind,src=/h,dst=/c,rslave", "--mount type=bind,dst=/c,src=/h,bind-propagation=rslave"),
            ("type=bind,src=/h,dst=/c,bind-recursive=enabled", "--mount type=bind,dst=/c,src=/h"),
            (
                "type=bind,src=/h,dst=/c,bind-recursive=disabled",
                "--mount type=bind,dst=/c,src=/h,bind-recursive=disabled",
            ),
            (
                "type=bind,src=/h,dst=/c,bind-nonrecursive",
                "--mount type=bind,dst=/c,src=/h,bind-recursive=disabled",
            ),
            (
                "type=bind,src=/h,dst=/c,ro,bind-recursive=writable",
                "--mount type=bind,dst=/c,src=/h,ro,bind-recursive=writable",
            ),
            (
                "type=bind,src=/h,dst=/c,bind-recursive=readonly,ro,bind-propagation=rprivate",
                "--mount type=bind,dst=/c,src=/h,ro,bind-recursive=readonly,bind-propagation=rprivate",
            ),
            ("type=bind,src=/h,dst=/c,bind-create-src", "--mount type=bind,dst=/c,src=/h,bind-create-src"),
            ("type=bind,src=/h,dst=/c,bind-create-src=0", "--mount type=bind,dst=/c,src=/h"),
            (
                "type=bind,src=/h,dst=/c,noexec,nosuid,nodev,Z",
                "--mount type=bind,dst=/c,src=/h,noexec,nosuid,nodev",
            ),
            ("type=bind,src=/h,dst=/c,O", "--mount type=bind,dst=/c,src=/h,O"),
            ("type=bind,src=/h,dst=/c,o=true", "--mount type=bind,dst=/c,src=/h,O"),
            ("type=bind,src=/h,dst=/c,O,O=false", "--mount type=bind,dst=/c,src=/h"),
            (
                "type=bind,src=/h,dst=/c,O,upperdir=/u,workdir=/w,U",
                "--mount type=bind,dst=/c,src=/h,O,upperdir=/u,workdir=/w,U",
            ),
            (
                "type=bind,src=/h,dst=/c,O,\"upperdir=./u,1\",workdir=./w",
                "--mount type=bind,dst=/c,src=/h,O,\"upperdir=./u,1\",workdir=./w",
            ),
            ("type=bind,src=/h,dst=/c,cow", "--mount type=bind,dst=/c,src=/h,cow"),
            ("type=bind,src=/h,dst=/c,COW=1,nodev", "--mount type=bind,dst=/c,src=/h,nodev,cow"),
            ("type=bind,src=/h,dst=/c,cow,cow=false", "--mount type=bind,dst=/c,src=/h"),
            (
                "type=bind,src=/h,dst=/c,cow,bind-create-src",
                "--mount type=bind,dst=/c,src=/h,bind-create-src,cow",
            ),
            ("type=bind,src=/h,dst=/c,U", "--mount type=bind,dst=/c,src=/h,U"),
            ("type=bind,src=/h,dst=/c,chown=true", "--mount type=bind,dst=/c,src=/h,U"),
            ("type=bind,src=/h,dst=/c,U,chown=false", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,src=/h,dst=/c,no-dereference", "--mount type=bind,dst=/c,src=/h,no-dereference"),
            ("type=bind,src=/h,dst=/c,no-dereference=false", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,src=/h,dst=/c,relabel=shared", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,src=/h,dst=/c,relabel=private,Z", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,src=/h,dst=/c,bind-nonrecursive=false", "--mount type=bind,dst=/c,src=/h"),
            (
                "type=bind,src=/h,dst=/c,bind-nonrecursive=1",
                "--mount type=bind,dst=/c,src=/h,bind-recursive=disabled",
            ),
            (
                "type=bind,src=/h,dst=/c,ro,bind-recursive=disabled",
                "--mount type=bind,dst=/c,src=/h,ro,bind-recursive=disabled",
            ),
            (
                "type=bind,src=/h,dst=/c,unbindable",
                "--mount type=bind,dst=/c,src=/h,bind-propagation=unbindable",
            ),
            (
                "type=bind,src=/h,dst=/c,bind-propagation=runbindable,rprivate",
                "--mount type=bind,dst=/c,src=/h",
            ),
            ("dst=/c,type=bind,src=/h", "--mount type=bind,dst=/c,src=/h"),
            ("type=volume,src=/h,dst=/c,type=bind", "--mount type=bind,dst=/c,src=/h"),
        ],
    );
}

#[test]
fn refuses_the_rest() {
    refuses(
        Flag::Mount,
        &[
            ("type=bind,src=/h", "no destination"),
            ("type=bind,dst=/c", "needs a `source`"),
            ("type=bind,src=h,dst=/c", "must begin with `/` or `.`"),
            ("type=bind,src=/h,dst=/c,volume-nocopy", "does not go with a bind"),
            ("type=bind,src=/h,dst=/c,tmpcopyup", "does not go with a bind"),
            ("type=bind,src=/h,dst=/c,bind-propagation=x", "`x` is no value for `bind-propagation`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=x", "no value for `bind-recursive`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=writable", "needs `readonly`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=readonly,ro", "`bind-propagation=rprivate`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=readonly,bind-propagation=rprivate", "needs `readonly`"),
            ("type=bind,src=/h,dst=/c,z=true", "takes no value"),
            ("type=bind,src=/h,dst=/c,idmap", "needs privileges"),
            ("type=bind,src=/h,dst=/c,O,ro", "`O` does not go together with `ro`; beside `O`"),
            ("type=bind,src=/h,dst=/c,cow,readonly", "`cow` does not go together with `ro`"),
            ("type=bind,src=/h,dst=/c,cow,U", "`cow` does not go together with `U`"),
            ("type=bind,src=/h,dst=/c,cow,rslave", "`cow` does not go together with `rslave`"),
            (
                "type=bind,src=/h,dst=/c,O,bind-recursive=disabled",
                "`O` does not go together with `bind-recursive`",
            ),
            ("type=bind,src=/h,dst=/c,O,no-dereference", "together with `no-dereference`"),
            ("type=bind,src=/h,dst=/c,upperdir=/u", "`upperdir=` needs `O`"),
            ("type=bind,src=/h,dst=/c,O,upperdir=/u", "needs `workdir=`"),
            ("type=bind,src=/h,dst=/c,O,upperdir=u,workdir=/w", "`u` is no value for `upperdir`"),
            ("type=bind,src=/h,dst=/c,O,upperdir", "`upperdir` needs a value"),
            ("type=bind,src=/h,dst=/c,U=yes", "`yes` is no value for `U`; legal are true 1 false 0"),
            ("type=bind,src=/h,dst=/c,idmap=uids=0-1-2", "`idmap` needs privileges"),
            ("type=bind,src=/h,dst=/c,relabel=z", "`z` is no value for `relabel`; legal are shared private"),
            ("type=bind,src=/h,dst=/c,relabel", "`relabel` needs a value"),
            ("type=bind,src=/h,dst=/c,subpath=a", "`subpath` does not go with a bind"),
            ("type=bind,src=/h,dst=/c,volume-opt=type=x", "`volume-opt` does not go with a bind"),
            ("type=bind,src=/h,dst=/c,uid=0", "`uid` does not go with a bind"),
            ("type=bind,src=/h,dst=/c,nocreate", "`nocreate` does not go with a bind"),
            ("type=bind,src=/h,dst=/c,tmpfs-mode=7", "does not go with a bind"),
            (
                "type=bind,src=/h,dst=/c,bind-recursive=Enabled",
                "no value for `bind-recursive`; legal are enabled disabled writable readonly",
            ),
            ("type=bind,src=/h,dst=/c,bind-recursive", "needs a value"),
            ("type=bind,src=/h,dst=/c,bind-propagation", "needs a value"),
            ("type=bind,src=/h,dst=/c,readonly=", "`readonly` needs a value"),
            ("type=bind,src=~/x,dst=/c", "must begin with `/` or `.`"),
            ("type=bind,src=/h\0,dst=/c", "NUL"),
        ],
    );
}
