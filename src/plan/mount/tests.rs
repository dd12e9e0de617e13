//! Every row of the grammar as a line of a table: a text, and the same request in its shortest spelling, which
//! says everything that is not a default; or a part of the error.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::*;

fn parse(flag: Flag, text: &OsStr) -> Result<MountRequest, MountError> {
    match flag {
        Flag::Volume => parse_volume(text),
        Flag::Mount => parse_mount(text),
        Flag::Tmpfs | Flag::Image | Flag::VolumesFrom => parse_tmpfs(text),
    }
}

/// The message with all its causes, and the hint.
fn explain(error: &MountError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    format!("{text} ({})", error.hint().unwrap_or_default())
}

fn accepts(flag: Flag, rows: &[(&str, &str)]) {
    for (text, spelling) in rows {
        let request = parse(flag, OsStr::new(text)).unwrap_or_else(|error| panic!("{}", explain(&error)));
        assert_eq!(request.to_string(), *spelling, "{flag} {text}");
        assert_eq!((request.origin.flag, request.origin.text.to_str()), (flag, Some(*text)));
        let (flag, value) = request.to_flag();
        let again = parse(flag, &value).unwrap_or_else(|error| panic!("{}", explain(&error)));
        assert_eq!((again.destination, again.kind), (request.destination, request.kind), "{value:?}");
    }
}

fn refuses(flag: Flag, rows: &[(&str, &str)]) {
    for (text, part) in rows {
        let error = parse(flag, OsStr::new(text)).map(|request| panic!("{text:?} is {request}")).unwrap_err();
        let message = explain(&error);
        assert!(message.contains(part), "{text:?}: {message}");
        assert!(message.starts_with(&format!("cannot use `{flag} ")), "{message}");
    }
}

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
            ("/h:/c:O", "`O` is not supported yet"),
            ("/h:/c:O,upperdir=/u", "`O` is not supported yet"),
            ("/h:/c:U", "minirun unshare"),
            ("/h:/c:idmap", "`idmap` is not supported yet"),
            ("/h:/c:idmap=uids=0-1-2", "`idmap` is not supported yet"),
            ("/h:/c:no-dereference", "`no-dereference` is not supported yet"),
            ("v1:/c:size=1m", "`size=1m` is unknown"),
            ("v1:/c:mode=1", "unknown"),
            ("v1:/c:noatime", "unknown"),
            ("v1:/c\0d", "NUL"),
            ("/h\0:/c", "NUL"),
            ("v\0:/c", "not a volume name"),
        ],
    );
}

