//! `--mount` of the types image, devpts, ramfs and glob.

use super::*;

#[test]
fn accepts_what_it_means() {
    accepts(
        Flag::Mount,
        &[
            ("type=image,src=alpine,dst=/c", "--mount type=image,dst=/c,src=alpine"),
            ("type=image,src=alpine:3,dst=/c,ro", "--mount type=image,dst=/c,src=alpine:3"),
            (
                "type=image,source=example.test/a:1,target=/c,rw",
                "--mount type=image,dst=/c,src=example.test/a:1,rw",
            ),
            ("type=image,src=alpine,dst=/c,readwrite=true", "--mount type=image,dst=/c,src=alpine,rw"),
            ("type=image,src=alpine,dst=/c,rw=true,rw=false", "--mount type=image,dst=/c,src=alpine"),
            ("type=image,src=alpine,dst=/c,readonly=false", "--mount type=image,dst=/c,src=alpine"),
            ("type=image,src=alpine,dst=/c,rw,ro", "--mount type=image,dst=/c,src=alpine"),
            ("type=image,src=alpine,dst=/c,rw,ro=false", "--mount type=image,dst=/c,src=alpine,rw"),
            (
                "type=image,src=alpine,dst=/c,image-subpath=etc/apk",
                "--mount type=image,dst=/c,src=alpine,image-subpath=etc/apk",
            ),
            (
                "type=image,src=alpine,dst=/c,subpath=/etc//apk/,noexec",
                "--mount type=image,dst=/c,src=alpine,noexec,image-subpath=etc/apk",
            ),
            ("type=image,src=oci:./layout:1,dst=/c", "--mount type=image,dst=/c,src=oci:./layout:1"),
            ("type=devpts,dst=/c", "--mount type=devpts,dst=/c"),
            (
                "type=devpts,dst=/c,uid=0,gid=5,mode=620,ptmxmode=0666,newinstance,max=10",
                "--mount type=devpts,dst=/c,gid=5,max=10,mode=0620,ptmxmode=0666,uid=0",
            ),
            ("type=devpts,dst=/c,ro,exec,suid", "--mount type=devpts,dst=/c,ro,exec,suid"),
            ("type=ramfs,dst=/c", "--mount type=ramfs,dst=/c"),
            (
                "type=ramfs,dst=/c,tmpfs-mode=700,tmpcopyup,exec,ro,U",
                "--mount type=ramfs,dst=/c,ro,exec,tmpfs-mode=0700,tmpcopyup,U",
            ),
            ("type=glob,src=/h/*.conf,dst=/c", "--mount type=glob,dst=/c,src=/h/*.conf"),
            ("type=glob,src=./x?,ro", "--mount type=glob,src=./x?,ro"),
            (
                "type=glob,src=/h/[ab]*,dst=/c,U,noexec,rslave,no-dereference",
                "--mount type=glob,dst=/c,src=/h/[ab]*,noexec,bind-propagation=rslave,no-dereference,U",
            ),
        ],
    );
}

#[test]
fn refuses_the_rest() {
    refuses(
        Flag::Mount,
        &[
            ("type=image,src=alpine,dst=/c,O", "`O` does not go with an image"),
            ("type=glob,src=/h*,cow", "`cow` does not go with a glob"),
            ("type=devpts,dst=/c,U", "`U` does not go with a devpts"),
            ("type=image,src=alpine,dst=/c,U", "`U` does not go with an image"),
            ("type=image,src=alpine,dst=/c,image-subpath=/etc", "`/etc` is absolute"),
            (
                "type=image,src=alpine,dst=/c,image-subpath=/etc",
                "(it starts at the root of what is mounted: `etc`)",
            ),
            ("type=image,src=alpine,dst=/c,subpath=../x", "leads out"),
            ("type=image,dst=/c", "an image needs a `source`"),
            ("type=image,src=A B,dst=/c", "`A B` names no image"),
            ("type=image,src=/h,dst=/c", "names no image"),
            ("type=image,src=oci:,dst=/c", "no path behind `oci:`"),
            (
                "type=image,src=alpine,dst=/c,bind-propagation=shared",
                "`bind-propagation` does not go with an image",
            ),
            ("type=image,src=alpine,dst=/c,shared", "`shared` does not go with an image"),
            ("type=image,src=alpine", "no destination"),
            ("type=devpts,src=/h,dst=/c", "`src` does not go with a devpts"),
            ("type=devpts,dst=/c,uid=x", "`x` is no value for `uid`; legal are a number below"),
            ("type=devpts,dst=/c,gid=4294967295", "no value for `gid`"),
            ("type=devpts,dst=/c,mode=9", "no value for `mode`"),
            ("type=devpts,dst=/c,ptmxmode", "`ptmxmode` needs a value"),
            ("type=devpts,dst=/c,max=-1", "no value for `max`"),
            ("type=devpts", "no destination"),
            ("type=ramfs,dst=/c,tmpfs-size=1m", "`tmpfs-size` does not go with a ramfs"),
            ("type=ramfs,src=x,dst=/c", "`src` does not go with a ramfs"),
            ("type=ramfs,dst=/c,noswap", "needs privileges"),
            ("type=ramfs,dst=/c,shared", "`shared` does not go with a ramfs"),
            ("type=glob,dst=/c", "a glob needs a `source`"),
            ("type=glob,src=x*,dst=/c", "`./x*`"),
            ("type=glob,src=/h*,dst=/", "destination is `/`"),
            ("type=glob,src=/h*,bind-create-src", "`bind-create-src` does not go with a glob"),
        ],
    );
}
