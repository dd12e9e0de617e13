//! What people type at first, and what they are told to type instead.

use super::*;

#[test]
fn volume_flag() {
    refuses(
        Flag::Volume,
        &[
            ("/path:ro", "options stand behind the destination: `/path:/PATH:ro`"),
            ("data:ro,z", "options stand behind the destination: `data:/PATH:ro,z`"),
            ("data", "say where in the container: `data:/PATH`"),
            ("./data", "say where in the container: `./data:/PATH`"),
            ("data:dir", "begins with `/`: `/dir`"),
            ("data:./dir", "begins with `/`: `/dir`"),
            ("~/x:/y", "the shell replaces `~` only at the start of an unquoted word"),
            ("$HOME:/x", "the shell replaces variables, but not between single quotes"),
            ("$PWD/a:/x", "the shell replaces variables"),
            ("C:\\x:/y", "there are no drive letters here"),
            ("C:/x:/y", "there are no drive letters here"),
            ("c:\\x", "there are no drive letters here"),
            ("x:/y", "at least two characters"),
            ("x/y:/c", "`./x/y`"),
            ("a\\b:/c", "not a volume name"),
            ("/a:/b:/c:ro", "--mount type=bind,src=SOURCE,dst=DESTINATION"),
            ("type=bind,src=/x,dst=/y", "that is a value for `--mount type=bind,src=/x,dst=/y`"),
            ("/h:/c:RO", "in lower case: `ro`"),
            ("/h:/c:readonly", "the word is `ro`"),
            ("/h:/c:size=1m", "`--tmpfs /PATH:size=1m`"),
            ("/h:/c:nocopy", "a bind shows what the host has"),
            ("v1:/c:rslave", "nothing of the host can be mounted below a volume"),
            (".:/c:nocreate", "an error with `--mount type=bind`"),
            ("v1:/c:no-dereference", "`v1` is the name of a volume; a directory here is `./v1`"),
            ("v1:/c:rbind", "a directory here is `./v1`"),
            ("/h:/c:rsharde", "perhaps `rshared`"),
            ("", "cannot use `-v ''`"),
        ],
    );
}

#[test]
fn mount_flag() {
    refuses(
        Flag::Mount,
        &[
            ("src=/x,dst=/y", "for a directory of the host use `type=bind,src=/x`"),
            ("src=./x,dst=/y", "for a directory of the host use `type=bind,src=./x`"),
            ("source=~/x,dst=/y", "the shell replaces `~`"),
            ("source=$HOME,dst=/y", "the shell replaces variables"),
            ("type=bind,source=rel,dst=/y", "`./rel`; a volume of that name needs `type=volume`"),
            ("type=bind,source=rel/x,dst=/y", "`./rel/x`"),
            ("type=bind,source=~/x,dst=/y", "the shell replaces `~`"),
            (
                "type=bind,src=/x,dst=/y,readonly=yes",
                "`yes` is no value for `readonly`; legal are true 1 false 0",
            ),
            ("type=bind,src=/x", "add `dst=/PATH`"),
            ("type=bind,src=/x,dst=y", "begins with `/`: `/y`"),
            ("/x:/y", "that is a value for `-v /x:/y`"),
            ("data:/y", "that is a value for `-v data:/y`"),
            ("type=tmpfs,dst=/y,size=1m", "the key is `tmpfs-size`"),
            ("type=tmpfs,dst=/y,mode=700", "the key is `tmpfs-mode`"),
            ("src=v1,dst=/y,nocopy", "the key is `volume-nocopy`"),
            ("src=v1,dst=/y,label=a", "the key is `volume-label`"),
            ("type=bind,src=/x,dst=/y,rbind", "the key is `bind-recursive=enabled`"),
            ("type=bind,src=/x,dst=/y,propagation=shared", "the key is `bind-propagation`"),
            ("type=bind src=/x dst=/y", "commas and no blanks stand between the keys"),
            ("type=bind, src=/x, dst=/y", "has a blank around its key or value"),
            ("src=v1,dst=/y,volume-label==x", "bad `volume-label`"),
            ("typ=bind,src=/x,dst=/y", "perhaps `type`"),
            ("type=bnid,src=/x,dst=/y", "perhaps `bind`"),
            ("type=bind,scr=/x,dst=/y", "perhaps `src`"),
            ("type=bind,src=/x,dst=/y,read-only", "the key is `readonly`"),
            ("type=bind,src=/x,dst=/y,bind-recursive=Disabled", "perhaps `disabled`"),
            ("type=bind,src=/x,dst=/y,bind-propogation=shared", "perhaps `bind-propagation`"),
        ],
    );
}

#[test]
fn tmpfs_flag() {
    refuses(
        Flag::Tmpfs,
        &[
            ("size=1m", "options stand behind the destination: `--tmpfs /PATH:size=1m`"),
            ("tmp", "begins with `/`: `/tmp`"),
            ("/t:size=1MB", "the kernel takes `size=1m`"),
            ("/t:size=1GiB", "the kernel takes `size=1g`"),
            ("/t:64m", "the size is said as `size=64m`"),
            ("/t:RO", "in lower case: `ro`"),
            ("/t:szie=1m", "perhaps `size`"),
            ("/t:mpol=foo", "`foo` is no value for `mpol`; legal are default, local, prefer"),
            ("/t:mpol=bind", "`bind` is no value for `mpol`"),
            ("/t:mpol=local:0", "`local:0` is no value for `mpol`"),
            ("/t:mpol=prefer=foo:0", "is no value for `mpol`"),
            ("/t:mpol=interleave:x", "is no value for `mpol`"),
        ],
    );
}