#[test]
fn mount_flag_accepts() {
    accepts(
        Flag::Mount,
        &[
            ("type=bind,src=/h,dst=/c", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,source=/h,target=/c", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,source=/h,destination=/c/,readonly", "--mount type=bind,dst=/c,src=/h,ro"),
            ("TYPE=Bind,Src=./h,DEST=/c,RO", "--mount type=bind,dst=/c,src=./h,ro"),
            ("src=vol,dst=/c", "--mount type=volume,dst=/c,src=vol"),
            ("dst=/c", "--mount type=volume,dst=/c"),
            ("type=volume,dst=/c,ro=true", "--mount type=volume,dst=/c,ro"),
            ("dst=/c,ro=1,ro=0", "--mount type=volume,dst=/c"),
            ("dst=/c,readonly=false", "--mount type=volume,dst=/c"),
            ("dst=/c,rw=false", "--mount type=volume,dst=/c,ro"),
            ("dst=/c,ro,rw", "--mount type=volume,dst=/c"),
            ("dst=/a,dst=/b,src=v1,src=v2", "--mount type=volume,dst=/b,src=v2"),
            ("dst=/c,type=tmpfs,type=volume", "--mount type=volume,dst=/c"),
            ("dst=/c,consistency=whatever", "--mount type=volume,dst=/c"),
            ("dst=/c\n", "--mount type=volume,dst=/c"),
            ("type=bind,\"src=/a,b\",dst=/c", "--mount type=bind,dst=/c,\"src=/a,b\""),
            ("type=bind,\"src=/a\"\"b\",dst=/c", "--mount type=bind,dst=/c,\"src=/a\"\"b\""),
            ("type=bind,\"src=/a\nb\",dst=/c", "--mount type=bind,dst=/c,\"src=/a\nb\""),
            ("type=bind,src=/a b=c:d,dst=/c", "--mount type=bind,dst=/c,src=/a b=c:d"),
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
            ("src=v1,dst=/c,volume-nocopy", "--mount type=volume,dst=/c,src=v1,volume-nocopy"),
            ("src=v1,dst=/c,volume-nocopy=false", "--mount type=volume,dst=/c,src=v1"),
            ("src=v1,dst=/c,nocreate,volume-driver=local", "--mount type=volume,dst=/c,src=v1,nocreate"),
            (
                "src=v1,dst=/c,volume-label=a=b=c,volume-label=d,\"volume-label=e=f,g\",volume-label=a=z",
                "--mount type=volume,dst=/c,src=v1,volume-label=d=,\"volume-label=e=f,g\",volume-label=a=z",
            ),
            ("type=tmpfs,dst=/c", "--tmpfs /c"),
            ("type=tmpfs,dst=/c,tmpfs-size=64m,tmpfs-mode=1770", "--tmpfs /c:size=67108864,mode=1770"),
            ("type=tmpfs,dst=/c,tmpfs-size=1.5KiB,tmpfs-mode=0700", "--tmpfs /c:size=1536,mode=0700"),
            ("type=tmpfs,dst=/c,tmpfs-size=10%", "--tmpfs /c:size=10%"),
            ("type=tmpfs,dst=/c,tmpfs-size=0,tmpfs-mode=0", "--tmpfs /c"),
            ("type=tmpfs,dst=/c,readonly,exec,tmpcopyup,shared", "--tmpfs /c:ro,exec,tmpcopyup,shared"),
            ("type=tmpfs,dst=/c,tmpcopyup,notmpcopyup", "--tmpfs /c"),
            ("type=tmpfs,dst=/c:d,tmpfs-size=1,suid", "--mount type=tmpfs,dst=/c:d,suid,tmpfs-size=1"),
        ],
    );
}

