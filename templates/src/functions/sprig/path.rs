//! Paths, on Unix the same with and without `os`.

use super::super::functions;
use crate::value::Value;

functions! {
    "sprig_base"(Text) |_, args| Ok(Value::text(base(&args.str(0)).to_owned()));
    "sprig_clean"(Text) |_, args| Ok(Value::text(clean(&args.str(0))));
    "sprig_dir"(Text) |_, args| Ok(Value::text(dir(&args.str(0))));
    "sprig_ext"(Text) |_, args| Ok(Value::text(extension(&args.str(0)).to_owned()));
    "sprig_isAbs"(Text) |_, args| Ok(Value::Bool(args.text(0).starts_with(b"/")));
    "sprig_osBase"(Text) |_, args| Ok(Value::text(base(&args.str(0)).to_owned()));
    "sprig_osClean"(Text) |_, args| Ok(Value::text(clean(&args.str(0))));
    "sprig_osDir"(Text) |_, args| Ok(Value::text(dir(&args.str(0))));
    "sprig_osExt"(Text) |_, args| Ok(Value::text(extension(&args.str(0)).to_owned()));
    "sprig_osIsAbs"(Text) |_, args| Ok(Value::Bool(args.text(0).starts_with(b"/")));
}

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.is_empty()) {
        (true, _) => ".",
        (false, true) => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or_default())
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default()
}

fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
