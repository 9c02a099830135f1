//! Writes the events of Nexmark as tables, and the number of the rows of each query with the sum of their numbers and
//! of the lengths of their texts. `nexmark.py` asks `DuckDB` the same queries of these tables, and compares.
//!
//! ```text
//! cargo run --release -p benches --example nexmark_tables -- FOLDER 1000000
//! python3 benches/examples/nexmark.py FOLDER
//! ```

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use benches::nexmark::{Event, Generator, reference};

/// The number of rows, and the sum of what they contain.
#[derive(Default)]
struct Rows {
    count: u64,
    sum: i128,
}

impl Rows {
    fn add<const N: usize>(&mut self, columns: [i128; N]) {
        self.count += 1;
        self.sum += columns.iter().sum::<i128>();
    }
}

/// Writes the columns of a row.
macro_rules! row {
    ($file:expr, $first:expr $(, $rest:expr)*) => {{
        write!($file, "{}", $first)?;
        $(write!($file, ",{}", $rest)?;)*
        writeln!($file)
    }};
}

fn table(folder: &Path, name: &str, columns: &str) -> io::Result<BufWriter<File>> {
    let mut file = BufWriter::new(File::create(folder.join(name))?);
    writeln!(file, "{columns}")?;
    Ok(file)
}

fn write_events(folder: &Path, events: &[Event]) -> io::Result<()> {
    let mut persons = table(folder, "person.csv", "id,name,city,state,moment")?;
    let mut auctions = table(folder, "auction.csv", "id,reserve,moment,expires,seller,category")?;
    let mut bids = table(folder, "bid.csv", "auction,bidder,price,moment")?;
    for event in events {
        match event {
            Event::Person(one) => row!(persons, one.id, one.name, one.city, one.state, one.at)?,
            Event::Auction(one) => {
                row!(auctions, one.id, one.reserve, one.at, one.expires, one.seller, one.category)?;
            }
            Event::Bid(one) => row!(bids, one.auction, one.bidder, one.price, one.at)?,
        }
    }
    persons.flush()?;
    auctions.flush()?;
    bids.flush()
}

fn write_answers(folder: &Path, events: &[Event]) -> io::Result<()> {
    let mut file = table(folder, "answers.csv", "query,rows,sum")?;
    let length = |text: &str| text.len() as i128;
    macro_rules! answer {
        ($query:ident, $row:pat => [$($column:expr),*]) => {{
            let mut rows = Rows::default();
            reference::$query(events, |$row| rows.add([$(i128::from($column)),*]));
            row!(file, stringify!($query), rows.count, rows.sum)?;
        }};
    }
    answer!(q1, bid => [bid.auction, bid.bidder, bid.price, bid.at]);
    answer!(q2, (auction, price) => [auction, price]);
    answer!(q3, (name, city, state, auction) => [length(&name), length(&city), length(&state), auction]);
    answer!(q4, (category, price) => [category, price]);
    answer!(q5, (start, auction, count) => [start, auction, count]);
    answer!(q6, (seller, price) => [seller, price]);
    answer!(q7, (start, bid) => [start, bid.auction, bid.bidder, bid.price, bid.at]);
    answer!(q8, (person, name, reserve) => [person, length(&name), reserve]);
    answer!(q11, (bidder, count, start, end) => [bidder, count, start, end]);
    answer!(q12, (bidder, count) => [bidder, count]);
    answer!(q13, (bid, value) => [bid.auction, bid.bidder, bid.price, bid.at, value]);
    answer!(q18, bid => [bid.auction, bid.bidder, bid.price, bid.at]);
    file.flush()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [folder, events] = arguments.as_slice() else {
        return Err("usage: nexmark_tables FOLDER EVENTS".into());
    };
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;
    let events: Vec<Event> = Generator::seeded(1).events(0..events.parse()?).collect();
    write_events(folder, &events)?;
    write_answers(folder, &events)?;
    Ok(())
}
