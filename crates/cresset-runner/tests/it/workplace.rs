//! A temporary folder with the sample data in it, and the binary run inside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The device under test: `CRESSET_TEST_DEVICE`, or flex.
pub fn device() -> String {
    std::env::var("CRESSET_TEST_DEVICE").unwrap_or_else(|_| "flex".into())
}

pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// An empty one.
    pub fn empty() -> Self {
        Workplace {
            folder: TempDir::new().expect("a temporary folder"),
        }
    }

    /// One with `sample-data/`.
    pub fn with_sample_data() -> Self {
        let place = Self::empty();
        place.succeeds(&["sample-data", "sample-data", "--quiet"]);
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("inside the workplace")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cresset"));
        command
            .current_dir(self.folder.path())
            .args(args)
            .arg("--device")
            .arg(device())
            .args(["--threads", "2"]);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Runs with standard input.
    pub fn run_on(&self, input: &str, args: &[&str]) -> Output {
        use std::io::Write;
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        child
            .stdin
            .take()
            .expect("piped")
            .write_all(input.as_bytes())
            .expect("input is taken");
        child.wait_with_output().expect("the binary ends")
    }

    /// Standard output of a run that must succeed.
    pub fn succeeds(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(
            output.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// The error of a run that must end with exit code 2 and one line on stderr.
    pub fn is_refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        let lines: Vec<&str> = text.lines().filter(|line| is_ours(line)).collect();
        assert_eq!(lines.len(), 1, "one line: {text}");
        lines[0].to_owned()
    }
}

/// Whether the binary wrote a line on stderr. A binary that looks for graphics devices loads their drivers, which write
/// there too, as do the window system's libraries; libwayland even begins with "error: ".
fn is_ours(line: &str) -> bool {
    !cfg!(feature = "wgpu") || (line.starts_with("error: ") && !line.contains("XDG_RUNTIME_DIR"))
}

/// A shipped config.
pub fn config(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../configs")
        .join(name);
    path.canonicalize()
        .expect("a shipped config")
        .display()
        .to_string()
}

/// The events of a run.
pub fn events(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).expect("metrics.jsonl");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// The losses of a run, step by step.
pub fn losses(folder: &Path) -> Vec<f64> {
    events(folder)
        .iter()
        .filter(|e| e["event"] == "step")
        .map(|e| e["loss"].as_f64().expect("a number"))
        .collect()
}

/// Fails unless two runs came to the same: to the same bytes on the CPU. On a GPU another process may choose other kernels, which
/// add up in another order; there the losses are the same within a thousandth.
pub fn assert_same_run(one: &Path, other: &Path) {
    let (first, second) = (losses(one), losses(other));
    if matches!(&*device(), "flex" | "ndarray") {
        let weights = |run: &Path| fs::read(run.join("model/model.safetensors")).expect("weights");
        let same = weights(one) == weights(other);
        assert!(same, "{} and {}", one.display(), other.display());
        assert_eq!(first, second);
        return;
    }
    assert_eq!(first.len(), second.len());
    for (step, (a, b)) in first.iter().zip(&second).enumerate() {
        assert!((a - b).abs() < 1e-3 * a.abs(), "step {step}: {a} and {b}");
    }
}
