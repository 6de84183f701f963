//! Means over repetitions.

/// A mean and how far it may be from the one of endless repetitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error; none from a single repetition.
    pub se: Option<f64>,
}

impl Estimate {
    /// The mean of `samples`, and their standard deviation (n - 1) over the square root of their number; `None` without
    /// samples. Summed in the order given; exact where all are the same.
    pub fn of(samples: &[f64]) -> Option<Self> {
        let n = samples.len() as f64;
        let first = *samples.first()?;
        let mean = first + samples.iter().map(|x| x - first).sum::<f64>() / n;
        let squares = samples.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        Some(Self { mean, se: (samples.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt()) })
    }

    /// The ratio of two sums over the same repetitions, and its standard error to the first order (the residuals of the
    /// ratio). `None` where the sum below is 0. `pairs`: above, below.
    pub fn ratio(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Self> {
        let add = |(n, above, below): (f64, f64, f64), (x, y)| (n + 1.0, above + x, below + y);
        let (n, above, below) = pairs.clone().fold((0.0, 0.0, 0.0), add);
        if below == 0.0 {
            return None;
        }
        let mean = above / below;
        let squares = pairs.map(|(x, y)| (x - mean * y) * (x - mean * y)).sum::<f64>();
        Some(Self { mean, se: (n > 1.0).then(|| (squares * n / (n - 1.0)).sqrt() / below) })
    }
}
