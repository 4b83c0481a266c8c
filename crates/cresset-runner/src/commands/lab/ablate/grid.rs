//! From a study to its arms and the training runs that they need.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::study::{Axis, Change, Evaluation, Stage, Study};
use crate::failure::user;

/// A level of every axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Index of the level, by axis.
    levels: Vec<usize>,
}

/// A training run with its settings.
#[derive(Clone, Debug)]
pub struct PlannedRun {
    /// Its stage's index.
    pub stage: usize,
    /// Where it goes, relative to the sweep's folder.
    pub folder: PathBuf,
    /// The config of `cresset train`.
    pub config: PathBuf,
    /// Overrides, the seed and the output folder among them.
    pub set: Vec<String>,
    /// `cresset evaluate` after training, by name.
    pub evaluate: BTreeMap<String, Evaluation>,
    /// The folders of the runs that it reads.
    pub needs: Vec<PathBuf>,
}

/// The arms of a study.
#[derive(Debug)]
pub struct Grid<'a> {
    study: &'a Study,
    axes: &'a [Axis],
    /// All combinations that are not skipped.
    pub arms: Vec<Choice>,
    /// The one that the others are compared with.
    pub baseline: Choice,
}

impl<'a> Grid<'a> {
    /// All combinations, in the order of the file, the last axis fastest.
    ///
    /// # Errors
    /// A baseline that is skipped.
    pub fn of(study: &'a Study, axes: &'a [Axis]) -> anyhow::Result<Grid<'a>> {
        let mut arms = vec![Choice { levels: Vec::new() }];
        for axis in axes {
            let with = |arm: &Choice| {
                let arm = arm.clone();
                (0..axis.levels.len()).map(move |level| {
                    let mut arm = arm.clone();
                    arm.levels.push(level);
                    arm
                })
            };
            arms = arms.iter().flat_map(with).collect();
        }
        let at = |axis: &Axis| {
            let wanted = study.baseline.get(&axis.name);
            let found = axis.levels.iter().position(|l| Some(&l.name) == wanted);
            found.unwrap_or(0)
        };
        let baseline = Choice {
            levels: axes.iter().map(at).collect(),
        };
        let mut grid = Grid {
            study,
            axes,
            arms,
            baseline,
        };
        let kept = grid.arms.iter().filter(|arm| !grid.is_skipped(arm));
        grid.arms = kept.cloned().collect();
        match grid.arms.contains(&grid.baseline) {
            true => Ok(grid),
            false => Err(user(format!(
                "the baseline {} is skipped; name another with baseline = {{ axis = \"level\" }}",
                grid.name(&grid.baseline)
            ))),
        }
    }

    /// The arm that this one is compared with: the baseline, at this arm's own levels of the axes that are not compared.
    pub fn baseline_of(&self, arm: &Choice) -> Choice {
        let levels = self.axes.iter().zip(&arm.levels).zip(&self.baseline.levels);
        let level = |((axis, own), base): ((&Axis, &usize), &usize)| match self
            .study
            .within
            .contains(&axis.name)
        {
            true => *own,
            false => *base,
        };
        Choice {
            levels: levels.map(level).collect(),
        }
    }

    fn is_skipped(&self, arm: &Choice) -> bool {
        let levels = self.levels(arm);
        let fits = |skip: &BTreeMap<String, String>| {
            !skip.is_empty() && skip.iter().all(|(axis, level)| levels[axis] == *level)
        };
        self.study.skip.iter().any(fits)
    }

    /// Level by axis.
    pub fn levels(&self, arm: &Choice) -> BTreeMap<String, String> {
        let axes = self.axes.iter().zip(&arm.levels);
        axes.map(|(axis, &level)| (axis.name.clone(), axis.levels[level].name.clone()))
            .collect()
    }

    /// Its levels, joined by `+`.
    pub fn name(&self, arm: &Choice) -> String {
        self.name_by(arm, |_| true)
    }

    fn name_by(&self, arm: &Choice, counts: impl Fn(&Axis) -> bool) -> String {
        let axes = self.axes.iter().zip(&arm.levels);
        let levels: Vec<&str> = axes
            .filter(|(axis, _)| counts(axis))
            .map(|(axis, &level)| axis.levels[level].name.as_str())
            .collect();
        match levels.is_empty() {
            true => "all".to_owned(),
            false => levels.join("+"),
        }
    }

    /// The run of a stage for an arm and a seed. Arms whose levels make no difference to the stage share it.
    pub fn run(&self, arm: &Choice, stage: usize, seed: u64) -> PlannedRun {
        let order = &self.study.stages[stage];
        let (config, own) = self.settings(arm, order);
        let mut set: Vec<String> = own
            .iter()
            .map(|line| self.filled(line, arm, stage, seed))
            .collect();
        let folder = self.folder(arm, stage, seed);
        set.push(format!(
            "train.out={}",
            quoted(&self.study.out.join(&folder))
        ));
        set.push(format!("seed={seed}"));
        PlannedRun {
            stage,
            folder,
            config,
            set,
            evaluate: self.evaluations(arm, order),
            needs: self
                .needs(arm, stage)
                .into_iter()
                .filter(|&earlier| earlier != stage)
                .map(|earlier| self.folder(arm, earlier, seed))
                .collect(),
        }
    }

    fn evaluations(&self, arm: &Choice, stage: &Stage) -> BTreeMap<String, Evaluation> {
        let mut all = stage.evaluate.clone();
        for change in self.changes(arm, stage) {
            all.extend(change.evaluate.clone());
        }
        all
    }

    /// What the arm's levels change of a stage.
    fn changes(&self, arm: &Choice, stage: &Stage) -> impl Iterator<Item = &'a Change> {
        let (axes, levels, stage) = (self.axes, arm.levels.clone(), stage.name.clone());
        let levels = axes.iter().zip(levels);
        levels.filter_map(move |(axis, level)| axis.levels[level].changes.get(&stage))
    }

    /// The config of a stage and its overrides, before folders are filled in.
    fn settings(&self, arm: &Choice, stage: &Stage) -> (PathBuf, Vec<String>) {
        let (mut config, mut set) = (stage.config.clone(), stage.set.clone());
        for change in self.changes(arm, stage) {
            if let Some(other) = &change.config {
                config.clone_from(other);
            }
            set.extend(change.set.iter().cloned());
        }
        (config, set)
    }

    /// Further names for metrics of the last stage's runs: the name, and the metric that it stands for.
    pub fn measures(&self, arm: &Choice) -> Vec<(&'a str, &'a str)> {
        let last = self.study.stages.last().expect("a study has a stage");
        self.changes(arm, last)
            .flat_map(|change| &change.measures)
            .map(|(name, metric)| (name.as_str(), metric.as_str()))
            .collect()
    }

    fn filled(&self, line: &str, arm: &Choice, stage: usize, seed: u64) -> String {
        let mut line = line.to_owned();
        for earlier in 0..stage {
            let sign = self.sign(earlier);
            if line.contains(&sign) {
                let folder = self.study.out.join(self.folder(arm, earlier, seed));
                line = line.replace(&sign, &folder.display().to_string());
            }
        }
        line
    }

    fn sign(&self, stage: usize) -> String {
        format!("{{{}}}", self.study.stages[stage].name)
    }

    /// Stages that a stage of this arm reads, itself included.
    pub fn needs(&self, arm: &Choice, stage: usize) -> Vec<usize> {
        let (_, set) = self.settings(arm, &self.study.stages[stage]);
        let read = |&earlier: &usize| set.iter().any(|line| line.contains(&self.sign(earlier)));
        let mut needed: Vec<usize> = (0..stage)
            .filter(read)
            .flat_map(|earlier| self.needs(arm, earlier))
            .collect();
        needed.push(stage);
        needed.sort_unstable();
        needed.dedup();
        needed
    }

    fn folder(&self, arm: &Choice, stage: usize, seed: u64) -> PathBuf {
        let needed = self.needs(arm, stage);
        let stages: Vec<&String> = needed.iter().map(|&s| &self.study.stages[s].name).collect();
        let counts = |axis: &Axis| {
            let mut levels = axis.levels.iter();
            levels.any(|level| {
                stages
                    .iter()
                    .any(|stage| level.changes.contains_key(*stage))
            })
        };
        Path::new(&self.study.stages[stage].name)
            .join(self.name_by(arm, counts))
            .join(format!("seed-{seed}"))
    }

    /// Every run that the arms need, those of earlier stages first, each once.
    pub fn runs(&self) -> Vec<PlannedRun> {
        let last = self.study.stages.len() - 1;
        let mut runs: Vec<PlannedRun> = Vec::new();
        for stage in 0..=last {
            for &seed in &self.study.seeds {
                for arm in &self.arms {
                    if !self.needs(arm, last).contains(&stage) {
                        continue;
                    }
                    let run = self.run(arm, stage, seed);
                    if !runs.iter().any(|other| other.folder == run.folder) {
                        runs.push(run);
                    }
                }
            }
        }
        runs
    }
}