#[test]
fn mount_flag_refuses() {
    refuses(
        Flag::Mount,
        &[
            ("", "empty"),
            ("type=bind,src=\"/a\",dst=/c", "quote inside"),
            ("\"type=bind,src=/a,dst=/c", "not closed"),
            ("\"dst=/c\"x", "after a closing quote"),
            ("dst=/c\ndst=/d", "line break"),
            (" dst=/c", "blank"),
            ("dst=/c, ro", "blank"),
            ("dst =/c", "blank"),
            ("dst= /c", "blank"),
            ("dst=/c ", "blank"),
            ("dst=/c,", "empty word"),
            ("dst=/c,,ro", "empty word"),
            ("=x,dst=/c", "empty word"),
            ("dst=", "`dst` needs a value"),
            ("dst", "`dst` needs a value"),
            ("src=,dst=/c", "`src` needs a value"),
            ("dst=/c,consistency", "`consistency` needs a value"),
            ("dst=/c,consistency=", "`consistency` needs a value"),
            ("type,dst=/c", "`type` needs a value"),
            ("dst=/c,bogus=1", "`bogus` is unknown for a volume; legal are type source"),
            ("dst=/c,bogus", "unknown"),
            ("dst=/c,ro=True", "`True` is no value for `ro`; legal are true 1 false 0"),
            ("dst=/c,ro=yes", "no value for `ro`"),
            ("type=bogus,dst=/c", "legal are bind volume tmpfs"),
            ("type=image,src=a,dst=/c", "`type=image` is not supported yet"),
            ("type=ramfs,dst=/c", "not supported yet"),
            ("type=devpts,dst=/c", "not supported yet"),
            ("type=glob,src=/a*,dst=/c", "not supported yet"),
            ("type=cluster,dst=/c", "not supported yet"),
            ("type=npipe,dst=/c", "not supported yet"),
            ("type=artifact,dst=/c", "not supported yet"),
            ("type=bind,src=/h", "no destination"),
            ("type=bind,dst=/c", "needs a `source`"),
            ("type=bind,src=h,dst=/c", "must begin with `/` or `.`"),
            ("src=/h,dst=/c", "use `type=bind,src=/h`"),
            ("src=v,dst=/c", "not a volume name"),
            ("dst=c", "not absolute"),
            ("dst=/a/..", "destination is `/`"),
            ("type=tmpfs,src=x,dst=/c", "`src` does not go with a tmpfs"),
            ("type=tmpfs,dst=/c,bind-recursive=enabled", "does not go with a tmpfs"),
            ("dst=/c,bind-propagation=shared", "does not go with a volume"),
            ("dst=/c,shared", "does not go with a volume"),
            ("dst=/c,tmpfs-size=1", "does not go with a volume"),
            ("type=bind,src=/h,dst=/c,volume-nocopy", "does not go with a bind"),
            ("type=bind,src=/h,dst=/c,tmpcopyup", "does not go with a bind"),
            ("type=tmpfs,dst=/c,z", "does not go with a tmpfs"),
            ("type=bind,src=/h,dst=/c,bind-propagation=x", "`x` is no value for `bind-propagation`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=x", "no value for `bind-recursive`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=writable", "needs `readonly`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=readonly,ro", "`bind-propagation=rprivate`"),
            ("type=bind,src=/h,dst=/c,bind-recursive=readonly,bind-propagation=rprivate", "needs `readonly`"),
            ("type=bind,src=/h,dst=/c,z=true", "takes no value"),
            ("dst=/c,noexec=false", "takes no value"),
            ("type=tmpfs,dst=/c,tmpfs-size=-1", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-size=1x", "no value for `tmpfs-size`"),
            ("type=tmpfs,dst=/c,tmpfs-mode=8", "no value for `tmpfs-mode`"),
            ("type=tmpfs,dst=/c,tmpfs-mode=10000", "no value for `tmpfs-mode`"),
            ("type=tmpfs,dst=/c,size=1", "unknown for a tmpfs"),
            ("dst=/c,nocreate", "needs the name of a volume"),
            ("dst=/c,volume-driver=nfs", "`nfs` is no value for `volume-driver`; legal are local"),
            ("dst=/c,volume-label==b", "not a label"),
            ("dst=/c,volume-opt=type=nfs", "`volume-opt` is not supported yet"),
            ("src=v1,dst=/c,volume-subpath=a", "`volume-subpath` is not supported yet"),
            ("dst=/c,u", "`U` is not supported yet"),
            ("dst=/c,chown=true", "not supported yet"),
            ("type=bind,src=/h,dst=/c,relabel=shared", "not supported yet"),
            ("type=bind,src=/h,dst=/c,idmap", "not supported yet"),
            ("type=tmpfs,dst=/c,noswap", "not supported yet"),
            ("type=bind,src=/h\0,dst=/c", "NUL"),
        ],
    );
}

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
            ("/t:remount", "unknown"),
            ("/t:bind", "unknown"),
            ("/t:rbind", "unknown"),
            ("/t:RO", "unknown"),
            ("/t:size=1m:ro", "no value for `size`"),
            ("/t:noswap", "`noswap` is not supported yet"),
            ("/t:U", "not supported yet"),
        ],
    );
}

