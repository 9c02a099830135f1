//! Tests of sockets and timers in flows that run on their own threads.

use std::io;
use std::net::SocketAddr;

use flow::stages::Order;
use flow::{Flow, Workers};
use futures_util::stream::once;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a service that greets each client.
async fn greeter() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(b"hello").await.unwrap();
        }
    });
    address
}

async fn greeting(of: SocketAddr) -> io::Result<String> {
    let mut said = String::new();
    TcpStream::connect(of).await?.read_to_string(&mut said).await?;
    Ok(said)
}

#[tokio::test]
async fn streams_and_steps_of_flows_use_sockets_on_either_threads() {
    let service = greeter().await;
    for workers in [Workers::Own, Workers::Current] {
        let source = Flow::from_stream(move || once(greeting(service)));
        let said: Vec<_> = source.collect_on(workers).await.unwrap();
        assert_eq!(said[0].as_ref().unwrap(), "hello");
        let step = Flow::from_items(0..3)
            .map_async(2, Order::Kept, move |_| async move { Ok(greeting(service).await?) });
        assert_eq!(step.collect_on::<Vec<_>>(workers).await.unwrap(), ["hello"; 3]);
    }
}