/// A path as a TOML string.
fn quoted(path: &Path) -> String {
    toml::Value::String(path.display().to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_STAGES: &str = r#"
        seeds = [0, 1]
        out = "runs/x"
        metric = "accuracy"
        [[stage]]
        name = "pretrain"
        config = "p.toml"
        [[stage]]
        name = "tune"
        config = "t.toml"
        [axis.objective]
        mlm = { pretrain = ["a=1"], tune = ['model.path="{pretrain}/model"'] }
        none = { tune = { config = "scratch.toml" } }
        [axis.pooling]
        cls = {}
        mean = { tune = ["b=2"] }
        [[skip]]
        objective = "none"
        pooling = "mean"
    "#;

    fn grid_of(text: &str, look: impl FnOnce(&Grid<'_>)) {
        let (study, axes) = Study::parse(text).expect("a study");
        look(&Grid::of(&study, &axes).expect("a grid"));
    }

    #[test]
    fn an_earlier_stage_is_trained_once_for_all_arms_that_share_it() {
        grid_of(TWO_STAGES, |grid| {
            let names: Vec<String> = grid.arms.iter().map(|arm| grid.name(arm)).collect();
            assert_eq!(names, ["mlm+cls", "mlm+mean", "none+cls"]);
            let folders: Vec<String> = grid
                .runs()
                .iter()
                .filter(|run| run.set.last().is_some_and(|last| last == "seed=0"))
                .map(|run| run.folder.display().to_string())
                .collect();
            assert_eq!(
                folders,
                [
                    "pretrain/mlm/seed-0",
                    "tune/mlm+cls/seed-0",
                    "tune/mlm+mean/seed-0",
                    "tune/none+cls/seed-0"
                ]
            );
        });
    }

    #[test]
    fn a_later_stage_reads_the_folder_of_its_own_arm_and_seed() {
        grid_of(TWO_STAGES, |grid| {
            let run = grid.run(&grid.arms[1], 1, 1);
            assert_eq!(
                run.set,
                [
                    "model.path=\"runs/x/pretrain/mlm/seed-1/model\"",
                    "b=2",
                    "train.out=\"runs/x/tune/mlm+mean/seed-1\"",
                    "seed=1"
                ]
            );
        });
    }

    #[test]
    fn a_skipped_baseline_is_refused() {
        let text = TWO_STAGES.replace(
            "[[stage]]\n        name = \"pretrain\"",
            "baseline = { objective = \"none\", pooling = \"mean\" }\n[[stage]]\nname = \"pretrain\"",
        );
        let (study, axes) = Study::parse(&text).expect("a study");
        assert!(Grid::of(&study, &axes).is_err());
    }
}
