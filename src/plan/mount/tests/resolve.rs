//! All mounts of a container together.

use std::path::Path;

use super::*;

/// What `-v`, `--mount` and `--tmpfs` words come to: destinations in order, or the error.
fn resolved(flags: &[(Flag, &str)], image: &[&str]) -> Result<String, String> {
    let requests = flags.iter().map(|(flag, text)| parse(*flag, OsStr::new(text)).unwrap()).collect();
    let image: Vec<ContainerPath> = image.iter().map(|path| ContainerPath::parse(path).unwrap()).collect();
    let resolved = resolve(requests, &image, ImageVolumes::Anonymous, Path::new("/work/dir"))
        .map_err(|error| explain(&error))?;
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
