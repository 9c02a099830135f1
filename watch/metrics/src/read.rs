//! Reads the text of `openmetrics`.

/// A family of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) help: &'a str,
}

/// A sample of a family.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(&'a str, String)>,
    pub(crate) value: &'a str,
}

/// A line that means something.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line<'a> {
    Family(Family<'a>),
    Sample(Sample<'a>),
}

/// Returns the families, each complete before its samples, and the samples. Lines of another form are left out.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut family = Family::default();
    text.lines().filter_map(move |line| {
        let Some(comment) = line.strip_prefix("# ") else { return sample(line).map(Line::Sample) };
        let (word, rest) = comment.split_once(' ')?;
        let (name, value) = rest.split_once(' ')?;
        match word {
            "TYPE" => family = Family { name, kind: value, ..Family::default() },
            "UNIT" => family.unit = Some(value),
            "HELP" => {
                family.help = value;
                return Some(Line::Family(family.clone()));
            }
            _ => {}
        }
        None
    })
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (name, rest) = line.split_once('{')?;
    let (labels, rest) = labels(rest)?;
    Some(Sample { name, labels, value: rest.trim() })
}

/// Returns the labels, and the text behind them.
fn labels(mut text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.strip_prefix(',').unwrap_or(text);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = quoted(rest)?;
        labels.push((name, value));
        text = rest;
    }
}

/// Returns a value without its escapes, and the text behind its closing quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            plain => value.push(plain),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_samples_and_escapes_are_read() {
        let text = "# TYPE a_seconds counter\n# UNIT a_seconds seconds\n# HELP a_seconds Time.\n\
                    a_seconds_total{x=\"1\",y=\"q\\\"b\\\\s\\nl}\"} 1.5\nb{} 2\nnonsense\nc{x=\"open\n# EOF\n";
        let family = Family { name: "a_seconds", kind: "counter", unit: Some("seconds"), help: "Time." };
        let labels = vec![("x", "1".to_owned()), ("y", "q\"b\\s\nl}".to_owned())];
        let expected = [
            Line::Family(family),
            Line::Sample(Sample { name: "a_seconds_total", labels, value: "1.5" }),
            Line::Sample(Sample { name: "b", labels: Vec::new(), value: "2" }),
        ];
        assert_eq!(lines(text).collect::<Vec<_>>(), expected);
    }
}
