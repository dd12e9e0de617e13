//! `--mount`: the record, its fields, and what all types share.

use super::*;

#[test]
fn accepts_what_it_means() {
    accepts(
        Flag::Mount,
        &[
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
            ("type=bind,src=/h,dst=/c,consistency=cached", "--mount type=bind,dst=/c,src=/h"),
            ("type=bind,src=/h,dst=/c\r\n", "--mount type=bind,dst=/c,src=/h"),
            (
                "src=v1,dst=/c,volume-opt=type=nfs,\"volume-opt=o=addr=1.2.3.4,rw\",volume-opt=device=:/p",
                "--mount type=volume,dst=/c,src=v1,volume-opt=device=:/p,\"volume-opt=o=addr=1.2.3.4,rw\",volume-opt=type=nfs",
            ),
            ("src=v1,dst=/c,readonly=1", "--mount type=volume,dst=/c,src=v1,ro"),
        ],
    );
}

#[test]
fn refuses_the_rest() {
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
            ("dst=/c,consistency", "`consistency` needs a value"),
            ("dst=/c,consistency=", "`consistency` needs a value"),
            ("type,dst=/c", "`type` needs a value"),
            ("dst=/c,bogus=1", "`bogus` is unknown for a volume; legal are type source"),
            ("dst=/c,bogus", "unknown"),
            ("dst=/c,ro=True", "`True` is no value for `ro`; legal are true 1 false 0"),
            ("dst=/c,ro=yes", "no value for `ro`"),
            ("type=bogus,dst=/c", "legal are bind volume tmpfs image"),
            ("type=cluster,dst=/c", "not supported"),
            ("type=npipe,dst=/c", "not supported"),
            ("type=artifact,dst=/c", "not supported"),
            ("dst=c", "not absolute"),
            ("dst=/a/..", "destination is `/`"),
            ("dst=/c,bind-propagation=shared", "does not go with a volume"),
            ("dst=/c,rw=2", "`2` is no value for `rw`"),
            ("type=,dst=/c", "`type` needs a value"),
            (
                "type=volumes,dst=/c",
                "`volumes` is no value for `type`; legal are bind volume tmpfs image devpts ramfs glob",
            ),
        ],
    );
}
