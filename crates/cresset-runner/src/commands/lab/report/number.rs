//! Numbers as a person reads them.

/// Four significant digits and no more than four decimals, three digits of what is smaller; powers of ten where there would be
/// many zeros; a dash for what is no number.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        return format!("{value:.2e}");
    }
    let before_point = size.log10().floor() as i32 + 1;
    let digits = if size < 0.01 { 3 } else { 4 };
    let most = if size < 0.01 { 6 } else { 4 };
    let decimals = (digits - before_point).clamp(0, most) as usize;
    format!("{value:.decimals$}")
}

/// As [`number`]; a dash for what is absent.
pub fn number_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), number)
}

/// As [`number`], with its sign.
pub fn signed(value: f64) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", number(value))
}

/// The ends of an interval.
pub fn interval(ends: Option<(f64, f64)>) -> String {
    match ends {
        Some((low, high)) => format!("[{}, {}]", number(low), number(high)),
        None => ABSENT.to_owned(),
    }
}

/// A probability of error, three decimals.
pub fn p_value(p: Option<f64>) -> String {
    match p {
        Some(p) if p.is_finite() && p < 0.001 => "<0.001".to_owned(),
        Some(p) if p.is_finite() => format!("{p:.3}"),
        _ => ABSENT.to_owned(),
    }
}

/// A share in percent, without the sign.
pub fn percent(share: f64) -> String {
    match share.is_finite() {
        true => format!("{:.1}", share * 100.0),
        false => ABSENT.to_owned(),
    }
}

/// What stands where there is no number.
pub const ABSENT: &str = "–";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.98765, "0.9877"),
            (12.3456, "12.35"),
            (1234.56, "1235"),
            (0.0456789, "0.0457"),
            (-0.00123456, "-0.00123"),
            (0.000012, "1.20e-5"),
            (f64::NAN, "–"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!(
            (signed(0.5), signed(-0.5)),
            ("+0.5000".into(), "-0.5000".into())
        );
    }
}
