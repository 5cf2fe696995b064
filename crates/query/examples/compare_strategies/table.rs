//! What came of it, in figures.

use crate::course::Course;
use apprentice_core::Seed;
use rand::Rng as _;
use serde::Serialize;

/// Resamples of the seeds for an interval.
const RESAMPLES: usize = 4000;

/// A strategy in a world.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub strategy: String,
    /// (seconds, mean accuracy)
    pub accuracy: Vec<(f64, f64)>,
    /// Mean accuracy over all seconds: the area under the curve.
    pub area: f64,
    /// For each seed, the area less that of random questions of the same seed.
    pub ahead: Vec<f64>,
    /// The mean of that, and its 95 % interval (bootstrap over the seeds).
    pub ahead_mean: [f64; 3],
}

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub world: String,
    pub rows: Vec<Row>,
}

/// Mean, and the 95 % interval of the mean, by resampling.
pub fn interval(values: &[f64]) -> [f64; 3] {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
    let mut rng = Seed(1).rng();
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..values.len()).map(|_| values[rng.random_range(0..values.len())]);
            mean(&drawn.collect::<Vec<_>>())
        })
        .collect();
    means.sort_by(f64::total_cmp);
    [
        mean(values),
        means[RESAMPLES / 40],
        means[RESAMPLES - 1 - RESAMPLES / 40],
    ]
}

fn area(course: &Course, seconds: f64) -> f64 {
    let steps = 100;
    let at = |i: i32| course.at(seconds * f64::from(i) / f64::from(steps));
    (1..=steps).map(at).sum::<f64>() / f64::from(steps)
}

fn shown([mean, low, high]: [f64; 3]) -> String {
    format!(
        "{:+.2} [{:+.2}, {:+.2}]",
        100.0 * mean,
        100.0 * low,
        100.0 * high
    )
}

/// Prints the table of a world.
pub fn print(world: &str, courses: &[Vec<Course>], seconds: f64) -> Report {
    let times: Vec<f64> = [0.125, 0.25, 0.5, 0.75, 1.0].map(|s| s * seconds).into();
    let heads: Vec<String> = times.iter().map(|t| format!("{t:>5.0} s")).collect();
    println!(
        "strategy      questions  {}   area   area less random's, points [95 %]",
        heads.join(" ")
    );
    let areas = |k: usize| -> Vec<f64> { courses.iter().map(|c| area(&c[k], seconds)).collect() };
    let random = areas(0);
    let mut rows = Vec::new();
    for k in 0..courses[0].len() {
        let mean = |f: &dyn Fn(&Course) -> f64| {
            courses.iter().map(|c| f(&c[k])).sum::<f64>() / courses.len() as f64
        };
        let own = areas(k);
        let ahead: Vec<f64> = own.iter().zip(&random).map(|(a, b)| a - b).collect();
        let row = Row {
            strategy: courses[0][k].strategy.to_owned(),
            accuracy: times.iter().map(|&t| (t, mean(&|c| c.at(t)))).collect(),
            area: own.iter().sum::<f64>() / own.len() as f64,
            ahead_mean: interval(&ahead),
            ahead,
        };
        let at: Vec<String> = row
            .accuracy
            .iter()
            .map(|a| format!("{:>7.3}", a.1))
            .collect();
        println!(
            "{:<13} {:>9.1}  {}  {:.3}   {}",
            row.strategy,
            mean(&|c| c.curve.len() as f64),
            at.join(" "),
            row.area,
            if k == 0 {
                String::new()
            } else {
                shown(row.ahead_mean)
            }
        );
        rows.push(row);
    }
    for k in 0..courses[0].len() {
        foreseen(courses, k, seconds);
    }
    Report {
        world: world.to_owned(),
        rows,
    }
}

/// How far what is said beside the questions was right.
fn foreseen(courses: &[Vec<Course>], k: usize, seconds: f64) {
    let of = |f: &dyn Fn(&Course) -> &Vec<[f64; 2]>, side: usize| {
        let all: Vec<f64> = courses
            .iter()
            .flat_map(|c| f(&c[k]).iter().map(|e| e[side]))
            .collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    };
    let stops: Vec<(f64, f64, f64)> = courses
        .iter()
        .filter_map(|c| c[k].stopped.map(|(t, a)| (t, a, c[k].at(seconds))))
        .collect();
    let count = stops.len().max(1) as f64;
    let mean = |f: &dyn Fn(&(f64, f64, f64)) -> f64| stops.iter().map(f).sum::<f64>() / count;
    println!(
        "  {:<11} an answer: {:+.2} points expected, {:+.2} came; {:.1} s expected, {:.1} s taken; told to stop {} of {} \
         times, after {:.0} s at {:.3}, {:.3} at the end",
        courses[0][k].strategy,
        100.0 * of(&|c| &c.expected, 0),
        100.0 * of(&|c| &c.expected, 1),
        of(&|c| &c.seconds, 0),
        of(&|c| &c.seconds, 1),
        stops.len(),
        courses.len(),
        mean(&|s| s.0),
        mean(&|s| s.1),
        mean(&|s| s.2),
    );
}

/// All worlds together, and what follows.
pub fn print_over_all(reports: &[Report]) {
    println!("\nall worlds together: area less random's, points [95 %]");
    let of = |k: usize| -> Vec<f64> {
        reports
            .iter()
            .flat_map(|r| r.rows[k].ahead.clone())
            .collect()
    };
    let count = reports[0].rows.len();
    let mut best = (0, [0.0; 3]);
    for k in 1..count {
        let ahead = interval(&of(k));
        println!("{:<13} {}", reports[0].rows[k].strategy, shown(ahead));
        if ahead[0] > best.1[0] {
            best = (k, ahead);
        }
    }
    let name = |k: usize| &reports[0].rows[k].strategy;
    if best.1[1] <= 0.0 {
        println!("none is ahead of random questions for certain");
        return;
    }
    println!(
        "{} is ahead of random questions; of the others it is ahead by",
        name(best.0)
    );
    for k in (1..count).filter(|k| *k != best.0) {
        let apart: Vec<f64> = of(best.0).iter().zip(of(k)).map(|(a, b)| a - b).collect();
        println!("  {:<11} {}", name(k), shown(interval(&apart)));
    }
}
