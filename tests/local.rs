//! The private broker and database as a user gets them: fetched, started, used,
//! stopped, killed. The private copy in `.local/` is shared with `make run`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ioc_hub::local::{self, LocalError, LocalSettings, Origin, Prefer, Programs, Role, Running};
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tokio_postgres::NoTls;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Longest wait for anything in these tests, s.
const DEADLINE_S: u64 = 60;

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("ioc-hub-test-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }

    fn settings(&self) -> LocalSettings {
        LocalSettings {
            folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(".local"),
            data: self.0.join("data"),
            mqtt_port: 0,
            prefer: Prefer::Private,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[expect(clippy::print_stdout, reason = "shown when a test fails")]
fn say(line: &str) {
    println!("{line}");
}

async fn programs() -> Result<Programs, LocalError> {
    local::fetch(&Folder::new("programs").settings(), &say).await
}

/// Runs a query as a role and returns its first column of its first row as text.
async fn ask(
    running: &Running,
    role: Role,
    statement: &str,
) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = running.database.connection(role).connect(NoTls).await?;
    let query = async {
        let row = client.query_one(statement, &[]).await?;
        row.try_get::<_, String>(0)
    };
    tokio::select! {
        answer = query => answer,
        ended = connection => panic!("the connection ended first: {ended:?}"),
    }
}

fn mqtt(running: &Running, id: &str) -> (AsyncClient, EventLoop) {
    let address = running.broker.address();
    AsyncClient::new(MqttOptions::new(id, address.ip().to_string(), address.port()), 10)
}

/// Publishes a retained message and waits until the broker has confirmed it.
async fn publish_retained(running: &Running, payload: &'static str) -> TestResult {
    let (client, mut events) = mqtt(running, "publisher");
    client.publish("test/topic", QoS::AtLeastOnce, true, payload).await?;
    let confirmed = async {
        loop {
            if let Event::Incoming(Packet::PubAck(_)) = events.poll().await? {
                return Ok::<_, Box<dyn std::error::Error>>(());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(DEADLINE_S), confirmed).await?
}

/// The retained message, as a new subscriber gets it.
async fn retained(running: &Running) -> Result<String, Box<dyn std::error::Error>> {
    let (client, mut events) = mqtt(running, "subscriber");
    client.subscribe("test/#", QoS::AtLeastOnce).await?;
    let received = async {
        loop {
            if let Event::Incoming(Packet::Publish(publish)) = events.poll().await? {
                return Ok(String::from_utf8_lossy(&publish.payload).into_owned());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(DEADLINE_S), received).await?
}

fn alive(pid: u32) -> bool {
    // A process that has ended and is not collected yet has an empty command line.
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| !words.is_empty())
}

async fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(DEADLINE_S), "{what} takes too long");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn pids(running: &Running) -> Vec<u32> {
    [running.broker.pid(), running.database.pid()].into_iter().flatten().collect()
}

#[tokio::test]
async fn servers_keep_their_data_over_a_clean_stop() -> TestResult {
    let folder = Folder::new("keep");
    let (settings, programs) = (folder.settings(), programs().await?);
    assert_eq!(
        (programs.postgres_origin, programs.mosquitto_origin),
        (Origin::Private, Origin::Private)
    );

    let running = local::start(&settings, &programs, &say).await?;
    let version = ask(
        &running,
        Role::Owner,
        "select extversion from pg_extension where extname = 'timescaledb'",
    );
    assert_eq!(version.await?.split('.').next(), Some("2"));
    let (client, connection) = running.database.connection(Role::Owner).connect(NoTls).await?;
    tokio::select! {
        done = client.batch_execute("create table kept as select 'here' as word; grant select on kept to ioc_app") => done?,
        ended = connection => panic!("the connection ended first: {ended:?}"),
    }
    publish_retained(&running, "kept").await?;
    let left = pids(&running);
    assert_eq!(left.len(), 2);
    let begun = Instant::now();
    running.stop().await?;
    assert!(begun.elapsed() < Duration::from_secs(5), "stopping took {:?}", begun.elapsed());
    assert!(!left.iter().any(|pid| alive(*pid)), "a server is left running");

    let running = local::start(&settings, &programs, &say).await?;
    assert_eq!(ask(&running, Role::Application, "select word from kept").await?, "here");
    assert_eq!(retained(&running).await?, "kept");
    running.stop().await?;
    Ok(())
}

#[tokio::test]
async fn roles_have_no_more_rights_than_they_need() -> TestResult {
    let folder = Folder::new("roles");
    let running = local::start(&folder.settings(), &programs().await?, &say).await?;
    let refused = ask(&running, Role::Application, "create table mine (a int); select ''").await;
    assert!(refused.is_err());
    for role in [Role::Owner, Role::Application] {
        assert_eq!(ask(&running, role, "select current_setting('is_superuser')").await?, "off");
    }
    let mut wrong = running.database.connection(Role::Owner);
    wrong.password("wrong");
    let refused = wrong.connect(NoTls).await.err().ok_or("a wrong password was accepted")?;
    assert_eq!(refused.code().map(tokio_postgres::error::SqlState::code), Some("28P01"));
    assert_eq!(
        ask(&running, Role::Superuser, "select current_setting('listen_addresses')").await?,
        ""
    );

    running.database.create("another").await?;
    let (client, connection) =
        running.database.connection_to("another", Role::Owner).connect(NoTls).await?;
    tokio::select! {
        made = client.batch_execute("create table t (at timestamptz not null); select create_hypertable('t', 'at')") => made?,
        ended = connection => panic!("the connection ended first: {ended:?}"),
    }
    running.stop().await?;
    Ok(())
}

#[tokio::test]
async fn second_hub_in_the_folder_and_taken_port_are_refused() -> TestResult {
    let (folder, other) = (Folder::new("first"), Folder::new("second"));
    let programs = programs().await?;
    let broker = local::start_broker(&folder.settings(), &programs, &say).await?;
    let second = local::start_broker(&folder.settings(), &programs, &say).await;
    assert!(matches!(second, Err(LocalError::InUse { server: "broker", .. })), "{second:?}");
    let settings = LocalSettings { mqtt_port: broker.address().port(), ..other.settings() };
    let message = local::start_broker(&settings, &programs, &say)
        .await
        .err()
        .ok_or("the port was shared")?
        .to_string();
    assert!(message.contains("local.mqtt_port"), "{message}");
    broker.stop().await?;
    Ok(())
}

#[tokio::test]
async fn server_that_dies_is_reported() -> TestResult {
    let folder = Folder::new("dies");
    let mut broker = local::start_broker(&folder.settings(), &programs().await?, &say).await?;
    let pid = broker.pid().ok_or("no process")?;
    send("KILL", pid)?;
    let error = tokio::time::timeout(Duration::from_secs(DEADLINE_S), broker.ended()).await?;
    assert!(matches!(error, LocalError::Ended { server: "broker", .. }), "{error}");
    Ok(())
}

fn send(signal: &str, pid: u32) -> TestResult {
    let sent = Command::new("sh").args(["-c", &format!("kill -s {signal} {pid}")]).status()?;
    if sent.success() { Ok(()) } else { Err(format!("cannot send {signal} to {pid}").into()) }
}

/// Starts this test program again as a hub of its own, which can be killed.
fn another_hub() -> Result<(Child, Folder, Vec<u32>), Box<dyn std::error::Error>> {
    let mut hub = Command::new(std::env::current_exe()?)
        .args(["--exact", "hub_that_is_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = hub.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if let Some(words) = line?.strip_prefix("servers run: ") {
            let mut words = words.split(' ');
            let folder = Folder(words.next().ok_or("no folder")?.into());
            let pids = words.map(str::parse).collect::<Result<_, _>>()?;
            return Ok((hub, folder, pids));
        }
    }
    Err(format!("the other hub did not start: {:?}", hub.wait()?).into())
}

#[tokio::test]
#[ignore = "started by another test as a process of its own"]
async fn hub_that_is_killed() -> TestResult {
    let folder = Folder::new("killed");
    let running = local::start(&folder.settings(), &programs().await?, &say).await?;
    let [broker, database] = pids(&running)[..] else { return Err("a server is missing".into()) };
    println!("\nservers run: {} {broker} {database}", folder.0.display());
    // Until the starter closes the pipe or kills this process.
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    running.stop().await?;
    Ok(())
}

#[tokio::test]
async fn killed_hub_leaves_nothing_running() -> TestResult {
    let (mut hub, _folder, servers) = another_hub()?;
    assert!(servers.len() == 2 && servers.iter().all(|pid| alive(*pid)), "{servers:?}");
    hub.kill()?;
    hub.wait()?;
    wait_for("the end of the servers", || !servers.iter().any(|pid| alive(*pid))).await;
    Ok(())
}

#[tokio::test]
async fn next_hub_takes_over_from_a_killed_one() -> TestResult {
    let (mut hub, folder, _servers) = another_hub()?;
    hub.kill()?;
    hub.wait()?;
    let running = local::start(&folder.settings(), &programs().await?, &say).await?;
    assert_eq!(ask(&running, Role::Owner, "select 'alive'").await?, "alive");
    running.stop().await?;
    Ok(())
}

#[tokio::test]
async fn database_recovers_from_a_process_id_that_belongs_to_another() -> TestResult {
    let folder = Folder::new("stale");
    let (settings, programs) = (folder.settings(), programs().await?);
    let database = local::start_database(&settings, &programs, &say).await?;
    database.stop().await?;
    // As after a container started again: the number of the old server is now another process.
    let lock = settings.data.join("postgres/postmaster.pid");
    std::fs::write(
        &lock,
        format!("{}\n{}\n0\n5432\n\n\n\n", std::process::id(), settings.data.display()),
    )?;
    let database = local::start_database(&settings, &programs, &say).await?;
    database.stop().await?;
    Ok(())
}

#[tokio::test]
async fn damaged_copy_is_repaired() -> TestResult {
    let folder = Folder::new("repair");
    let shared = programs().await?;
    let root = shared.mosquitto.ancestors().nth(3).ok_or("no root")?;
    let packages = root.parent().ok_or("no parent")?.join("packages");
    let own = folder.0.join("programs");
    std::fs::create_dir_all(own.join("packages"))?;
    for entry in std::fs::read_dir(&packages)? {
        let entry = entry?;
        std::fs::copy(entry.path(), own.join("packages").join(entry.file_name()))?;
    }
    let settings = LocalSettings { folder: folder.0.clone(), ..folder.settings() };
    let lines = std::sync::Mutex::new(Vec::<String>::new());
    let note = |line: &str| lines.lock().expect("no holder panics").push(line.to_owned());

    // A library that is gone: unpacked again from the packages at hand.
    let programs = local::fetch(&settings, &note).await?;
    std::fs::remove_file(own.join("debian/usr/lib").join(triplet(&own)?).join("libicuuc.so.76"))?;
    local::fetch(&settings, &note).await?;
    // A stamp that was never written, and a package cut off half-way: fetched again.
    std::fs::remove_file(own.join("debian/stamp.json"))?;
    let brokers = || -> std::io::Result<Vec<PathBuf>> {
        let packages = std::fs::read_dir(own.join("packages"))?.filter_map(Result::ok);
        let is_broker = |path: &PathBuf| path.to_string_lossy().contains("/mosquitto_");
        Ok(packages.map(|entry| entry.path()).filter(is_broker).collect())
    };
    let broker = brokers()?.pop().ok_or("no package")?;
    std::fs::File::options().write(true).open(&broker)?.set_len(1000)?;
    local::fetch(&settings, &note).await?;

    let lines = lines.into_inner()?;
    let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("unpacking"), 3, "{lines:#?}");
    // With it comes what Debian has renewed since the packages at hand were fetched.
    assert_eq!(count("downloading"), 1, "{lines:#?}");
    let mut whole = brokers()?.into_iter().filter_map(|path| path.metadata().ok());
    assert!(whole.any(|package| package.len() > 1000), "{lines:#?}");
    assert!(
        Command::new(programs.postgres_bin.join("postgres")).arg("--version").status()?.success()
    );
    Ok(())
}

/// The folder of libraries, named after the processor.
fn triplet(programs: &Path) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let folders = std::fs::read_dir(programs.join("debian/usr/lib"))?.filter_map(Result::ok);
    let found = folders
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with("-linux-gnu"));
    Ok(found.ok_or("no folder of libraries")?)
}
