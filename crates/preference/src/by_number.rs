//! Answers that follow from one number an item.

use crate::{Answer, Item, Question, QuestionKind};

/// The answer to `question` of one who likes a higher `value` better, or who finds items alike whose values are near;
/// turned round where `wrong`. `None` when a value is missing or not a number, the two of a similarity are equally
/// near, or a number cannot answer the question.
pub(crate) fn answer(
    question: &Question,
    value: impl Fn(&Item) -> Option<f64>,
    wrong: bool,
) -> Option<Answer> {
    let mut valued = Vec::with_capacity(question.items.len());
    for item in &question.items {
        valued.push((item.clone(), value(item).filter(|v| !v.is_nan())?));
    }
    match (question.kind, &valued[..]) {
        (QuestionKind::Ranking, _) => {
            let mut tiers = tiers(&valued);
            if wrong {
                tiers.reverse();
            }
            Some(Answer::Ranking { tiers })
        }
        (QuestionKind::Rating(scale), [(item, value)]) => {
            if scale.low.is_nan() || scale.high.is_nan() || scale.low > scale.high {
                return None;
            }
            let value = value.clamp(scale.low, scale.high);
            Some(Answer::Rating {
                item: item.clone(),
                value: if wrong {
                    scale.low + scale.high - value
                } else {
                    value
                },
                scale,
            })
        }
        (QuestionKind::Similarity, [(anchor, at), (second, a), (third, b)]) => {
            let (to_second, to_third) = ((at - a).abs(), (at - b).abs());
            if to_second == to_third || to_second.is_nan() || to_third.is_nan() {
                return None;
            }
            let (nearer, farther) = if (to_second < to_third) != wrong {
                (second, third)
            } else {
                (third, second)
            };
            Some(Answer::Similarity {
                anchor: anchor.clone(),
                nearer: nearer.clone(),
                farther: farther.clone(),
            })
        }
        _ => None,
    }
}

/// The items in tiers of equal value, highest first.
fn tiers(valued: &[(Item, f64)]) -> Vec<Vec<Item>> {
    let mut sorted: Vec<_> = valued.iter().collect();
    sorted.sort_by(|a, b| b.1.total_cmp(&a.1));
    sorted
        .chunk_by(|a, b| a.1 == b.1)
        .map(|tier| tier.iter().map(|(item, _)| item.clone()).collect())
        .collect()
}
