//! Two pipelines of six stages each: readings are parsed, checked, converted, batched and stored.
use stage_core::pipeline;

#[derive(Clone, Debug)]
struct Reading {
    sensor: String,
    celsius: f64,
}

#[derive(Clone, Debug)]
struct Alarm {
    sensor: String,
    text: String,
}

fn parse(line: &str) -> Option<Reading> {
    let (sensor, value) = line.split_once('=')?;
    Some(Reading { sensor: sensor.to_owned(), celsius: value.parse().ok()? })
}

pipeline! {
    Readings(lines: Vec<String>) {
        start  || lines.clone();
        step   |line: String| parse(&line), name: "parse", count: 2;
        step   |reading: Option<Reading>| reading.unwrap_or(Reading { sensor: String::new(), celsius: 0.0 }),
               name: "default";
        step   |reading: Reading| (reading.celsius * 1.8 + 32.0, reading.sensor), name: "convert";
        step   |(fahrenheit, sensor): (f64, String)| format!("{sensor}: {fahrenheit:.1}"), name: "format";
        finish |line: String| println!("{line}"), name: "store";
    }
}

pipeline! {
    Alarms(readings: Vec<Reading>) {
        start  || readings.clone();
        step   |reading: Reading| (reading.celsius > 80.0, reading), name: "check";
        step   |(hot, reading): (bool, Reading)| hot.then_some(reading), name: "hot";
        step   |reading: Option<Reading>| reading.map(|reading| Alarm {
                   text: format!("{:.1} degrees", reading.celsius),
                   sensor: reading.sensor,
               }), name: "alarm";
        step   |alarm: Option<Alarm>| alarm.map(|alarm| format!("{}: {}", alarm.sensor, alarm.text)), name: "text";
        finish |text: Option<String>| text.into_iter().for_each(|text| println!("{text}")), name: "send";
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines = (0..10).map(|n| format!("s{n}={}", n * 10)).collect();
    Readings::new(lines).start().await?.join().await?;
    let readings =
        (0..10).map(|n| Reading { sensor: format!("s{n}"), celsius: f64::from(n) * 10.0 }).collect();
    Alarms::new(readings).start().await?.join().await?;
    Ok(())
}
