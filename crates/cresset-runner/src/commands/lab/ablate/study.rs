//! A study: one question, a grid of settings, several seeds. The file that `cresset lab ablate` reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::suggestion;
use crate::failure::user;

/// A study as its file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// What is asked, in words.
    #[serde(default)]
    pub question: String,
    /// Every arm is trained once with each.
    pub seeds: Vec<u64>,
    /// The sweep's folder.
    pub out: PathBuf,
    /// What verdicts are about: a metric of the last stage, or `NAME.METRIC` of an evaluation.
    pub metric: String,
    /// Further metrics to compare.
    #[serde(default)]
    pub also: Vec<String>,
    /// Differences smaller than this, in the metric's unit, do not matter.
    #[serde(default)]
    pub margin: Option<f64>,
    /// Share of the intervals.
    #[serde(default = "default_confidence")]
    pub confidence: f64,
    /// The first steps, as a share of all, whose mean loss is `early_loss`.
    #[serde(default = "default_early")]
    pub early: f64,
    /// Level by axis of the arm that the others are compared with; the first level of each by default.
    #[serde(default)]
    pub baseline: BTreeMap<String, String>,
    /// Axes whose levels are not compared with one another, such as tasks: every arm is compared with the baseline of its own
    /// level.
    #[serde(default)]
    pub within: Vec<String>,
    /// What is trained, one after the other.
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
    /// What is varied: levels by axis.
    #[serde(default)]
    pub axis: toml::Table,
    /// Combinations that are left out: levels by axis.
    #[serde(default)]
    pub skip: Vec<BTreeMap<String, String>>,
}

/// A training run of every arm.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// What others call it.
    pub name: String,
    /// The config of `cresset train`.
    pub config: PathBuf,
    /// Overrides, as after `--set`. `{NAME}` in a value is the folder of the run of an earlier stage.
    #[serde(default)]
    pub set: Vec<String>,
    /// `cresset evaluate` after training, by name.
    #[serde(default)]
    pub evaluate: BTreeMap<String, Evaluation>,
    /// What stays of a run when it is measured.
    #[serde(default)]
    pub keep: Keep,
}

/// A measurement of a trained model on labelled data.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The data files.
    pub data: Vec<PathBuf>,
    /// Further options of `cresset evaluate`.
    #[serde(default)]
    pub options: Vec<String>,
    /// Whether the model after the last step is measured, or the best one.
    #[serde(default)]
    pub model: Which,
}

/// Which model of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// After the last step.
    #[default]
    Model,
    /// `best/`.
    Best,
}

/// What stays of a run when it is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Everything.
    All,
    /// All but the checkpoints.
    #[default]
    Models,
    /// Config, metrics and vectors.
    Metrics,
}

/// Settings of a level, by stage.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Another config for the stage.
    #[serde(default)]
    pub config: Option<PathBuf>,
    /// Overrides.
    #[serde(default)]
    pub set: Vec<String>,
    /// Measurements beside those of the stage, or in their place where they have the same name.
    #[serde(default)]
    pub evaluate: BTreeMap<String, Evaluation>,
    /// Further names for metrics, so that levels with different objectives can be compared: `{ right = "dev.exact_match" }`.
    #[serde(default)]
    pub measures: BTreeMap<String, String>,
}

/// A level of an axis.
#[derive(Clone, Debug)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// What it changes, by stage.
    pub changes: BTreeMap<String, Change>,
}

