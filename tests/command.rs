//! The command line as a person meets it: the program itself is run, with its own configuration, its
//! own folders and, where it needs them, a private broker and database of the test.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::{
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use ioc_hub::{
    city::City,
    local::{self, Broker, Database, LocalSettings, Prefer, Role},
    store::registry,
};
use rumqttc::v5::{
    AsyncClient, Event, MqttOptions,
    mqttbytes::{QoS, v5::Packet},
};
use tokio_postgres::{Client, NoTls};

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Longest wait for anything that a running hub does.
const DEADLINE: Duration = Duration::from_mins(1);
/// Where programs are looked for: the tests pass nothing else of their environment on.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ioc-cmd-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Writes a file and gives its path as text.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A copy of the demonstration city.
    fn city(&self) -> PathBuf {
        let copy = self.0.join("city");
        std::fs::create_dir_all(&copy).unwrap();
        for file in std::fs::read_dir(demonstration()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        copy
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn demonstration() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/city/can-tho")
}

/// Replaces the one occurrence of a text in a file.
fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from:?} in {}", file.display());
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// What the program said and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "out:\n{}\nerr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "{text:?} is not in the output:\n{}", self.out);
        self
    }

    #[track_caller]
    fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text:?} is not in the complaints:\n{}", self.err);
        self
    }
}

