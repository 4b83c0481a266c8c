//! How a run looks on a screen.

use std::time::Duration;

use cresset_train::SpecialVector;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{
    Axis, Block, Cell, Chart, Dataset, Gauge, GraphType, Paragraph, Row, Table, Wrap,
};

use super::state::State;

/// Draws everything, as far as there is room.
pub fn draw(frame: &mut Frame<'_>, state: &State, elapsed: Duration) {
    let n_vectors = state.vectors.len() as u16;
    let warnings = if state.warnings.is_empty() { 0 } else { 4 };
    let rows = [
        Constraint::Length(1),
        Constraint::Min(6),
        Constraint::Length(if n_vectors > 0 {
            n_vectors.min(8) + 3
        } else {
            0
        }),
        Constraint::Length(warnings),
        Constraint::Length(1),
    ];
    let [top, middle, vectors, warned, bottom] = Layout::vertical(rows).areas(frame.area());
    let halves = [Constraint::Fill(3), Constraint::Fill(2)];
    let [left, right] = Layout::horizontal(halves).areas(middle);
    progress(frame, top, state, elapsed);
    losses(frame, left, state);
    numbers(frame, right, state);
    if n_vectors > 0 {
        special(frame, vectors, state);
    }
    if let Some((step, text)) = state.warnings.last() {
        let text = Paragraph::new(format!("step {step}: {text}")).wrap(Wrap { trim: true });
        let block = Block::bordered().title("warning").fg(Color::Yellow);
        frame.render_widget(text.block(block), warned);
    }
    let news = state.news.as_deref().unwrap_or_default();
    let keys = Line::from(vec![
        "q".bold(),
        " stop with a checkpoint   ".into(),
        news.into(),
    ]);
    frame.render_widget(keys, bottom);
}

fn progress(frame: &mut Frame<'_>, area: Rect, state: &State, elapsed: Duration) {
    let (done, steps) = (state.done(), state.steps);
    let left = match state.seconds_left() {
        Some(seconds) => format!(", {} left", clock(seconds)),
        None => String::new(),
    };
    let label = format!(
        "{}: step {done} of {steps}, {}{left}",
        state.name,
        clock(elapsed.as_secs_f64())
    );
    let gauge = Gauge::default()
        .ratio((done as f64 / steps.max(1) as f64).clamp(0.0, 1.0))
        .gauge_style(Style::new().fg(Color::Blue))
        .label(label);
    frame.render_widget(gauge, area);
}

/// Hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes:02}:{:02}", seconds % 60)
}

fn losses(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let (train, eval) = (state.loss.points(), state.eval_loss.points());
    let values = || train.iter().chain(eval).map(|(_, value)| *value);
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let block = Block::bordered().title(Line::from(vec![
        "loss: ".into(),
        "training, smoothed".fg(Color::Cyan),
        ", ".into(),
        "held out".fg(Color::Magenta),
    ]));
    if low > high {
        frame.render_widget(block, area);
        return;
    }
    let room = ((high - low) * 0.05).max(1e-6);
    let (low, high) = (low - room, high + room);
    let steps = [state.first as f64, state.steps.max(state.first + 1) as f64];
    let line = |data, color| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(color))
            .data(data)
    };
    let points = Dataset::default()
        .marker(Marker::Dot)
        .graph_type(GraphType::Scatter)
        .style(Style::new().fg(Color::Magenta))
        .data(eval);
    let middle = (low + high) / 2.0;
    let chart = Chart::new(vec![
        line(train, Color::Cyan),
        line(eval, Color::Magenta),
        points,
    ])
    .block(block)
    .x_axis(
        Axis::default()
            .bounds(steps)
            .labels(steps.map(|s| format!("{s}"))),
    )
    .y_axis(
        Axis::default()
            .bounds([low, high])
            .labels([low, middle, high].map(|v| format!("{v:.3}"))),
    );
    frame.render_widget(chart, area);
}

