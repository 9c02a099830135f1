//! Two flows over three CSV files, with two joins each: sales by country, and the customers who return most.
use std::collections::HashMap;

use flow::Flow;
use flow::join::{Inner, LeftOuter};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
struct Order {
    id: u64,
    customer: u64,
    cents: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct Customer {
    id: u64,
    name: String,
    country: String,
}

#[derive(Clone, Debug, Deserialize)]
struct Return {
    order: u64,
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}

async fn by_country() -> Result<(), Box<dyn std::error::Error>> {
    let orders = Flow::from_csv::<Order>("orders.csv");
    let customers = Flow::from_csv::<Customer>("customers.csv");
    let returns = Flow::from_csv::<Return>("returns.csv");
    let sales: HashMap<String, Vec<u64>> = orders
        .bounded_join(Inner, customers, |order| order.customer, |customer| customer.id)
        .map(|(order, customer)| (order.id, order.cents, customer.country))
        .bounded_join(LeftOuter, returns, |sale| sale.0, |returned| returned.order)
        .filter(|(_, returned)| returned.is_none())
        .map(|((_, cents, country), _)| (country, cents))
        .partition(|sale| sale.0.clone())
        .reduce(HashMap::new, |sales: &mut HashMap<String, Vec<u64>>, (country, cents)| {
            sales.entry(country).or_default().push(cents);
        })
        .emit()
        .collect()
        .await?;
    for (country, mut cents) in sales {
        cents.sort_unstable();
        println!("{country}: median {}, 90 % below {}", percentile(&cents, 50), percentile(&cents, 90));
    }
    Ok(())
}

async fn most_returns() -> Result<(), Box<dyn std::error::Error>> {
    let orders = Flow::from_csv::<Order>("orders.csv");
    let customers = Flow::from_csv::<Customer>("customers.csv");
    let returns = Flow::from_csv::<Return>("returns.csv");
    let top: Vec<Vec<(String, u64)>> = returns
        .bounded_join(Inner, orders, |returned| returned.order, |order| order.id)
        .map(|(_, order)| order)
        .bounded_join(Inner, customers, |order| order.customer, |customer| customer.id)
        .map(|(_, customer)| customer.name)
        .partition(String::clone)
        .reduce(HashMap::new, |counts: &mut HashMap<String, u64>, name| *counts.entry(name).or_default() += 1)
        .emit()
        .take_sort(10, |a: &(String, u64), b| b.1.cmp(&a.1))
        .collect()
        .await?;
    for (name, returns) in top.into_iter().flatten() {
        println!("{name}: {returns}");
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    by_country().await?;
    most_returns().await
}
