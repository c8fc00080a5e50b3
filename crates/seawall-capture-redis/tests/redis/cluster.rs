//! Two nodes of a cluster, each with half of the slots.

use seawall_capture::Store;
use seawall_capture::store::conformance;
use seawall_capture_redis::RedisStore;

use crate::server::{Server, failure, synced, totals, until};

struct Node {
    server: Server,
    port: u16,
}

fn node() -> Option<Node> {
    Server::node().map(|(server, port)| Node { server, port })
}

/// Two nodes that know each other.
fn cluster() -> Option<[Node; 2]> {
    let nodes = [node()?, node()?];
    nodes[0].server.run::<()>("CLUSTER ADDSLOTSRANGE 0 8191");
    nodes[1].server.run::<()>("CLUSTER ADDSLOTSRANGE 8192 16383");
    let bus: u16 = nodes[1].server.run::<(String, u16)>("CONFIG GET cluster-port").1;
    nodes[0].server.run::<()>(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", nodes[1].port));
    for node in &nodes {
        until("the cluster is up", || {
            let info: String = node.server.run("CLUSTER INFO");
            let up = info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2");
            let slots: redis::Value = node.server.run("CLUSTER SLOTS");
            let both = matches!(slots, redis::Value::Array(ranges) if ranges.len() == 2);
            (up && both).then_some(())
        });
    }
    Some(nodes)
}

fn store(nodes: &[Node; 2], name: &str) -> RedisStore {
    // One address is enough: the nodes know of each other.
    let address = format!("redis://127.0.0.1:{}", nodes[0].port);
    RedisStore::builder().cluster([address.as_str()]).name(name).build().unwrap()
}

#[tokio::test]
async fn a_store_is_on_one_node_and_is_found_there() {
    let Some(nodes) = cluster() else { return };
    let mut number = 0;
    conformance::all(|| {
        number += 1;
        std::future::ready(store(&nodes, &format!("store {number}")))
    })
    .await;
    // The stores are on both nodes, and none of them is on both.
    let [one, two] = [0, 1].map(|node| nodes[node].server.run::<Vec<String>>("KEYS *sums"));
    assert!(!one.is_empty() && !two.is_empty(), "{one:?} {two:?}");
    assert!(one.iter().all(|key| !two.contains(key)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_followed_when_its_slot_moves() {
    let Some(nodes) = cluster() else { return };
    let store = store(&nodes, "moving");
    store.record(&failure("A"));
    synced(&store).await;
    let slot: u16 = nodes[0].server.run("CLUSTER KEYSLOT {seawall:moving}:sums");
    let ids = [0, 1].map(|node| nodes[node].server.run::<String>("CLUSTER MYID"));
    let (from, to) = if slot < 8192 { (0, 1) } else { (1, 0) };
    nodes[to].server.run::<()>(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[from]));
    nodes[from].server.run::<()>(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[to]));
    let keys: Vec<String> = nodes[from].server.run(&format!("CLUSTER GETKEYSINSLOT {slot} 1000"));
    for key in keys {
        let mut migrate = redis::cmd("MIGRATE");
        migrate.arg("127.0.0.1").arg(nodes[to].port).arg(&key).arg(0).arg(5_000);
        migrate.query::<()>(&mut nodes[from].server.admin()).unwrap();
    }
    for node in [to, from] {
        nodes[node].server.run::<()>(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[to]));
    }
    store.record(&failure("A"));
    synced(&store).await;
    let totals = totals(&store).await;
    assert_eq!((totals.recorded, totals.held, totals.groups), (2, 2, 1));
}