fn hub(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ioc-hub"));
    command.args(words).env_clear().env("PATH", PATH).stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Said {
    run_with(words, &[])
}

fn run_with(words: &[&str], variables: &[(&str, &str)]) -> Said {
    Said::of(hub(words).envs(variables.iter().copied()).output().unwrap())
}

#[test]
fn help_lists_every_subcommand_and_the_exit_codes() {
    let mut said = run(&["--help"]).ends(0);
    for command in
        ["run", "check", "migrate", "config", "device", "user", "city", "simulate", "verify"]
    {
        said = said.says(&format!("\n  {command} "));
    }
    said.says("--config <FILE>").says("--local").says("Exit codes:").says("Examples:");
}

#[test]
fn commands_that_change_something_show_examples() {
    for command in ["run", "device", "user", "city"] {
        run(&[command, "--help"]).ends(0).says("Examples:\n  ");
    }
    run(&["device", "--help"]).says("accept ").says("retire ").says("show ").says("add ");
    run(&["city", "--help"]).says("diff ").says("apply ").says("check ");
    run(&["city", "apply", "--help"]).says("--retire");
    run(&["verify", "--help"])
        .says("Examples:\n  ")
        .says("--source")
        .says("Exit codes: 0 everything");
}

#[test]
fn what_is_no_command_or_value_ends_with_2() {
    run(&["bake"]).ends(2).complains("unrecognized subcommand 'bake'");
    run(&[]).ends(2);
    run(&["run", "--lokal"]).ends(2).complains("--local");
    run(&["user", "add", "lan", "--role", "king"])
        .ends(2)
        .complains("administrator, operator, viewer");
    run(&["device", "show", "NOT A TOKEN"]).ends(2).complains("a-z 0-9 - _ .");
    let place = ["device", "add", "x", "--service", "vds", "--lat"];
    run(&[&place[..], &["105", "--lon", "10"]].concat()).ends(2).complains("-90 to 90");
    run(&[&place[..], &["10"]].concat()).ends(2).complains("--lon");
}

#[test]
fn a_broken_configuration_stops_the_start_with_all_its_errors() {
    let folder = Folder::new("config");
    let text = "[http]\nlisten = 8080\n[broker]\nprot = 1\n[live]\ntick_ms = 1\n";
    let file = folder.file("hub.toml", text);
    for command in [&["run"][..], &["check"], &["user", "list"]] {
        run_with(&[&["--config", &file], command].concat(), &[("IOC_HTTP_SESSION_H", "soon")])
            .ends(2)
            .complains("4 mistakes")
            .complains("hub.toml:2: http.listen: is 8080, allowed is text")
            .complains("hub.toml:4: broker.prot: unknown key, did you mean `port`?")
            .complains("hub.toml:6: live.tick_ms: is 1, allowed is 10 to 1000")
            .complains("IOC_HTTP_SESSION_H: http.session_h: ");
    }
    run(&["check", "--config", "/no/such/hub.toml"]).ends(2).complains("/no/such/hub.toml");
    run_with(&["config"], &[("IOC_LOG_LEVEL", "info,=")]).ends(2).complains("log.level");
}

#[test]
fn config_prints_every_value_with_where_it_came_from() {
    let folder = Folder::new("origins");
    let file = folder.file("hub.toml", "[http]\nsession_h = 8\n");
    let said = run_with(&["config", "--config", &file], &[("IOC_BROKER_PORT", "1999")]).ends(0);
    let line = |start: &str| {
        said.out.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned()
    };
    assert!(line("http.session_h = 8 ").ends_with(&format!("# {file}:2")), "{}", said.out);
    assert!(line("broker.port = 1999 ").ends_with("# IOC_BROKER_PORT"), "{}", said.out);
    assert!(line("http.listen = \"127.0.0.1:8080\" ").ends_with("# default"), "{}", said.out);
    assert!(said.out.lines().count() > 50, "{}", said.out);
}

#[test]
fn every_broken_reference_of_a_city_is_reported_at_once() {
    let folder = Folder::new("broken");
    let city = folder.city();
    replace(&city.join("devices.csv"), "\nvds-003,vds,", "\nvds-003,vdss,");
    replace(&city.join("devices.csv"), "105.715321,10.098386,ql91,", "105.715321,10.098386,ql19,");
    replace(&city.join("detectors.csv"), "\nvds-150,1,", "\nvds-999,1,");
    let city = city.display().to_string();
    let variables = [("IOC_CITY_FOLDER", city.as_str())];
    for command in [&["city", "check"][..], &["city", "diff"], &["run"]] {
        run_with(command, &variables)
            .ends(2)
            .complains("devices.csv line ")
            .complains("\"vdss\" is not allowed")
            .complains("did you mean \"vds\"?")
            .complains("\"ql19\"")
            .complains("\"vds-999\"");
    }
    // The check goes on to the other parts, and says what to do.
    run_with(&["check"], &variables)
        .ends(1)
        .says("good    configuration")
        .says("FAILED  city")
        .says("\"vds-999\"")
        .says("city.folder")
        .says("FAILED  database");
    run_with(&["city", "check"], &[("IOC_CITY_FOLDER", "/no/such/city")])
        .ends(2)
        .complains("there is no folder /no/such/city")
        .complains("city.folder");
    run(&["city", "check"]).ends(0).says("can-tho: 741 devices");
}

#[test]
fn the_check_reads_every_file_that_a_start_reads() {
    let folder = Folder::new("files");
    let city = folder.city();
    std::fs::write(city.join("links.csv"), "id,upstream\nq,vds-001\n").unwrap();
    let receivers = folder.0.join("notifications.toml");
    let text = "version = \"1\"\nlink = \"\"\n[[endpoint]]\nname = \"a\"\n[endpoint.webhook]\n\
                url = \"http://127.0.0.1:1/\"\nsecret_env = \"IOC_NOTIFY_NOT_SET\"\n";
    std::fs::write(&receivers, text).unwrap();
    let (city, receivers) = (city.display().to_string(), receivers.display().to_string());
    let (city, receivers) = (city.as_str(), receivers.as_str());
    let gone = "/no/such/file";
    run_with(
        &["check"],
        &[
            ("IOC_CITY_FOLDER", city),
            ("IOC_ALARMS_RULES", gone),
            ("IOC_PERFORMANCE_TARGETS", gone),
            ("IOC_NOTIFICATIONS_FILE", receivers),
            ("IOC_IMPORTS_FILE", gone),
            ("IOC_CAMERAS_STILL", "https://video.example/{id}.jpg"),
            ("IOC_CAMERAS_HOSTS", "[\"video.example\"]"),
            ("IOC_CAMERAS_CA_FILE", gone),
        ],
    )
    .ends(1)
    .says("FAILED  links")
    .says("FAILED  alarm rules")
    .says("FAILED  alarm targets")
    .says("FAILED  notifications")
    .says("IOC_NOTIFY_NOT_SET")
    .says("FAILED  imports")
    .says("FAILED  cameras")
    .says("alarms.rules");
}

#[test]
fn an_absent_database_is_told_with_what_to_do() {
    run(&["user", "list"]).ends(1).complains("set database.url").complains("--local");
    let url = ("IOC_DATABASE_URL", "postgresql://ioc_app@127.0.0.1:1/ioc");
    for command in [&["user", "list"][..], &["device", "list"], &["city", "diff"], &["migrate"]] {
        run_with(command, &[url, ("IOC_DATABASE_PASSWORD", "x")])
            .ends(1)
            .complains("the database is away")
            .complains(
                "start the database server, or correct host and port in the key database.url",
            );
    }
    let far = [("IOC_DATABASE_URL", "postgresql://ioc_app@database.example/ioc")];
    run_with(&["user", "list"], &far).ends(1).complains("database.ca_file");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_with_its_key() {
    // Nobody can make a folder there, not even root.
    let variables = [("IOC_LOCAL_FOLDER", "/sys/ioc-hub"), ("IOC_HTTP_LISTEN", "127.0.0.1:0")];
    for command in [&["run", "--local"][..], &["user", "list", "--local"]] {
        let said = run_with(command, &variables).ends(1).complains("local.folder");
        let told = ["read-only", "no permission"].iter().any(|words| said.err.contains(words));
        assert!(told, "{}", said.err);
    }
}

#[test]
fn a_taken_port_is_named_with_its_key_before_anything_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let variables = [("IOC_HTTP_LISTEN", address.to_string())];
    let variables = [(variables[0].0, variables[0].1.as_str())];
    let port = format!("port {} ", address.port());
    for command in [&["run", "--local"][..], &["run"]] {
        let said = run_with(command, &variables).ends(1).complains(&port).complains("http.listen");
        assert!(!said.err.contains("private broker"), "something was started: {}", said.err);
    }
    run_with(&["check"], &variables).ends(1).says("FAILED  port").says(&port).says("http.listen");
}

/// A broker and a database of the test.
struct Servers {
    database: Database,
    broker: Broker,
    folder: Folder,
}

impl Servers {
    async fn start(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = Folder::new(name);
        let settings = LocalSettings {
            folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(".local"),
            data: folder.0.join("data"),
            mqtt_port: 0,
            prefer: Prefer::Private,
        };
        let say = |_line: &str| {};
        let programs = local::fetch(&settings, &say).await?;
        let broker = local::start_broker(&settings, &programs, &say).await?;
        let database = local::start_database(&settings, &programs, &say).await?;
        Ok(Self { database, broker, folder })
    }

    /// The variables that lead the program here, and others.
    fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let url = |role: Role| {
            let folder = self.database.socket_folder().display();
            format!("host={folder} dbname=ioc user={}", role.name())
        };
        let password = |role| {
            let config = self.database.connection(role);
            String::from_utf8_lossy(config.get_password().unwrap_or_default()).into_owned()
        };
        let mut variables = vec![
            ("IOC_DATABASE_URL".to_owned(), url(Role::Application)),
            ("IOC_DATABASE_PASSWORD".to_owned(), password(Role::Application)),
            ("IOC_DATABASE_OWNER_URL".to_owned(), url(Role::Owner)),
            ("IOC_DATABASE_OWNER_PASSWORD".to_owned(), password(Role::Owner)),
            ("IOC_BROKER_PORT".to_owned(), self.broker.address().port().to_string()),
            ("IOC_HTTP_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
        ];
        variables.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        variables
    }

    fn run(&self, words: &[&str]) -> Said {
        self.run_with(words, &[])
    }

    fn run_with(&self, words: &[&str], more: &[(&str, &str)]) -> Said {
        Said::of(hub(words).envs(self.variables(more)).output().unwrap())
    }

    /// Runs the program with a line on its standard input.
    fn run_saying(&self, line: &str, words: &[&str]) -> Said {
        let mut command = hub(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.envs(self.variables(&[])).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
        Said::of(child.wait_with_output().unwrap())
    }

    /// Runs `work` with a client of the application role.
    async fn with_client<T>(&self, work: impl AsyncFnOnce(&mut Client) -> T) -> T {
        let config = self.database.connection(Role::Application);
        let (mut client, connection) = config.connect(NoTls).await.unwrap();
        tokio::select! {
            done = work(&mut client) => done,
            ended = connection => panic!("the connection ended first: {ended:?}"),
        }
    }

    /// The first column of each row of a query, as text.
    async fn ask(&self, statement: &str) -> Vec<String> {
        self.with_client(async |client| {
            let rows = client.query(statement, &[]).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        })
        .await
    }

    /// Waits until a query answers with this text.
    async fn wait_for(&self, statement: &str, answer: &str) {
        let begun = Instant::now();
        loop {
            let found = self.ask(statement).await;
            if found == [answer] {
                return;
            }
            assert!(begun.elapsed() < DEADLINE, "{statement}: {found:?}, not {answer}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Publishes a message and waits until the broker has it.
    async fn publish(&self, topic: &str, payload: &str) -> TestResult {
        let address = self.broker.address();
        let options = MqttOptions::new("device", address.ip().to_string(), address.port());
        let (client, mut events) = AsyncClient::new(options, 10);
        client.publish(topic, QoS::AtLeastOnce, true, payload.to_owned()).await?;
        let confirmed = async {
            loop {
                if let Event::Incoming(Packet::PubAck(_)) = events.poll().await? {
                    return TestResult::Ok(());
                }
            }
        };
        tokio::time::timeout(DEADLINE, confirmed).await?
    }

    async fn seed(&self) {
        self.run(&["migrate"]).ends(0);
        let city = City::load(&demonstration()).unwrap();
        let now = "2026-03-02T01:15:00Z".parse().unwrap();
        self.with_client(async |client| {
            registry::seed(client, &city, &city.devices, now).await.unwrap();
        })
        .await;
    }

    async fn stop(self) -> TestResult {
        self.broker.stop().await?;
        self.database.stop().await?;
        drop(self.folder);
        Ok(())
    }
}

#[tokio::test]
async fn verify_tells_which_rollups_differ_from_their_rows() -> TestResult {
    let servers = Servers::start("verify").await?;
    servers.run(&["verify"]).ends(1).complains("ioc-hub migrate");
    servers.seed().await;
    servers
        .run(&["verify"])
        .ends(0)
        .says("everything agrees: 0 buckets of 5 minutes, 0 hours, 0 days");
    run(&["verify", "--from", "yesterday"]).ends(2).complains("2026-03-01T08:00:00+07:00");
    servers
        .run(&["verify", "--from", "2026-03-02", "--to", "2026-03-01"])
        .ends(1)
        .complains("--from is after --to");
    let nobody = ["verify", "--source", "vds-999"];
    servers.run(&nobody).ends(1).complains("there is no device vds-999");

    // One interval, a rollup that counts a vehicle too many, and an hour that nobody summed up.
    let now = "date_bin('5 minutes', now() - interval '3 hours', 'epoch')";
    let lane = "(select t.id from detector t join device d on d.id = t.device_id \
                 where d.source = 'vds-001' and t.place = 'lane/1')";
    servers
        .with_client(async |client| {
            let statements = format!(
                "insert into interval_reading (time, detector_id, duration_ms, count, quality) \
                 values ({now}, {lane}, 30000, 4, 0); \
                 insert into interval_5min (bucket, detector_id, intervals, good, duration_ms, \
                   count_n, count_sum, count_min, count_max, occupancy_ms, occupancy_sum, \
                   speed_count, speed_sum, pace_sum, samples, samples_expected, quality) \
                 values ({now}, {lane}, 1, 1, 30000, 1, 5, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0); \
                 update rollup_state set closed_before = date_trunc('hour', now()), \
                   built_before = date_trunc('hour', now())"
            );
            client.batch_execute(&statements).await.unwrap();
        })
        .await;
    let said = servers.run(&["verify"]).ends(1).complains("2 differences").says("recomputed");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> = said.out.lines().map(words).collect();
    let of = |table: &str| lines.iter().find(|line| line[0] == table).unwrap().clone();
    assert_eq!(of("interval_5min")[1..3], ["vds-001", "lane/1"]);
    assert_eq!(of("interval_5min")[4..], ["count_sum", "5", "4"]);
    assert_eq!(of("interval_1h")[4..], ["row", "none", "present"]);
    servers.run(&["verify", "--source", "vds-002"]).ends(0).says("everything agrees");
    servers.run(&["verify", "--to", "2026-01-01"]).ends(0);
    let json = servers.run(&["verify", "--json"]).ends(1).out;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    assert_eq!(json["differences"].as_array().map(Vec::len), Some(2));
    assert_eq!((&json["five_minutes"], &json["hours"]), (&1.into(), &1.into()));
    servers.stop().await
}

#[tokio::test]
async fn accounts_are_managed_at_the_terminal() -> TestResult {
    let servers = Servers::start("user").await?;
    servers.run(&["user", "list"]).ends(1).complains("ioc-hub migrate");
    servers.run(&["migrate"]).ends(0).says("applied 0001_registry").says("the schema has version ");
    let again = servers.run(&["migrate"]).ends(0);
    assert!(!again.out.contains("applied"), "{}", again.out);

    let good = "blue-lantern-4711";
    servers
        .run_saying(good, &["user", "add", "minh", "--role", "administrator"])
        .ends(0)
        .says("added minh, administrator");
    servers.run_saying(good, &["user", "add", "minh"]).ends(1).complains("already an account minh");
    servers.run_saying("short", &["user", "add", "binh"]).ends(1).complains("at least 12");
    servers.run_saying(good, &["user", "add", "Bình"]).ends(1).complains("a-z 0-9 - _ .");
    servers.run_saying(good, &["user", "add", "binh", "--role", "operator"]).ends(0);
    let list = servers.run(&["user", "list"]).ends(0).out;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let list: Vec<_> = list.lines().map(words).collect();
    assert_eq!(list, [["binh", "operator", "enabled"], ["minh", "administrator", "enabled"]]);

    let hash = "select password_hash from account where name = 'binh'";
    let before = servers.ask(hash).await;
    servers.run_saying("another-good-word-9", &["user", "password", "binh"]).ends(0);
    assert_ne!(servers.ask(hash).await, before);
    servers.run_saying(good, &["user", "password", "nobody"]).ends(1).complains("nobody");
    servers.run(&["user", "disable", "minh"]).ends(1).complains("last enabled administrator");
    servers.run(&["user", "disable", "binh"]).ends(0).says("binh is disabled");
    servers.run(&["user", "list"]).ends(0).says("disabled");
    let journal =
        servers.ask("select action || ' ' || object || ' ' || who from journal order by id");
    assert_eq!(
        journal.await,
        [
            "add_user minh command:ioc-hub",
            "add_user binh command:ioc-hub",
            "set_password binh command:ioc-hub",
            "disable_user binh command:ioc-hub",
        ]
    );
    servers.stop().await
}

#[tokio::test]
async fn a_changed_city_folder_is_compared_and_taken_over() -> TestResult {
    let servers = Servers::start("city").await?;
    servers.run(&["migrate"]).ends(0);
    servers.run(&["city", "diff"]).ends(1).complains("the registry is empty");
    servers.seed().await;
    servers.run(&["city", "diff"]).ends(0).says("no differences");
    servers.run(&["city", "apply"]).ends(0).says("nothing to take over");

    let city = servers.folder.city();
    replace(&city.join("city.toml"), "zoom = 13.0", "zoom = 12.5");
    replace(
        &city.join("devices.csv"),
        "\nvds-001,vds,Trạm dò xe QL91 km 0+670,",
        "\nvds-001,vds,Trạm mới,",
    );
    replace(
        &city.join("devices.csv"),
        "\nvds-002,",
        "\nvds-900,vds,Trạm thêm,Added station,105.78,10.03,,,30,,false\nvds-002,",
    );
    replace(
        &city.join("detectors.csv"),
        "\nvds-002,1,",
        "\nvds-900,1,,,both,Làn,Lane,local,50\nvds-002,1,",
    );
    remove_line(&city.join("categories.csv"), "public-lighting,");
    for file in ["devices.csv", "detectors.csv"] {
        remove_lines(&city.join(file), "vds-150,");
    }
    let city = city.display().to_string();
    let other = [("IOC_CITY_FOLDER", city.as_str())];
    let found = servers.run_with(&["city", "diff"], &other).ends(1);
    let lines: Vec<_> = found.out.lines().collect();
    assert_eq!(
        lines,
        [
            "changed  city can-tho: zoom 13.0 becomes 12.5",
            "missing  category public-lighting: only in the registry",
            "changed  device vds-001: name_vi \"Trạm dò xe QL91 km 0+670\" becomes \"Trạm mới\"",
            "added    device vds-900 (Trạm thêm)",
            "missing  device vds-150: only in the registry",
            "added    detector vds-900 lane/1 (Làn)",
        ]
    );
    found.complains("6 differences").complains("ioc-hub city apply");

    let id = "select id::text from device where source = 'vds-001'";
    let before = servers.ask(id).await;
    servers
        .run_with(&["city", "apply"], &other)
        .ends(0)
        .says("5 differences taken over")
        .says("kept     device vds-150: not in the folder, --retire retires it");
    assert_eq!(servers.ask(id).await, before);
    servers.run_with(&["city", "diff"], &other).ends(1).complains("1 difference ");
    servers
        .run_with(&["city", "apply", "--retire"], &other)
        .ends(0)
        .says("1 difference taken over");
    servers.run_with(&["city", "diff"], &other).ends(0).says("no differences");
    let journal = servers
        .ask(
            "select concat_ws(' ', action, object, before->>'name_vi', after->>'name_vi') \
             from journal where who = 'command:ioc-hub' order by id",
        )
        .await;
    assert_eq!(
        journal,
        [
            "change_city can-tho",
            "change_device vds-001 Trạm dò xe QL91 km 0+670 Trạm mới",
            "add_device vds-900 Trạm thêm",
            "add_detector vds-900 lane/1 Làn",
            "remove_category public-lighting Chiếu sáng công cộng",
            "retire_device vds-150 Trạm dò xe ĐT923 km 5+400",
        ]
    );

    // And all the way back: the retired device returns with its id.
    servers.run(&["city", "apply", "--retire"]).ends(0);
    servers.run(&["city", "diff"]).ends(0).says("no differences");
    servers.stop().await
}

fn remove_line(file: &Path, start: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with(start)).count(), 1);
    remove_lines(file, start);
}

fn remove_lines(file: &Path, start: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| !line.starts_with(start)).collect();
    assert!(kept.len() < text.lines().count(), "{start:?} in {}", file.display());
    std::fs::write(file, kept.join("\n") + "\n").unwrap();
}

#[tokio::test]
async fn devices_are_registered_accepted_and_retired_at_the_terminal() -> TestResult {
    let servers = Servers::start("device").await?;
    servers.seed().await;
    let add = ["device", "add", "vds-900", "--service", "vds", "--name-vi", "Trạm thử"];
    servers
        .run(&[&add[..], &["--lat", "21.03", "--lon", "105.85"]].concat())
        .ends(1)
        .complains("outside the city");
    servers.run(&[&add[..], &["--corridor", "ql19"]].concat()).ends(1).complains("ql91");
    servers.run(&[&add[..], &["--parent", "vds-001"]].concat()).ends(1).complains("no cabinet");
    let rest = ["--lat", "10.036", "--lon", "105.772", "--corridor", "ql91", "--parent", "cab-001"];
    servers.run(&[&add[..], &rest].concat()).ends(0).says("registered vds-900, vds");
    servers.run(&add).ends(1).complains("vds-900 is registered already");
    servers
        .run(&["device", "show", "vds-900"])
        .ends(0)
        .says("name        Trạm thử / Trạm thử")
        .says("area        gso:31135")
        .says("parent      cab-001")
        .says("last heard  never");
    servers.run(&["device", "retire", "vds-900"]).ends(0).says("vds-900 is retired");
    servers.run(&["device", "retire", "vds-900"]).ends(1).complains("--undo");
    let list = servers.run(&["device", "list", "--service", "vds"]).ends(0);
    assert!(!list.out.contains("vds-900"), "{}", list.out);
    servers.run(&["device", "list", "--retired"]).ends(0).says("Trạm thử (retired)");
    servers.run(&["device", "retire", "--undo", "vds-900"]).ends(0).says("back in service");
    servers.run(&["device", "retire", "nothing"]).ends(1).complains("nothing is not registered");

    servers.run(&["device", "accept", "my-first"]).ends(1).complains("has not published yet");
    hear_my_first(&servers).await;
    servers
        .run(&["device", "list", "--service", "cabinet"])
        .ends(0)
        .says("my-first             cabinet  discovered, 2 messages held");
    servers.run(&["device", "show", "my-first"]).ends(0).says("registered  no");
    servers.run(&add_first()).ends(1).complains("device accept my-first");
    servers
        .run(&["device", "accept", "my-first", "--lat", "10.036", "--lon", "105.772"])
        .ends(0)
        .says("registered my-first, cabinet")
        .says("1 messages that it sent until now are stored, 1 are still refused");
    let stored = "select count(*)::text from connection c join device d on d.id = c.device_id \
                  where d.source = 'my-first'";
    assert_eq!(servers.ask(stored).await, ["1"]);
    let journal =
        "select action from journal where object = 'my-first' and who = 'command:ioc-hub'";
    assert_eq!(servers.ask(journal).await, ["accept_source"]);
    servers.stop().await
}

/// A hub that is interrupted when the test ends.
struct Running(Child);

impl Running {
    fn interrupt(&mut self) {
        let id = self.0.id().to_string();
        let _gone = Command::new("kill").args(["-INT", &id]).status();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.interrupt();
            let _ended = self.0.wait();
        }
    }
}

#[tokio::test]
async fn a_running_hub_takes_up_what_is_changed_at_the_terminal() -> TestResult {
    let servers = Servers::start("beside").await?;
    servers.seed().await;
    let mut command = hub(&["run"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).envs(servers.variables(&[]));
    let mut running = Running(command.spawn()?);
    let topic = "ioc/1/can-tho/cabinet/my-first/status";
    servers.publish(topic, "{\"v\":1,\"online\":true,\"boot\":1}").await?;
    let held = "select count(*)::text from quarantine where source = 'my-first'";
    servers.wait_for(held, "1").await;
    servers
        .run(&["device", "accept", "my-first"])
        .ends(0)
        .says("the hub at work on this database takes it up within seconds")
        .says("the 1 messages that it sent until now");
    let stored = "select count(*)::text from connection c join device d on d.id = c.device_id \
                  where d.source = 'my-first'";
    servers.wait_for(stored, "1").await;
    servers.publish(topic, "{\"v\":1,\"online\":false,\"boot\":1}").await?;
    servers.wait_for(stored, "2").await;

    servers.run(&["device", "retire", "my-first"]).ends(0).says("its messages are refused");
    let said = "select count(*)::text from quarantine \
                where source = 'my-first' and replayed_at is null";
    let begun = Instant::now();
    let mut boot = 2;
    while servers.ask(said).await == ["0"] {
        assert!(begun.elapsed() < DEADLINE, "messages of a retired device are still taken");
        servers.publish(topic, &format!("{{\"v\":1,\"online\":true,\"boot\":{boot}}}")).await?;
        boot += 1;
    }
    servers.run(&["check"]).says("note: a hub is at work on this database");
    running.interrupt();
    assert!(running.0.wait()?.success());
    drop(running);
    servers.stop().await
}

fn add_first() -> [&'static str; 5] {
    ["device", "add", "my-first", "--service", "cabinet"]
}

/// What the hub leaves of a source that nobody registered: its counters, a good and a bad message.
async fn hear_my_first(servers: &Servers) {
    servers
        .with_client(async |client| {
            client
                .batch_execute(
                    "insert into source_state (source, service, first_seen, last_seen, messages, \
                       refused, duplicates, late, dropped, unguaranteed) \
                     values ('my-first', 'cabinet', now(), now(), 2, 2, 0, 0, 0, 0); \
                     insert into quarantine (received_at, topic, service, source, reason, field, \
                       detail, personal, partial, payload) \
                     select now(), 'ioc/1/can-tho/cabinet/my-first/status', 'cabinet', 'my-first', \
                       'unknown_source', '', '', false, false, convert_to(text, 'UTF8') \
                     from (values ('{\"v\":1,\"online\":true,\"boot\":1}'), ('{\"v\":1}')) v (text)",
                )
                .await
                .unwrap();
        })
        .await;
}

#[tokio::test]
async fn check_judges_database_broker_pages_and_port() -> TestResult {
    let servers = Servers::start("check").await?;
    servers.run(&["check"]).says("the next start makes it");
    servers.seed().await;
    let pages = servers.folder.0.join("pages");
    std::fs::create_dir_all(&pages)?;
    let pages_text = pages.display().to_string();
    let with_pages = [("IOC_HTTP_DASHBOARDS", pages_text.as_str())];
    servers
        .run_with(&["check"], &with_pages)
        .ends(1)
        .says("good    database")
        .says("good    extension      timescaledb 2")
        .says("good    owner role     ioc_owner")
        .says("good    time zone      Asia/Ho_Chi_Minh")
        .says("good    registry       can-tho, as the city folder says")
        .says("good    broker         127.0.0.1:")
        .says("good    calendar       ")
        .says("good    indicators     catalogue ")
        .says("good    laws           version ")
        .says("FAILED  pages")
        .says("make dashboards")
        .complains("1 of 22 checks failed");
    std::fs::write(pages.join("index.html"), "<!doctype html>")?;
    servers.run_with(&["check"], &with_pages).ends(0).says("22 checks, all good");

    servers
        .run_with(&["check"], &[("IOC_DATABASE_PASSWORD", "wrong")])
        .ends(1)
        .says("FAILED  database")
        .says("the password in the variable IOC_DATABASE_PASSWORD");
    servers
        .run_with(&["check"], &[("IOC_DATABASE_PASSWORD", "")])
        .ends(1)
        .says("put the password into the environment variable IOC_DATABASE_PASSWORD");
    servers
        .run_with(&["check"], &[("IOC_DATABASE_OWNER_URL", ""), ("IOC_BROKER_PORT", "1")])
        .ends(1)
        .says("ioc_app may not make tables")
        .says("grant create on schema public to ioc_app")
        .says("FAILED  broker")
        .says("broker.port");
    servers.stop().await
}

#[tokio::test]
async fn a_check_of_private_servers_leaves_nothing_running() -> TestResult {
    let folder = Folder::new("private");
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join(".local");
    let settings = LocalSettings {
        folder: shared.clone(),
        data: folder.0.join("unused"),
        mqtt_port: 0,
        prefer: Prefer::Private,
    };
    local::fetch(&settings, &|_line| {}).await?;
    let (own, shared) = (folder.0.join("data").display().to_string(), shared.display().to_string());
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let variables = [
        ("IOC_LOCAL_FOLDER", shared.as_str()),
        ("IOC_LOCAL_DATA", own.as_str()),
        ("IOC_LOCAL_PROGRAMS", "private"),
        ("IOC_LOCAL_MQTT_PORT", port.as_str()),
        ("IOC_HTTP_LISTEN", "127.0.0.1:0"),
    ];
    run_with(&["check", "--local"], &variables)
        .says("good    database")
        .says(&format!("good    broker         127.0.0.1:{port}"));
    let left: Vec<_> = std::fs::read_dir("/proc")?
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .map(|words| String::from_utf8_lossy(&words).replace('\0', " "))
        .filter(|words| words.contains(&own))
        .collect();
    assert!(left.is_empty(), "left running: {left:?}");

    // The broker's port belongs to somebody else.
    let taken = TcpListener::bind(("127.0.0.1", port.parse()?))?;
    run_with(&["run", "--local"], &variables)
        .ends(1)
        .complains(&format!("port {port} "))
        .complains("local.mqtt_port");
    drop(taken);
    Ok(())
}
