use serde_json::json;

use super::*;

fn render(text: &str) -> Result<String, TemplateError> {
    let object = json!({
        "Name": "x",
        "State": {"ExitCode": 7, "Dead": false, "Pid": 0},
        "Env": ["A=1", "B"],
        "No": null,
        "Labels": {"a": "1", "com.example.b": "2"},
        "Options": null,
        "Entrypoint": null,
        "Mounts": [
            {"Type": "volume", "Source": "/s", "Destination": "/d", "RW": true},
            {"Type": "bind", "Source": "/t", "Destination": "/e", "RW": false, "Propagation": "rprivate"},
        ],
        "Label": {"com.example.b": "of-method"},
    });
    Template::parse(text)?.render(&object)
}

#[test]
fn fields_are_filled_in() {
    for (text, wanted) in [
        ("", ""),
        ("plain", "plain"),
        ("{{.Name}}", "x"),
        ("{{ .Name }}:{{.State.ExitCode}}", "x:7"),
        ("{{.Name}}\\t{{.State.Dead}}\\n", "x\tfalse\n"),
        ("{{json .Env}}", r#"["A=1","B"]"#),
        ("{{.Env}} {{.State}}", "[A=1 B] map[Dead:false ExitCode:7 Pid:0]"),
        ("{{.No}}", "<no value>"),
        ("{{.Options}}", "map[]"),
        ("{{.Entrypoint}}{{len .Entrypoint}}{{json .Entrypoint}}{{range .Entrypoint}}x{{end}}", "[]0null"),
        ("{{range .Mounts}}{{if eq .Type \"bind\"}}[{{.Name}}{{.Driver}}]{{end}}{{end}}", "[]"),
        ("{{json .Name}}}", "\"x\"}"),
        ("{{json .Options}} {{.Labels.a}} {{.Labels.none}}", "null 1 <no value>"),
        ("{{.Label \"com.example.b\"}}{{.Label \"none\"}}", "of-method"),
        ("{{$.Name}}{{(.State).ExitCode}}{{(index .Mounts 1).Type}}", "x7bind"),
        ("a {{- .Name -}} b", "axb"),
        ("a {{/* nothing */ -}} b", "a b"),
        ("{{\"}}\"}}{{`a\"b`}}", "}}a\"b"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(wanted), "{text}");
    }
    assert!(render("{{json .}}").unwrap().starts_with(r#"{"Entrypoint":null,"Env":"#));
    assert!(!render("{{json .}}").unwrap().contains("of-method"));
}

#[test]
fn blocks() {
    for (text, wanted) in [
        ("{{range .Mounts}}{{.Source}}:{{.Destination}} {{end}}", "/s:/d /t:/e "),
        ("{{range $i, $m := .Mounts}}{{if $i}},{{end}}{{$m.Type}}{{end}}", "volume,bind"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;com.example.b=2;"),
        ("{{range .Options}}x{{else}}none{{end}}", "none"),
        ("{{range .Mounts}}{{if eq .Type \"bind\"}}{{.Source}}{{end}}{{end}}", "/t"),
        ("{{range .Mounts}}{{if .RW}}rw{{else}}ro{{end}} {{end}}", "rw ro "),
        ("{{range .Mounts}}{{$.Name}}{{break}}{{end}}", "x"),
        ("{{range .Mounts}}{{if .RW}}{{continue}}{{end}}{{.Type}}{{end}}", "bind"),
        ("{{if .State.Dead}}a{{else if .State.Pid}}b{{else}}c{{end}}", "c"),
        ("{{with .State}}{{.ExitCode}}{{end}}{{with .No}}x{{else}}-{{end}}", "7-"),
        ("{{with $s := .State}}{{$s.ExitCode}}{{end}}", "7"),
        ("{{$n := .Name}}{{range .Env}}{{$n}}{{.}} {{end}}", "xA=1 xB "),
        ("{{$n := 1}}{{range .Env}}{{$n = .}}{{end}}{{$n}}", "B"),
        ("{{range .Mounts}}{{println .Type}}{{end}}", "volume\nbind\n"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn functions() {
    for (text, wanted) in [
        ("{{index .Labels \"com.example.b\"}}{{index .Labels \"none\"}}{{index .Options \"x\"}}", "2"),
        ("{{index .Env 1}}", "B"),
        ("{{join .Env \",\"}} {{join (split \"a:b\" \":\") \"-\"}}", "A=1,B a-b"),
        ("{{upper .Name}}{{lower \"AB\"}}{{title \"new day\"}}", "XabNew Day"),
        ("{{len .Env}}{{len .Name}}{{len .Labels}}{{len .Options}}", "2120"),
        ("{{truncate \"abcdef\" 3}}{{pad \"x\" 1 2}}|{{slice \"abcdef\" 2 4}}", "abc x  |cd"),
        ("{{print 1 2 \"a\" \"b\" 3}}", "1 2ab3"),
        ("{{println \"a\" 1}}", "a 1\n"),
        (
            "{{printf \"%s-%d-%v-%5.1f|%-4s|%04d|%.2s|%q|%t|%%|%x\" .Name 7 .Env 1.25 \"a\" 42 \"xyz\" \"q\" true \"hi\"}}",
            "x-7-[A=1 B]-  1.2|a   |0042|xy|\"q\"|true|%|6869",
        ),
        ("{{printf \"%d %s\" .Name}}", "%!d(string=x) %!s(MISSING)"),
        ("{{.Name | printf \"%s-%s\" \"a\" | upper}}", "A-X"),
        ("{{and .Name .State.Dead}} {{or .No .Name}} {{not .No}}", "false x true"),
        ("{{if and .Name (not .State.Dead) (eq .State.ExitCode 7)}}yes{{end}}", "yes"),
        (
            "{{eq .Name \"a\" \"x\"}} {{ne 1 2}} {{lt 1 2}} {{ge \"b\" \"a\"}} {{gt 1 1.5}} {{le 2 2}}",
            "true true true true false true",
        ),
        ("{{html \"<a>\"}} {{urlquery \"a b&\"}} {{js \"'\"}}", "&lt;a&gt; a+b%26 \\'"),
        ("{{\"a\\n\\x41\\u00e4\"}}", "a\nA\u{e4}"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn what_makes_no_sense_is_said() {
    for (text, wanted) in [
        ("{{.Name", "`{{.Name` in the template has no `}}`"),
        ("{{range .Env}}", "`{{range .Env}}` in the template has no `{{end}}`"),
        ("{{if .Env}}{{else}}", "`{{if .Env}}` in the template has no `{{end}}`"),
        ("{{end}}", "`{{end}}` in the template is not one that minirun has"),
        ("{{else}}", "`{{else}}` in the template is not one that minirun has"),
        ("{{Name}}", "there is no function `Name` in templates"),
        ("{{call .Name}}", "there is no function `call` in templates"),
        ("{{$x}}", "`$x` in the template is no variable that was declared before"),
        ("{{if 1}}{{$x := 1}}{{end}}{{$x}}", "`$x` in the template is no variable that was declared before"),
        ("{{}}", "`{{}}` in the template is not one that minirun has"),
        ("{{.Name |}}", "`{{.Name |}}` in the template is not one that minirun has"),
        ("{{(.Name}}", "`{{(.Name}}` in the template is not one that minirun has"),
        ("{{.A..B}}", "`{{.A..B}}` in the template is not one that minirun has"),
        ("{{break}}", "there is no function `break` in templates"),
    ] {
        let error = render(text).unwrap_err();
        assert_eq!(error.to_string(), wanted, "{text}");
        assert!(error.is_syntax(), "{text}");
    }
    for (text, wanted) in [
        (
            "{{.}}{{.Nam}}",
            "there is no field `Nam`; there are Entrypoint Env Labels Mounts Name No Options State",
        ),
        ("{{.Name.x}}", "there is no field `Name.x`; there are none"),
        ("{{index .Env 5}}", "`index` in the template does not take [\"A=1\",\"B\"] and 5"),
        ("{{len 3}}", "`len` in the template does not take 3"),
        ("{{.Name 3}}", "`.Name` in the template does not take arguments"),
        ("{{range .Name}}{{end}}", "`range` in the template does not take x"),
    ] {
        let error = render(text).unwrap_err();
        assert_eq!(error.to_string(), wanted, "{text}");
        assert!(!error.is_syntax(), "{text}");
    }
}

#[test]
fn no_text_makes_it_stumble() {
    let pieces = [
        "{{", "}}", ".", "$", "\"", "`", "(", ")", "|", "if ", "end", "range ", "é", " ", ":=", "-", "1",
        "\\", "/*",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::from("{{");
        for _ in 0..seed % 12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[usize::try_from(seed >> 33).unwrap() % pieces.len()]);
        }
        seed = seed.wrapping_add(1).rotate_left(9);
        // Whatever comes of it, it comes.
        let _ = render(&text);
    }
}

#[test]
fn nobody_needs_so_many_blanks() {
    for count in ["10001", "1111111111111111113", "9223372036854775807"] {
        assert!(render(&format!("{{{{pad \"x\" {count} 4}}}}")).is_err(), "{count}");
    }
    assert_eq!(render("{{pad \"x\" 2 1}}").as_deref(), Ok("  x "));
}

#[test]
fn headings_are_titles() {
    let template =
        Template::parse("{{json .Name}}\t{{upper .Driver}}\t{{.Label \"com.example.my-key\"}}").unwrap();
    let titles = json!({"Name": "NAME of it", "Driver": "driver"});
    assert_eq!(template.render_titles(&titles).as_deref(), Ok("NAME of it\tdriver\tmy key"));
}