/// What `-v`, `--mount` and `--tmpfs` words come to: destinations in order, or the error.
fn resolved(flags: &[(Flag, &str)], image: &[&str]) -> Result<String, String> {
    let requests = flags.iter().map(|(flag, text)| parse(*flag, OsStr::new(text)).unwrap()).collect();
    let image: Vec<ContainerPath> = image.iter().map(|path| ContainerPath::parse(path).unwrap()).collect();
    let resolved = resolve(requests, &image, Path::new("/work/dir")).map_err(|error| explain(&error))?;
    let shown: Vec<String> = resolved
        .iter()
        .map(|request| {
            let what = match &request.kind {
                MountKind::Bind(bind) | MountKind::Glob(bind) => bind.source.display().to_string(),
                MountKind::Image(image) => image.image.clone(),
                MountKind::Devpts(_) | MountKind::Ramfs(_) => request.kind.name().to_owned(),
                MountKind::Volume(volume) => {
                    volume.name.as_ref().map_or("anonymous".into(), ToString::to_string)
                }
                MountKind::Tmpfs(tmpfs) => {
                    tmpfs.options.get(&TmpfsKey::Size).map_or("tmpfs".into(), Clone::clone)
                }
            };
            format!("{}={what}", request.destination)
        })
        .collect();
    Ok(shown.join(" "))
}