fn numbers(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let mut lines: Vec<(String, String)> = Vec::new();
    if let Some(last) = &state.last {
        lines.push(("loss".into(), format!("{:.4}", last.loss)));
        let terms = last.terms.iter().filter(|_| last.terms.len() > 1);
        lines.extend(terms.map(|(name, value)| (format!("  {name}"), format!("{value:.4}"))));
        lines.push(("gradient norm".into(), format!("{:.3}", last.grad_norm)));
        lines.push(("learning rate".into(), format!("{:.2e}", last.lr)));
        lines.push((
            "tokens per second".into(),
            format!("{:.0}", state.tokens_per_second()),
        ));
    }
    if let Some((step, values)) = state.evaluations.last() {
        lines.push((format!("held out, step {step}"), String::new()));
        lines.extend(
            values
                .iter()
                .map(|(name, value)| (format!("  {name}"), format!("{value:.4}"))),
        );
    }
    if let Some((metric, value, step)) = &state.best {
        lines.push((
            format!("best {metric}"),
            format!("{value:.4} at step {step}"),
        ));
    }
    if let Some(cloud) = &state.cloud {
        let rank = cloud
            .effective_rank
            .map_or("-".to_owned(), |rank| format!("{rank:.1}"));
        let name = format!("{} cloud", cloud.pooling);
        lines.push((
            name,
            format!("cosine {:.3}, rank {rank}", cloud.mean_cosine),
        ));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    let line = |(name, value): (String, String)| {
        Line::from(vec![Span::raw(format!("{name:width$}")), value.bold()])
    };
    let text: Vec<Line<'_>> = lines.into_iter().map(line).collect();
    frame.render_widget(
        Paragraph::new(text).block(Block::bordered().title("numbers")),
        area,
    );
}

const COLUMNS: [&str; 9] = [
    "token",
    "role",
    "norm",
    "of mean",
    "cos start",
    "gradient",
    "update",
    "attention",
    "nearest",
];

fn special(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let row = |vector: &SpecialVector| {
        let some = |value: Option<f64>, show: fn(f64) -> String| value.map_or("-".into(), show);
        let nearest = vector.nearest.first();
        let role = match &vector.stack {
            Some(stack) => format!("{stack} {}", vector.role),
            None => vector.role.clone(),
        };
        let of_mean = (vector.mean_norm > 0.0).then(|| vector.norm / vector.mean_norm);
        Row::new([
            Cell::from(vector.token.clone().bold()),
            Cell::from(role),
            Cell::from(format!("{:.3}", vector.norm)),
            Cell::from(some(of_mean, |x| format!("{x:.2}"))),
            Cell::from(some(vector.cosine_to_start, |x| format!("{x:.3}"))),
            Cell::from(some(vector.gradient_norm, |x| format!("{x:.1e}"))),
            Cell::from(some(vector.update_ratio, |x| format!("{x:.1e}"))),
            Cell::from(some(state.received(vector), |x| {
                format!("{:.1} %", 100.0 * x)
            })),
            Cell::from(nearest.map_or("-".into(), |n| format!("{} {:.2}", n.token, n.cosine))),
        ])
    };
    let widths = [10, 16, 8, 8, 9, 9, 9, 9, 16].map(Constraint::Min);
    let table = Table::new(state.vectors.iter().map(row), widths)
        .header(Row::new(COLUMNS).style(Style::new().underlined()))
        .block(Block::bordered().title("special vectors"));
    frame.render_widget(table, area);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cresset_train::{Event, Special, StepReport};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;

    fn look(step: u64, warnings: &[&str]) -> Event {
        let vector = |role: &str, token: &str| {
            json!({"role": role, "token": token, "id": 2, "stack": null, "norm": 1.25, "mean_norm": 0.5, "cosine_to_start": 0.875,
                   "distance_to_start": 0.1, "cosine_to_mean": 0.3, "distance_to_mean": 1.0,
                   "nearest": [{"token": "the", "id": 9, "cosine": 0.41}], "gradient_norm": 0.02, "update_ratio": null})
        };
        let look: Special = serde_json::from_value(json!({
            "step": step, "seconds": 0.1, "vectors": [vector("cls", "[CLS]"), vector("sep", "[SEP]")],
            "attention": [{"stack": "encoder", "role": "cls", "token": "[CLS]", "n_texts": 3, "to": [[0.25, 0.5], [0.25, 0.5]]}],
            "cloud": {"pooling": "cls", "n": 3, "mean_cosine": 0.625, "effective_rank": 7.5, "first_direction": 0.4, "width": 8},
            "warnings": warnings,
        }))
        .expect("a look");
        Event::Special(Box::new(look))
    }

    fn step(step: u64) -> Event {
        Event::Step {
            report: StepReport {
                step,
                loss: 2.0 / step as f64,
                terms: BTreeMap::new(),
                grad_norm: 1.5,
                lr: 3e-4,
                tokens: 640,
            },
            seconds: 0.5,
            data_wait_seconds: 0.0,
            tokens_per_second: 1280.0,
        }
    }

    fn a_run() -> State {
        let mut state = State::new("runs/a");
        state.take(&Event::Started { step: 0, steps: 40 });
        (1..=20).for_each(|n| state.take(&step(n)));
        state.take(&Event::Evaluated {
            step: 20,
            values: BTreeMap::from([("accuracy".to_owned(), 0.75), ("loss".to_owned(), 0.5)]),
            seconds: 1.0,
        });
        state
    }

    fn drawn(state: &State, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen");
        terminal
            .draw(|frame| draw(frame, state, Duration::from_secs(3725)))
            .expect("draws");
        terminal.backend().to_string()
    }

    #[test]
    fn a_run_is_told_on_one_screen() {
        let mut state = a_run();
        state.take(&look(20, &["the [CLS] vectors have collapsed"]));
        let screen = drawn(&state, 110, 32);
        for text in [
            "runs/a: step 20 of 40, 1:02:05, 0:00:10 left",
            "learning rate      3.00e-4",
            "tokens per second  1280",
            "accuracy",
            "0.7500",
            "cosine 0.625, rank 7.5",
            "special vectors",
            "the 0.41",
            "step 20: the [CLS] vectors have collapsed",
            "q stop with a checkpoint",
        ] {
            assert!(screen.contains(text), "{text:?} in\n{screen}");
        }
        let row = screen
            .lines()
            .find(|line| line.contains("[CLS]"))
            .expect("a row");
        for number in ["1.250", "2.50", "0.875", "2.0e-2", "37.5 %"] {
            assert!(row.contains(number), "{number} in {row}");
        }
        let dots = screen
            .chars()
            .filter(|c| ('\u{2801}'..='\u{28ff}').contains(c));
        assert!(dots.count() > 10, "a curve in\n{screen}");
    }

    #[test]
    fn without_special_vectors_and_warnings_their_places_go_to_the_curve() {
        let screen = drawn(&a_run(), 100, 20);
        assert!(
            !screen.contains("special vectors") && !screen.contains("warning"),
            "{screen}"
        );
        let empty = drawn(&State::new("runs/a"), 100, 20);
        assert!(empty.contains("step 0 of 0"), "{empty}");
    }

    #[test]
    fn a_screen_may_be_of_any_size() {
        let mut state = a_run();
        state.take(&look(20, &["a warning"]));
        for (width, height) in [(1, 1), (20, 5), (40, 10), (300, 4), (3, 60)] {
            drawn(&state, width, height);
        }
    }

    #[test]
    fn evaluations_and_warnings_outlast_the_screen_in_order() {
        let mut state = a_run();
        state.take(&look(10, &["early"]));
        assert_eq!(
            state.lines(),
            [
                "warning: step 10: early",
                "step 20: accuracy 0.7500  loss 0.5000"
            ]
        );
    }
}
