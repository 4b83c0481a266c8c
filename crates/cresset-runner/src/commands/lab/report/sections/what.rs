//! What was run, in plain words from the config.

use maud::{Markup, html};
use toml::{Table, Value};

use super::super::html::token;
use super::super::language::{Phrase, phrase};
use super::super::read::Run;
use crate::cli::ReportLanguage;

/// The facts of a run, and its config as a whole.
pub fn content(language: ReportLanguage, run: &Run) -> Markup {
    let config = &run.config;
    let said = |said: Option<Phrase>| said.map(|p| p.show(language));
    let facts: Vec<(Phrase, Option<Markup>)> = vec![
        (phrase("Model", "模型"), said(model(config))),
        (phrase("Learns", "学习目标"), said(objective(config))),
        (phrase("From", "数据"), said(data(config))),
        (
            phrase("Special tokens", "特殊词元"),
            special(language, config),
        ),
        (phrase("Updates", "优化"), said(updates(config))),
        (phrase("Length", "训练长度"), said(length(run))),
        (phrase("Made with", "环境"), said(made_with(run))),
    ];
    html! {
        dl.facts {
            @for (name, fact) in facts {
                @if let Some(fact) = fact {
                    dt { (name.show(language)) }
                    dd { (fact) }
                }
            }
        }
        @if run.special.is_empty() {
            p.note {
                (phrase(
                    "Nothing was recorded of the special vectors in this run.",
                    "这次训练没有记录特殊向量。",
                ).show(language))
            }
        }
        @if !run.config_text.is_empty() {
            details.config {
                summary { (phrase("The whole config", "完整配置").show(language)) }
                pre { code { (run.config_text) } }
            }
        }
    }
}

fn model(config: &Table) -> Option<Phrase> {
    let model = config.get("model")?.as_table()?;
    if let Some(path) = model.get("path") {
        let path = plain(path);
        return Some(phrase(
            format!("the model in {path}, trained further"),
            format!("在 {path} 中的模型基础上继续训练"),
        ));
    }
    if let Some(Value::Table(warm)) = model.get("warm_start") {
        let parts = settings(warm, &[]);
        return Some(phrase(
            format!("an encoder-decoder put together from trained models ({parts})"),
            format!("由已训练模型拼成的编码器-解码器（{parts}）"),
        ));
    }
    let (name, sizes) = model
        .iter()
        .find_map(|(name, value)| Some((name, value.as_table()?)))?;
    let sizes = settings(
        sizes,
        &[
            "n_layers",
            "hidden_size",
            "n_heads",
            "intermediate_size",
            "dropout",
        ],
    );
    Some(phrase(
        format!("{name}, from random weights: {sizes}"),
        format!("{name}，随机初始化：{sizes}"),
    ))
}

fn objective(config: &Table) -> Option<Phrase> {
    let (name, settings_of) = config.get("objective")?.as_table()?.iter().next()?;
    let (en, zh) = match name.as_str() {
        "classify" => (
            "to judge a text as a whole",
            "对整段文本作判断（分类或回归）",
        ),
        "tag" => ("to tag every word", "给每个词打标签"),
        "extract" => ("to find answers in a text", "在文本中找出答案"),
        "masked-lm" => (
            "to fill in hidden tokens",
            "填补被遮盖的词元（掩码语言模型）",
        ),
        "bert-pretraining" => (
            "to fill in hidden tokens and to tell whether two texts follow each other",
            "填补被遮盖的词元，并判断两段文本是否相接",
        ),
        "albert-pretraining" => (
            "to fill in hidden tokens and to tell the order of two texts",
            "填补被遮盖的词元，并判断两段文本的先后",
        ),
        "causal-lm" => (
            "to continue a text token by token",
            "逐词元续写文本（因果语言模型）",
        ),
        "seq2seq" => (
            "to turn one text into another",
            "把一段文本变成另一段文本（序列到序列）",
        ),
        "span-corruption" => ("to restore spans that were taken out", "恢复被抽掉的片段"),
        "denoise" => (
            "to restore a text that was damaged",
            "恢复被破坏的文本（去噪）",
        ),
        "prefix-lm" => (
            "to continue a text from its beginning",
            "由开头续写文本（前缀语言模型）",
        ),
        "permuted-lm" => (
            "to predict tokens in any order",
            "以任意顺序预测词元（排列语言模型）",
        ),
        "contrastive" => (
            "to bring the vectors of texts that belong together near each other",
            "让相关文本的向量彼此靠近（对比学习）",
        ),
        "multi" => ("several tasks with one model", "用一个模型学习多个任务"),
        other => (other, other),
    };
    let settings = settings_of
        .as_table()
        .map(|table| settings(table, &[]))
        .unwrap_or_default();
    Some(match settings.is_empty() {
        true => phrase(format!("{en} ({name})"), format!("{zh}（{name}）")),
        false => phrase(
            format!("{en} ({name}: {settings})"),
            format!("{zh}（{name}：{settings}）"),
        ),
    })
}