#[test]
fn duplicates_precedence_and_order() {
    use Flag::{Mount, Tmpfs, Volume};
    type Row<'a> = (&'a [(Flag, &'a str)], &'a [&'a str], &'a str);
    let good: &[Row<'_>] = &[
        (&[], &[], ""),
        (&[(Volume, "v1:/x"), (Volume, "v1:/x")], &[], "/x=v1"),
        (&[(Volume, "/x"), (Volume, "/x")], &[], "/x=anonymous"),
        (&[(Tmpfs, "/x:size=1"), (Tmpfs, "/x/:size=2")], &[], "/x=2"),
        (&[(Volume, "/x"), (Volume, "v1:/x")], &[], "/x=v1"),
        (&[(Volume, "/h:/x"), (Volume, "/x")], &[], "/x=/h"),
        (&[(Volume, "/x"), (Tmpfs, "/x")], &[], "/x=tmpfs"),
        (&[(Mount, "dst=/x,src=v1"), (Volume, "/x/")], &[], "/x=v1"),
        (&[(Volume, "v1:/x")], &["/x", "/x/"], "/x=v1"),
        (&[(Tmpfs, "/x")], &["/x"], "/x=tmpfs"),
        (&[(Volume, "/x")], &["/x", "/y", "/y"], "/y=anonymous /x=anonymous"),
        (
            &[(Volume, "v1:/a/b/c"), (Volume, "v2:/b"), (Tmpfs, "/a/b"), (Mount, "dst=/a,src=v3")],
            &["/a/z"],
            "/b=v2 /a=v3 /a/z=anonymous /a/b=tmpfs /a/b/c=v1",
        ),
        (
            &[(Volume, "./x:/1"), (Volume, "..:/2"), (Volume, ".:/3"), (Volume, "/a/../b/./c/:/4")],
            &[],
            "/1=/work/dir/x /2=/work /3=/work/dir /4=/b/c",
        ),
        (&[(Mount, "type=bind,src=../../../../x,dst=/1")], &[], "/1=/x"),
    ];
    for (flags, image, wanted) in good {
        assert_eq!(resolved(flags, image).as_deref(), Ok(*wanted), "{flags:?}");
    }
    let bad: &[&[(Flag, &str)]] = &[
        &[(Volume, "v1:/x"), (Volume, "v2:/x")],
        &[(Volume, "v1:/x"), (Volume, "v1:/x:ro")],
        &[(Volume, "v1:/x"), (Volume, "v1:/x/")],
        &[(Volume, "/x"), (Volume, "/x/")],
        &[(Volume, "v1:/x"), (Mount, "src=v1,dst=/x")],
        &[(Volume, "v1:/x"), (Tmpfs, "/x")],
        &[(Mount, "src=v1,dst=/x"), (Mount, "src=v1,dst=/x")],
        &[(Mount, "src=v1,dst=/x"), (Tmpfs, "/x")],
        &[(Mount, "type=tmpfs,dst=/x"), (Tmpfs, "/x")],
    ];
    for flags in bad {
        let error = resolved(flags, &[]).unwrap_err();
        assert!(error.contains("two mounts at `/x`"), "{error}");
    }
    assert!(resolved(&[], &["/a/.."]).unwrap_err().contains("cannot use `VOLUME /`"));
}

#[test]
fn bytes_that_are_not_utf8_stay_as_they_are() {
    for (flag, text) in [
        (Flag::Volume, &b"/h\xff:/c\xfe"[..]),
        (Flag::Mount, b"type=bind,src=/h\xff,dst=/c\xfe,bind-create-src"),
    ] {
        let request = parse(flag, OsStr::from_bytes(text)).unwrap();
        assert_eq!(request.destination.as_os_str().as_bytes(), b"/c\xfe");
        let MountKind::Bind(bind) = &request.kind else { panic!("{request}") };
        assert_eq!(bind.source.as_os_str().as_bytes(), b"/h\xff");
        let (flag, value) = request.to_flag();
        assert_eq!(parse(flag, &value).unwrap().kind, request.kind);
    }
    let tmpfs = parse_tmpfs(OsStr::from_bytes(b"/t\xff:ro")).unwrap();
    assert_eq!(tmpfs.destination.as_os_str().as_bytes(), b"/t\xff");
    assert!(parse_volume(OsStr::from_bytes(b"v\xff:/c")).is_err());
    assert!(parse_volume(OsStr::from_bytes(b"v1:/c:\xff")).is_err());
    assert!(parse_mount(OsStr::from_bytes(b"\xff=1,dst=/c")).is_err());
}

/// The same numbers on each run: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

#[test]
fn no_input_panics_and_what_parses_prints_and_parses_again() {
    const PIECES: [&[u8]; 36] = [
        b":",
        b",",
        b"=",
        b"/",
        b".",
        b"..",
        b"\"",
        b"\n",
        b" ",
        b"\0",
        b"\xff",
        b"ro",
        b"rw",
        b"z",
        b"O",
        b"v1",
        b"/c",
        b"/h",
        b"type=",
        b"bind",
        b"volume",
        b"tmpfs",
        b"src=",
        b"dst=",
        b"size=",
        b"64m",
        b"%",
        b"exec",
        b"shared",
        b"bind-recursive=",
        b"volume-label=",
        b"tmpfs-size=",
        b"nocopy",
        b"9999999999999999999999",
        "ä".as_bytes(),
        b"tmpcopyup",
    ];
    const SEEDS: [&[u8]; 6] = [
        b"",
        b"/h:/c:ro",
        b"v1:/c:nocopy",
        b"type=bind,src=/h,dst=/c,ro",
        b"src=v1,dst=/c",
        b"/t:size=64m,exec",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut parsed = 0;
    for round in 0..60_000 {
        let mut text = SEEDS[round % SEEDS.len()].to_vec();
        for _ in 0..=random.below(5) {
            let at = random.below(text.len() + 1);
            match random.below(4) {
                0 if at < text.len() => drop(text.remove(at)),
                1 => text.truncate(at.max(1)),
                _ => drop(text.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            }
        }
        for flag in [Flag::Volume, Flag::Mount, Flag::Tmpfs] {
            let Ok(request) = parse(flag, OsStr::from_bytes(&text)) else { continue };
            parsed += 1;
            assert!(!request.destination.is_root());
            let (flag, value) = request.to_flag();
            let again = match parse(flag, &value) {
                // The one thing that `--mount` cannot say.
                Err(MountError::Spec { problem: Problem::Blank(_), .. }) => continue,
                again => again.unwrap_or_else(|error| panic!("{}", explain(&error))),
            };
            assert_eq!((again.destination, again.kind), (request.destination, request.kind), "{value:?}");
        }
    }
    assert!(parsed > 5_000, "only {parsed} texts parsed");
}
