//! The configuration as it is written, and what is wrong with it in a sentence.

use cresset_train::{
    AdamWConfig, ConstantConfig, CosineConfig, OptimConfig, ScheduleConfig, TrainerConfig, Warmup,
    WarmupConfig,
};
use serde::Deserialize;

use crate::task;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    optim: OptimConfig,
    #[serde(default)]
    schedule: ScheduleConfig,
}

fn parse(text: &str) -> File {
    toml::from_str(text).unwrap()
}

#[test]
fn the_config_file_says_it_as_the_design_does() {
    let file = parse(
        "[optim]\nadamw = { lr = 3e-4, betas = [0.9, 0.999], eps = 1e-8, weight_decay = 0.01 }\nclip = 1.0\n\
         [schedule]\nlinear = { warmup = 0.1 }",
    );
    assert_eq!(
        file.optim,
        OptimConfig {
            adamw: AdamWConfig::default(),
            clip: Some(1.0)
        }
    );
    assert_eq!(
        file.schedule,
        ScheduleConfig::Linear(WarmupConfig {
            warmup: Warmup::Share(0.1)
        })
    );
    let file = parse("[schedule]\ncosine = { warmup = 100, floor = 0.1 }");
    assert_eq!(
        file.schedule,
        ScheduleConfig::Cosine(CosineConfig {
            warmup: Warmup::Steps(100),
            floor: 0.1
        })
    );
    let file = parse("[schedule]\nconstant = {}");
    assert_eq!(
        file.schedule,
        ScheduleConfig::Constant(ConstantConfig {
            warmup: Warmup::Steps(0)
        })
    );
    let file = parse("[schedule]\ninverse_sqrt = { warmup = 4000 }");
    assert_eq!(file.schedule.warmup(), Warmup::Steps(4000));
    assert_eq!(parse("").optim.clip, None);
}

#[test]
fn what_is_written_is_read_back() {
    let config = task::config(3);
    let text = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<TrainerConfig>(&text).unwrap(), config);
}

#[test]
fn an_unknown_key_is_refused() {
    for text in [
        "[optim]\nadam = { lr = 1.0 }",
        "[optim.adamw]\nlearning_rate = 1.0",
        "[schedule]\nlinear = { warm_up = 10 }",
        "[schedule]\nsteps = {}",
    ] {
        let error = toml::from_str::<File>(text).unwrap_err().to_string();
        assert!(error.contains("unknown"), "{error}");
    }
}

#[test]
fn a_senseless_value_is_named_in_a_sentence() {
    let adamw = |change: fn(&mut AdamWConfig)| {
        let mut config = OptimConfig::default();
        change(&mut config.adamw);
        config.validate().unwrap_err().to_string()
    };
    assert_eq!(
        adamw(|c| c.lr = 0.0),
        "optim.adamw.lr is 0, but it must be above 0, as in 3e-4"
    );
    assert!(adamw(|c| c.lr = f64::NAN).contains("optim.adamw.lr is NaN"));
    assert!(adamw(|c| c.betas[1] = 1.0).contains("optim.adamw.betas is 1"));
    assert!(adamw(|c| c.eps = -1.0).contains("optim.adamw.eps is -1"));
    assert!(adamw(|c| c.weight_decay = -0.1).contains("optim.adamw.weight_decay is -0.1"));
    let clip = OptimConfig {
        clip: Some(0.0),
        ..OptimConfig::default()
    }
    .validate()
    .unwrap_err()
    .to_string();
    assert!(clip.contains("leave it out for no clipping"), "{clip}");

    let warmup = |warmup| ScheduleConfig::Linear(WarmupConfig { warmup }).validate(100);
    assert!(warmup(Warmup::Steps(100)).is_ok());
    let message = warmup(Warmup::Steps(200)).unwrap_err().to_string();
    assert_eq!(
        message,
        "schedule warmup is 200 steps, but the run has only 100 steps; shorten the warm-up or train longer"
    );
    assert!(
        warmup(Warmup::Share(1.5))
            .unwrap_err()
            .to_string()
            .contains("schedule warmup is 1.5")
    );
    assert!(warmup(Warmup::Share(-0.1)).is_err());
    let floor = ScheduleConfig::Cosine(CosineConfig {
        floor: 2.0,
        ..CosineConfig::default()
    })
    .validate(10);
    assert!(
        floor
            .unwrap_err()
            .to_string()
            .contains("schedule.cosine.floor is 2")
    );

    let none = TrainerConfig {
        accumulate: 0,
        ..task::config(3)
    }
    .validate()
    .unwrap_err()
    .to_string();
    assert!(none.contains("train.accumulate is 0"), "{none}");
    assert!(
        TrainerConfig {
            steps: 0,
            ..task::config(3)
        }
        .validate()
        .is_err()
    );
}
