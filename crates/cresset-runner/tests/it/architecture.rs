//! The invariants of ARCHITECTURE.md, held against the sources themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Which crates of ours each crate may depend on: the picture of ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 8] = [
    ("cresset-ops", &[]),
    ("cresset-data", &[]),
    ("cresset-metrics", &[]),
    ("cresset-model", &["cresset-ops"]),
    ("cresset-losses", &["cresset-ops"]),
    ("cresset-train", &["cresset-ops"]),
    (
        "cresset-objectives",
        &[
            "cresset-data",
            "cresset-losses",
            "cresset-metrics",
            "cresset-model",
            "cresset-ops",
            "cresset-train",
        ],
    ),
    (
        "cresset-runner",
        &[
            "cresset-data",
            "cresset-losses",
            "cresset-metrics",
            "cresset-model",
            "cresset-objectives",
            "cresset-ops",
            "cresset-train",
        ],
    ),
];

const BACKENDS: [&str; 6] = ["flex", "ndarray", "wgpu", "vulkan", "metal", "cuda"];

#[test]
fn crates_depend_only_on_the_crates_the_picture_shows() {
    let manifests = manifests();
    let found: BTreeSet<&str> = manifests.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, known, "the folders of crates/ and the picture");
    for (name, allowed) in ARROWS {
        for dependency in dependencies(&manifests[name], &["dependencies", "build-dependencies"]) {
            assert!(
                !dependency.starts_with("cresset-") || allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn data_and_metrics_do_not_know_burn() {
    let all = ["dependencies", "dev-dependencies", "build-dependencies"];
    for name in ["cresset-data", "cresset-metrics"] {
        for dependency in dependencies(&manifests()[name], &all) {
            let is_burn = dependency == "burn" || dependency.starts_with("burn-");
            assert!(!is_burn, "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn crate_names_are_their_folders_and_versions_stand_in_the_root() {
    let all = ["dependencies", "dev-dependencies", "build-dependencies"];
    for (folder, manifest) in manifests() {
        assert_eq!(manifest["package"]["name"].as_str(), Some(folder.as_str()));
        for key in ["version", "edition", "rust-version", "license"] {
            let inherited = manifest["package"][key].get("workspace");
            assert!(inherited.is_some(), "{folder}: package.{key} is its own");
        }
        assert!(
            manifest["lints"]["workspace"].as_bool() == Some(true),
            "{folder} does not take the workspace's lints"
        );
        for table in all {
            let Some(table) = manifest.get(table).and_then(toml::Value::as_table) else {
                continue;
            };
            for (dependency, value) in table {
                assert!(
                    value.get("workspace").is_some(),
                    "{folder}: the version of {dependency} belongs into [workspace.dependencies]"
                );
            }
        }
    }
}

#[test]
fn library_crates_stand_alone_with_a_readme_and_an_example() {
    for (name, _) in ARROWS.iter().filter(|(name, _)| *name != "cresset-runner") {
        let folder = root().join("crates").join(name);
        assert!(
            folder.join("README.md").is_file(),
            "{name} has no README.md"
        );
        let examples = files(&folder.join("examples"));
        assert!(!examples.is_empty(), "{name} has no example");
    }
}

#[test]
fn no_file_is_longer_than_500_lines() {
    for path in written_by_us() {
        let lines = read(&path).lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}

#[test]
fn no_file_is_called_utils_common_or_helpers() {
    const NAMES: [&str; 7] = [
        "util", "utils", "common", "helper", "helpers", "misc", "tools",
    ];
    for path in written_by_us() {
        for part in path.strip_prefix(root()).expect("below the root").iter() {
            let name = Path::new(part).file_stem().unwrap_or_default();
            assert!(
                !NAMES.iter().any(|vague| name == *vague),
                "{} says nothing about what is in it",
                path.display()
            );
        }
    }
}

#[test]
fn every_script_is_listed_in_the_scripts_readme() {
    let readme = read(&root().join("scripts/README.md"));
    for path in files(&root().join("scripts")) {
        if path.extension().is_some_and(|extension| extension == "py") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            assert!(
                readme.contains(&format!("`{name}`")),
                "scripts/README.md lacks {name}"
            );
        }
    }
}

#[test]
fn only_ops_names_burn_backend() {
    forbid(&["cresset-ops"], &["burn::backend", "burn_backend::"]);
}

#[test]
fn only_the_runner_prints() {
    forbid(
        &["cresset-runner"],
        &["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!("],
    );
}

#[test]
fn only_the_runner_and_ops_ask_which_backends_are_compiled_in() {
    let features: Vec<String> = BACKENDS
        .iter()
        .map(|backend| format!("feature = \"{backend}\""))
        .collect();
    let features: Vec<&str> = features.iter().map(String::as_str).collect();
    forbid(&["cresset-runner", "cresset-ops"], &features);
}

#[test]
fn masks_are_made_in_ops_only() {
    forbid(
        &["cresset-ops"],
        &[
            "struct KeepMask",
            "fn causal_mask",
            "fn padding_mask",
            "fn attention_mask",
            "fn extended_attention_mask",
        ],
    );
}

#[test]
fn no_crate_unwraps_outside_its_tests() {
    forbid(&[], &[".unwrap()", ".unwrap_err()"]);
}

#[test]
fn no_crate_defines_a_macro() {
    forbid(&[], &["macro_rules!"]);
}

#[test]
fn the_scanner_sees_code_but_not_comments_and_tests() {
    let source = "/// a.unwrap()\nfn f() {\n    g(); // b.unwrap()\n    let url = \"http://x\"; c.unwrap();\n}\n\n#[cfg(test)]\nmod tests {\n    fn t() { d.unwrap() }\n}\n";
    let lines: Vec<usize> = code_lines(source)
        .filter(|(_, line)| line.contains(".unwrap()"))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(lines, [4]);
}

/// No source of a crate (its tests excepted) outside of `allowed` holds one of `words`.
#[track_caller]
fn forbid(allowed: &[&str], words: &[&str]) {
    let mut found = Vec::new();
    for (name, _) in ARROWS.iter().filter(|(name, _)| !allowed.contains(name)) {
        for path in files(&root().join("crates").join(name).join("src")) {
            if path.file_stem().is_some_and(|stem| stem == "tests") {
                continue;
            }
            for (number, line) in code_lines(&read(&path)) {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    let shown = path.strip_prefix(root()).unwrap_or(&path).display();
                    found.push(format!("{shown}:{number}: {word}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "not allowed here:\n{}", found.join("\n"));
}

/// Numbered lines of code: without comments, and up to the file's test module, which stands last by convention.
fn code_lines(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source
        .lines()
        .take_while(|line| !line.starts_with("mod tests {"))
        .enumerate()
        .map(|(index, line)| {
            let is_comment = line.trim_start().starts_with("//");
            let end = if is_comment {
                Some(0)
            } else {
                line.find(" // ")
            };
            (index + 1, &line[..end.unwrap_or(line.len())])
        })
}

/// Rust and Python sources of the workspace.
fn written_by_us() -> Vec<PathBuf> {
    let mut paths = files(&root().join("crates"));
    paths.extend(files(&root().join("scripts")));
    paths.retain(|path| path.extension().is_some_and(|e| e == "rs" || e == "py"));
    assert!(paths.len() > 20, "the sources were not found");
    paths
}

/// All files below a folder, sorted; none if there is no such folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let crates = fs::read_dir(root().join("crates")).expect("the workspace has crates/");
    crates
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .map(|folder| {
            let name = folder.file_name().expect("a folder has a name");
            let manifest = read(&folder.join("Cargo.toml"));
            (
                name.to_string_lossy().into_owned(),
                manifest.parse().expect("a manifest is TOML"),
            )
        })
        .collect()
}

fn dependencies(manifest: &toml::Table, tables: &[&str]) -> Vec<String> {
    tables
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(|table| table.keys().cloned())
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