/// An axis with its levels in the order of the file.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its levels.
    pub levels: Vec<Level>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawChange {
    Set(Vec<String>),
    Change(Change),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawLevel {
    OfTheOnlyStage(Vec<String>),
    ByStage(BTreeMap<String, RawChange>),
}

fn default_confidence() -> f64 {
    0.95
}

fn default_early() -> f64 {
    0.1
}

impl Study {
    /// Reads and checks a study; no other file is opened.
    ///
    /// # Errors
    /// A file that is not there or not TOML, an unknown key, a value that makes no sense.
    pub fn read(path: &Path) -> anyhow::Result<(Study, Vec<Axis>)> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            user(format!(
                "cannot read the study {}: {e}; check the path",
                path.display()
            ))
        })?;
        Study::parse(&text).map_err(|e| user(format!("{}: {e}", path.display())))
    }

    /// As [`Study::read`], from text.
    ///
    /// # Errors
    /// As [`Study::read`], without the file's name.
    pub fn parse(text: &str) -> anyhow::Result<(Study, Vec<Axis>)> {
        let study: Study = toml::from_str(text).map_err(|e| {
            let line = e
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1));
            user(format!("line {line}: {}", e.message().replace('\n', " ")))
        })?;
        let axes = study.axes()?;
        study.check(&axes)?;
        Ok((study, axes))
    }

    fn axes(&self) -> anyhow::Result<Vec<Axis>> {
        let axis = |(name, levels): (&String, &toml::Value)| {
            let levels = levels
                .as_table()
                .filter(|levels| !levels.is_empty())
                .ok_or_else(|| {
                    user(format!(
                        "axis.{name} has no levels; write one a line, as in {name}.zeros = [\"special.policy.cls.init=zeros\"]"
                    ))
                })?;
            let levels = levels
                .iter()
                .map(|(level, value)| self.level(name, level, value));
            Ok(Axis {
                name: name.clone(),
                levels: levels.collect::<anyhow::Result<_>>()?,
            })
        };
        self.axis.iter().map(axis).collect()
    }

    fn level(&self, axis: &str, name: &str, value: &toml::Value) -> anyhow::Result<Level> {
        let at = format!("axis.{axis}.{name}");
        let fits = |text: &str, what: &str| match text
            .chars()
            .find(|c| !(c.is_alphanumeric() || "-_.".contains(*c)))
        {
            None if !text.starts_with('.') => Ok(()),
            None => Err(user(format!(
                "{at}: {what} begins with a dot; folders are named after it"
            ))),
            Some(c) => Err(user(format!(
                "{at}: {what} holds {c:?}, but folders are named after it; use letters, digits, - and _"
            ))),
        };
        fits(axis, "the axis")?;
        fits(name, "the level")?;
        let raw: RawLevel = value.clone().try_into().map_err(|_| {
            user(format!(
                "{at} must be a list of overrides, or a table of them by stage with lists or {{ config = \"..\", set = [..], evaluate = {{ .. }}, measures = {{ .. }} }}"
            ))
        })?;
        let changes: BTreeMap<String, Change> = match raw {
            RawLevel::OfTheOnlyStage(set) if set.is_empty() => BTreeMap::new(),
            RawLevel::OfTheOnlyStage(set) => {
                let [stage] = &self.stages[..] else {
                    return Err(user(format!(
                        "{at} is a list, but there are {} stages; write {name} = {{ {} = [..] }}",
                        self.stages.len(),
                        self.stages.last().map_or("STAGE", |s| &s.name)
                    )));
                };
                let change = Change {
                    set,
                    ..Change::default()
                };
                BTreeMap::from([(stage.name.clone(), change)])
            }
            RawLevel::ByStage(stages) => stages
                .into_iter()
                .map(|(stage, change)| match change {
                    RawChange::Set(set) => (
                        stage,
                        Change {
                            set,
                            ..Change::default()
                        },
                    ),
                    RawChange::Change(change) => (stage, change),
                })
                .collect(),
        };
        let names: Vec<&str> = self.stages.iter().map(|s| s.name.as_str()).collect();
        match changes
            .keys()
            .find(|stage| !names.contains(&stage.as_str()))
        {
            None => Ok(Level {
                name: name.to_owned(),
                changes,
            }),
            Some(unknown) => Err(user(format!(
                "{at} changes the stage {unknown:?}, which there is not; the stages are {}{}",
                names.join(", "),
                suggestion(unknown, &names)
            ))),
        }
    }

    fn check(&self, axes: &[Axis]) -> anyhow::Result<()> {
        if self.stages.is_empty() {
            return Err(user("there is no [[stage]]; name one and its config"));
        }
        if self.seeds.is_empty() {
            return Err(user("seeds is empty; write seeds = [0, 1, 2, 3, 4]"));
        }
        let mut seen = Vec::new();
        for seed in &self.seeds {
            if seen.contains(seed) {
                return Err(user(format!("seeds has {seed} twice; give each once")));
            }
            seen.push(*seed);
        }
        for (name, value) in [("confidence", self.confidence), ("early", self.early)] {
            if !(value > 0.0 && value < 1.0) {
                return Err(user(format!(
                    "{name} is {value} but must be between 0 and 1"
                )));
            }
        }
        if let Some(margin) = self.margin.filter(|m| !(*m > 0.0 && m.is_finite())) {
            return Err(user(format!("margin is {margin} but must be above 0")));
        }
        for (at, stage) in self.stages.iter().enumerate() {
            if self.stages[..at].iter().any(|s| s.name == stage.name) {
                return Err(user(format!("two stages are called {:?}", stage.name)));
            }
        }
        let names: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
        if let Some(unknown) = self.within.iter().find(|w| !names.contains(&w.as_str())) {
            return Err(user(format!(
                "within names the axis {unknown:?}, which there is not; the axes are {}{}",
                names.join(", "),
                suggestion(unknown, &names)
            )));
        }
        let named = std::iter::once(("baseline", &self.baseline));
        for (what, levels) in named.chain(self.skip.iter().map(|skip| ("skip", skip))) {
            for (axis, level) in levels {
                find(axes, axis, level).map_err(|e| user(format!("{what}: {e}")))?;
            }
        }
        Ok(())
    }
}

/// The level of an axis.
///
/// # Errors
/// An axis or a level that there is not, with those that there are.
fn find<'a>(axes: &'a [Axis], axis: &str, level: &str) -> anyhow::Result<&'a Level> {
    let names: Vec<&str> = axes.iter().map(|a| a.name.as_str()).collect();
    let Some(found) = axes.iter().find(|a| a.name == axis) else {
        return Err(user(format!(
            "there is no axis {axis:?}; the axes are {}{}",
            names.join(", "),
            suggestion(axis, &names)
        )));
    };
    let names: Vec<&str> = found.levels.iter().map(|l| l.name.as_str()).collect();
    found
        .levels
        .iter()
        .find(|l| l.name == level)
        .ok_or_else(|| {
            user(format!(
                "axis {axis} has no level {level:?}; its levels are {}{}",
                names.join(", "),
                suggestion(level, &names)
            ))
        })
}
