//! The manifests for Kubernetes, read as a cluster would: what they name is there, and nothing runs with more rights than it
//! needs. Their form was checked against Kubernetes' own schemas when they were written (`kubernetes-validate --strict`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use database_optimizer::analysis::PROOF_TIME_MAX;
use database_optimizer::config::{self, Flags, SETTINGS};
use database_optimizer::http;
use serde_yaml_ng::Value;

const FOLDER: &str = "deploy/kubernetes";

fn read(name: &str) -> Value {
    let text = fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:?}")).to_owned()
}

/// The templates of pods.
fn pods() -> [Value; 2] {
    ["deployment.yaml", "first-key.yaml"].map(|name| read(name)["spec"]["template"].clone())
}

fn container(pod: &Value) -> Value {
    let all = pod["spec"]["containers"].as_sequence().unwrap();
    assert_eq!(all.len(), 1);
    all[0].clone()
}

fn environment(pod: &Value) -> BTreeMap<String, String> {
    let all = container(pod)["env"].as_sequence().unwrap().clone();
    all.iter().map(|one| (text(&one["name"]), text(&one["value"]))).collect()
}

#[test]
fn every_manifest_is_applied_with_the_image_of_this_version() {
    let kustomization = read("kustomization.yaml");
    let listed: BTreeSet<String> =
        kustomization["resources"].as_sequence().unwrap().iter().map(text).collect();
    let there = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().file_name());
    let mut there: BTreeSet<String> = there.map(|name| name.into_string().unwrap()).collect();
    there.remove("kustomization.yaml");
    assert_eq!(listed, there);
    let image = &kustomization["images"][0];
    assert_eq!(image["newTag"], env!("CARGO_PKG_VERSION"));
    for pod in pods() {
        assert_eq!(container(&pod)["image"], image["name"]);
    }
}

#[test]
fn nothing_runs_with_rights_that_it_does_not_need() {
    for pod in pods() {
        let spec = &pod["spec"];
        assert_eq!(spec["automountServiceAccountToken"], false);
        let of_pod = &spec["securityContext"];
        assert_eq!(of_pod["runAsNonRoot"], true);
        assert!(of_pod["runAsUser"].as_u64().unwrap() >= 1000);
        assert_eq!(of_pod["seccompProfile"]["type"], "RuntimeDefault");
        let container = container(&pod);
        let own = &container["securityContext"];
        assert_eq!(own["allowPrivilegeEscalation"], false);
        assert_eq!(own["readOnlyRootFilesystem"], true);
        assert_eq!(own["capabilities"]["drop"][0], "ALL");
        assert!(container["resources"]["limits"].get("memory").is_some());
        assert!(container["resources"]["requests"].get("cpu").is_some());
    }
}

#[test]
fn secrets_come_by_reference_and_every_variable_is_a_setting() {
    for pod in pods() {
        let volume = &pod["spec"]["volumes"][0];
        assert!(volume["secret"].get("secretName").is_some());
        let mount = &container(&pod)["volumeMounts"][0];
        assert_eq!((&mount["name"], &mount["readOnly"]), (&volume["name"], &true.into()));
        let folder = text(&mount["mountPath"]);
        let mut files = 0;
        for (name, value) in environment(&pod) {
            let of_file = name.strip_suffix("_FILE").unwrap_or(&name);
            let setting = SETTINGS.iter().find(|setting| setting.env == of_file);
            let setting = setting.unwrap_or_else(|| panic!("`{name}` is no setting"));
            assert_eq!(setting.secret, name.ends_with("_FILE"), "{name}");
            assert!(!setting.secret || value.starts_with(&format!("{folder}/")), "{value}");
            files += usize::from(setting.secret);
        }
        assert_eq!(files, 2);
    }
}

#[test]
fn probes_ask_what_the_service_answers() {
    let document: serde_json::Value = serde_json::from_str(http::document()).unwrap();
    let container = container(&pods()[0]);
    let port = &container["ports"][0];
    let settings = vec![("data_dir", "/nonexistent".to_owned())];
    let flags = Flags { settings, ..Flags::default() };
    let defaults = config::resolve(None, &|_: &str| None, &flags).unwrap();
    assert_eq!(port["containerPort"], defaults.listen.port());
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let asked = &container[probe]["httpGet"];
        let path = text(&asked["path"]);
        assert!(document["paths"].get(&path).is_some(), "{path}");
        assert_eq!(asked["port"], port["name"]);
    }
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    let [service, _] = pods();
    let annotations = &service["metadata"]["annotations"];
    assert_eq!(annotations["prometheus.io/path"], "/metrics");
    assert_eq!(
        text(&annotations["prometheus.io/port"]),
        port["containerPort"].as_u64().unwrap().to_string()
    );
    assert_eq!(read("service.yaml")["spec"]["ports"][0]["targetPort"], port["name"]);
}

#[test]
fn a_pod_has_the_time_to_finish_the_longest_request() {
    let [pod, _] = pods();
    let seconds = |name: &str| environment(&pod)[name].parse::<u64>().unwrap();
    let delay = seconds("DBOPT_SHUTDOWN_DELAY_SECONDS");
    let grace = seconds("DBOPT_SHUTDOWN_GRACE_SECONDS");
    assert!(delay > 0 && grace >= PROOF_TIME_MAX.as_secs() + 60, "{delay} {grace}");
    let given = pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(given >= delay + grace + 5, "{given}");
}

#[test]
fn the_service_and_its_budget_are_of_the_pods_of_the_deployment() {
    let [pod, job] = pods();
    let labels = &pod["metadata"]["labels"];
    let deployment = read("deployment.yaml");
    let budget = read("disruption-budget.yaml");
    let service = read("service.yaml");
    for selector in [
        &deployment["spec"]["selector"]["matchLabels"],
        &budget["spec"]["selector"]["matchLabels"],
        &service["spec"]["selector"],
    ] {
        assert_eq!(selector, labels);
    }
    assert_ne!(&job["metadata"]["labels"], labels, "the job is no part of the service");
    assert!(deployment["spec"]["replicas"].as_u64().unwrap() > 1, "or a budget protects nothing");
}

#[test]
fn the_first_key_is_made_as_compose_makes_it() {
    let compose = fs::read_to_string("docker-compose.yml").unwrap();
    let compose: Value = serde_yaml_ng::from_str(&compose).unwrap();
    assert_eq!(container(&pods()[1])["args"], compose["services"]["first-key"]["command"]);
    assert_eq!(container(&pods()[0])["args"], compose["services"]["dbopt"]["command"]);
    let grace = &compose["services"]["dbopt"];
    let stop = text(&grace["stop_grace_period"]).trim_end_matches('s').parse::<u64>().unwrap();
    let finish = text(&grace["environment"]["DBOPT_SHUTDOWN_GRACE_SECONDS"]);
    assert!(stop >= finish.parse::<u64>().unwrap() + 5 && stop > PROOF_TIME_MAX.as_secs() + 60);
}
