//! All mounts of a container together.

use std::path::Path;

use super::*;

/// The request of a flag; for `--volumes-from` what the donor has, as `-v` says it.
fn asked(flag: Flag, text: &str) -> MountRequest {
    if flag != Flag::VolumesFrom {
        return parse(flag, OsStr::new(text)).unwrap();
    }
    let donated = parse_volume(OsStr::new(text)).unwrap();
    MountRequest { origin: Origin { flag, text: "donor".into() }, ..donated }
}

/// What `-v`, `--mount` and `--tmpfs` words come to: destinations in order, or the error.
fn resolved(flags: &[(Flag, &str)], image: &[&str]) -> Result<String, String> {
    let requests = flags.iter().map(|(flag, text)| asked(*flag, text)).collect();
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
    use Flag::{Mount, Tmpfs, Volume, VolumesFrom};
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
        (&[(Volume, "/x"), (Volume, "/x"), (Volume, "v1:/x")], &[], "/x=v1"),
        (&[(Mount, "dst=/x")], &["/x"], "/x=anonymous"),
        (&[(Mount, "type=image,src=alpine,dst=/x")], &["/x"], "/x=alpine"),
        (&[(Mount, "type=devpts,dst=/x"), (Mount, "type=ramfs,dst=/y")], &["/x"], "/x=devpts /y=ramfs"),
        // Donors: the later one wins, over anonymous volumes too, and gives way to what is asked for.
        (&[(VolumesFrom, "v1:/x"), (VolumesFrom, "v2:/x")], &["/x"], "/x=v2"),
        (&[(VolumesFrom, "v1:/x"), (Volume, "v2:/x")], &[], "/x=v2"),
        (&[(Volume, "v2:/x"), (VolumesFrom, "v1:/x")], &[], "/x=v2"),
        (&[(Tmpfs, "/x"), (VolumesFrom, "v1:/x/")], &[], "/x=tmpfs"),
        (&[(VolumesFrom, "/h:/x"), (Mount, "dst=/x")], &[], "/x=anonymous"),
        (&[(VolumesFrom, "v1:/x"), (Volume, "/x")], &["/x"], "/x=v1"),
        (&[(Volume, "/x"), (VolumesFrom, "v1:/x"), (VolumesFrom, "/h:/x")], &[], "/x=/h"),
        (&[(VolumesFrom, "v1:/x"), (Volume, "v2:/x"), (VolumesFrom, "v3:/x")], &[], "/x=v2"),
        (&[(VolumesFrom, "v1:/a/b"), (Volume, "v2:/a")], &[], "/a=v2 /a/b=v1"),
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
        &[(Mount, "dst=/x"), (Mount, "dst=/x")],
        &[(Mount, "dst=/x,src=v1"), (Volume, "v1:/x")],
        &[(Tmpfs, "/x"), (Tmpfs, "/x"), (Volume, "v1:/x")],
        &[(Volume, "/h:/x"), (Volume, "/h:/x:ro")],
        &[(Volume, "/h:/x"), (Volume, "/h/:/x")],
        &[(Mount, "type=image,src=alpine,dst=/x"), (Volume, "/h:/x")],
        &[(VolumesFrom, "v1:/x"), (Volume, "v2:/x"), (Volume, "v3:/x")],
        &[(Volume, "v2:/x"), (VolumesFrom, "v1:/x"), (Tmpfs, "/x")],
    ];
    for flags in bad {
        let error = resolved(flags, &[]).unwrap_err();
        assert!(error.contains("two mounts at `/x`"), "{error}");
    }
    assert!(resolved(&[], &["/a/.."]).unwrap_err().contains("cannot use `VOLUME /`"));
}

#[test]
fn the_message_about_two_mounts_names_both_flags() {
    let flags = [(Flag::Volume, "v1:/x/"), (Flag::Mount, "type=tmpfs,dst=/x")];
    assert_eq!(
        resolved(&flags, &[]).unwrap_err(),
        "two mounts at `/x`: `-v v1:/x/` and `--mount type=tmpfs,dst=/x` (one mount for each destination: leave out \
         one of those at `/x`)"
    );
}

fn views(flag: Flag, text: &str) -> String {
    let cwd = Path::new("/work/dir");
    let resolved = super::resolve(vec![asked(flag, text)], &[], ImageVolumes::default(), cwd).unwrap();
    resolved.iter().map(ToString::to_string).collect()
}

#[test]
fn every_path_of_the_host_becomes_absolute() {
    for (flag, text, spelling) in [
        (
            Flag::Volume,
            "./h:/c:O,upperdir=./u,workdir=../w",
            "--mount type=bind,dst=/c,src=/work/dir/h,bind-create-src,O,upperdir=/work/dir/u,workdir=/work/w",
        ),
        (
            Flag::Mount,
            "src=v1,dst=/c,O,upperdir=.u/../u,workdir=/w//x",
            "--mount type=volume,dst=/c,src=v1,O,upperdir=/work/dir/u,workdir=/w/x",
        ),
        (Flag::Mount, "type=glob,src=./*.txt,dst=/c", "--mount type=glob,dst=/c,src=/work/dir/*.txt"),
    ] {
        assert_eq!(views(flag, text), spelling);
    }
}

#[test]
fn volumes_of_the_image_become_what_is_asked() {
    for (word, spelling) in [
        ("anonymous", "--mount type=volume,dst=/x"),
        ("bind", "--mount type=volume,dst=/x"),
        ("tmpfs", "--tmpfs /x:exec"),
        ("ignore", ""),
    ] {
        let image_volumes = word.parse::<ImageVolumes>().unwrap();
        let declared = [ContainerPath::parse("/x/").unwrap()];
        let resolved = super::resolve(Vec::new(), &declared, image_volumes, Path::new("/")).unwrap();
        let shown: Vec<_> = resolved.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), spelling, "{word}");
        assert!(resolved.iter().all(|request| request.origin.flag == Flag::Image));
    }
    let error = "volume".parse::<ImageVolumes>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`volume` is no value for `--image-volume`; legal are anonymous bind tmpfs ignore"
    );
}

#[test]
fn a_glob_becomes_a_bind_for_each_match() {
    for (text, path, spelling) in [
        ("type=glob,src=/h/*,dst=/c,ro", "/h/a b", "--mount type=bind,dst=/c/a b,src=/h/a b,ro"),
        ("type=glob,src=/h/*/x,dst=/c", "/h/1/x", "--mount type=bind,dst=/c/x,src=/h/1/x"),
        ("type=glob,src=./*,U", "/work/dir/f", "--mount type=bind,dst=/work/dir/f,src=/work/dir/f,U"),
    ] {
        let request = asked(Flag::Mount, text).for_match(Path::new(path)).unwrap().unwrap();
        assert_eq!(request.to_string(), spelling);
        assert_eq!(request.origin.text, text);
    }
    assert_eq!(asked(Flag::Volume, "v1:/c").for_match(Path::new("/h")), Ok(None));
    let everything = asked(Flag::Mount, "type=glob,src=/,dst=/c");
    assert_eq!(everything.for_match(Path::new("/")), Err(Problem::DestinationIsRoot));
}
