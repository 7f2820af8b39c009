//! How Java spells a double.

/// `Double.toString`: plain from 1e-3 up to 1e7, computerized scientific notation beyond; always with a fraction digit.
pub fn java_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0" } else { "0.0" }.to_owned();
    }
    let magnitude = value.abs();
    if (1e-3..1e7).contains(&magnitude) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let dot = if mantissa.contains('.') { "" } else { ".0" };
    format!("{mantissa}{dot}E{exponent}")
}

/// `Float.toString`, by the same rules over the shortest digits of a float.
pub fn java_float(value: f32) -> String {
    if !value.is_finite() || value == 0.0 {
        return java_double(f64::from(value));
    }
    // The shortest decimal of the float, read as a double, has exactly those digits.
    java_double(format!("{value}").parse().unwrap_or(f64::from(value)))
}
