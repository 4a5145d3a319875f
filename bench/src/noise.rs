//! Medians, ratios and their noise.

/// The median; zero without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => 0.0,
        (len, middle) if len % 2 == 1 => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The ratio of two series: the median of the ratios of each round, because what disturbs a round disturbs both; the ratio of the
/// medians if their lengths differ. `None` if the first series is zero.
#[must_use]
pub fn ratio(first: &[f64], second: &[f64]) -> Option<f64> {
    let of = |first: f64, second: f64| (first > 0.0).then(|| second / first);
    if first.len() == second.len() {
        let ratios: Option<Vec<f64>> = first.iter().zip(second).map(|(a, b)| of(*a, *b)).collect();
        ratios.filter(|ratios| !ratios.is_empty()).map(median)
    } else {
        of(
            median(first.iter().copied()),
            median(second.iter().copied()),
        )
    }
}

/// The relative standard deviation of the ratio of one round, from a program that ran against itself: 1.48 times the median of
/// the deviations, which single outliers do not change.
#[must_use]
pub fn deviation(first: &[f64], second: &[f64]) -> f64 {
    let pairs = first.iter().zip(second);
    let deviations = pairs
        .filter(|(a, b)| **a > 0.0 && **b > 0.0)
        .map(|(a, b)| (b / a).ln().abs());
    1.4826 * median(deviations)
}

/// By how much the ratios of two runs of `rounds` rounds may differ, relative to the ratio, if nothing has changed: 2.5
/// standard errors of the difference. The standard error of a median is 1.25 times that of the mean.
#[must_use]
pub fn tolerance(deviation: f64, rounds: usize) -> f64 {
    let error_of_median = 1.2533 * deviation / (rounds.max(1) as f64).sqrt();
    2.5 * std::f64::consts::SQRT_2 * error_of_median
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), 0.0);
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0]), 2.5);
    }

    #[test]
    fn ratios_are_those_of_rounds() {
        // The second round is disturbed for both.
        assert_eq!(ratio(&[10.0, 20.0, 10.0], &[5.0, 10.0, 5.0]), Some(0.5));
        assert_eq!(ratio(&[10.0, 10.0], &[5.0]), Some(0.5));
        assert_eq!(ratio(&[0.0], &[5.0]), None);
        assert_eq!(ratio(&[], &[]), None);
    }

    #[test]
    fn noise_ignores_an_outlier() {
        let quiet = deviation(&[100.0; 5], &[101.0, 99.0, 101.0, 99.0, 200.0]);
        assert!((0.014..0.016).contains(&quiet), "{quiet}");
        assert_eq!(deviation(&[100.0; 5], &[100.0; 5]), 0.0);
        assert_eq!(deviation(&[], &[]), 0.0);
    }

    #[test]
    fn more_rounds_tolerate_less() {
        assert!((tolerance(0.01, 5) - 0.0198).abs() < 0.0002);
        assert!(tolerance(0.01, 20) < tolerance(0.01, 5));
        assert_eq!(tolerance(0.0, 5), 0.0);
    }
}
