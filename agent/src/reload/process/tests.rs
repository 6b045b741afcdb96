use std::{fs, os::unix::fs::symlink, path::Path};

use tempfile::TempDir;

use super::{Moment, Table, parse_stat};

/// Fields 5 to 23 of `stat`; the last but one says when the process started.
const REST: &str = " 1 1 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 1 0 4711 1";

/// A process table of our own making.
struct Fake(TempDir);

impl Fake {
    fn new() -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        fs::write(fake.0.path().join("uptime"), "1 1").unwrap();
        fake
    }

    fn process(&self, pid: i32, parent: i32, state: char, comm: &str, arguments: &[&str], exe: Option<&str>) {
        let directory = self.0.path().join(pid.to_string());
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("stat"), format!("{pid} ({comm}) {state} {parent}{REST}")).unwrap();
        fs::write(directory.join("comm"), format!("{comm}\n")).unwrap();
        let command_line: String = arguments.iter().map(|argument| format!("{argument}\0")).collect();
        fs::write(directory.join("cmdline"), command_line).unwrap();
        if let Some(exe) = exe {
            symlink(exe, directory.join("exe")).unwrap();
        }
    }

    fn leaders(&self, own: i32, name: &str) -> Vec<i32> {
        Table { root: self.0.path().to_path_buf(), own }
            .leaders(name)
            .unwrap()
            .iter()
            .map(|process| process.pid)
            .collect()
    }
}

#[test]
fn a_process_is_found_by_all_that_it_is_called_by() {
    let fake = Fake::new();
    fake.process(10, 1, 'S', "redis-server", &["redis-server *:6379"], None);
    fake.process(11, 1, 'S', "main", &["/opt/app"], Some("/opt/bin/worker (deleted)"));
    fake.process(12, 1, 'S', "python3", &["python3.11", "-u", "/srv/serve.py", "--x"], None);
    fake.process(13, 1, 'S', "entrypoint.sh", &["/bin/sh", "/entrypoint.sh"], None);
    fake.process(14, 1, 'S', "nginx", &["nginx: master process nginx -g daemon off;"], None);
    fake.process(15, 1, 'S', "a-name-that-is-", &["x"], None);
    fake.process(16, 1, 'S', "bash", &["-bash"], None);
    for (name, pid) in [
        ("redis-server", 10),
        ("worker", 11),
        ("app", 11),
        ("serve.py", 12),
        ("entrypoint.sh", 13),
        ("nginx", 14),
        ("a-name-that-is-cut", 15),
        ("bash", 16),
    ] {
        assert_eq!(fake.leaders(99, name), [pid], "{name}");
    }
    // An argument of something that is no interpreter is not a name.
    fake.process(17, 1, 'S', "vim", &["vim", "/etc/haproxy"], None);
    assert!(fake.leaders(99, "haproxy").is_empty());
    assert!(fake.leaders(99, "redis").is_empty());
}

#[test]
fn only_the_leader_of_a_family_is_told() {
    let fake = Fake::new();
    fake.process(20, 1, 'S', "postgres", &["postgres", "-D", "/data"], None);
    fake.process(21, 20, 'S', "postgres", &["postgres: checkpointer "], None);
    fake.process(22, 20, 'S', "postgres", &["postgres: app db [local] idle"], None);
    fake.process(30, 1, 'S', "postgres", &["postgres"], None);
    assert_eq!(fake.leaders(99, "postgres"), [20, 30]);
}

#[test]
fn neither_the_agent_nor_the_dead_are_told() {
    let fake = Fake::new();
    fake.process(40, 1, 'Z', "app", &[], None);
    fake.process(41, 1, 'S', "app", &["app"], None);
    assert!(fake.leaders(41, "app").is_empty());
    fs::create_dir(fake.0.path().join("42")).unwrap();
    assert_eq!(fake.leaders(99, "app"), [41]);
}

#[test]
fn a_name_with_brackets_does_not_confuse_the_parser() {
    assert_eq!(parse_stat(&format!("7 (a) S 9 (b) R 3{REST}")), Some(('R', 3, Moment(4711))));
    assert_eq!(parse_stat(&format!("7 (app) S 1{REST}")), Some(('S', 1, Moment(4711))));
    for text in ["", "7", "7 (app)", "7 (app) S", "7 (app) S x", "7 (app) S 1 2 3"] {
        assert_eq!(parse_stat(text), None, "{text:?}");
    }
}

#[test]
fn the_first_process_of_a_namespace_is_alone() {
    let table = |own| Table { root: Path::new("/proc").to_path_buf(), own };
    assert!(table(1).is_alone());
    assert!(!table(7).is_alone());
}
