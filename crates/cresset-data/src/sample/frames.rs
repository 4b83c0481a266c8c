//! The shortest texts that show where a convention puts its special tokens; the same for every seed.

/// A translation and two letters, as texts with targets, with pairs and alone.
pub(super) fn files() -> [(&'static str, String); 3] {
    [
        (
            "frames/translation.jsonl",
            lines(&[
                r#"{"text": "I love NLP", "target": "J'aime le NLP"}"#,
                r#"{"text": "A", "target": "B"}"#,
            ]),
        ),
        (
            "frames/pairs.jsonl",
            lines(&[
                r#"{"text": "I love NLP", "pair": "so do I", "label": "words"}"#,
                r#"{"text": "A", "pair": "B", "label": "letters"}"#,
                r#"{"text": "A", "label": "letters"}"#,
            ]),
        ),
        ("frames/documents.txt", lines(&["I love NLP", "A"])),
    ]
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