fn data(config: &Table) -> Option<Phrase> {
    let data = config.get("data")?.as_table()?;
    let files = |key: &str| match data.get(key) {
        Some(Value::Array(list)) if !list.is_empty() => {
            Some(list.iter().map(plain).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    };
    let train = files("train")?;
    let held_out = match (files("eval"), data.get("split")) {
        (Some(files), _) => (
            format!("; measured on {files}"),
            format!("；评测数据 {files}"),
        ),
        (None, Some(split)) => {
            let split = plain(split);
            (
                format!("; a share of it held out ({split})"),
                format!("；留出其中一部分评测（{split}）"),
            )
        }
        (None, None) => Default::default(),
    };
    let sizes = settings(data, &["batch_size", "max_tokens", "max_length"]);
    Some(phrase(
        format!("{train}{}; {sizes}", held_out.0),
        format!("{train}{}；{sizes}", held_out.1),
    ))
}

fn special(language: ReportLanguage, config: &Table) -> Option<Markup> {
    let special = config.get("special")?.as_table()?;
    let table = |key: &str| special.get(key).and_then(Value::as_table);
    let overrides: Vec<(&String, &Value)> = table("overrides").into_iter().flatten().collect();
    let policies: Vec<(&String, &Value)> = table("policy").into_iter().flatten().collect();
    let convention = special.get("convention").map(plain);
    if overrides.is_empty() && policies.is_empty() && convention.is_none() {
        return None;
    }
    Some(html! {
        @if let Some(name) = convention {
            (phrase(format!("convention {name}. "), format!("约定 {name}。")).show(language))
        }
        @for (role, spelling) in overrides {
            (role) " = " (token(&plain(spelling))) ". "
        }
        @for (role, policy) in policies {
            code { (role) } ": " (policy.as_table().map(self::policy).unwrap_or_else(|| phrase("", "")).show(language)) " "
        }
    })
}

fn policy(policy: &Table) -> Phrase {
    let (mut en, mut zh) = (Vec::new(), Vec::new());
    for (key, value) in policy {
        let value = plain(value);
        let (said, told) = match (key.as_str(), value.as_str()) {
            ("init", how) => (format!("begins as {how}"), format!("初始化为 {how}")),
            ("train", "frozen") => ("stays as it begins".into(), "保持不变（冻结）".into()),
            ("train", "alone") => ("is trained and nothing else".into(), "只训练它".into()),
            ("train", "with-the-head") => (
                "is trained together with the head alone".into(),
                "只与任务头一起训练".into(),
            ),
            ("train", _) => (
                "is trained with the rest".into(),
                "与其余参数一起训练".into(),
            ),
            ("lr_factor", by) => (
                format!("learns {by} times as fast"),
                format!("学习率乘以 {by}"),
            ),
            ("weight_decay", decay) => {
                (format!("weight decay {decay}"), format!("权重衰减 {decay}"))
            }
            (key, value) => (format!("{key} {value}"), format!("{key} {value}")),
        };
        en.push(said);
        zh.push(told);
    }
    phrase(
        format!("{}.", en.join(", ")),
        format!("{}。", zh.join("，")),
    )
}

fn updates(config: &Table) -> Option<Phrase> {
    let optim = config.get("optim")?.as_table()?;
    let adamw = optim.get("adamw").and_then(Value::as_table);
    let mut parts: Vec<String> = adamw
        .map(|table| {
            format!(
                "AdamW, {}",
                settings(table, &["lr", "betas", "weight_decay"])
            )
        })
        .into_iter()
        .collect();
    parts.extend(
        optim
            .get("clip")
            .map(|clip| format!("clip {}", plain(clip))),
    );
    let schedule = config.get("schedule").and_then(Value::as_table);
    if let Some((name, of)) = schedule.and_then(|s| s.iter().next()) {
        let of = of
            .as_table()
            .map(|table| settings(table, &[]))
            .unwrap_or_default();
        parts.push(format!("{name} ({of})"));
    }
    let all = parts.join("; ");
    (!all.is_empty()).then(|| phrase(all.clone(), all))
}

fn length(run: &Run) -> Option<Phrase> {
    let done = run.trained.last().map(|step| step.step);
    Some(match (done, run.steps) {
        (None, None) => return None,
        (Some(done), _) if run.is_finished => {
            phrase(format!("{done} steps, done"), format!("{done} 步，已完成"))
        }
        (done, None) => {
            let done = done.unwrap_or(0);
            phrase(format!("{done} steps so far"), format!("目前 {done} 步"))
        }
        (done, Some(all)) => {
            let done = done.unwrap_or(0);
            phrase(
                format!("{done} of {all} steps so far"),
                format!("目前 {done} 步，共 {all} 步"),
            )
        }
    })
}

fn made_with(run: &Run) -> Option<Phrase> {
    let fact = |name: &str| match run.facts.get(name)? {
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let version = fact("version")?;
    let (seed, device) = (
        fact("seed").unwrap_or_default(),
        fact("device").unwrap_or_default(),
    );
    Some(phrase(
        format!("cresset {version}, seed {seed}, device {device}"),
        format!("cresset {version}，随机种子 {seed}，设备 {device}"),
    ))
}

/// Keys with their values; those that are wanted, or all.
fn settings(table: &Table, wanted: &[&str]) -> String {
    let is_wanted = |key: &str| wanted.is_empty() || wanted.contains(&key);
    let texts: Vec<String> = table
        .iter()
        .filter(|(key, _)| is_wanted(key))
        .map(|(key, value)| format!("{key} {}", plain(value)))
        .collect();
    texts.join(", ")
}

/// A value without quotation marks.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(" "),
        Value::Table(table) => settings(table, &[]),
        other => other.to_string(),
    }
}
